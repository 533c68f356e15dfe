package health_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/integration/health"
	"github.com/landwaiter/landwaiter/internal/integrations"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// A world is a service with a clock and a registry that are what the test says.
type world struct {
	*health.Service
	store        *store.Store
	integrations *integration.Service
	options      health.Options
	now          time.Time
	saw          func(integration.Candidate) *diagnosis.Diagnosis
	checks       atomic.Int64
	log          apitest.Log
}

func newWorld(t testing.TB, url string) *world {
	t.Helper()
	w := &world{now: noon, store: storetest.Open(t, storetest.Options(url)), saw: seeing()}
	ids := 0
	clock := func() time.Time { return w.now }
	w.integrations = integration.NewService(integration.ServiceOptions{
		Store: w.store, Types: types(t), Deps: integration.Deps{Now: clock}, Now: clock, NewID: func() string { ids++; return fmt.Sprint("id-", ids) },
	})
	w.options = health.Options{
		Store: w.store, Integrations: w.integrations, Now: clock, Jitter: func() float64 { return 0.5 },
		Check: func(_ context.Context, c integration.Candidate) *diagnosis.Diagnosis {
			w.checks.Add(1)
			return w.saw(c)
		},
		Log: slog.New(slog.NewTextHandler(&w.log, nil)),
	}
	w.Service = health.New(w.options)
	return w
}

