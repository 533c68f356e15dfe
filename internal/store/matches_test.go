package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

func basis(day int) assess.Basis {
	return assess.Basis{Data: noon.AddDate(0, 0, day), VEX: "none"}
}

// resting stores an assessment that rests on the advisories of a day.
func resting(t *testing.T, s *store.Store, id string, day int) assess.Assessment {
	t.Helper()
	a := assessed(id, "app:"+id, noon, 3)
	m := assess.Matching{Basis: basis(day), Check: a.Check, Packages: []byte("packages of " + id), Found: []byte("found in " + id)}
	if err := s.PutAssessment(t.Context(), a, m, nil); err != nil {
		t.Fatal(err)
	}
	return a
}

func outdatedIDs(t *testing.T, s *store.Store, b assess.Basis, limit int, after string) string {
	t.Helper()
	list, err := s.OutdatedMatchings(t.Context(), b, limit, after)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, m := range list {
		packages := ""
		if m.Data.Before(b.Data) { // else it need not be matched
			packages = "packages of " + m.ID
		}
		if string(m.Packages) != packages || string(m.Found) != "found in "+m.ID {
			t.Errorf("%s has the packages %q and found %q", m.ID, m.Packages, m.Found)
		}
		ids = append(ids, m.ID)
	}
	return strings.Join(ids, " ")
}

