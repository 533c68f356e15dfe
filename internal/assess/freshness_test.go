package assess_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

func TestAgeOfAdvisoryData(t *testing.T) {
	registry := registrytest.Start(t, registrytest.Options{})
	registrytest.Push(t, registry, "team/app", "1", debian())
	advisories := both()
	advisories["Go/1.json"] = record("GO-1", "", "Go", "example.com/a", "1.1.0", lowVector) // of no component
	later := now
	f := start(t, advisories, func(o *assess.Options) { o.Now = func() time.Time { return later } })
	f.connect("Team", registry.URL, "", "")

	fresh := f.assess(registry.Host+"/team/app:1", assess.Judge)
	if len(fresh.Warnings) != 0 {
		t.Errorf("fresh data: %+v", fresh.Warnings)
	}
	if d := fresh.Check.Data; d == nil || len(d.Ecosystems) != 2 || d.Ecosystems[0].Name != "Debian:11" || d.Ecosystems[1].Name != "npm" || !d.Ecosystems[0].Imported.Equal(now) {
		t.Errorf("%+v", d)
	}
	for _, v := range fresh.Findings {
		if !v.SourceAsOf.Equal(now) {
			t.Errorf("%s is as of %s", v.ID, v.SourceAsOf)
		}
	}
	later = now.Add(vuln.DefaultMaxAge + time.Hour)
	old := f.assess(registry.Host+"/team/app:1", assess.ScanIt)
	if len(old.Warnings) != 1 || !strings.HasPrefix(old.Warnings[0].Text, "The advisories for Debian and npm are 7 days old.") {
		t.Errorf("%+v", old.Warnings)
	}
	t.Run("what_is_kept_ages", func(t *testing.T) {
		kept, err := f.store.Assessment(t.Context(), fresh.ID)
		must(t, err)
		if f.Age(&kept); len(kept.Warnings) != 1 {
			t.Errorf("%+v", kept.Warnings)
		}
		if s := assess.Summarize(&kept); s.DataAsOf == nil || !s.DataAsOf.Equal(now) || !s.DataAsOf.Before(f.OldBefore()) {
			t.Errorf("%+v %s", s.DataAsOf, f.OldBefore())
		}
	})
}

func TestEcosystemsInUse(t *testing.T) {
	registry := registrytest.Start(t, registrytest.Options{})
	registrytest.Push(t, registry, "team/app", "1", debian())
	f := start(t, nil, nil)
	f.connect("Team", registry.URL, "", "")
	if got, err := f.Ecosystems(t.Context()); err != nil || len(got) != 0 {
		t.Error(got, err)
	}
	f.assess(registry.Host+"/team/app:1", assess.Judge) // without any advisories
	if got, err := f.Ecosystems(t.Context()); err != nil || !slices.Equal(got, []string{"Debian:11", "npm"}) {
		t.Error(got, err)
	}
}

func TestExploitation(t *testing.T) {
	registry := registrytest.Start(t, registrytest.Options{})
	registrytest.Push(t, registry, "team/app", "1", debian())
	violated := func(a *assess.Assessment) bool {
		for _, v := range a.Policy.Violations {
			if v.PolicyID == "known-exploited-vulnerability" {
				return true
			}
		}
		return false
	}
	check := func(t *testing.T, advisories fstest.MapFS) *assess.Assessment {
		f := start(t, advisories, func(o *assess.Options) {
			o.Policies = policy.Fixed(policy.BuiltinSet())
		})
		f.connect("Team", registry.URL, "", "")
		return f.assess(registry.Host+"/team/app:1", assess.Judge)
	}
	if a := check(t, both()); a.Check.Data.EPSS != nil || a.Check.Data.KnownExploited != nil || violated(a) || assess.Summarize(a).Exploited != 0 {
		t.Errorf("something is known without data: %+v", a.Check.Data)
	}
	all := maps.Clone(both())
	all["epss_scores-2026-11-22.csv"] = &fstest.MapFile{Data: []byte("cve,epss,percentile\nCVE-2026-0001,0.5,0.9\n")}
	all["known_exploited_vulnerabilities.csv"] = &fstest.MapFile{Data: []byte("cveID,dateAdded,dueDate,knownRansomwareCampaignUse\nCVE-2026-0002,2026-11-01,2026-11-22,Known\n")}
	a := check(t, all)
	if !violated(a) || assess.Summarize(a).Exploited != 1 {
		t.Errorf("%+v", a.Policy.Violations)
	}
	for _, v := range a.Findings {
		if scored, listed := v.CVE == "CVE-2026-0001", v.CVE == "CVE-2026-0002"; scored != (v.EPSS != nil) || listed != (v.KnownExploited != nil) {
			t.Errorf("%s: %+v %+v", v.CVE, v.EPSS, v.KnownExploited)
		}
	}
}