func types(t testing.TB) *integration.Types {
	t.Helper()
	list, err := integration.NewTypes(integrations.All()...)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func memory(t testing.TB) *world { return newWorld(t, "sqlite::memory:") }

// add stores an integration without asking anybody.
func (w *world) add(t testing.TB, name string) string {
	t.Helper()
	in, err := w.integrations.Create(t.Context(), draft(name))
	if err != nil {
		t.Fatal(err)
	}
	return in.ID
}

func draft(name string) integration.Draft {
	return integration.Draft{Integration: integration.Integration{
		Name: name, Type: "docker", Categories: []integration.Category{integration.CategoryRegistry}, SkipTest: true,
		Config: integration.NewConfig(map[string]any{"endpoint": "registry.example"}, nil),
	}}
}

// look checks one integration now and returns what is known then.
func (w *world) look(t testing.TB, id string) health.Report {
	t.Helper()
	r, err := w.CheckNow(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A seen is one finding of a step.
type seen struct {
	step, finding string
	verdict       diagnosis.Verdict
}

// seeing is a registry where those are found and all else is well.
func seeing(findings ...seen) func(integration.Candidate) *diagnosis.Diagnosis {
	return func(integration.Candidate) *diagnosis.Diagnosis {
		d := &diagnosis.Diagnosis{Verdict: diagnosis.Passed, Summary: "It works.", Subject: diagnosis.Subject{Anonymous: true}}
		for _, id := range []string{diagnosis.StepNames, diagnosis.StepTLS, diagnosis.StepAPI, diagnosis.StepCredential, diagnosis.StepQuota, diagnosis.StepExpiry} {
			s := diagnosis.NewStep(id, id)
			for _, f := range findings {
				if f.step == id {
					s.Find(diagnosis.Finding{Name: f.finding, Verdict: f.verdict, Cause: "Cause of " + f.finding + ".", Fix: "Mend " + f.finding + "."})
					d.Verdict = f.verdict
				}
			}
			d.Steps = append(d.Steps, *s)
		}
		return d
	}
}

func failing(step, finding string) func(integration.Candidate) *diagnosis.Diagnosis {
	return seeing(seen{step, finding, diagnosis.Failed})
}

func wantStatus(t *testing.T, r health.Report, want health.Status, finding string) {
	t.Helper()
	got := ""
	if r.Problem != nil {
		got = r.Problem.Name
	}
	if r.Status != want || got != finding {
		t.Errorf("%s with %q, want %s with %q", r.Status, got, want, finding)
	}
}

func TestStatus(t *testing.T) {
	for name, test := range map[string]struct {
		seen    seen
		want    health.Status
		axis    string
		verdict diagnosis.Verdict
	}{
		"healthy":                              {seen{}, health.Healthy, health.Reach, diagnosis.Passed},
		"unreachable":                          {seen{diagnosis.StepNames, "host-unknown", diagnosis.Failed}, health.Unhealthy, health.Reach, diagnosis.Failed},
		"certificate":                          {seen{diagnosis.StepTLS, "certificate-expired", diagnosis.Failed}, health.Unhealthy, health.TLS, diagnosis.Failed},
		"credential":                           {seen{diagnosis.StepCredential, "wrong-password", diagnosis.Failed}, health.Unhealthy, health.Authentication, diagnosis.Failed},
		"warning":                              {seen{diagnosis.StepCredential, "credential-ignored", diagnosis.Warning}, health.Degraded, health.Authentication, diagnosis.Warning},
		"limit_of_the_registry":                {seen{diagnosis.StepAPI, "rate-limited", diagnosis.Failed}, health.Degraded, health.Quota, diagnosis.Failed},
		"our_network":                          {seen{diagnosis.StepNames, "name-server-silent", diagnosis.Failed}, health.Unknown, health.Reach, diagnosis.Failed},
		"what_ends_soon_is_no_problem_yet":     {seen{diagnosis.StepExpiry, "credential-expires-soon", diagnosis.Warning}, health.Healthy, health.Expiring, diagnosis.Warning},
		"no_v2_where_tests_are_skipped_anyway": {seen{diagnosis.StepAPI, "not-a-registry", diagnosis.Failed}, health.Degraded, health.Reach, diagnosis.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			w := memory(t)
			w.saw = seeing(test.seen)
			r := w.look(t, w.add(t, "one"))
			if r.Status != test.want {
				t.Errorf("%s, want %s: %+v", r.Status, test.want, r.Problem)
			}
			for _, a := range r.Axes {
				want := diagnosis.Passed
				if a.Name == test.axis {
					want = test.verdict
				}
				if a.Verdict != want {
					t.Errorf("%s is %s (%s), want %s", a.Name, a.Verdict, a.Summary, want)
				}
			}
		})
	}

	t.Run("settings_that_cannot_be_used", func(t *testing.T) {
		w := memory(t)
		in := draft("broken").Integration
		in.ID, in.Revision, in.Type = "broken", 1, "gone"
		if err := w.store.CreateIntegration(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, w.look(t, "broken"), health.Unhealthy, "settings-unusable")
		if w.checks.Load() != 0 {
			t.Error("it was looked at")
		}
	})
}

func TestFlips(t *testing.T) {
	w := memory(t)
	id := w.add(t, "one")
	wantStatus(t, w.look(t, id), health.Healthy, "")

	w.now, w.saw = noon.Add(time.Hour), failing(diagnosis.StepTLS, "tls-failed")
	r := w.look(t, id)
	wantStatus(t, r, health.Healthy, "")
	if r.Doubt == nil || r.Doubt.Results != 1 || r.Doubt.Needed != 2 || !r.Doubt.Since.Equal(w.now) || r.Doubt.Problem.Name != "tls-failed" {
		t.Errorf("the doubt is %+v", r.Doubt)
	}
	if wait := r.NextCheck.Sub(w.now); wait != time.Minute {
		t.Errorf("it is looked at again after %v", wait)
	}

	w.now, w.saw = w.now.Add(time.Minute), seeing()
	if r = w.look(t, id); r.Doubt != nil || r.Status != health.Healthy || !r.Since.Equal(noon) {
		t.Errorf("after a transient failure it is %s since %v, %+v", r.Status, r.Since, r.Doubt)
	}

	w.saw = failing(diagnosis.StepTLS, "tls-failed")
	w.look(t, id)
	w.now = w.now.Add(time.Minute)
	r = w.look(t, id)
	wantStatus(t, r, health.Unhealthy, "tls-failed")
	if !r.Since.Equal(w.now) || r.Doubt != nil {
		t.Errorf("since %v, %+v", r.Since, r.Doubt)
	}

	w.saw = seeing()
	r = w.look(t, id)
	wantStatus(t, r, health.Healthy, "")
	var story []string
	for _, e := range r.History {
		story = append(story, string(e.From)+">"+string(e.To))
	}
	if got := strings.Join(story, " "); got != "unhealthy>healthy healthy>unhealthy uninitialized>healthy" {
		t.Errorf("the history is %s", got)
	}

	t.Run("survive_a_restart", func(t *testing.T) {
		w.Service = health.New(w.options)
		since := r.Since
		w.now = w.now.Add(time.Hour)
		if r := w.look(t, id); !r.Since.Equal(since) || len(r.History) != 3 {
			t.Errorf("since %v, %d events", r.Since, len(r.History))
		}
	})

	t.Run("are_told_in_the_log_once", func(t *testing.T) {
		if n := strings.Count(w.log.String(), "status=unhealthy"); n != 1 || !strings.Contains(w.log.String(), "level=WARN") {
			t.Errorf("%d times in\n%s", n, w.log.String())
		}
	})
}

func TestHistory_is_bounded(t *testing.T) {
	w := memory(t)
	id := w.add(t, "one")
	for i := range 150 {
		w.now = w.now.Add(time.Minute)
		w.saw = seeing(seen{diagnosis.StepCredential, fmt.Sprint("warning-", i), diagnosis.Warning})
		w.look(t, id)
	}
	r := w.look(t, id)
	if len(r.History) != 100 || r.Events != 150 || r.History[0].Finding != "warning-149" {
		t.Errorf("%d of %d events are kept", len(r.History), r.Events)
	}
}

func TestRefusedSignIns_become_rare(t *testing.T) {
	w := memory(t)
	id := w.add(t, "one")
	w.saw = failing(diagnosis.StepCredential, "wrong-password")
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		r := w.look(t, id)
		if wait := r.NextCheck.Sub(w.now); wait != want*time.Minute {
			t.Errorf("it signs in again after %v, want %v", wait, want*time.Minute)
		}
		w.now = r.NextCheck
	}
	w.saw = seeing()
	if r := w.look(t, id); r.Streak.Refused != 0 || r.NextCheck.Sub(w.now) != 15*time.Minute {
		t.Errorf("once it is let in: %+v, next after %v", r.Streak, r.NextCheck.Sub(w.now))
	}
}

func TestCancelledLook_says_nothing(t *testing.T) {
	w := memory(t)
	id := w.add(t, "one")
	ctx, cancel := context.WithCancel(t.Context())
	w.saw = func(c integration.Candidate) *diagnosis.Diagnosis {
		cancel()
		return failing(diagnosis.StepAPI, "answer-timeout")(c)
	}
	if _, err := w.CheckNow(ctx, id); err == nil {
		t.Error("no error")
	}
	if r, err := w.Get(t.Context(), id); err != nil || r.Status != health.Uninitialized {
		t.Error(r.Status, err)
	}
}

func TestPublicRegistries_without_internet(t *testing.T) {
	w := memory(t)
	if _, err := w.store.SeedIntegrations(t.Context(), integration.Defaults(noon)); err != nil {
		t.Fatal(err)
	}
	w.saw = failing(diagnosis.StepNames, "host-unknown")
	id := integration.Defaults(noon)[0].ID
	var waits []time.Duration
	for range 7 {
		r := w.look(t, id)
		if r.Status != health.Unknown {
			t.Fatalf("it is %s", r.Status)
		}
		waits = append(waits, r.NextCheck.Sub(w.now))
		w.now = r.NextCheck
	}
	if waits[0] != 15*time.Minute || waits[6] != 6*time.Hour {
		t.Errorf("it is looked at after %v", waits)
	}
	if log := w.log.String(); log != "" {
		t.Errorf("the log says\n%s", log)
	}

	t.Run("are_missed_once_they_were_there", func(t *testing.T) {
		w.saw = seeing()
		w.look(t, id)
		w.saw = failing(diagnosis.StepNames, "host-unknown")
		w.look(t, id)
		wantStatus(t, w.look(t, id), health.Unhealthy, "host-unknown")
	})
}

func TestNotices(t *testing.T) {
	w := memory(t)
	id := w.add(t, "one")
	ends := noon.Add(40 * 24 * time.Hour)
	w.saw = func(c integration.Candidate) *diagnosis.Diagnosis {
		d := seeing()(c)
		d.Observations = []diagnosis.Observation{
			{Step: diagnosis.StepSignIn, SignIn: &diagnosis.SignIn{Kind: "identity token", Expires: ends}},
			{Step: diagnosis.StepTLS, Route: &distribution.Route{Handshakes: []distribution.Handshake{{Chain: []distribution.Certificate{
				{Subject: "CN=registry.example", NotBefore: noon.Add(-20 * 24 * time.Hour), NotAfter: noon.Add(20 * 24 * time.Hour)}, // of a short life
			}}}}},
		}
		return d
	}
	told := func() int { return strings.Count(w.log.String(), `what=credential`) }
	for _, step := range []struct {
		left time.Duration
		want int
	}{{40, 0}, {31, 0}, {30, 1}, {29, 1}, {27, 1}, {15, 1}, {14, 2}, {8, 2}, {7, 3}, {2, 3}, {1, 4}, {0, 4}, {-1, 4}} {
		w.now = ends.Add(-step.left * 24 * time.Hour)
		w.Service = health.New(w.options) // what was told is remembered across restarts
		for range 2 {
			w.look(t, id)
		}
		if n := told(); n != step.want {
			t.Errorf("%d days before the end it was told %d times, want %d", step.left, n, step.want)
		}
	}
	r, err := w.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	notices := 0
	for _, e := range r.History {
		if e.Kind == "expiry" && strings.Contains(e.Summary, "credential") {
			notices++
		}
	}
	if notices != 4 {
		t.Errorf("%d notices are in the history: %+v", notices, r.History)
	}
	if n := strings.Count(w.log.String(), `what="server certificate"`); n != 2 { // 7 and 1 days: 10 are a quarter of its life
		t.Errorf("the certificate was told of %d times", n)
	}
	endings, err := w.Endings(t.Context())
	if err != nil || len(endings) != 2 || endings[0].What != health.ServerCertificate || endings[1].Integration != "one" {
		t.Errorf("%+v, %v", endings, err)
	}

	t.Run("begin_anew_with_a_new_credential", func(t *testing.T) {
		before := told()
		ends = w.now.Add(20 * 24 * time.Hour)
		w.look(t, id)
		if told() != before+1 {
			t.Errorf("told %d times more", told()-before)
		}
	})
}

func TestUnknownIntegration_is_not_found(t *testing.T) {
	w := memory(t)
	if _, err := w.CheckNow(t.Context(), "gone"); fault.CodeOf(err) != fault.NotFound {
		t.Error(err)
	}
	if _, err := w.Get(t.Context(), "gone"); fault.CodeOf(err) != fault.NotFound {
		t.Error(err)
	}
}
