package feed

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// site is a place where updates are run.
type site struct {
	t     testing.TB
	dir   string
	at    time.Time
	waits []time.Duration
	Options
}

func newSite(t testing.TB, b *bucket, ecosystems ...string) *site {
	s := &site{t: t, dir: t.TempDir(), at: now}
	s.Options = Options{
		Dir: s.dir, Source: b.URL, Ecosystems: ecosystems, Transport: http.DefaultTransport, UserAgent: "landwaiter/test",
		Now:   func() time.Time { return s.at },
		Sleep: func(_ context.Context, d time.Duration) error { s.waits = append(s.waits, d); return nil },
	}
	return s
}

// update runs one an hour after the last, and wants it to go well.
func (s *site) update() Result {
	s.t.Helper()
	s.at = s.at.Add(time.Hour)
	res, err := Update(context.Background(), s.Options)
	if err != nil {
		s.t.Fatalf("%v (%s)", err, fault.FixOf(err))
	}
	for _, r := range res.Sources {
		if r.How == Failed {
			s.t.Fatalf("%+v", r)
		}
	}
	return res
}

// fails runs an update of which the one source must fail.
func (s *site) fails() SourceResult {
	s.t.Helper()
	res, err := Update(context.Background(), s.Options)
	if err != nil || len(res.Sources) != 1 || res.Sources[0].How != Failed || res.Sources[0].Fix == "" {
		s.t.Fatalf("%+v %v", res, err)
	}
	return res.Sources[0]
}

