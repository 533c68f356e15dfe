package assess_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"

	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/scan"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
	"github.com/landwaiter/landwaiter/internal/vex"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// A keeper is a service that knows stored images only, with advisories of its own and a clock that the test sets.
type keeper struct {
	*assess.Service
	t     testing.TB
	store *store.Store
	dir   string
	clock atomic.Int64
	log   apitest.Log
}

func newKeeper(t testing.TB, db *store.Store, dir string, change func(*assess.Options)) *keeper {
	t.Helper()
	k := &keeper{t: t, store: db, dir: dir}
	k.set(now)
	live, err := vuln.OpenLive(dir)
	must(t, err)
	t.Cleanup(func() { live.Close() })
	o := assess.Options{
		Advisories: live, Policies: policy.Fixed(policy.BuiltinSet()), Store: db, NewID: uuid.NewString,
		Now: func() time.Time { return time.Unix(0, k.clock.Load()) }, Log: slog.New(slog.NewTextHandler(&k.log, nil)),
	}
	if change != nil {
		change(&o)
	}
	k.Service = assess.New(o)
	return k
}

func (k *keeper) set(at time.Time) { k.clock.Store(at.UnixNano()) }

// feed imports advisories at a time.
func feed(t testing.TB, dir string, at time.Time, records fstest.MapFS) {
	t.Helper()
	_, err := vuln.ImportFS(context.Background(), dir, records, vuln.ImportOptions{Now: at})
	must(t, err)
}

// put stores an image of packages, written as name@version, as it was assessed before there was any advisory.
func (k *keeper) put(id string, names ...string) {
	k.t.Helper()
	must(k.t, k.store.PutAssessment(k.t.Context(), imageOf(id, names...), assess.Matching{}, nil))
}

func imageOf(id string, names ...string) assess.Assessment {
	a := assess.Assessment{
		ID: id, Reference: "registry.example/team/" + id + ":1", Platform: "linux/amd64", AssessedAt: now, Verdict: assess.Pass,
		Scan: assess.Scan{Status: string(scan.Complete)}, Check: assess.Check{Status: assess.NotChecked, Reason: "there is no advisory data"},
	}
	for _, n := range names {
		name, version, _ := strings.Cut(n, "@")
		a.Scan.Components = append(a.Scan.Components, assess.Component{Component: scan.Component{
			Name: name, Version: version, Type: "npm", Ecosystem: "npm", PURL: "pkg:npm/" + n, Location: "/app/node_modules/" + name + "/package.json",
		}})
	}
	return a
}

// rematch runs until no image is outdated.
func (k *keeper) rematch() {
	k.t.Helper()
	k.rematchWithin(k.t, 30*time.Second, time.Millisecond)
}

// rematchWithin asks how far it is from time to time.
func (k *keeper) rematchWithin(t testing.TB, limit, ask time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	done := make(chan struct{})
	go func() { defer close(done); k.Rematch(ctx) }()
	for {
		r, err := k.Rematching(ctx)
		must(t, err)
		if r.Done == r.Total {
			break
		}
		time.Sleep(ask)
	}
	cancel()
	<-done
}

func (k *keeper) changes(id string) []assess.Change {
	k.t.Helper()
	list, err := k.store.Changes(k.t.Context(), id)
	must(k.t, err)
	return list
}

