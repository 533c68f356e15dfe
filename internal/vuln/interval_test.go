package vuln

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRanges(t *testing.T) {
	rng := func(events string) string { return `"ranges":[{"type":"SEMVER","events":[` + events + `]}]` }
	for _, c := range []struct {
		name, ecosystem, affected string
		hits                      map[string]string // version → fixed version
		misses                    string
	}{
		{"fixed_is_not_affected", "npm", rng(`{"introduced":"1.0.0"},{"fixed":"1.2.0"}`),
			map[string]string{"1.0.0": "1.2.0", "1.1.9": "1.2.0", "1.2.0-rc.1": "1.2.0"}, "0.9.9 1.2.0 1.0.0-rc.1"},
		{"last_affected_is_affected", "npm", rng(`{"introduced":"0"},{"last_affected":"1.2.0"}`), map[string]string{"0.0.0-0": "", "1.2.0": ""}, "1.2.1"},
		{"no_end_affects_everything_above", "npm", rng(`{"introduced":"1.0.0"}`), map[string]string{"1.0.0": "", "99.0.0": ""}, "0.9.0"},
		{"events_count_in_version_order_not_as_written", "npm", rng(`{"fixed":"3.1.0"},{"introduced":"3.0.0"},{"fixed":"2.2.0"},{"introduced":"0"}`),
			map[string]string{"0.1.0": "2.2.0", "3.0.5": "3.1.0"}, "2.2.0 2.9.0 3.1.0"},
		{"several_events_in_one_object", "npm", rng(`{"introduced":"1.0.0","fixed":"1.2.0"}`), map[string]string{"1.1.0": "1.2.0"}, "1.2.0 0.9.0"},
		{"fixed_and_introduced_again_at_one_version_goes_on", "npm", rng(`{"introduced":"0"},{"introduced":"1.0.0"},{"fixed":"1.0.0"},{"fixed":"2.0.0"}`),
			map[string]string{"0.9.0": "2.0.0", "1.0.0": "2.0.0"}, "2.0.0"},
		{"one_version_only", "npm", rng(`{"last_affected":"1.0.0"},{"introduced":"1.0.0"}`), map[string]string{"1.0.0": ""}, "0.9.9 1.0.1"},
		{"limit_cuts_off_and_is_no_fix", "npm", rng(`{"introduced":"1.0.0"},{"limit":"2.0.0"}`), map[string]string{"1.5.0": ""}, "2.0.0 3.0.0"},
		{"highest_limit_counts", "npm", rng(`{"introduced":"0"},{"limit":"2.0.0"},{"limit":"3.0.0"},{"fixed":"5.0.0"}`), map[string]string{"2.5.0": ""}, "3.0.0 4.0.0"},
		{"limit_star_is_none", "npm", rng(`{"introduced":"0"},{"limit":"*"},{"limit":"1.0.0"}`), map[string]string{"9.0.0": ""}, ""},
		{"limit_above_the_fix_changes_nothing", "npm", rng(`{"introduced":"0"},{"fixed":"1.0.0"},{"limit":"1.0.0"}`), map[string]string{"0.9.0": "1.0.0"}, "1.0.0"},
		{"several_ranges_join", "npm", `"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.5.0"}]},{"type":"SEMVER","events":[{"introduced":"1.2.0"},{"fixed":"2.0.0"}]}]`,
			map[string]string{"1.0.0": "2.0.0", "1.4.0": "2.0.0", "1.9.0": "2.0.0"}, "2.0.0"},
		{"git_range_hides_nothing", "npm", `"ranges":[{"type":"GIT","events":[{"introduced":"0"},{"fixed":"abcdef"}]},{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.0.0"}]}]`,
			map[string]string{"0.5.0": "1.0.0"}, "1.0.0"},
		{"enumerated_versions", "PyPI", `"versions":["1.0","1.1rc1","3.0.0"]`, map[string]string{"1.0": "", "1.0.0": "", "1.1.rc1": "", "3.0": ""}, "1.1 2.0"},
		{"enumerated_beside_git_range", "PyPI", `"ranges":[{"type":"GIT","events":[{"introduced":"0"}]}],"versions":["1.0"]`, map[string]string{"1.0": ""}, "1.1"},
		{"enumerated_outside_the_range_takes_the_next_fix", "npm", rng(`{"introduced":"2.0.0"},{"fixed":"2.5.0"}`) + `,"versions":["1.0.0","2.1.0"]`,
			map[string]string{"1.0.0": "2.5.0", "2.1.0": "2.5.0", "2.2.0": "2.5.0"}, "1.1.0"},
		{"debian_epochs_and_tildes", "Debian:12", rng(`{"introduced":"0"},{"fixed":"1:2.0-1~deb12u1"}`),
			map[string]string{"9.9-1": "1:2.0-1~deb12u1", "0~rc1-1": "1:2.0-1~deb12u1", "1:2.0-1~": "1:2.0-1~deb12u1"}, "1:2.0-1~deb12u1 1:2.0-1 2:0"},
		{"alpine_revisions", "Alpine:v3.18", rng(`{"introduced":"0"},{"fixed":"1.1.1d-r3"}`), map[string]string{"1.1.1d-r2": "1.1.1d-r3", "1.1.1c-r10": "1.1.1d-r3", "1.1.1d_rc1-r9": "1.1.1d-r3"}, "1.1.1d-r3 1.1.1d-r10 1.1.1e-r0"},
		{"rpm_epochs_and_releases", "AlmaLinux:9", rng(`{"introduced":"0"},{"fixed":"1:3.0.1-43.el9_0"}`), map[string]string{"1:3.0.1-9.el9": "1:3.0.1-43.el9_0", "99-1": "1:3.0.1-43.el9_0"}, "1:3.0.1-43.el9_0 1:3.0.1-43.el9_1 2:1-1"},
		{"go_pseudo_versions_with_and_without_v", "Go", rng(`{"introduced":"0"},{"fixed":"0.0.0-20220314234659-1baeb1ce4c0b"}`),
			map[string]string{"v0.0.0-20210921155107-089bfa567519": "0.0.0-20220314234659-1baeb1ce4c0b", "0.0.0-20210921155107-089bfa567519": "0.0.0-20220314234659-1baeb1ce4c0b"},
			"v0.0.0-20220622213112-05595931fe9d v0.1.0"},
		{"go_incompatible", "Go", rng(`{"introduced":"2.0.0+incompatible"},{"fixed":"2.5.0+incompatible"}`), map[string]string{"v2.4.0+incompatible": "2.5.0+incompatible"}, "v2.5.0+incompatible v1.9.0"},
		{"maven_qualifiers", "Maven", rng(`{"introduced":"2.0-beta9"},{"fixed":"2.15.0"}`), map[string]string{"2.0": "2.15.0", "2.14.1": "2.15.0", "2.15.0-rc1": "2.15.0"}, "2.15.0 2.0-beta1 2.15.0.Final 2.17.1"},
		{"pep440", "PyPI", rng(`{"introduced":"0"},{"fixed":"3.2.5"}`), map[string]string{"3.2.5rc1": "3.2.5", "3.2.5.dev1": "3.2.5", "3.2": "3.2.5"}, "3.2.5 3.2.5.post1 1!1.0"},
		{"rubygems_prerelease", "RubyGems", rng(`{"introduced":"0"},{"fixed":"5.2.4.3"}`), map[string]string{"5.2.4.3.rc1": "5.2.4.3", "5.2.4.2": "5.2.4.3"}, "5.2.4.3 6.0.0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := indexOf(t, osv("TEST-1", c.ecosystem, "pkg:name", c.affected))
			for version, fix := range c.hits {
				found := match(t, x, Package{c.ecosystem, "pkg:name", version, ""})
				if len(found) != 1 || found[0].FixedVersion != fix {
					t.Errorf("%s: got %+v, want one vulnerability fixed in %q", version, found, fix)
				}
			}
			for version := range strings.FieldsSeq(c.misses) {
				if found := match(t, x, Package{c.ecosystem, "pkg:name", version, ""}); len(found) != 0 {
					t.Errorf("%s counts as affected", version)
				}
			}
		})
	}
}

