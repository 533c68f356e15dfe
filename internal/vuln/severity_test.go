package vuln

import (
	"encoding/json"
	"fmt"
	"testing"
)

func TestScores(t *testing.T) {
	for vector, want := range map[string]float64{
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H":                    9.8,
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N":                    6.1,
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:U":                9.8, // the base score, whatever follows
		"CVSS:3.0/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H":                    7.8,
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N":                    0,
		"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N": 9.3,
		"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H": 10,
		"AV:N/AC:L/Au:N/C:P/I:P/A:P":                                      7.5,
		"AV:N/AC:M/Au:N/C:N/I:P/A:N":                                      4.3,
	} {
		if got, _, ok := scoreOf(vector); !ok || got != want {
			t.Errorf("%s: got %v %v, want %v", vector, got, ok, want)
		}
	}
	for _, vector := range []string{"", "7.5", "CVSS:3.1/AV:N", "CVSS:9.9/AV:N", "high", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:X"} {
		if got, _, ok := scoreOf(vector); ok {
			t.Errorf("%q has the score %v", vector, got)
		}
	}
}

func TestSeverity(t *testing.T) {
	const high = `{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}` // 7.5
	for _, c := range []struct {
		name, ecosystem, record, affected string
		want                              Severity
		score                             float64
	}{
		{"nobody_speaks", "npm", `"x":1`, `"x":1`, Unknown, 0},
		{"github_word", "npm", `"database_specific":{"severity":"MODERATE"}`, `"x":1`, Moderate, 0},
		{"word_before_vector", "npm", `"database_specific":{"severity":"LOW"},"severity":[` + high + `]`, `"x":1`, Low, 7.5},
		{"vector_of_the_record", "npm", `"severity":[` + high + `]`, `"x":1`, Important, 7.5},
		{"vector_of_the_package", "npm", `"x":1`, `"severity":[` + high + `]`, Important, 7.5},
		{"package_before_record", "npm", `"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]`, `"severity":[` + high + `]`, Important, 7.5},
		{"version_4_before_3", "npm", `"severity":[{"type":"CVSS_V4","score":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"},` + high + `]`, `"x":1`, Critical, 9.3},
		{"bad_vector_is_passed_over", "npm", `"severity":[{"type":"CVSS_V4","score":"CVSS:4.0/AV:X"},` + high + `]`, `"x":1`, Important, 7.5},
		{"no_impact_has_no_word", "npm", `"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N"}]`, `"x":1`, Unknown, 0},
		{"ubuntu_priority", "Ubuntu:22.04:LTS", `"severity":[` + high + `,{"type":"Ubuntu","score":"negligible"}]`, `"x":1`, Negligible, 7.5},
		{"debian_urgency", "Debian:12", `"severity":[` + high + `]`, `"ecosystem_specific":{"urgency":"medium**"}`, Moderate, 7.5},
		{"debian_unimportant", "Debian:12", `"x":1`, `"ecosystem_specific":{"urgency":"unimportant"}`, Negligible, 0},
		{"debian_not_yet_assigned", "Debian:12", `"severity":[` + high + `]`, `"ecosystem_specific":{"urgency":"not yet assigned"}`, Important, 7.5},
		{"rebuilds_say_it_in_the_summary", "Rocky Linux:9", `"summary":"Important: kernel security update"`, `"x":1`, Important, 0},
		{"alma_says_it_too", "AlmaLinux:9", `"summary":"Moderate: nodejs:18 security, bug fix, and enhancement update"`, `"x":1`, Moderate, 0},
		{"red_hat_has_only_a_vector", "Red Hat:enterprise_linux:9::appstream", `"summary":"Red Hat Security Advisory: openssl security update","severity":[` + high + `]`, `"x":1`, Important, 7.5},
		{"summary_after_the_package_s_word", "AlmaLinux:9", `"summary":"Important: x security update"`, `"ecosystem_specific":{"severity":"Low"}`, Low, 0},
		{"suse_says_nothing", "SUSE:Linux Enterprise Server 15 SP5", `"summary":"Security update for openssl-3"`, `"x":1`, Unknown, 0},
		{"bitnami_word", "Bitnami", `"x":1`, `"severity":[` + high + `],"database_specific":{"severity":"Critical"}`, Critical, 7.5},
		{"openeuler_word", "openEuler:22.03-LTS-SP3", `"database_specific":{"severity":"High"}`, `"x":1`, Important, 0},
		{"ubuntu_priority_of_the_package", "Ubuntu:22.04:LTS", `"x":1`, `"ecosystem_specific":{"ubuntu_priority":"medium"}`, Moderate, 0},
		{"version_2_only", "Hackage", `"severity":[{"type":"CVSS_V2","score":"AV:N/AC:L/Au:N/C:P/I:P/A:P"}]`, `"x":1`, Important, 7.5},
		{"version_3_before_2", "npm", `"severity":[{"type":"CVSS_V2","score":"AV:N/AC:L/Au:N/C:C/I:C/A:C"},` + high + `]`, `"x":1`, Important, 7.5},
		{"version_3_1_before_3_0", "npm", `"severity":[{"type":"CVSS_V3","score":"CVSS:3.0/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"},` + high + `]`, `"x":1`, Important, 7.5},
		{"others_do_not", "npm", `"summary":"Critical: read this"`, `"x":1`, Unknown, 0},
		{"odd_shapes_are_passed_over", "npm", `"severity":"high","database_specific":[1]`, `"ecosystem_specific":"x","database_specific":null,"severity":{}`, Unknown, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := indexOf(t, fmt.Sprintf(`{"id":"TEST-1",%s,"affected":[{"package":{"ecosystem":%q,"name":"a"},%s,%s}]}`, c.record, c.ecosystem, below("2.0.0"), c.affected))
			found := match(t, x, Package{c.ecosystem, "a", "1.0.0", ""})
			if len(found) != 1 || found[0].Severity != c.want || found[0].Score != c.score {
				t.Errorf("got %+v, want %s %v", found, c.want, c.score)
			}
		})
	}
	t.Run("each_release_has_its_own", func(t *testing.T) {
		entry := func(release, urgency string) string {
			return fmt.Sprintf(`{"package":{"ecosystem":"Debian:%s","name":"a"},%s,"ecosystem_specific":{"urgency":%q}}`, release, below("2"), urgency)
		}
		x := indexOf(t, `{"id":"DEBIAN-CVE-2024-0001","affected":[`+entry("11", "high")+","+entry("12", "low")+`]}`)
		for release, want := range map[string]Severity{"11": Important, "12": Low} {
			if found := match(t, x, Package{"Debian:" + release, "a", "1", ""}); len(found) != 1 || found[0].Severity != want {
				t.Errorf("%s: %+v", release, found)
			}
		}
	})
}

func TestRank(t *testing.T) {
	if Critical.Rank() != 0 || Critical.Rank() >= Important.Rank() || Low.Rank() >= Negligible.Rank() || Negligible.Rank() >= Unknown.Rank() ||
		Severity("odd").Rank() != Unknown.Rank() {
		t.Error("the order is wrong")
	}
	b, _ := json.Marshal(Critical)
	if string(b) != `"critical"` {
		t.Error(string(b))
	}
}
