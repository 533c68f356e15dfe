package assess_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/exception"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
	"github.com/landwaiter/landwaiter/internal/vex"
)

// reading counts the assessments that were read whole, and those that were made again.
type reading struct {
	counting
	read atomic.Int64
}

func (r *reading) Assessment(ctx context.Context, id string) (assess.Assessment, error) {
	r.read.Add(1)
	return r.counting.Assessment(ctx, id)
}

// excepting is a keeper with exceptions and policies of its database.
type excepting struct {
	*keeper
	db       *reading
	ledger   *exception.Ledger
	policies *policy.Library
}

func newExcepting(t testing.TB, db *store.Store) *excepting {
	t.Helper()
	x := &excepting{db: &reading{counting: counting{Store: db}}}
	x.keeper = newKeeper(t, db, t.TempDir(), func(o *assess.Options) {
		x.ledger, x.policies = exception.NewLedger(db, o.Now, uuid.NewString), policy.NewLibrary(db, o.Now)
		o.Store, o.Exceptions, o.Policies = x.db, x.ledger, x.policies
	})
	return x
}

func accept(images string, until time.Time) exception.Exception {
	return exception.Exception{
		ID: "accepted", Kind: exception.Accepted, CVEs: []string{"CVE-2026-0001"}, Images: []string{images}, Until: &until, Reason: "r", Author: "alice",
	}
}

func (x *excepting) add(e exception.Exception) {
	x.t.Helper()
	_, err := x.ledger.Create(x.t.Context(), e)
	must(x.t, err)
}

func (x *excepting) stored(id string) *assess.Assessment {
	x.t.Helper()
	a, err := x.db.Store.Assessment(x.t.Context(), id)
	must(x.t, err)
	return &a
}

