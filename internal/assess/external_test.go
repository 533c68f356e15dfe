package assess_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/external"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/integrations/harbor/harbortest"
	"github.com/landwaiter/landwaiter/internal/integrations/quay/quaytest"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// clair is a Quay that has scanned the image of debian: it agrees about lodash but for the severity, has not heard of the
// advisory of openssl, and knows one of zlib and one of a package that is not there.
func clair(t testing.TB) (*quaytest.Quay, image.Digest) {
	q := quaytest.New(t)
	pushed := registrytest.Push(t, q.Registry, "team/app", "1", debian())
	q.Scans = map[string]quaytest.Scan{string(pushed.Digest): {Status: "scanned", Features: []quaytest.Feature{
		{Name: "lodash", Version: "4.17.15", Vulnerabilities: []quaytest.Vulnerability{
			{Name: "GHSA-aaaa-bbbb-cccc", Severity: "High", FixedBy: "4.17.21", Link: "https://github.com/advisories/GHSA-aaaa-bbbb-cccc https://nvd.example"},
		}},
		{Name: "zlib1g", Version: "1:1.2.11.dfsg-2", Vulnerabilities: []quaytest.Vulnerability{{Name: "CVE-2026-0003", Severity: "Critical"}}},
		{Name: "bash", Version: "5.1", Vulnerabilities: []quaytest.Vulnerability{{Name: "CVE-2026-0004", Severity: "Unknown"}}},
	}}}
	return q, pushed.Digest
}

// startQuay is a flow whose network is a Quay, with an integration for each of the categories.
func startQuay(t testing.TB, q *quaytest.Quay, advisories fstest.MapFS, change func(*assess.Options)) *flow {
	return start(t, advisories, func(o *assess.Options) {
		o.Client, o.Scanners = q.Client(), o.Sources.(assess.Scanners)
		if change != nil {
			change(o)
		}
	})
}

func (f *flow) connectQuay(name, password string, categories ...integration.Category) {
	f.t.Helper()
	_, err := f.integrations.Create(f.t.Context(), integration.Draft{Integration: integration.Integration{
		Name: name, Type: "quay", Categories: categories, SkipTest: true,
		Config: integration.NewConfig(
			map[string]any{"endpoint": quaytest.Host, "registryRobotCredentials.username": quaytest.Robot},
			map[string]secret.Text{"registryRobotCredentials.password": secret.New(password)},
		),
	}})
	must(f.t, err)
}

const (
	asRegistry = integration.CategoryRegistry
	asScanner  = integration.CategoryScanner
)

