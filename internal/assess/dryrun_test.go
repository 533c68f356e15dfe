package assess_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
)

const day = 24 * time.Hour

// tryOut makes policies p0, p1, ... of conditions. "vulnerability" in a condition asks it for each.
func tryOut(t testing.TB, conditions ...string) []policy.Policy {
	t.Helper()
	var list []policy.Policy
	for i, c := range conditions {
		p := policy.Policy{
			ID: fmt.Sprint("p", i), Title: fmt.Sprint("P", i), Severity: policy.High, Stages: []policy.Stage{policy.Build}, Condition: c, Disabled: true,
		}
		if strings.Contains(c, "vulnerability.") {
			p.ForEach = "vulnerabilities"
		}
		list = append(list, p)
	}
	return list
}

func (k *keeper) dryRun(policies []policy.Policy) *assess.DryRun {
	k.t.Helper()
	found, err := k.DryRun(k.t.Context(), assess.DryRunRequest{Policies: policies, Limit: 100})
	must(k.t, err)
	return found
}

// refusals writes what a dry run found of each image and policy, with how long after the tests' now each began.
func refusals(found *assess.DryRun) string {
	var lines []string
	for _, i := range found.Images {
		for _, r := range i.Broken {
			least := ""
			if r.Since.AtLeast {
				least = "at least "
			}
			lines = append(lines, fmt.Sprintf("%s %s %s%s %s", i.ID, r.PolicyID, least, r.Since.At.Sub(now).Round(time.Minute), r.Since.Because))
		}
	}
	return strings.Join(lines, "\n")
}

func TestDryRun_since_when(t *testing.T) {
	begin := func(t *testing.T) *keeper { return newKeeper(t, memoryStore(t), t.TempDir(), nil) }
	expect := func(t *testing.T, found *assess.DryRun, want ...string) {
		t.Helper()
		if got := refusals(found); got != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
		}
	}

	t.Run("advisories_that_came", func(t *testing.T) {
		k := begin(t)
		k.put("a", "lodash@4.0.0")
		k.put("b", "left-pad@1.0.0")
		feed(t, k.dir, now.Add(time.Hour), lodash("4.1", lowVector))
		k.set(now.Add(time.Hour))
		k.rematch()
		feed(t, k.dir, now.Add(2*time.Hour), lodash("4.2", criticalVector))
		k.set(now.Add(2 * time.Hour))
		k.rematch()
		k.set(now.Add(3 * time.Hour))
		expect(t, k.dryRun(tryOut(t,
			`vulnerability.severity == "critical"`, `vulnerability.severity != "unknown"`, `vulnerabilities.size() == 1`, `vulnerabilities.size() < 2`,
		)),
			"a p0 2h0m0s new advisories: CVE-2026-0001 changed",
			"a p1 1h0m0s new advisories: CVE-2026-0001 came",
			"a p2 1h0m0s new advisories: CVE-2026-0001 came",
			"a p3 at least 0s nothing older is kept",
			"b p3 at least 0s nothing older is kept",
		)
	})

	t.Run("advisories_that_went_are_remembered", func(t *testing.T) {
		k := begin(t)
		k.put("a", "lodash@4.0.0")
		for i, records := range []string{"4.1", "3.0"} {
			at := now.Add(time.Duration(i+1) * time.Hour)
			feed(t, k.dir, at, lodash(records, criticalVector))
			k.set(at)
			k.rematch()
		}
		expect(t, k.dryRun(tryOut(t, `!vulnerabilities.exists(v, v.cve == "CVE-2026-0001")`)), "a p0 2h0m0s new advisories: CVE-2026-0001 went")
	})

	t.Run("the_image_itself", func(t *testing.T) {
		k := begin(t)
		dated, undated := imageOf("dated", "lodash@4.0.0"), imageOf("undated", "lodash@4.0.0")
		created := now.Add(-100 * day)
		dated.Facts.Created = &created
		for _, a := range []assess.Assessment{dated, undated} {
			must(t, k.store.PutAssessment(t.Context(), a, assess.Matching{}, nil))
		}
		k.set(now.Add(day))
		expect(t, k.dryRun(tryOut(t, `components.exists(c, c.name == "lodash")`, `image.hasCreated && now - image.created > days(90)`)),
			"dated p0 -2400h0m0s the image was built",
			"dated p1 -240h0m0s until then the condition did not hold yet",
			"undated p0 at least 0s it was checked; when it was built is not known",
		)
	})

	t.Run("an_exclusion_that_ended", func(t *testing.T) {
		k := begin(t)
		k.put("a", "lodash@4.0.0")
		k.set(now.Add(2 * day))
		policies, until := tryOut(t, "true", "true"), now.Add(day)
		policies[0].Exclusions = []policy.Exclusion{{Name: "for now", Scope: policy.Scope{Images: []string{"registry.example/**"}}, Until: &until}}
		expect(t, k.dryRun(policies), "a p0 24h0m0s until then the condition did not hold yet", "a p1 at least 0s it was checked; when it was built is not known")
	})

	t.Run("another_image_and_what_scans_say_of_themselves", func(t *testing.T) {
		k := begin(t)
		k.put("a", "lodash@4.0.0")
		feed(t, k.dir, now.Add(time.Hour), lodash("4.1", lowVector))
		k.set(now.Add(time.Hour))
		k.rematch()
		must(t, k.store.PutAssessment(t.Context(), func() assess.Assessment {
			a, err := k.store.Assessment(t.Context(), "a")
			must(t, err)
			a.AssessedAt = now.Add(2 * time.Hour)
			return a
		}(), assess.Matching{Basis: assess.Basis{Data: now.Add(time.Hour)}}, &assess.Change{At: now.Add(2 * time.Hour), Because: []string{assess.BecauseImage}}))
		k.set(now.Add(3 * time.Hour))
		expect(t, k.dryRun(tryOut(t, `vulnerability.cve != ""`, `scan.scanned`)),
			"a p0 at least 2h0m0s the reference pointed to another image before",
			"a p1 at least 2h0m0s how far the scan could be trusted before is not kept",
		)
	})
}