// fixes are the fixed versions that the index has, by ID.
func (s *site) fixes(records ...record) map[string]string {
	s.t.Helper()
	x, err := vuln.Open(s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	defer x.Close()
	found := map[string]string{}
	for _, r := range records {
		if !x.Covers(r.ecosystem) {
			continue
		}
		list, err := x.Match(context.Background(), vuln.Package{Ecosystem: r.ecosystem, Name: r.name, Version: "0.1.0"})
		if err != nil {
			s.t.Fatal(err)
		}
		for _, v := range list {
			found[v.ID] = v.FixedVersion
		}
	}
	return found
}

func (s *site) wantFixes(want map[string]string, records ...record) {
	s.t.Helper()
	if got := s.fixes(records...); !reflect.DeepEqual(got, want) {
		s.t.Errorf("the index has %v, want %v", got, want)
	}
}

func want(t testing.TB, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("requests:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// many are records T-000, T-001, ...
func many(n int, ecosystem string) (list []record) {
	for i := range n {
		list = append(list, rec(fmt.Sprintf("T-%03d", i), "2026-01-01T00:00:00Z", ecosystem, "1.0.0"))
	}
	return list
}

func TestUpdate(t *testing.T) {
	b := newBucket(t)
	records := many(20, "npm")
	b.publish("npm", records...)
	s := newSite(t, b, "npm")

	t.Run("the_first_fetches_the_archive", func(t *testing.T) {
		res := s.update()
		want(t, b.took(), []string{"GET npm/all.zip 200", "GET npm/modified_id.csv 200"})
		if r := res.Sources[0]; r.How != Archive || r.Changed != 20 || r.Bytes == 0 || res.Status.Records != 20 {
			t.Errorf("%+v", res)
		}
		e := res.Status.Ecosystems[0]
		if e.Origin != b.URL || !e.Imported.Equal(s.at) || !e.Checked.Equal(s.at) {
			t.Errorf("%+v", e)
		}
	})
	t.Run("nothing_new_costs_one_request_and_is_noted", func(t *testing.T) {
		imported := s.at
		res := s.update()
		want(t, b.took(), []string{"GET npm/modified_id.csv 304"})
		if e := res.Status.Ecosystems[0]; res.Sources[0].How != Unchanged || res.Imported != nil || !e.Imported.Equal(imported) || !e.Checked.Equal(s.at) {
			t.Errorf("%+v", res)
		}
	})
	t.Run("few_changes_are_fetched_one_by_one", func(t *testing.T) {
		records[3].modified, records[3].fixed = "2026-02-01T00:00:00.123456Z", "3.0.0"
		fresh := rec("T-900", "2026-02-02T00:00:00Z", "npm", "1.2.0")
		records[4].modified, records[4].withdrawn = "2026-02-03T00:00:00Z", true
		records = append(slices.Delete(records, 5, 6), fresh) // T-005
		b.publish("npm", records...)
		res := s.update()
		want(t, b.took(), []string{"GET npm/T-003.json 200", "GET npm/T-004.json 200", "GET npm/T-900.json 200", "GET npm/modified_id.csv 200"})
		if r := res.Sources[0]; r.How != Records || r.Changed != 3 || r.Removed != 1 {
			t.Errorf("%+v", r)
		}
		s.wantFixes(map[string]string{"T-003": "3.0.0", "T-006": "1.0.0", "T-900": "1.2.0"},
			records[3], records[4], rec("T-005", "", "npm", ""), records[5], fresh)
		s.update()
		want(t, b.took(), []string{"GET npm/modified_id.csv 304"})
	})
	t.Run("many_changes_are_fetched_as_the_archive", func(t *testing.T) {
		for i := range 10 {
			records[i].modified, records[i].fixed = "2026-02-10T00:00:00Z", "9.0.0"
		}
		b.publish("npm", records...)
		if r := s.update().Sources[0]; r.How != Archive {
			t.Errorf("%+v", r)
		}
		want(t, b.took(), []string{"GET npm/all.zip 200", "GET npm/modified_id.csv 200"})
		s.wantFixes(map[string]string{"T-000": "9.0.0"}, records[0])
	})
	t.Run("deletions_alone_fetch_nothing", func(t *testing.T) {
		last := records[len(records)-1]
		records = records[:len(records)-1]
		b.publish("npm", records...)
		if r := s.update().Sources[0]; r.How != Records || r.Changed != 0 || r.Removed != 1 {
			t.Errorf("%+v", r)
		}
		want(t, b.took(), []string{"GET npm/modified_id.csv 200"})
		s.wantFixes(map[string]string{}, last)
	})
	t.Run("a_list_that_lost_most_is_not_believed", func(t *testing.T) {
		b.list("npm", records[:2]...)
		if r := s.update().Sources[0]; r.How != Archive || r.Changed != len(records) {
			t.Errorf("%+v", r)
		}
		b.took()
		b.publish("npm", records...)
		s.update()
		b.took()
	})
	t.Run("what_was_imported_by_hand_since_is_replaced", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "1.json"), []byte(rec("OTHER-1", "2026-01-01T00:00:00Z", "npm", "1.0.0").String()), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := vuln.Import(context.Background(), s.dir, dir, vuln.ImportOptions{Now: s.at.Add(time.Minute)}); err != nil {
			t.Fatal(err)
		}
		res := s.update()
		want(t, b.took(), []string{"GET npm/modified_id.csv 200"}) // what was fetched is still there
		if res.Status.Records != len(records)-1 {
			t.Errorf("%+v", res.Status) // one is withdrawn
		}
	})
	t.Run("other_ecosystems_stay", func(t *testing.T) {
		b.publish("Debian", rec("DSA-1", "2026-02-01T00:00:00Z", "Debian:12", "1.1"))
		s.Ecosystems = []string{"Debian:12"}
		s.update()
		want(t, b.took(), []string{"GET Debian/all.zip 200", "GET Debian/modified_id.csv 200"})
		s.Ecosystems = nil
		if res := s.update(); len(res.Sources) != 2 || len(res.Status.Ecosystems) != 2 {
			t.Errorf("without names those that there are: %+v", res)
		}
		want(t, b.took(), []string{"GET Debian/modified_id.csv 304", "GET npm/modified_id.csv 304"})
	})
	t.Run("those_in_use_come_along", func(t *testing.T) {
		b.publish("Go", rec("GO-1", "2026-02-01T00:00:00Z", "Go", "1.1.0"))
		used := newSite(t, b)
		used.InUse = func(context.Context) ([]string, error) { return []string{"Debian:12", "Go", "Gentoo"}, nil }
		if res := used.update(); len(res.Sources) != 2 || res.Sources[0].Name != "Debian" || res.Sources[1].Name != "Go" {
			t.Errorf("%+v", res)
		}
		b.took()
	})
	t.Run("an_ecosystem_whose_last_record_was_withdrawn_is_empty", func(t *testing.T) {
		gone := rec("DSA-1", "2026-02-05T00:00:00Z", "Debian:12", "1.1")
		gone.withdrawn = true
		b.publish("Debian", gone)
		s.update()
		s.wantFixes(map[string]string{}, gone)
		b.publish("Debian", rec("DSA-1", "2026-02-06T00:00:00Z", "Debian:12", "1.2"))
		s.update() // it is followed all the same
		s.wantFixes(map[string]string{"DSA-1": "1.2"}, gone)
	})
	t.Run("all_that_the_source_has", func(t *testing.T) {
		b.publish("Debian", rec("DSA-2", "2026-02-06T00:00:00Z", "Debian:12", "1.1"))
		all := newSite(t, b)
		all.All = true
		if res := all.update(); len(res.Sources) != 2 || res.Status.Records != len(records) {
			t.Errorf("%+v", res)
		}
	})
}

func TestListAndArchiveOfDifferentMoments(t *testing.T) {
	t.Run("the_archive_is_older", func(t *testing.T) {
		b := newBucket(t)
		records := many(20, "npm")
		b.publish("npm", records...)
		old := archiveOf(t, records...)
		records[0].modified, records[0].fixed = "2026-02-01T00:00:00Z", "2.0.0"
		b.publish("npm", records...)
		b.put("npm/all.zip", old)
		s := newSite(t, b, "npm")
		s.update()
		want(t, b.took(), []string{"GET npm/T-000.json 200", "GET npm/all.zip 200", "GET npm/modified_id.csv 200"})
		s.wantFixes(map[string]string{"T-000": "2.0.0"}, records[0])
		s.update()
		want(t, b.took(), []string{"GET npm/modified_id.csv 200"}) // looked at again, and nothing differs
		s.update()
		want(t, b.took(), []string{"GET npm/modified_id.csv 304"})
	})
	t.Run("the_archive_is_newer", func(t *testing.T) {
		b := newBucket(t)
		records := many(20, "npm")
		b.publish("npm", records...)
		fresh := rec("T-999", "2026-02-01T00:00:00Z", "npm", "2.0.0")
		b.put("npm/all.zip", archiveOf(t, append(slices.Clone(records), fresh)...))
		s := newSite(t, b, "npm")
		s.update()
		s.wantFixes(map[string]string{"T-999": "2.0.0"}, fresh)
		b.publish("npm", append(records, fresh)...)
		b.took()
		s.update()
		want(t, b.took(), []string{"GET npm/modified_id.csv 200"})
	})
	t.Run("a_record_is_not_there_yet", func(t *testing.T) {
		b := newBucket(t)
		records := many(20, "npm")
		b.publish("npm", records...)
		s := newSite(t, b, "npm")
		s.update()
		fresh := rec("T-999", "2026-02-01T00:00:00Z", "npm", "2.0.0")
		b.list("npm", append(slices.Clone(records), fresh)...)
		s.update()
		b.took()
		b.publish("npm", append(records, fresh)...)
		s.update()
		want(t, b.took(), []string{"GET npm/T-999.json 200", "GET npm/modified_id.csv 200"})
		s.wantFixes(map[string]string{"T-999": "2.0.0"}, fresh)
	})
}

func TestTables(t *testing.T) {
	b := newBucket(t)
	const scores = "#model_version:v1,score_date:%sT00:00:00Z\ncve,epss,percentile\nCVE-2026-0001,0.1,0.2\n"
	b.put("epss", []byte(fmt.Sprintf(scores, "2026-02-27")))
	b.put("kev", []byte(`{"catalogVersion":"1","dateReleased":"2026-02-27T00:00:00Z","count":1,"vulnerabilities":[{"cveID":"CVE-2026-0001","dateAdded":"2026-02-01"}]}`))
	b.publish("npm", many(20, "npm")...)
	s := newSite(t, b, "npm")
	s.EPSS, s.Exploited = b.URL+"/epss", b.URL+"/kev"
	if res := s.update(); len(res.Sources) != 3 || res.Status.EPSS.Records != 1 || res.Status.KnownExploited.Records != 1 {
		t.Errorf("%+v", res)
	}
	b.took()
	b.put("epss", []byte(fmt.Sprintf(scores, "2026-02-28")))
	res := s.update()
	want(t, b.took(), []string{"GET epss 200", "GET kev 304", "GET npm/modified_id.csv 304"})
	if e, k := res.Status.EPSS, res.Status.KnownExploited; e.Date.Day() != 28 || !e.Imported.Equal(s.at) || !k.Checked.Equal(s.at) || k.Imported.Equal(s.at) {
		t.Errorf("%+v %+v", e, k)
	}
	b.put("epss", []byte("<html>"))
	failing, err := Update(context.Background(), s.Options)
	if err != nil || !failing.Failed() || failing.Status.EPSS.Date.Day() != 28 {
		t.Errorf("%+v %v", failing, err)
	}
	if left, err := os.ReadDir(filepath.Join(s.dir, downloads)); err != nil || len(left) != 2 { // the lock and npm
		t.Error(left, err)
	}
}

func TestUpdateRefuses(t *testing.T) {
	b := newBucket(t)
	for name, c := range map[string]struct {
		change func(*Options)
		code   fault.Code
		want   string
	}{
		"no_data_and_no_names": {func(o *Options) { o.Ecosystems = nil }, fault.Invalid, "which ecosystems"},
		"an_unknown_ecosystem": {func(o *Options) { o.Ecosystems = []string{"../etc"} }, fault.Invalid, "no ecosystem of OSV"},
		"no_URL":               {func(o *Options) { o.Source = "ftp://x" }, fault.Invalid, "not the address of a source"},
		"a_password_in_it":     {func(o *Options) { o.Source = "https://user:hunter2@mirror.example/osv" }, fault.Invalid, "https://…@mirror.example/osv"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, b, "npm")
			c.change(&s.Options)
			_, err := Update(context.Background(), s.Options)
			if err == nil || fault.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.want) || fault.FixOf(err) == "" || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v (%s)", err, fault.FixOf(err))
			}
		})
	}
	t.Run("another_update_is_running", func(t *testing.T) {
		s := newSite(t, b, "npm")
		unlock, err := vuln.Lock(filepath.Join(s.dir, downloads), lockName)
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
		if _, err := Update(context.Background(), s.Options); fault.CodeOf(err) != fault.Conflict {
			t.Error(err)
		}
	})
}

func FuzzReadList(f *testing.F) {
	f.Add([]byte("2026-01-01T00:00:00.5Z,GHSA-1\n2025-01-01T00:00:00Z,GHSA-2"))
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := readList(data)
		if err == nil && len(l) == 0 {
			t.Error("an empty list")
		}
		modified(strings.NewReader(string(data)))
	})
}