func TestRangesThatAreBroken(t *testing.T) {
	for name, affected := range map[string]string{
		"fixed_without_introduced":     `"ranges":[{"type":"SEMVER","events":[{"fixed":"1.0.0"}]}]`,
		"no_events":                    `"ranges":[{"type":"SEMVER","events":[]}]`,
		"version_that_is_no_version":   `"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"x:1"}]}]`,
		"empty_version":                `"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":""}]}]`,
		"events_that_are_no_objects":   `"ranges":[{"type":"SEMVER","events":["1.0.0"]}]`,
		"version_of_a_hundred_letters": `"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"` + strings.Repeat("1", 300) + `"}]}]`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := decodeRecord([]byte(osv("TEST-1", "Debian:12", "a", affected))); err == nil {
				t.Error("the record counts as good")
			}
		})
	}
	if _, err := decodeRecord([]byte(osv("TEST-1", "npm", "a", `"ranges":[{"type":"GIT","events":[{"introduced":"0"}]}]`))); !errors.As(err, new(*unusableError)) {
		t.Errorf("a record about commits only: %v", err)
	}
}

// TestIntervalsAgreeWithTheSpecification compares with the evaluation that the OSV schema spells out, on random events.
func TestIntervalsAgreeWithTheSpecification(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type at struct {
			kind string
			v    int
		}
		// Distinct versions: what happens at one version is tested by name.
		points := rapid.SliceOfNDistinct(rapid.IntRange(1, 30), 1, 6, rapid.ID[int]).Draw(t, "points")
		list := []at{{"introduced", points[0]}}
		for _, p := range points[1:] {
			list = append(list, at{rapid.SampledFrom([]string{"introduced", "fixed", "last_affected"}).Draw(t, "kind"), p})
		}
		var events []event
		for _, e := range list {
			text := fmt.Sprintf("1.%d.0", e.v)
			events = append(events, event{e.kind, text})
		}
		got, err := intervals(ecosystems["npm"], events)
		if err != nil {
			t.Fatal(err)
		}
		for probe := range 32 {
			want := false
			for v := range 31 {
				for _, e := range list {
					if e.v != v {
						continue
					}
					switch {
					case e.kind == "introduced" && probe >= v:
						want = true
					case e.kind == "fixed" && probe >= v, e.kind == "last_affected" && probe > v:
						want = false
					}
				}
			}
			key, _ := ecosystems["npm"].key(fmt.Sprintf("1.%d.0", probe))
			is := slices.ContainsFunc(got, func(i interval) bool { return i.contains(key) })
			if is != want {
				t.Fatalf("1.%d.0: got %v, want %v; %+v", probe, is, want, got)
			}
		}
	})
}
