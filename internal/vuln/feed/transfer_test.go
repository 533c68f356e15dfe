package feed

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// big is an archive that takes many reads.
func big() []record {
	list := many(30, "npm")
	for i := range list {
		list[i].pad = 40_000 + i
	}
	return list
}

func TestBrokenTransfers(t *testing.T) {
	const archive = "npm/all.zip"
	t.Run("go_on_where_they_broke_off", func(t *testing.T) {
		b := newBucket(t)
		records := big()
		b.publish("npm", records...)
		b.cut[archive] = []int{100_000, 200_000, 1}
		s := newSite(t, b, "npm")
		if res := s.update(); res.Status.Records != 30 {
			t.Errorf("%+v", res)
		}
		got := b.took()
		var ranges []string
		for _, r := range got {
			if strings.HasPrefix(r, "GET "+archive+" 206 bytes=") {
				ranges = append(ranges, r)
			}
		}
		if len(got) != 5 || len(ranges) != 3 || len(s.waits) != 3 {
			t.Errorf("%v, waited %v", got, s.waits)
		}
	})
	t.Run("are_continued_by_the_next_update", func(t *testing.T) {
		b := newBucket(t)
		b.publish("npm", big()...)
		s := newSite(t, b, "npm")
		b.cut[archive] = []int{100_000, 0, 0, 0, 0}
		if r := s.fails(); !strings.Contains(r.Error, "broke off after 100000 bytes") && !strings.Contains(r.Error, "EOF") {
			t.Errorf("%+v", r)
		}
		b.took()
		b.mu.Lock()
		b.cut[archive] = nil
		b.mu.Unlock()
		s.update()
		want(t, b.took(), []string{"GET npm/all.zip 206 bytes=100000-", "GET npm/modified_id.csv 200"})
	})
	t.Run("begin_anew_when_the_file_has_changed", func(t *testing.T) {
		b := newBucket(t)
		records := big()
		b.publish("npm", records...)
		s := newSite(t, b, "npm")
		b.cut[archive] = []int{100_000, 0, 0, 0, 0}
		s.fails()
		records[0].fixed = "7.0.0"
		b.cut[archive] = nil
		b.publish("npm", records...)
		b.took()
		s.update()
		want(t, b.took(), []string{"GET npm/all.zip 200 bytes=100000-", "GET npm/modified_id.csv 200"})
		s.wantFixes(map[string]string{"T-000": "7.0.0"}, records[0])
	})
	t.Run("what_was_complete_is_asked_for_again_before_it_is_used", func(t *testing.T) {
		b := newBucket(t)
		records := big()
		b.publish("npm", records...)
		s := newSite(t, b, "npm")
		f := &fetcher{sleep: s.Sleep}
		f.init(http.DefaultTransport)
		folder := filepath.Join(s.dir, downloads, "npm")
		if err := os.MkdirAll(folder, 0o750); err != nil {
			t.Fatal(err)
		}
		file, _, _, err := f.download(context.Background(), b.URL+"/"+archive, filepath.Join(folder, archiveName), "", maxArchive, func(int64, int64) {})
		if err != nil {
			t.Fatal(err)
		}
		file.Close() // and then the process was killed
		b.took()
		s.update()
		want(t, b.took(), []string{"GET npm/all.zip 304", "GET npm/modified_id.csv 200"})
	})
	for name, c := range map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"a_server_without_ranges_sends_all_of_it": func(w http.ResponseWriter, r *http.Request) bool {
			r.Header.Del("Range")
			return false
		},
		"a_range_that_cannot_be_had_begins_anew": func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Range") == "" {
				return false
			}
			w.Header().Set("Content-Range", "bytes */7")
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return true
		},
		"a_precondition_that_failed_begins_anew": func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Range") == "" {
				return false
			}
			w.WriteHeader(http.StatusPreconditionFailed)
			return true
		},
		"another_range_than_asked_for_begins_anew": func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Range") == "" {
				return false
			}
			w.Header().Set("Content-Range", "bytes 5-9/1000000")
			w.WriteHeader(http.StatusPartialContent)
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t)
			b.publish("npm", big()...)
			b.answer[archive] = c
			b.cut[archive] = []int{100_000}
			s := newSite(t, b, "npm")
			if res := s.update(); res.Status.Records != 30 {
				t.Errorf("%+v", res)
			}
		})
	}
}

