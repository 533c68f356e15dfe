package store_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
)

func TestPolicies(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(t *testing.T) *store.Store) {
		s := open(t)
		revisions := map[string]bool{}
		changed := func() {
			t.Helper()
			r, err := s.PoliciesRevision(t.Context())
			if err != nil || revisions[r] {
				t.Errorf("revision %q, which was there before; %v", r, err)
			}
			revisions[r] = true
		}
		put := func(documents ...policy.Stored) {
			t.Helper()
			if err := s.PutPolicies(t.Context(), documents); err != nil {
				t.Fatal(err)
			}
			changed()
		}
		changed()
		put(policy.Stored{ID: "b", Document: []byte("1"), Changed: noon, By: "ann"}, policy.Stored{ID: "a", Document: []byte("2"), Changed: noon})
		put(policy.Stored{ID: "b", Document: []byte("3\n"), Changed: noon.Add(time.Hour), By: "bob"})
		list, err := s.ListPolicies(t.Context())
		if got := fmt.Sprintf("%+q %v", list, list[1].Changed.Sub(noon)); err != nil || len(list) != 2 || list[0].ID != "a" || string(list[1].Document) != "3\n" ||
			list[1].By != "bob" || list[1].Changed.Sub(noon) != time.Hour {
			t.Errorf("%s, %v", got, err)
		}
		if err := s.DeletePolicy(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		changed()
		wantFault(t, s.DeletePolicy(t.Context(), "b"), fault.NotFound)
		if list, err := s.ListPolicies(t.Context()); err != nil || len(list) != 1 {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

// TestPolicies_of_two_servers lets libraries on one database see each other's changes, those at the same moment, too.
func TestPolicies_of_two_servers(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, fresh func(testing.TB) string) {
		url := fresh(t)
		open := func() *policy.Library { return policy.NewLibrary(storetest.Open(t, storetest.Options(url)), time.Now) }
		here, there := open(), open()
		document := func(id string) []byte {
			return policy.Format(policy.Policy{ID: id, Title: id, Severity: policy.Low, Stages: []policy.Stage{policy.Build}, Condition: "true"})
		}
		own := func(l *policy.Library) string {
			entries, err := l.Entries(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, e := range entries {
				if e.Source != policy.SourceBuiltIn {
					ids = append(ids, e.ID+" "+string(e.Source))
				}
			}
			return strings.Join(ids, ", ")
		}
		if own(here)+own(there) != "" {
			t.Error("there are policies of somebody")
		}
		if _, err := here.Apply(t.Context(), document("latest-tag"), "ann"); err != nil {
			t.Fatal(err)
		}
		if got := own(there); got != "latest-tag changed" {
			t.Error(got)
		}
		if err := there.Delete(t.Context(), "latest-tag"); err != nil {
			t.Fatal(err)
		}
		if got := own(here); got != "" {
			t.Error(got)
		}
		var group sync.WaitGroup
		for i := range 10 {
			for _, l := range []*policy.Library{here, there} {
				group.Go(func() {
					if _, err := l.Apply(t.Context(), document(fmt.Sprintf("p%d", i)), ""); err != nil {
						t.Error(err)
					}
				})
			}
		}
		group.Wait()
		if got := own(here); len(strings.Split(got, ", ")) != 10 || own(there) != got {
			t.Errorf("%s\n%s", got, own(there))
		}
	})
}
