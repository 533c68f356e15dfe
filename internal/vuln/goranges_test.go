package vuln

import (
	"fmt"
	"strings"
	"testing"
)

func TestCustomRangesOfGo(t *testing.T) {
	report := func(ranges, custom string) string {
		rng := func(events, kind string) string { return fmt.Sprintf(`[{"type":%q,"events":[%s]}]`, kind, events) }
		return fmt.Sprintf(`{"id":"GO-1","affected":[{"package":{"ecosystem":"Go","name":"m"},"ranges":%s,"ecosystem_specific":{"custom_ranges":%s}}]}`,
			rng(ranges, "SEMVER"), rng(custom, "ECOSYSTEM"))
	}
	for _, c := range []struct{ name, ranges, custom, hits, misses string }{
		{"decide_about_releases", `{"introduced":"0"}`, `{"introduced":"2.9.0"},{"fixed":"2.9.12"},{"introduced":"2.10.0"},{"fixed":"2.10.10"}`,
			"2.9.0 2.9.11+incompatible 2.10.3 v2.10.9+dirty 0.0.0-20240101000000-abcdefabcdef 2.8.1-0.20240101000000-abcdefabcdef+incompatible 3.1.0-pre.0.20240101000000-abcdefabcdef", "2.8.0 2.9.12 2.10.10 3.0.0"},
		{"add_to_ranges_with_an_end", `{"introduced":"0"},{"fixed":"0.0.0-20260317012524-fe4523fff2c8"}`, `{"introduced":"0"},{"fixed":"3.6.1"}`,
			"0.0.0-20250101000000-abcdefabcdef 3.6.0 0.0.0", "0.0.0-20260401000000-abcdefabcdef 3.6.1"},
		{"end_ranges_without_one", `{"introduced":"0"},{"fixed":"0.0.0-20250806193240-9b0b5d4f345f"},{"introduced":"0.1.0"}`, `{"introduced":"0"},{"fixed":"2.3.2"}`,
			"0.0.0-20250101000000-abcdefabcdef 0.1.0 2.3.1 2.4.0-0.20250901000000-abcdefabcdef", "2.3.2 2.4.0-rc.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := indexOf(t, report(c.ranges, c.custom))
			for version := range strings.FieldsSeq(c.hits) {
				if found := match(t, x, Package{"Go", "m", version, ""}); len(found) != 1 {
					t.Errorf("%s counts as not affected", version)
				}
			}
			for version := range strings.FieldsSeq(c.misses) {
				if found := match(t, x, Package{"Go", "m", version, ""}); len(found) != 0 {
					t.Errorf("%s counts as affected", version)
				}
			}
		})
	}
}
