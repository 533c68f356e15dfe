package vuln

import (
	"context"
	"fmt"
	"slices"
	"testing"
)

func TestModules(t *testing.T) {
	erratum := func(id, ecosystem, summary, name, fix string) string {
		return fmt.Sprintf(`{"id":%q,"summary":%q,"affected":[{"package":{"ecosystem":%q,"name":%q},%s}]}`, id, summary, ecosystem, name, below(fix))
	}
	x := indexOf(t,
		erratum("ALSA-18", "AlmaLinux:9", "Important: nodejs:18 security update", "nodejs", "1:18.20.4-1.module_el9.4.0+122+8d1c6c4a"),
		erratum("ALSA-20", "AlmaLinux:9", "Important: nodejs:20 security, bug fix, and enhancement update", "nodejs", "1:20.16.0-1.module_el9.4.0+110+9f3ab6d2"),
		erratum("ALSA-16", "AlmaLinux:9", "Important: nodejs security update", "nodejs", "1:16.20.2-8.el9_4"),
		`{"id":"ALSA-NOFIX","affected":[{"package":{"ecosystem":"AlmaLinux:9","name":"nodejs"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}`,
		erratum("RHSA-18", "Red Hat:enterprise_linux:9::appstream", "Red Hat Security Advisory: nodejs:18 security update", "nodejs", "1:18.20.4-1.module+el9.4.0+22195+c221878e"),
		erratum("RHSA-plain", "Red Hat:enterprise_linux:9::appstream", "Red Hat Security Advisory: nodejs security update", "nodejs", "1:16.20.2-8.el9_4"),
	)
	const alma, rhel = "AlmaLinux:9", "Red Hat:enterprise_linux:9::appstream"
	for name, c := range map[string]struct {
		ecosystem, version, module string
		want                       []string
	}{
		"stream_18":             {alma, "1:18.18.2-2.module_el9.3.0+90+f8e43de6", "nodejs:18:9030020231222184607:rhel9", []string{"ALSA-18", "ALSA-NOFIX"}},
		"stream_20":             {alma, "1:20.9.0-1.module_el9.3.0+92+a7c1e3cb", "nodejs:20:9030020231222184607:rhel9", []string{"ALSA-20", "ALSA-NOFIX"}},
		"fixed_in_its_stream":   {alma, "1:18.20.4-1.module_el9.4.0+122+8d1c6c4a", "nodejs:18:9040020240807131341:rhel9", []string{"ALSA-NOFIX"}},
		"of_an_unknown_stream":  {alma, "1:18.18.2-2.module_el9.3.0+90+f8e43de6", "", []string{"ALSA-18", "ALSA-20", "ALSA-NOFIX"}},
		"of_another_module":     {alma, "1:18.18.2-2.module_el9.3.0+90+f8e43de6", "mixed:1:2:3", []string{"ALSA-18", "ALSA-20", "ALSA-NOFIX"}},
		"outside_of_modules":    {alma, "1:16.14.0-5.el9", "", []string{"ALSA-16", "ALSA-NOFIX"}},
		"outside_and_fixed":     {alma, "1:16.20.2-8.el9_4", "", []string{"ALSA-NOFIX"}},
		"red_hat_stream_18":     {rhel, "1:18.18.2-2.module+el9.3.0+20706+cb4bf7f1", "nodejs:18:9030020231222184607:rhel9", []string{"RHSA-18"}},
		"red_hat_stream_20":     {rhel, "1:18.18.2-2.module+el9.3.0+20706+cb4bf7f1", "nodejs:20:9030020231222184607:rhel9", nil},
		"red_hat_not_of_module": {rhel, "1:16.14.0-5.el9", "", []string{"RHSA-plain"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := Package{c.ecosystem, "nodejs", c.version, c.module}
			found, err := x.MatchBinary(context.Background(), p, p)
			got := idsOf(found)
			if slices.Sort(got); err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %v %v, want %v", got, err, c.want)
			}
		})
	}
}

func TestStreamOfSummary(t *testing.T) {
	for summary, want := range map[string]string{
		"Important: nodejs:18 security update": "nodejs:18", "Moderate: container-tools:rhel8 security and bug fix update": "container-tools:rhel8",
		"Red Hat Security Advisory: postgresql:13 security update": "postgresql:13", "Important: kernel security update": "",
		"nodejs:14 security, bug fix": "nodejs:14", "Important: perl:5.30, and more": "perl:5.30", "": "",
	} {
		if got := streamOfSummary(summary); got != want {
			t.Errorf("%q: got %q, want %q", summary, got, want)
		}
	}
}
