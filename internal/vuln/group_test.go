package vuln

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestAliasGroups(t *testing.T) {
	list := func(s string) string {
		if s == "" {
			return "[]"
		}
		return `["` + strings.ReplaceAll(s, " ", `","`) + `"]`
	}
	rec := func(eco, id, aliases, upstream, related, fix, more string) string {
		return fmt.Sprintf(`{"id":%q,"aliases":%s,"upstream":%s,"related":%s%s,"affected":[{"package":{"ecosystem":%q,"name":"a"},%s}]}`,
			id, list(aliases), list(upstream), list(related), more, eco, below(fix))
	}
	for _, c := range []struct {
		name, eco string
		records   []string
		want      []string // "ID CVE fixed: aliases"
	}{
		{"ghsa_speaks_for_a_language", "npm", []string{
			rec("npm", "CVE-2024-0001", "", "", "", "3.0.0", ""), rec("npm", "NSWG-1", "CVE-2024-0001", "", "", "2.0.0", ""), rec("npm", "GHSA-aaaa", "CVE-2024-0001", "", "", "2.5.0", ""),
		}, []string{"GHSA-aaaa CVE-2024-0001 2.5.0: CVE-2024-0001 NSWG-1"}},
		{"connected_through_a_third", "npm", []string{
			rec("npm", "GHSA-aaaa", "CVE-2024-0001", "", "", "2.0.0", ""), rec("npm", "XYZ-1", "CVE-2024-0002", "", "", "2.0.0", ""),
			rec("npm", "YYY-1", "CVE-2024-0001 CVE-2024-0002", "", "", "2.0.0", ""),
		}, []string{"GHSA-aaaa CVE-2024-0001 2.0.0: CVE-2024-0001 CVE-2024-0002 XYZ-1 YYY-1"}},
		{"related_does_not_connect", "npm", []string{
			rec("npm", "GHSA-aaaa", "CVE-2024-0001", "", "GHSA-bbbb", "2.0.0", ""), rec("npm", "GHSA-bbbb", "CVE-2024-0002", "", "GHSA-aaaa", "2.0.0", ""),
		}, []string{"GHSA-aaaa CVE-2024-0001 2.0.0: CVE-2024-0001", "GHSA-bbbb CVE-2024-0002 2.0.0: CVE-2024-0002"}},
		{"distribution_speaks_for_its_packages", "Debian:12", []string{
			rec("Debian:12", "CVE-2024-0001", "", "", "", "3.0.0", ""), rec("Debian:12", "GHSA-aaaa", "CVE-2024-0001", "", "", "2.5.0", ""),
			rec("Debian:12", "DEBIAN-CVE-2024-0001", "", "CVE-2024-0001", "", "2.0.0", ""),
		}, []string{"DEBIAN-CVE-2024-0001 CVE-2024-0001 2.0.0: CVE-2024-0001 GHSA-aaaa"}},
		{"missing_fix_comes_from_the_others", "PyPI", []string{
			`{"id":"GHSA-aaaa","aliases":["CVE-2024-0001"],"affected":[{"package":{"ecosystem":"PyPI","name":"a"},"versions":["1.0.0"]}]}`,
			rec("PyPI", "PYSEC-2024-1", "CVE-2024-0001", "", "", "2.0.0", `,"database_specific":{"severity":"HIGH"},"summary":"Words."`),
		}, []string{"GHSA-aaaa CVE-2024-0001 2.0.0: CVE-2024-0001 PYSEC-2024-1"}},
		{"bundle_alone_is_one_finding", "Debian:12", []string{
			rec("Debian:12", "DSA-1-1", "", "CVE-2024-0001 CVE-2024-0002", "", "2.0.0", ""),
		}, []string{"DSA-1-1 CVE-2024-0001 2.0.0: CVE-2024-0001 CVE-2024-0002"}},
		{"bundle_does_not_join_what_it_bundles", "Debian:12", []string{
			rec("Debian:12", "DSA-1-1", "", "CVE-2024-0001 CVE-2024-0002", "", "2.0.0", ""),
			rec("Debian:12", "DEBIAN-CVE-2024-0001", "", "CVE-2024-0001", "", "2.0.0", ""), rec("Debian:12", "DEBIAN-CVE-2024-0002", "", "CVE-2024-0002", "", "2.0.0", ""),
		}, []string{"DEBIAN-CVE-2024-0001 CVE-2024-0001 2.0.0: CVE-2024-0001 DSA-1-1", "DEBIAN-CVE-2024-0002 CVE-2024-0002 2.0.0: CVE-2024-0002 DSA-1-1"}},
		{"bundle_stays_for_what_has_no_record", "Debian:12", []string{
			rec("Debian:12", "DSA-1-1", "", "CVE-2024-0001 CVE-2024-0002", "", "2.0.0", ""), rec("Debian:12", "DEBIAN-CVE-2024-0001", "", "CVE-2024-0001", "", "2.0.0", ""),
		}, []string{"DEBIAN-CVE-2024-0001 CVE-2024-0001 2.0.0: CVE-2024-0001 DSA-1-1", "DSA-1-1 CVE-2024-0001 2.0.0: CVE-2024-0001 CVE-2024-0002"}},
		{"two_bundles_sharing_one_stay_two", "Debian:12", []string{
			rec("Debian:12", "DSA-1-1", "", "CVE-2024-0001 CVE-2024-0002", "", "2.0.0", ""), rec("Debian:12", "DSA-2-1", "", "CVE-2024-0002 CVE-2024-0003", "", "3.0.0", ""),
		}, []string{"DSA-1-1 CVE-2024-0001 2.0.0: CVE-2024-0001 CVE-2024-0002", "DSA-2-1 CVE-2024-0002 3.0.0: CVE-2024-0002 CVE-2024-0003"}},
		{"two_names_of_one_upstream_are_no_bundle", "Ubuntu:22.04:LTS", []string{
			rec("Ubuntu:22.04:LTS", "USN-1-1", "", "CVE-2024-0001 UBUNTU-CVE-2024-0001", "", "2.0.0", ""), rec("Ubuntu:22.04:LTS", "UBUNTU-CVE-2024-0001", "", "CVE-2024-0001", "", "2.0.0", ""),
		}, []string{"UBUNTU-CVE-2024-0001 CVE-2024-0001 2.0.0: CVE-2024-0001 USN-1-1"}},
		{"errata_that_only_relate_their_cves", "AlmaLinux:9", []string{
			rec("AlmaLinux:9", "ALSA-2024:1", "", "", "CVE-2024-0001 RHSA-2024:1", "2.0.0", ""),
		}, []string{"ALSA-2024:1 CVE-2024-0001 2.0.0: CVE-2024-0001"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			slices.Reverse(c.records) // the order of records must not matter
			x := indexOf(t, c.records...)
			got := []string{}
			for _, v := range match(t, x, Package{c.eco, "a", "1.0.0", ""}) {
				slices.Sort(v.Aliases)
				got = append(got, fmt.Sprintf("%s %s %s: %s", v.ID, v.CVE, v.FixedVersion, strings.Join(v.Aliases, " ")))
			}
			if slices.Sort(got); !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestShownFields(t *testing.T) {
	x := indexOf(t, `{"id":"XYZ-1","published":"2024-01-02T03:04:05Z","modified":"2024-05-06T07:08:09.123Z",
		"details":"First sentence,\nwith \u001b[31mcolour\u202e. Second sentence.",
		"references":[{"type":"WEB","url":"https://a.example/"},{"type":"ADVISORY","url":"https://b.example/x"},{"type":"WEB","url":"javascript:alert(1)"},{"type":"WEB","url":"https://a.example/"}],
		"affected":[{"package":{"ecosystem":"npm","name":"a"},`+below("2.0.0")+`}]}`)
	v := match(t, x, Package{"npm", "a", "1.0.0", ""})[0]
	if v.Summary != "First sentence, with [31mcolour." {
		t.Errorf("summary %q", v.Summary)
	}
	if want := []string{"https://b.example/x", "https://a.example/"}; !slices.Equal(v.References, want) || v.URL != want[0] {
		t.Errorf("references %q, URL %q", v.References, v.URL)
	}
	if v.Published == nil || v.Published.Format("2006-01-02 15:04:05") != "2024-01-02 03:04:05" || v.Modified.Format("2006-01-02 15:04:05") != "2024-05-06 07:08:09" {
		t.Errorf("published %v, modified %v", v.Published, v.Modified)
	}
}