func TestExternal(t *testing.T) {
	t.Run("a_report_stands_beside_the_findings_with_what_differs", func(t *testing.T) {
		q, _ := clair(t)
		f := startQuay(t, q, both(), nil)
		f.connectQuay("team", quaytest.Password, asRegistry, asScanner)

		a := f.assess(quaytest.Host+"/team/app:1", assess.Judge)
		if len(a.External) != 1 {
			t.Fatalf("external: %+v", a.External)
		}
		e := a.External[0]
		if e.Integration.Name != "team" || e.Status != external.Scanned || e.Scanner != (external.Tool{Name: "Clair", Version: "4"}) || len(e.Vulnerabilities) != 3 {
			t.Errorf("report: %+v", e)
		}
		if v := e.Vulnerabilities[0]; v.Severity != vuln.Important || v.SaidSeverity != "High" || v.Link != "https://github.com/advisories/GHSA-aaaa-bbbb-cccc" {
			t.Errorf("vulnerability: %+v", v)
		}
		if e.ScannedAt != nil || e.Stale || !strings.Contains(e.Summary(), "the time of the scan is not told") {
			t.Errorf("Quay does not say when: %s", e.Summary())
		}
		// zlib1g and libssl1.1 are known by the source packages that they were built from.
		want := []string{
			"CVE-2026-0002 lodash severity: Landwaiter critical, team important",
			"CVE-2026-0003 zlib only theirs: team critical",
			"CVE-2026-0001 openssl only ours: Landwaiter low",
			"CVE-2026-0004 bash only theirs: team unknown",
		}
		if got := compared(a); !slices.Equal(got, want) {
			t.Errorf("compared:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if g := *e.Agreement; g != (assess.Agreement{Both: 1, OnlyOurs: 1, OnlyTheirs: 2, SeverityDiffers: 1}) {
			t.Errorf("agreement: %+v", g)
		}
		if why := a.Compared[3].Why; why != "no such package was found here" {
			t.Errorf("why bash is not ours: %s", why)
		}
		stored, err := f.store.Assessment(t.Context(), a.ID)
		must(t, err)
		if mustJSON(t, stored) != mustJSON(t, a) {
			t.Error("what is stored differs from the answer")
		}
	})

	t.Run("it_counts_for_no_policy", func(t *testing.T) {
		q, _ := clair(t)
		f := startQuay(t, q, both(), nil)
		f.connectQuay("team", quaytest.Password, asRegistry)
		without := f.assess(quaytest.Host+"/team/app:1", assess.Judge)
		f.connectQuay("scanner", quaytest.Password, asScanner)
		with := f.assess(quaytest.Host+"/team/app:1", assess.Judge)
		if len(without.External) != 0 || len(with.External) != 1 {
			t.Fatalf("external: %d without a scanner, %d with one", len(without.External), len(with.External))
		}
		if mustJSON(t, with.Policy) != mustJSON(t, without.Policy) || with.Verdict != without.Verdict || mustJSON(t, with.Findings) != mustJSON(t, without.Findings) {
			t.Error("the verdict or the findings changed")
		}
	})

	t.Run("what_fails_is_told_and_fails_nothing", func(t *testing.T) {
		q, _ := clair(t)
		q.Private, q.Withheld = true, true
		f := startQuay(t, q, both(), nil)
		f.connectQuay("team", quaytest.Password, asRegistry, asScanner)
		a := f.assess(quaytest.Host+"/team/app:1", assess.Judge)
		if e := a.External[0]; e.Status != external.Unavailable || !strings.Contains(e.Reason, "Quay does not tell the robot") || e.Fix == "" || e.Agreement != nil {
			t.Errorf("report: %+v", e)
		}
		if len(a.Findings) != 3 || a.Compared != nil || a.Verdict == "" {
			t.Errorf("the rest of the answer: %d findings, %d compared, verdict %q", len(a.Findings), len(a.Compared), a.Verdict)
		}
	})

	t.Run("a_scanner_that_hangs_is_waited_for_no_longer_than_is_set", func(t *testing.T) {
		q, digest := clair(t)
		q.Scans[string(digest)] = quaytest.Scan{Hang: true}
		f := startQuay(t, q, both(), func(o *assess.Options) { o.ExternalLimit = 50 * time.Millisecond })
		f.connectQuay("team", quaytest.Password, asRegistry, asScanner)
		a := f.assess(quaytest.Host+"/team/app:1", assess.ScanIt) // in much less than the client's own limits
		if e := a.External[0]; e.Status != external.Unavailable || !strings.Contains(e.Reason, "no answer within 50ms") {
			t.Errorf("report: %+v", e)
		}
		if len(a.Findings) != 3 {
			t.Errorf("%d findings", len(a.Findings))
		}
	})

	t.Run("a_scanner_that_hangs_keeps_no_other_image_from_being_scanned", func(t *testing.T) {
		q, digest := clair(t)
		q.Scans[string(digest)] = quaytest.Scan{Hang: true}
		registrytest.Push(t, q.Registry, "team/other", "1", registrytest.Image{})
		f := startQuay(t, q, both(), func(o *assess.Options) { o.Parallel, o.ExternalLimit = 1, time.Minute })
		f.connectQuay("team", quaytest.Password, asRegistry, asScanner)
		ctx, cancel := context.WithCancel(t.Context())
		waiting := make(chan error)
		go func() {
			_, err := f.Assess(ctx, assess.Request{Reference: reference(t, quaytest.Host+"/team/app:1"), Depth: assess.ScanIt}, assess.Progress{})
			waiting <- err
		}()
		for asked := false; !asked; {
			asked = slices.ContainsFunc(q.Requests(), func(r integrationtest.Sent) bool { return strings.HasPrefix(r.Path, "/api/") })
		}
		f.assess(quaytest.Host+"/team/other:1", assess.ScanIt)
		cancel()
		if err := <-waiting; err == nil {
			t.Error("a cancelled assessment has an answer")
		}
	})

	t.Run("an_answer_in_time_counts_however_long_the_layers_take", func(t *testing.T) {
		q, _ := clair(t)
		f := startQuay(t, q, both(), func(o *assess.Options) { o.ExternalLimit = time.Second })
		f.connectQuay("team", quaytest.Password, asRegistry, asScanner)
		slow := assess.Progress{Step: func(what string) {
			if strings.HasPrefix(what, "Reading") {
				time.Sleep(1100 * time.Millisecond)
			}
		}}
		for range 4 {
			a, err := f.Assess(t.Context(), assess.Request{Reference: reference(t, quaytest.Host+"/team/app:1"), Depth: assess.ScanIt}, slow)
			must(t, err)
			if e := a.External[0]; e.Status != external.Scanned {
				t.Errorf("report: %+v", e)
			}
		}
	})

	t.Run("one_registry_is_shown_once_if_one_integration_may_ask", func(t *testing.T) {
		q, _ := clair(t)
		q.Private = true
		f := startQuay(t, q, both(), nil)
		f.connectQuay("a wrong", "not-the-password", asScanner)
		f.connectQuay("b right", quaytest.Password, asRegistry, asScanner)
		f.connectQuay("c right", quaytest.Password, asScanner)
		a := f.assess(quaytest.Host+"/team/app:1", assess.ScanIt)
		if len(a.External) != 1 || a.External[0].Integration.Name != "b right" {
			t.Errorf("external: %+v", a.External)
		}
	})

	t.Run("without_findings_of_ours_nothing_is_compared", func(t *testing.T) {
		q, _ := clair(t)
		f := startQuay(t, q, nil, nil)
		f.connectQuay("team", quaytest.Password, asRegistry, asScanner)
		a := f.assess(quaytest.Host+"/team/app:1", assess.ScanIt)
		if e := a.External[0]; e.Status != external.Scanned || e.Agreement != nil || a.Compared != nil {
			t.Errorf("report: %+v, compared %+v", e, a.Compared)
		}
	})

	t.Run("what_is_only_inspected_asks_nobody", func(t *testing.T) {
		q, _ := clair(t)
		f := startQuay(t, q, both(), nil)
		f.connectQuay("team", quaytest.Password, asRegistry, asScanner)
		if a := f.assess(quaytest.Host+"/team/app:1", assess.Inspect); a.External != nil {
			t.Errorf("external: %+v", a.External)
		}
		for _, r := range q.Requests() {
			if strings.HasPrefix(r.Path, "/api/") {
				t.Errorf("asked %s", r.Path)
			}
		}
	})
}

func TestExternal_names_and_fixed_versions(t *testing.T) {
	q := quaytest.New(t)
	pushed := registrytest.Push(t, q.Registry, "team/app", "1", debian())
	say := func(name, pkg, version, fixed string) quaytest.Feature {
		return quaytest.Feature{Name: pkg, Version: version, Vulnerabilities: []quaytest.Vulnerability{{Name: name, Severity: "Low", FixedBy: fixed}}}
	}
	q.Scans = map[string]quaytest.Scan{string(pushed.Digest): {Status: "scanned", Features: []quaytest.Feature{
		// An erratum about two CVEs, of which one is ours, of a package that is named after its source.
		say("RHSA-2026:0001: openssl security update (CVE-2026-0001, CVE-2026-0009)", "openssl", "1.1.1k-1", "1.1.1n-0+deb11u1"),
		// Another name of ours, and the fixed version of each line of versions.
		say("pyup.io-1 (CVE-2026-0002)", "LoDash", "4.17.15", "3.99.1, 4.17.21"),
	}}}
	f := startQuay(t, q, both(), nil)
	f.connectQuay("team", quaytest.Password, asRegistry, asScanner)
	a := f.assess(quaytest.Host+"/team/app:1", assess.ScanIt)
	want := []string{
		"CVE-2026-0002 lodash severity: Landwaiter critical, team low",
		"CVE-2026-0009 openssl only theirs: team low",
		"CVE-2026-0001 openssl : Landwaiter low, team low",
	}
	if got := compared(a); !slices.Equal(got, want) {
		t.Errorf("compared:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestExternal_staleness(t *testing.T) {
	for _, c := range []struct {
		name           string
		scanned, push  time.Duration // before now
		age, why, text string
	}{
		{"fresh", 49 * time.Hour, 50 * time.Hour, "2 days", "", "none found, scanned 2 days earlier; 0 both"},
		{"old", 8 * 24 * time.Hour, 9 * 24 * time.Hour, "8 days", "it is older than 7 days", "(STALE: it is older than 7 days)"},
		{"pushed again", 2 * time.Hour, time.Hour, "2 hours", "the image was pushed after it", "(STALE: the image was pushed after it)"},
		{"a time to come", -time.Hour, time.Hour, "less than a minute", "", "scanned less than a minute earlier"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := harbortest.New(t)
			pushed := registrytest.Push(t, h.Registry, "team/app", "1", debian())
			h.Scans[string(pushed.Digest)] = harbortest.Scan{Status: "Success", Ended: now.Add(-c.scanned), Pushed: now.Add(-c.push)}
			f := start(t, both(), func(o *assess.Options) { o.Client, o.Scanners = h.Client(), o.Sources.(assess.Scanners) })
			_, err := f.integrations.Create(t.Context(), integration.Draft{Integration: integration.Integration{
				Name: "harbor", Type: "harbor", Categories: []integration.Category{asRegistry, asScanner}, SkipTest: true,
				Config: integration.NewConfig(
					map[string]any{"endpoint": harbortest.Host, "username": harbortest.Robot}, map[string]secret.Text{"password": secret.New(harbortest.Secret)},
				),
			}})
			must(t, err)
			e := f.assess(harbortest.Host+"/team/app:1", assess.ScanIt).External[0]
			if e.Age != c.age || e.StaleReason != c.why || e.Stale != (c.why != "") || !strings.Contains(e.Summary(), c.text) {
				t.Errorf("age %q, stale %v because %q: %s", e.Age, e.Stale, e.StaleReason, e.Summary())
			}
		})
	}
}

// compared writes a row of the comparison as "ID package differences: who severity, who severity".
func compared(a *assess.Assessment) []string {
	var list []string
	for _, c := range a.Compared {
		var said []string
		for _, s := range c.Said {
			said = append(said, s.By+" "+string(s.Severity))
		}
		list = append(list, c.ID+" "+c.Package+" "+strings.Join(c.Differences, ", ")+": "+strings.Join(said, ", "))
	}
	return list
}