func TestDamage(t *testing.T) {
	const archive = "npm/all.zip"
	setup := func(t *testing.T) (*bucket, *site) {
		b := newBucket(t)
		b.publish("npm", many(20, "npm")...)
		return b, newSite(t, b, "npm")
	}
	t.Run("once_is_fetched_again", func(t *testing.T) {
		b, s := setup(t)
		b.corrupt[archive] = 1
		s.update()
		want(t, b.took(), []string{"GET npm/all.zip 200", "GET npm/all.zip 200", "GET npm/modified_id.csv 200"})
	})
	for path, name := range map[string]string{archive: "of_the_archive", "npm/modified_id.csv": "of_the_list"} {
		t.Run(name+"_is_refused", func(t *testing.T) {
			b, s := setup(t)
			b.corrupt[path] = 100
			if r := s.fails(); !strings.Contains(r.Error, "checksum") {
				t.Errorf("%+v", r)
			}
			if x, err := vuln.Open(s.dir); x != nil || err != nil {
				t.Error("there is an index", err)
			}
		})
	}
	t.Run("content_MD5_counts_where_there_is_no_other", func(t *testing.T) {
		b, s := setup(t)
		b.silent = true
		b.answer[archive] = func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA==")
			return false
		}
		if r := s.fails(); !strings.Contains(r.Error, "checksum") {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a_server_that_says_nothing_of_its_files_is_enough", func(t *testing.T) {
		b, s := setup(t)
		b.silent = true
		s.update()
		b.took()
		if res := s.update(); res.Sources[0].How != Unchanged {
			t.Errorf("%+v", res)
		}
		want(t, b.took(), []string{"GET npm/modified_id.csv 304"}) // by Last-Modified
	})
	t.Run("an_archive_alone_is_enough", func(t *testing.T) {
		b, s := setup(t)
		delete(b.objects, "npm/modified_id.csv")
		s.update()
		b.took()
		s.update()
		want(t, b.took(), []string{"GET npm/all.zip 304", "GET npm/modified_id.csv 404"})
	})
	for name, c := range map[string]struct{ path, data, want string }{
		"no_archive":              {archive, "<html>", "not a readable archive"},
		"an_archive_of_nothing":   {archive, string(archiveOf(t)), "holds no record"},
		"a_list_that_is_none":     {"npm/modified_id.csv", "<html>", "not a time and an ID"},
		"an_empty_list":           {"npm/modified_id.csv", "", "is empty"},
		"a_path_instead_of_an_id": {"npm/modified_id.csv", "2026-01-01T00:00:00Z,../../x\n", "not a time and an ID"},
	} {
		t.Run(name, func(t *testing.T) {
			b, s := setup(t)
			b.put(c.path, []byte(c.data))
			if r := s.fails(); !strings.Contains(r.Error, c.want) {
				t.Errorf("%+v", r)
			}
		})
	}
	t.Run("another_record_than_asked_for", func(t *testing.T) {
		b, s := setup(t)
		s.update()
		records := many(20, "npm")
		records[0].modified = "2026-02-01T00:00:00Z"
		b.publish("npm", records...)
		b.put("npm/T-000.json", []byte(records[1].String()))
		if r := s.fails(); !strings.Contains(r.Error, "is not the record T-000") {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a_kept_archive_that_is_damaged_is_fetched_again", func(t *testing.T) {
		b, s := setup(t)
		s.update()
		records := many(20, "npm")
		records[0].modified, records[0].fixed = "2026-02-01T00:00:00Z", "2.0.0"
		b.publish("npm", records...)
		if err := os.WriteFile(filepath.Join(s.dir, downloads, "npm", archiveName), []byte("PK"), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := s.update().Sources[0]; r.How != Archive {
			t.Errorf("%+v", r)
		}
		s.wantFixes(map[string]string{"T-000": "2.0.0"}, records[0])
	})
}

func TestServerErrors(t *testing.T) {
	fail := func(status, times int, header ...string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			if times--; times < 0 {
				return false
			}
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			return true
		}
	}
	setup := func(t *testing.T, answer func(http.ResponseWriter, *http.Request) bool) (*bucket, *site) {
		b := newBucket(t)
		b.publish("npm", many(20, "npm")...)
		b.answer["npm/modified_id.csv"] = answer
		return b, newSite(t, b, "npm")
	}
	t.Run("pass", func(t *testing.T) {
		_, s := setup(t, fail(503, 2, "Retry-After", "3"))
		s.update()
		if !slices.Equal(s.waits, []time.Duration{3 * time.Second, 3 * time.Second}) {
			t.Error(s.waits)
		}
	})
	t.Run("that_last_are_told", func(t *testing.T) {
		b, s := setup(t, fail(500, 100))
		if r := s.fails(); !strings.Contains(r.Error, "500 Internal Server Error") {
			t.Errorf("%+v", r)
		}
		if n := len(b.took()); n != maxFailures {
			t.Errorf("%d attempts", n)
		}
	})
	t.Run("that_no_other_attempt_helps_against", func(t *testing.T) {
		b, s := setup(t, fail(403, 100))
		if r := s.fails(); !strings.Contains(r.Fix, "LANDWAITER_ADVISORY_CREDENTIAL") {
			t.Errorf("%+v", r)
		}
		if n := len(b.took()); n != 1 {
			t.Errorf("%d attempts", n)
		}
	})
	t.Run("of_one_ecosystem_leave_the_others", func(t *testing.T) {
		b, s := setup(t, fail(403, 100))
		b.publish("Debian", rec("DSA-1", "2026-02-01T00:00:00Z", "Debian:12", "1.1"))
		s.Ecosystems = []string{"npm", "Debian", "Hackage"}
		res, err := Update(context.Background(), s.Options)
		if err != nil || !res.Failed() || res.Status.Records != 1 || res.Sources[0].How != Archive || res.Sources[1].How != Failed || res.Sources[2].How != Failed {
			t.Errorf("%+v %v", res, err)
		}
	})
}

func TestCredential(t *testing.T) {
	b := newBucket(t)
	b.publish("npm", many(20, "npm")...)
	elsewhere := newBucket(t)
	elsewhere.publish("npm", many(20, "npm")...)
	b.answer["npm/all.zip"] = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, elsewhere.URL+"/npm/all.zip", http.StatusFound)
		return true
	}
	s := newSite(t, b, "npm")
	s.Authorization = secret.New("Bearer marked-token")
	s.EPSS = elsewhere.URL + "/epss.csv"
	elsewhere.put("epss.csv", []byte("#model_version:v1,score_date:2026-02-28T00:00:00Z\ncve,epss,percentile\nCVE-2026-0001,0.1,0.2\n"))
	s.update()
	if len(b.auth) != 2 || b.auth[0] != "Bearer marked-token" || b.auth[1] != "Bearer marked-token" {
		t.Error(b.auth)
	}
	if len(elsewhere.auth) != 2 || elsewhere.auth[0] != "" || elsewhere.auth[1] != "" {
		t.Error("the credential went to another host: ", elsewhere.auth)
	}
	filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if raw, _ := os.ReadFile(path); strings.Contains(string(raw), "marked-token") {
			t.Error("the credential is in ", path)
		}
		return err
	})
}

func TestRedirectToPlainHTTPIsRefused(t *testing.T) {
	plain := newBucket(t)
	plain.publish("npm", many(20, "npm")...)
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL+"/npm/modified_id.csv", http.StatusFound))
	defer secure.Close()
	s := newSite(t, plain, "npm")
	s.Source, s.Transport = secure.URL, secure.Client().Transport
	if r := s.fails(); !strings.Contains(r.Error, "from https to plain http") {
		t.Errorf("%+v", r)
	}
	if got := plain.took(); len(got) > 0 {
		t.Error(got)
	}
}