func TestExceptions(t *testing.T) {
	t.Run("set_findings_aside_until_their_time_is_over", func(t *testing.T) {
		storetest.Each(t, func(t *testing.T, open func(t *testing.T) *store.Store) {
			x := newExcepting(t, open(t))
			x.put("app", "lodash@4.17.15")
			feed(t, x.dir, now, lodash("4.17.21", criticalVector))
			x.rematch()
			x.add(accept("registry.example/team/**", now.Add(time.Hour)))
			x.rematch()
			a := x.stored("app")
			if len(a.Findings) != 0 || len(a.Suppressed) != 1 || a.Suppressed[0].By.Exception.Author != "alice" || a.Verdict != assess.Violations {
				t.Fatalf("%s, %d findings, %+v", a.Verdict, len(a.Findings), a.Suppressed)
			}
			if s := assess.Summarize(a); s.Suppressed != 1 || s.SuppressedBy["accepted"] != 1 || len(s.Vulnerabilities) != 0 {
				t.Errorf("%+v", s)
			}
			x.set(now.Add(time.Hour)) // and nobody asks
			x.rematch()
			if got, want := story(x.changes("app")), `exceptions: violations > fail; counts again GHSA-1 in lodash 4.17.15
exceptions: fail > violations; set aside GHSA-1 in lodash 4.17.15
new advisories: pass > fail; came GHSA-1 in lodash 4.17.15`; got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	})

	t.Run("end_when_a_fix_comes", func(t *testing.T) {
		x := newExcepting(t, memoryStore(t))
		x.put("app", "lodash@4.17.15")
		feed(t, x.dir, now, lodash("", criticalVector))
		e := accept("**", now)
		e.Kind, e.Until, e.UntilFixable = exception.Deferred, nil, true
		x.add(e)
		x.rematch()
		if a := x.stored("app"); len(a.Suppressed) != 1 {
			t.Fatalf("%+v", a.Suppressed)
		}
		feed(t, x.dir, now.Add(time.Hour), lodash("4.17.21", criticalVector))
		x.rematch()
		if a := x.stored("app"); len(a.Findings) != 1 || a.Verdict != assess.Fail {
			t.Errorf("%s with %d findings", a.Verdict, len(a.Findings))
		}
	})

	t.Run("count_at_once_for_a_stored_image_that_is_asked_for", func(t *testing.T) {
		x := newExcepting(t, memoryStore(t))
		x.put("app", "lodash@4.17.15")
		feed(t, x.dir, now, lodash("4.17.21", criticalVector))
		x.add(accept("**", now.Add(time.Hour)))
		if a, err := x.Stored(t.Context(), "app"); err != nil || len(a.Suppressed) != 1 {
			t.Errorf("%+v, %v", a, err)
		}
		x.set(now.Add(2 * time.Hour))
		if a, err := x.Stored(t.Context(), "app"); err != nil || len(a.Findings) != 1 {
			t.Errorf("%+v, %v", a, err)
		}
	})

	t.Run("read_only_assessments_that_they_may_touch", func(t *testing.T) {
		x := newExcepting(t, memoryStore(t))
		x.put("app", "lodash@4.17.15")
		x.put("other", "lodash@4.17.15")
		x.put("clean", "left-pad@1.0.0")
		feed(t, x.dir, now, lodash("4.17.21", criticalVector))
		x.rematch()
		x.db.read.Store(0)
		x.db.remade.Store(0)
		x.add(accept("registry.example/team/app", now.Add(time.Hour)))
		x.rematch()
		if read, remade := x.db.read.Load(), x.db.remade.Load(); read != 1 || remade != 1 {
			t.Errorf("%d were read and %d made again, want app alone", read, remade)
		}
		all := accept("**", now.Add(time.Hour))
		all.ID, all.CVEs = "nobodys", []string{"CVE-2026-9999"}
		x.add(all)
		x.rematch()
		if read := x.db.read.Load(); read != 1 {
			t.Errorf("%d were read for a vulnerability that none has", read-1)
		}
		elsewhere := accept("**", now.Add(time.Hour))
		elsewhere.ID, elsewhere.Components = "elsewhere", []string{"axios"}
		x.add(elsewhere)
		x.rematch()
		if read, remade := x.db.read.Load(), x.db.remade.Load(); read != 3 || remade != 1 {
			t.Errorf("%d were read and %d made again, want app and other read, since the component is not known without, and none made again", read-1, remade-1)
		}
	})

	t.Run("go_before_statements_that_a_finding_matters_and_after_those_that_it_does_not", func(t *testing.T) {
		shelf := vex.NewShelf(vex.Dir(t.TempDir()), func() time.Time { return now })
		db := memoryStore(t)
		ledger := exception.NewLedger(db, func() time.Time { return now }, uuid.NewString)
		k := newKeeper(t, db, t.TempDir(), func(o *assess.Options) { o.Statements, o.Exceptions = shelf, ledger })
		k.put("app", "lodash@4.17.15")
		feed(t, k.dir, now, lodash("4.17.21", criticalVector))
		_, err := ledger.Create(t.Context(), accept("**", now.Add(time.Hour)))
		must(t, err)
		for i, c := range []struct{ status, want string }{{"affected", "accepted affected"}, {"not_affected", "not_affected not_affected"}} {
			_, err := shelf.Import(t.Context(), fmt.Appendf(nil, `{"@context":"https://openvex.dev/ns","@id":"d","author":"Vendor","timestamp":"2026-01-0%dT03:04:05Z",
				"statements":[{"vulnerability":{"name":"CVE-2026-0001"},"products":[{"@id":"registry.example/team/app:1"}],"status":%q,"impact_statement":"x"}]}`, i+1, c.status))
			must(t, err)
			a, err := k.Stored(t.Context(), "app")
			must(t, err)
			if len(a.Suppressed) != 1 || len(a.Findings) != 0 {
				t.Fatalf("%d set aside, %d not", len(a.Suppressed), len(a.Findings))
			}
			by := a.Suppressed[0].By
			if got := by.Kind() + " " + string(by.VEX.Status); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		}
	})
}

const ownPolicy = `apiVersion: landwaiter.dev/v1
kind: Policy
metadata: {name: no-lodash}
spec:
  title: No lodash
  description: d
  rationale: r
  remediation: r
  severity: high
  stages: [build]
  enforce: [build]
  forEach: components
  condition: component.name == "lodash"
`

func TestPolicies_that_change_judge_stored_images_again(t *testing.T) {
	x := newExcepting(t, memoryStore(t))
	x.put("app", "lodash@4.17.15")
	x.put("clean", "left-pad@1.0.0")
	x.rematch() // without any advisories
	_, err := x.policies.Apply(t.Context(), []byte(ownPolicy), "alice")
	must(t, err)
	x.rematch()
	if got := story(x.changes("app")); got != "policies: violations > fail\npolicies: pass > violations" {
		t.Errorf("got %s", got)
	}
	if len(x.changes("clean")) != 1 { // the first judgement
		t.Errorf("clean: %s", story(x.changes("clean")))
	}
	if a := x.stored("clean"); a.Verdict == assess.Fail {
		t.Error(a.Verdict)
	}
	must(t, x.policies.Delete(t.Context(), "no-lodash"))
	if a, err := x.Stored(t.Context(), "app"); err != nil || a.Verdict == assess.Fail {
		t.Errorf("%s, %v", a.Verdict, err)
	}
	for _, c := range x.changes("app") {
		if !slices.Equal(c.Because, []string{assess.BecausePolicies}) {
			t.Errorf("because %q", c.Because)
		}
	}
}

// Whatever the exceptions: what is shown and what is set aside are all that was found, each as it was found.
func TestExceptions_move_findings_and_change_none(t *testing.T) {
	db := memoryStore(t)
	plain := newKeeper(t, db, t.TempDir(), nil)
	records := fstest.MapFS{}
	for i := range 6 {
		records[fmt.Sprintf("npm/%d.json", i)] = record(fmt.Sprint("GHSA-", i), fmt.Sprint("CVE-2026-000", i), "npm", []string{"lodash", "axios"}[i%2], []string{"", "9.0.0"}[i%3%2], criticalVector)
	}
	feed(t, plain.dir, now, records)
	plain.put("app", "lodash@4.17.15", "axios@1.0.0", "left-pad@1.0.0")
	whole, err := plain.Stored(t.Context(), "app")
	must(t, err)
	if len(whole.Findings) != 6 {
		t.Fatal(len(whole.Findings))
	}
	rapid.Check(t, func(rt *rapid.T) {
		var list []exception.Exception
		for i := range rapid.IntRange(0, 5).Draw(rt, "exceptions") {
			e := accept(rapid.SampledFrom([]string{"**", "registry.example/team/app:1", "registry.example/other"}).Draw(rt, "image"), now.Add(time.Duration(rapid.IntRange(-1, 1).Draw(rt, "hours"))*time.Hour))
			e.ID, e.CVEs = fmt.Sprint("e", i), []string{rapid.SampledFrom([]string{"CVE-2026-0001", "ghsa-2", "CVE-2026-0003", "CVE-1"}).Draw(rt, "cve")}
			e.UntilFixable = rapid.Bool().Draw(rt, "fixable")
			list = append(list, e)
		}
		set := exception.NewSet(list, now)
		k := newKeeper(t, db, plain.dir, func(o *assess.Options) { o.Exceptions = held{set} })
		a, err := k.Stored(t.Context(), "app")
		must(t, err)
		all := slices.Clone(a.Findings)
		for _, f := range a.Suppressed {
			if f.By.Exception == nil {
				rt.Fatalf("%s is set aside by nothing", f.ID)
			}
			all = append(all, f.Finding)
		}
		if got, want := sorted(rt, all), sorted(rt, whole.Findings); got != want {
			rt.Fatalf("got\n%s\nwant\n%s", got, want)
		}
		s := assess.Summarize(a)
		aside, counted := 0, 0
		for _, n := range s.SuppressedBy {
			aside += n
		}
		for _, n := range s.Vulnerabilities {
			counted += n
		}
		if aside != s.Suppressed || aside+counted != len(whole.Findings) {
			rt.Fatalf("%d set aside as %d and %d counted of %d", s.Suppressed, aside, counted, len(whole.Findings))
		}
	})
}

type held struct{ set *exception.Set }

func (h held) Current(context.Context) (*exception.Set, error) { return h.set, nil }

func sorted(t *rapid.T, list []assess.Finding) string {
	var lines []string
	for _, f := range list {
		b, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(b))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
