// Package healthtest checks stores of health.
package healthtest

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/integration/health"
)

// Stores is one database seen by both packages.
type Stores interface {
	health.Store
	integration.Store
}

var noon = time.Date(2026, 3, 4, 12, 0, 0, 5, time.UTC)

// Store checks the contract of health.Store. open returns a store on a new, empty database.
func Store(t *testing.T, open func(t *testing.T) Stores) {
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	filled := func(t *testing.T, n int) Stores {
		s := open(t)
		for i := range n {
			must(t, s.CreateIntegration(t.Context(), sample(i)))
		}
		return s
	}
	wantClaim := func(t *testing.T, s Stores, now, until time.Time, want string) {
		t.Helper()
		if id, ok, err := s.ClaimDueHealth(t.Context(), now, until); err != nil || ok != (want != "") || id != want {
			t.Errorf("claimed %q, %v, %v; want %q", id, ok, err, want)
		}
	}

	t.Run("a_new_integration_is_due_once_until_the_claim_ends", func(t *testing.T) {
		s := filled(t, 1)
		until := noon.Add(time.Minute)
		wantClaim(t, s, noon, until, "0")
		wantClaim(t, s, noon, until, "")
		wantClaim(t, s, until.Add(-1), until.Add(time.Minute), "")
		wantClaim(t, s, until, until.Add(time.Minute), "0")
	})

	t.Run("the_one_that_waits_longest_comes_first", func(t *testing.T) {
		s := filled(t, 2)
		must(t, s.ClaimHealth(t.Context(), "0", noon.Add(2)))
		must(t, s.ClaimHealth(t.Context(), "1", noon.Add(1)))
		for _, want := range []string{"1", "0", ""} {
			wantClaim(t, s, noon.Add(3), noon.Add(time.Minute), want)
		}
	})

	t.Run("everything_of_a_state_is_kept_and_says_when_it_is_due", func(t *testing.T) {
		s := filled(t, 1)
		finding := diagnosis.Finding{Name: "n", Verdict: diagnosis.Failed, Cause: "cause 世界 \"'", Fix: "fix"}
		want := health.State{
			IntegrationID: "0", Revision: 3, Status: health.Unhealthy, Since: noon, Summary: "s", Problem: &finding,
			Doubt:     &health.Doubt{Since: noon, Results: 1, Needed: 2, Problem: &finding},
			Axes:      []health.Axis{{Name: health.Reach, Verdict: diagnosis.Failed, Summary: "s", Finding: "n", Fix: "f"}},
			LatencyMs: 1.5, Expiries: []health.Expiry{{What: health.Credential, Source: "token", At: noon, NoticeDays: 30, Announced: 7}},
			LastCheck: noon, LastChange: noon, NextCheck: noon.Add(time.Hour), Events: 4, Streak: health.Streak{Bad: 2, Refused: 1},
		}
		if got, err := s.Health(t.Context(), "0"); err != nil || !reflect.DeepEqual(got, health.Fresh("0")) {
			t.Errorf("%+v, %v", got, err)
		}
		claim := noon.Add(time.Minute)
		wantClaim(t, s, noon, claim, "0")
		if ok, err := s.RecordHealth(t.Context(), want, nil, claim, 100, noon); err != nil || !ok {
			t.Fatal(ok, err)
		}
		if got, err := s.Health(t.Context(), "0"); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, want %+v; %v", got, want, err)
		}
		if all, err := s.HealthStates(t.Context()); err != nil || len(all) != 1 || !reflect.DeepEqual(all["0"], want) {
			t.Errorf("%+v, %v", all, err)
		}
		wantClaim(t, s, want.NextCheck.Add(-1), noon, "")
		wantClaim(t, s, want.NextCheck, want.NextCheck.Add(1), "0")
	})

	t.Run("a_change_makes_it_due_and_drops_the_look_that_goes_on", func(t *testing.T) {
		s := filled(t, 1)
		claim := noon.Add(time.Minute)
		wantClaim(t, s, noon, claim, "0")
		changed := sample(0)
		changed.Revision = 2
		must(t, s.UpdateIntegration(t.Context(), changed, 1))
		state := health.Fresh("0")
		state.NextCheck = noon.Add(time.Hour)
		if ok, err := s.RecordHealth(t.Context(), state, []health.Event{{Number: 1, At: noon}}, claim, 100, noon); err != nil || ok {
			t.Error("the look at the old settings counted:", ok, err)
		}
		if events, err := s.HealthEvents(t.Context(), "0"); err != nil || len(events) != 0 {
			t.Error(events, err)
		}
		wantClaim(t, s, noon, claim, "0")
	})

	t.Run("the_history_is_bounded_by_number_and_age", func(t *testing.T) {
		s := filled(t, 1)
		for i := range int64(10) {
			state := health.Fresh("0")
			state.Events = i + 1
			must(t, s.ClaimHealth(t.Context(), "0", noon))
			e := health.Event{Number: i + 1, At: noon.Add(time.Duration(i) * time.Hour), Kind: "status", To: health.Healthy, Summary: fmt.Sprint(i)}
			if ok, err := s.RecordHealth(t.Context(), state, []health.Event{e}, noon, 4, e.At.Add(-2*time.Hour)); err != nil || !ok {
				t.Fatal(ok, err)
			}
		}
		events, err := s.HealthEvents(t.Context(), "0")
		if err != nil || len(events) != 3 || events[0].Number != 10 || events[2].Number != 8 || events[0].Summary != "9" {
			t.Errorf("%+v, %v", events, err)
		}
	})

	t.Run("all_of_it_goes_with_the_integration", func(t *testing.T) {
		s := filled(t, 2)
		must(t, s.ClaimHealth(t.Context(), "0", noon))
		if ok, err := s.RecordHealth(t.Context(), health.Fresh("0"), []health.Event{{Number: 1, At: noon}}, noon, 100, noon); err != nil || !ok {
			t.Fatal(ok, err)
		}
		must(t, s.DeleteIntegration(t.Context(), "0"))
		if all, err := s.HealthStates(t.Context()); err != nil || len(all) != 0 {
			t.Error(all, err)
		}
		if events, err := s.HealthEvents(t.Context(), "0"); err != nil || len(events) != 0 {
			t.Error(events, err)
		}
		if err := s.ClaimHealth(t.Context(), "0", noon); fault.CodeOf(err) != fault.NotFound {
			t.Error(err)
		}
		if ok, err := s.RecordHealth(t.Context(), health.Fresh("0"), nil, noon, 100, noon); err != nil || ok {
			t.Error("a deleted one's look counted:", ok, err)
		}
	})

	t.Run("of_concurrent_claims_each_gets_another", func(t *testing.T) {
		const n = 40
		s := filled(t, n)
		var group sync.WaitGroup
		var mu sync.Mutex
		got := map[string]int{}
		for range 4 {
			group.Go(func() {
				for misses := 0; misses < 3; { // a claim that loses against another finds nothing
					id, ok, err := s.ClaimDueHealth(t.Context(), noon, noon.Add(time.Minute))
					if err != nil {
						t.Error(err)
						return
					}
					if !ok {
						misses++
						continue
					}
					mu.Lock()
					got[id]++
					mu.Unlock()
				}
			})
		}
		group.Wait()
		for id, times := range got {
			if times != 1 {
				t.Errorf("%s was claimed %d times", id, times)
			}
		}
		for {
			id, ok, err := s.ClaimDueHealth(t.Context(), noon, noon.Add(time.Minute))
			must(t, err)
			if !ok {
				break
			}
			got[id]++
		}
		if len(got) != n {
			t.Errorf("%d of %d were claimed", len(got), n)
		}
	})
}

func sample(n int) integration.Integration {
	return integration.Integration{
		ID: fmt.Sprint(n), Name: fmt.Sprint("name ", n), Type: "docker", Categories: []integration.Category{integration.CategoryRegistry},
		Config: integration.NewConfig(map[string]any{"endpoint": "registry.example"}, nil), Revision: 1, Created: noon, Updated: noon,
	}
}