func TestMatchings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(t *testing.T) *store.Store) {
		t.Run("outdated_are_listed_by_ID_and_counted", func(t *testing.T) {
			s := open(t)
			for id, day := range map[string]int{"c": 1, "a": 1, "b": 2, "d": 3} {
				resting(t, s, id, day)
			}
			for _, c := range []struct {
				day, limit  int
				after, want string
				count       int
			}{{1, 9, "", "", 0}, {2, 9, "", "a c", 2}, {3, 2, "", "a b", 3}, {3, 2, "b", "c", 3}, {4, 9, "", "a b c d", 4}} {
				if got := outdatedIDs(t, s, basis(c.day), c.limit, c.after); got != c.want {
					t.Errorf("day %d: %q, want %q", c.day, got, c.want)
				}
				if n, all, err := s.CountOutdated(t.Context(), basis(c.day)); n != c.count || all != 4 || err != nil {
					t.Errorf("day %d: %d of %d, %v", c.day, n, all, err)
				}
			}
			for what, change := range map[string]func(*assess.Basis){
				"VEX":        func(b *assess.Basis) { b.VEX = "one document" },
				"exceptions": func(b *assess.Basis) { b.Exceptions = "one exception" },
				"policies":   func(b *assess.Basis) { b.Policies = "other policies" },
			} {
				other := basis(1)
				change(&other)
				if got := outdatedIDs(t, s, other, 9, ""); got != "a b c d" {
					t.Errorf("with other %s %q", what, got)
				}
				list, err := s.OutdatedMatchings(t.Context(), other, 9, "c")
				if err != nil || len(list) != 1 {
					t.Fatal(list, err)
				}
				list[0].Subject, list[0].Touched = []byte("subject"), "touched"
				if err := s.ConfirmMatchings(t.Context(), list, other); err != nil {
					t.Fatal(err)
				}
				// What another server found with newer advisories stays.
				if m, err := s.Matching(t.Context(), "d"); err != nil || m.Basis != other.After(basis(3)) || string(m.Subject) != "subject" || m.Touched != "touched" {
					t.Errorf("%+v, %v", m, err)
				}
				list[0].Basis = other.After(basis(3))
				if err := s.ConfirmMatchings(t.Context(), list, basis(3)); err != nil {
					t.Fatal(err)
				}
			}
		})

		t.Run("confirmed_show_the_newer_data", func(t *testing.T) {
			s := open(t)
			want := resting(t, s, "a", 1)
			resting(t, s, "b", 1)
			was, err := s.OutdatedMatchings(t.Context(), basis(2), 9, "")
			if err != nil || len(was) != 2 {
				t.Fatal(was, err)
			}
			resting(t, s, "b", 3) // another server was quicker
			newest, imported := noon.AddDate(0, 0, 1), noon.AddDate(0, 0, 2)
			for i := range was {
				was[i].Check.DataFrom, was[i].Check.ImportedAt = &newest, &imported
				was[i].Check.Data = &vuln.Status{Ecosystems: []vuln.EcosystemStatus{{Name: "Debian:12", Imported: imported}}}
			}
			if err := s.ConfirmMatchings(t.Context(), was, basis(2)); err != nil {
				t.Fatal(err)
			}
			if got := outdatedIDs(t, s, basis(2), 9, ""); got != "" {
				t.Errorf("still outdated: %s", got)
			}
			got, err := s.Assessment(t.Context(), "a")
			want.Check = was[0].Check
			want.Findings[0].SourceAsOf = imported
			if err != nil || asJSON(t, got) != asJSON(t, want) {
				t.Errorf("got  %s, %v\nwant %s", asJSON(t, got), err, asJSON(t, want))
			}
			if m, err := s.Matching(t.Context(), "b"); err != nil || m.Basis != basis(3) {
				t.Errorf("the quicker one is overwritten: %+v, %v", m, err)
			}
		})

		t.Run("matched_again_are_replaced_unless_another_was_quicker", func(t *testing.T) {
			s := open(t)
			a := resting(t, s, "a", 1)
			change := &assess.Change{At: noon, Because: []string{assess.BecauseAdvisories}, Before: assess.Fail, After: assess.Pass, Differences: []assess.Difference{}}
			a.Verdict = assess.Pass
			put := func(to, from int) bool {
				t.Helper()
				stored, err := s.PutRematched(t.Context(), a, assess.Matching{ID: "a", Basis: basis(to)}, basis(from), change)
				if err != nil {
					t.Fatal(err)
				}
				return stored
			}
			if put(3, 2) || !put(3, 1) || put(2, 1) {
				t.Error("it was stored over what is newer, or not at all")
			}
			list, _, err := s.Assessments(t.Context(), "", 9, "")
			if err != nil || len(list) != 1 || list[0].Verdict != assess.Pass || list[0].Basis != basis(3) {
				t.Errorf("%+v, %v", list, err)
			}
			if changes, err := s.Changes(t.Context(), "a"); err != nil || len(changes) != 1 || asJSON(t, changes[0]) != asJSON(t, change) {
				t.Errorf("%s, %v", asJSON(t, changes), err)
			}
			if stored, err := s.PutRematched(t.Context(), assessed("gone", "gone", noon, 0), assess.Matching{ID: "gone"}, basis(1), nil); stored || err != nil {
				t.Error(stored, err)
			}
		})

		t.Run("the_history_stays_with_the_reference_and_is_bounded", func(t *testing.T) {
			s := open(t)
			for i := range 105 {
				a := assessed(fmt.Sprint("id-", i), "app:1", noon.Add(time.Duration(i)*time.Second), 0)
				if err := s.PutAssessment(t.Context(), a, assess.Matching{}, &assess.Change{At: a.AssessedAt}); err != nil {
					t.Fatal(err)
				}
			}
			late := assessed("late", "app:1", noon, 0)
			if err := s.PutAssessment(t.Context(), late, assess.Matching{}, &assess.Change{At: noon}); err != nil {
				t.Fatal(err)
			}
			changes, err := s.Changes(t.Context(), "id-104")
			if err != nil || len(changes) != 100 || !changes[0].At.Equal(noon.Add(104*time.Second)) || !changes[99].At.Equal(noon.Add(5*time.Second)) {
				t.Errorf("%d changes, %v", len(changes), err)
			}
			if err := s.DeleteAssessment(t.Context(), "id-104"); err != nil {
				t.Fatal(err)
			}
			if changes, err := s.Changes(t.Context(), "id-104"); err != nil || len(changes) != 0 {
				t.Errorf("%d changes of an assessment that is gone, %v", len(changes), err)
			}
			_, err = s.Matching(t.Context(), "id-104")
			wantFault(t, err, fault.NotFound)
		})

		t.Run("a_lease_has_one_holder", func(t *testing.T) {
			s := open(t)
			take := func(holder string, at, length time.Duration) bool {
				t.Helper()
				ok, err := s.TakeLease(t.Context(), "work", holder, noon.Add(at), noon.Add(at+length))
				if err != nil {
					t.Fatal(err)
				}
				return ok
			}
			got := []bool{
				take("a", 0, time.Minute), take("b", time.Second, time.Minute), take("a", time.Second, time.Minute),
				take("b", time.Minute, time.Minute), take("b", time.Minute+time.Second, time.Minute), take("a", time.Minute+2*time.Second, time.Minute),
				take("b", time.Minute+3*time.Second, 0), take("a", time.Minute+3*time.Second, time.Minute),
			}
			if want := []bool{true, false, true, false, true, false, true, true}; !slices.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		})
	})
}