func TestDryRun_counts(t *testing.T) {
	k := newKeeper(t, memoryStore(t), t.TempDir(), nil)
	for i := range 30 {
		k.put(fmt.Sprintf("image-%02d", i), "lodash@4.0.0")
	}
	policies := tryOut(t, `image.repository.endsWith("7")`, `vulnerability.cve != ""`, `image.created > now`, "true", "true", "workload.name == 'x'")
	policies[3].Scope = []policy.Scope{{Images: []string{"quay.io/**"}}}
	policies[4].Exclusions = []policy.Exclusion{{Name: "all", Scope: policy.Scope{Images: []string{"registry.example/**"}}}}
	policies[5].Stages, policies[5].Enforce = []policy.Stage{policy.Deploy}, []policy.Stage{policy.Deploy}
	found := k.dryRun(policies)
	var got []string
	for _, p := range found.Policies {
		line := fmt.Sprint(p.PolicyID, " ", p.Stage, " ", p.Enforced)
		for _, o := range slices.Sorted(maps.Keys(p.Outcomes)) {
			line += fmt.Sprintf(", %d %s", p.Outcomes[o], o)
		}
		for why := range p.Why {
			line += ": " + why
		}
		got = append(got, line)
	}
	want := []string{
		"p0 build false, 3 broken, 27 not broken",
		"p1 build false, 30 undecided: not checked for vulnerabilities: no advisory data",
		"p2 build false, 30 undecided: the image does not say when it was created",
		"p3 build false, 30 not asked",
		"p4 build false, 30 excluded",
		"p5 deploy true, 30 undecided: no workload was given",
	}
	if !slices.Equal(got, want) || found.Looked != 30 || len(found.Images) != 3 {
		t.Errorf("looked at %d, found %d\n%s", found.Looked, len(found.Images), strings.Join(got, "\n"))
	}

	few, err := k.DryRun(t.Context(), assess.DryRunRequest{Policies: tryOut(t, "true"), Query: "IMAGE-1", Limit: 4})
	must(t, err)
	if few.Looked != 10 || len(few.Images) != 4 || few.More != 6 || few.Images[0].ID != "image-10" {
		t.Errorf("%+v", few)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.DryRun(ctx, assess.DryRunRequest{Policies: tryOut(t, "true")}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// BenchmarkDryRun tries policies on stored images of 500 components and 50 findings each.
func BenchmarkDryRun(b *testing.B) {
	k := newKeeper(b, storetest.Open(b, storetest.Options(storetest.SQLite(b))), b.TempDir(), nil)
	for i := range benchImages {
		must(b, k.store.PutAssessment(b.Context(), benchImage(i), assess.Matching{}, nil))
	}
	k.set(now.Add(time.Hour))
	feed(b, k.dir, now.Add(time.Hour), benchAdvisories("2.0"))
	k.rematchWithin(b, 10*time.Minute, 50*time.Millisecond)
	for what, c := range map[string]string{"few": `vulnerability.cve == "CVE-2026-00010"`, "all": `vulnerability.fixedVersion != ""`} {
		b.Run(what, func(b *testing.B) {
			for b.Loop() {
				if found := k.dryRun(tryOut(b, c)); found.Looked != benchImages || len(found.Images) == 0 {
					b.Fatal(found.Looked)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N*benchImages), "ms/image")
		})
	}
}