// story writes changes in one line each.
func story(list []assess.Change) string {
	var lines []string
	for _, c := range list {
		line := fmt.Sprintf("%s: %s > %s", strings.Join(c.Because, ", "), c.Before, c.After)
		for _, d := range c.Differences {
			line += fmt.Sprintf("; %s %s in %s %s", d.What, d.ID, d.Component, d.Version)
			if d.What == assess.Changed {
				line += fmt.Sprintf(" %s %q > %s %q", d.WasSeverity, d.WasFixedVersion, d.Severity, d.FixedVersion)
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func lodash(fixed, vector string) fstest.MapFS {
	return fstest.MapFS{"npm/1.json": record("GHSA-1", "CVE-2026-0001", "npm", "lodash", fixed, vector)}
}

// counting counts the assessments that were made again.
type counting struct {
	*store.Store
	remade atomic.Int64
}

func (c *counting) PutRematched(ctx context.Context, a assess.Assessment, m assess.Matching, was assess.Basis, change *assess.Change) (bool, error) {
	c.remade.Add(1)
	return c.Store.PutRematched(ctx, a, m, was, change)
}

func memoryStore(t testing.TB) *store.Store {
	return storetest.Open(t, storetest.Options("sqlite::memory:"))
}

func TestRematch(t *testing.T) {
	t.Run("new_advisories_reach_stored_images_and_what_changed_is_kept", func(t *testing.T) {
		k := newKeeper(t, memoryStore(t), t.TempDir(), nil)
		k.put("app", "lodash@4.17.15", "left-pad@1.0.0")
		k.put("other", "left-pad@1.0.0")
		feed(t, k.dir, now.Add(time.Hour), lodash("", lowVector))
		k.rematch()
		k.set(now.Add(3 * time.Hour))
		feed(t, k.dir, now.Add(2*time.Hour), lodash("4.17.21", criticalVector))
		k.rematch()
		feed(t, k.dir, now.Add(4*time.Hour), fstest.MapFS{"npm/1.json": record("GHSA-2", "", "npm", "left-pad", "2.0.0", lowVector)})
		k.rematch()
		if got, want := story(k.changes("app")), `new advisories: fail > violations; came GHSA-2 in left-pad 1.0.0; went GHSA-1 in lodash 4.17.15
new advisories: violations > fail; changed GHSA-1 in lodash 4.17.15 low "" > critical "4.17.21"
new advisories: pass > violations; came GHSA-1 in lodash 4.17.15`; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if c := k.changes("app")[0]; !c.At.Equal(now.Add(3*time.Hour)) || !c.ImportedAt.Equal(now.Add(4*time.Hour)) || c.DataFrom == nil {
			t.Errorf("at %v, imported %v", c.At, c.ImportedAt)
		}
		a, err := k.store.Assessment(t.Context(), "app")
		must(t, err)
		if len(a.Findings) != 1 || a.Verdict != assess.Violations || !a.AssessedAt.Equal(now) || !a.Check.ImportedAt.Equal(now.Add(4*time.Hour)) {
			t.Errorf("%+v, %+v", a.Findings, a.Check)
		}
	})

	t.Run("advisories_that_alter_nothing_leave_the_assessment_but_not_its_age", func(t *testing.T) {
		db := &counting{Store: memoryStore(t)}
		k := newKeeper(t, db.Store, t.TempDir(), func(o *assess.Options) { o.Store = db })
		k.put("app", "lodash@4.17.15")
		feed(t, k.dir, now, lodash("4.17.21", criticalVector))
		k.rematch()
		k.set(now.Add(time.Hour))
		records := lodash("4.17.21", criticalVector)
		records["npm/2.json"] = record("GHSA-2", "", "npm", "axios", "2.0.0", lowVector)
		feed(t, k.dir, now.Add(time.Hour), records)
		k.rematch()
		a, err := k.store.Assessment(t.Context(), "app")
		must(t, err)
		if later := now.Add(time.Hour); !a.Check.ImportedAt.Equal(later) || !a.Check.MatchedAt.Equal(later) || !a.Findings[0].SourceAsOf.Equal(later) {
			t.Errorf("imported %v, matched %v, the finding's data are of %v", a.Check.ImportedAt, a.Check.MatchedAt, a.Findings[0].SourceAsOf)
		}
		if len(a.Findings) != 1 || len(k.changes("app")) != 1 {
			t.Errorf("it changed: %s", story(k.changes("app")))
		}
		if n := db.remade.Load(); n != 1 {
			t.Errorf("it was read and judged again %d times, wanted the first time only", n)
		}
	})

	t.Run("old_advisory_data_stops_being_a_violation", func(t *testing.T) {
		k := newKeeper(t, memoryStore(t), t.TempDir(), nil)
		k.put("app", "left-pad@1.0.0")
		k.set(now.AddDate(0, 1, 0)) // the records are from three days before now
		feed(t, k.dir, now, lodash("4.17.21", criticalVector))
		k.rematch()
		stale := func() bool {
			a, err := k.store.Assessment(t.Context(), "app")
			must(t, err)
			return strings.Contains(fmt.Sprint(a.Policy.Violations), "stale-advisory-data")
		}
		if !stale() {
			t.Fatal("a month is not old")
		}
		fresh := lodash("4.17.21", criticalVector)
		fresh["npm/1.json"].Data = []byte(strings.ReplaceAll(string(fresh["npm/1.json"].Data), "2026-11-20", "2026-12-20"))
		feed(t, k.dir, now.AddDate(0, 1, 0), fresh)
		k.rematch()
		if stale() {
			t.Error("the policy is still violated")
		}
	})

	t.Run("a_stored_image_that_is_asked_for_meanwhile_is_right_at_once", func(t *testing.T) {
		k := newKeeper(t, memoryStore(t), t.TempDir(), nil)
		k.put("app", "lodash@4.17.15")
		k.put("other", "lodash@4.17.15")
		feed(t, k.dir, now, lodash("4.17.21", criticalVector))
		a, err := k.Stored(t.Context(), "app")
		must(t, err)
		if a.Verdict != assess.Fail || len(a.Findings) != 1 || len(k.changes("app")) != 1 {
			t.Errorf("%s with %d findings", a.Verdict, len(a.Findings))
		}
		list, _, err := k.Summaries(t.Context(), "", 9, "")
		must(t, err)
		for _, s := range list {
			if s.Outdated != (s.ID == "other") {
				t.Errorf("%s is outdated: %v", s.ID, s.Outdated)
			}
		}
		if r, err := k.Rematching(t.Context()); err != nil || r.Done != 1 || r.Total != 2 || !r.DataOf.Equal(now) {
			t.Errorf("%+v, %v", r, err)
		}
	})

	t.Run("no_registry_is_asked", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{})
		registrytest.Push(t, r, "team/app", "1", debian())
		dir := t.TempDir()
		var live *vuln.Live
		f := start(t, nil, func(o *assess.Options) {
			var err error
			live, err = vuln.OpenLive(dir)
			must(t, err)
			o.Advisories = live
		})
		defer live.Close()
		a := f.assess(r.Host+"/team/app:1", assess.Judge)
		r.Requests()
		feed(t, dir, now, both())
		again, err := f.Stored(t.Context(), a.ID)
		must(t, err)
		requests := r.Requests()
		if len(again.Findings) != 3 || len(requests) != 0 {
			t.Errorf("%d findings, requests %v", len(again.Findings), paths(requests))
		}

		t.Run("and_another_scan_records_what_it_changed", func(t *testing.T) {
			upgraded := debian()
			upgraded.Layers = upgraded.Layers[:1]
			upgraded.Lines = upgraded.Lines[:1]
			registrytest.Push(t, r, "team/app", "1", upgraded)
			fresh := f.assess(r.Host+"/team/app:1", assess.Judge)
			changes, err := f.store.Changes(t.Context(), fresh.ID)
			must(t, err)
			if got := story(changes[:1]); len(changes) != 2 || got != "another image: fail > violations; went GHSA-aaaa-bbbb-cccc in lodash 4.17.15" {
				t.Errorf("%d changes, %s", len(changes), got)
			}
			if changes[0].Digest != fresh.Facts.Digest {
				t.Error(changes[0].Digest)
			}
		})
	})

	t.Run("a_server_with_older_advisories_leaves_newer_matches_alone", func(t *testing.T) {
		db := memoryStore(t)
		newer, older := newKeeper(t, db, t.TempDir(), nil), newKeeper(t, db, t.TempDir(), nil)
		newer.put("app", "lodash@4.17.15")
		feed(t, older.dir, now, lodash("", lowVector))
		feed(t, newer.dir, now.Add(time.Hour), lodash("4.17.21", criticalVector))
		newer.rematch()
		older.rematch()
		a, err := older.Stored(t.Context(), "app")
		must(t, err)
		if a.Verdict != assess.Fail || !a.Check.ImportedAt.Equal(now.Add(time.Hour)) {
			t.Errorf("%s, with advisories imported %v", a.Verdict, a.Check.ImportedAt)
		}
	})

	t.Run("VEX_documents_set_findings_aside_and_give_them_back", func(t *testing.T) {
		shelf := vex.NewShelf(vex.Dir(t.TempDir()), func() time.Time { return now })
		db := memoryStore(t)
		with := func(o *assess.Options) { o.Statements = shelf }
		k, older := newKeeper(t, db, t.TempDir(), with), newKeeper(t, db, t.TempDir(), with)
		k.put("app", "lodash@4.17.15")
		feed(t, older.dir, now, lodash("", lowVector))
		feed(t, k.dir, now.Add(time.Hour), lodash("4.17.21", criticalVector))
		k.rematch()
		info, err := shelf.Import(t.Context(), []byte(`{"@context":"https://openvex.dev/ns","@id":"d","author":"Vendor","timestamp":"2026-01-02T03:04:05Z",
			"statements":[{"vulnerability":{"name":"CVE-2026-0001"},"products":[{"@id":"registry.example/team/app:1"}],"status":"not_affected","justification":"component_not_present"}]}`))
		must(t, err)
		older.rematch() // it knows less of advisories, and the document all the same
		a, err := db.Assessment(t.Context(), "app")
		must(t, err)
		if len(a.Findings) != 0 || len(a.Suppressed) != 1 || a.Verdict != assess.Violations || !a.Check.ImportedAt.Equal(now.Add(time.Hour)) {
			t.Fatalf("%s, %d findings, %+v, %+v", a.Verdict, len(a.Findings), a.Suppressed, a.Check)
		}
		if f := a.Suppressed[0]; f.By.VEX.Author != "Vendor" || f.By.VEX.Document != "d" || f.Severity != vuln.Critical || assess.Summarize(&a).Suppressed != 1 {
			t.Errorf("%+v by %+v", f, f.By.VEX)
		}
		feed(t, k.dir, now.Add(2*time.Hour), lodash("4.17.22", criticalVector))
		k.rematch()
		must(t, shelf.Delete(t.Context(), info.Key))
		if a, err := k.Stored(t.Context(), "app"); err != nil || len(a.Findings) != 1 || len(a.Suppressed) != 0 || a.Verdict != assess.Fail {
			t.Errorf("%+v, %v", a, err)
		}
		if got, want := story(k.changes("app")), `VEX documents: violations > fail; counts again GHSA-1 in lodash 4.17.15
VEX documents: fail > violations; set aside GHSA-1 in lodash 4.17.15
new advisories: pass > fail; came GHSA-1 in lodash 4.17.15`; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})

	t.Run("a_damaged_one_is_told_and_does_not_stop_the_others", func(t *testing.T) {
		url := storetest.SQLite(t)
		db := storetest.Open(t, storetest.Options(url))
		k := newKeeper(t, db, t.TempDir(), nil)
		k.put("a", "lodash@4.17.15")
		k.put("b", "lodash@4.17.15")
		_, err := storetest.Raw(t, url).Exec(`UPDATE assessments SET body = x'00' WHERE id = 'a'`)
		must(t, err)
		feed(t, k.dir, now, lodash("4.17.21", criticalVector))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); k.Rematch(ctx) }()
		for deadline := time.Now().Add(10 * time.Second); len(k.changes("b")) == 0 && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		cancel()
		<-done
		if len(k.changes("b")) != 1 || !strings.Contains(k.log.String(), "id=a") {
			t.Errorf("%d changes of the sound one; log:\n%s", len(k.changes("b")), k.log.String())
		}
		if r, err := k.Rematching(t.Context()); err != nil || r.Done != 1 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// killedImages is more than a child manages before it is killed.
const killedImages = 400

func TestRematchKilled(t *testing.T) {
	if dir := os.Getenv("LANDWAITER_TEST_REMATCH"); dir != "" {
		newKeeper(t, storetest.Open(t, storetest.Options("sqlite:"+filepath.Join(dir, "db"))), dir, nil).Rematch(t.Context())
		return
	}
	dir := t.TempDir()
	db := storetest.Open(t, storetest.Options("sqlite:"+filepath.Join(dir, "db")))
	k := newKeeper(t, db, dir, nil)
	for i := range killedImages {
		k.put(fmt.Sprintf("%03d", i), "lodash@4.17.15", fmt.Sprintf("package-%d@1.0.0", i))
	}
	feed(t, dir, now, lodash("4.17.21", criticalVector))
	child := exec.Command(os.Args[0], "-test.run=^TestRematchKilled$")
	child.Env = append(os.Environ(), "LANDWAITER_TEST_REMATCH="+dir)
	must(t, child.Start())
	var seen assess.Rematching
	for deadline := time.Now().Add(30 * time.Second); seen.Done == 0 && time.Now().Before(deadline); {
		var err error
		seen, err = k.Rematching(t.Context())
		must(t, err)
	}
	must(t, child.Process.Kill())
	_ = child.Wait()
	if seen, _ = k.Rematching(t.Context()); seen.Done == 0 || seen.Done == seen.Total {
		t.Fatalf("killed after %d of %d", seen.Done, seen.Total)
	}
	k.set(now.Add(time.Minute)) // the dead one's lease has ended
	k.rematch()
	for i := range killedImages {
		id := fmt.Sprintf("%03d", i)
		a, err := db.Assessment(t.Context(), id)
		must(t, err)
		if changes := k.changes(id); len(changes) != 1 || a.Verdict != assess.Fail || len(a.Findings) != 1 {
			t.Fatalf("%s: %s with %d findings, %d changes", id, a.Verdict, len(a.Findings), len(changes))
		}
	}
}
