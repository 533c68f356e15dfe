package store_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pressly/goose/v3/lock"

	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
)

// wantFault checks the code, that there is a fix for what a person can fix, and that no marked secret shows.
func wantFault(t *testing.T, err error, code fault.Code, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", code)
	}
	if got := fault.CodeOf(err); got != code {
		t.Fatalf("error is %s, want %s: %v", got, code, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error()+" "+fault.FixOf(err), w) {
			t.Errorf("error %q with fix %q does not mention %q", err, fault.FixOf(err), w)
		}
	}
}

func TestOpen(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, fresh func(testing.TB) string) {
		t.Run("keeps_what_was_stored", func(t *testing.T) {
			o := storetest.Options(fresh(t))
			first, err := store.Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if err := first.CreateIntegration(t.Context(), hub()); err != nil {
				t.Fatal(err)
			}
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			second := storetest.Open(t, o)
			if err := second.Ping(t.Context()); err != nil {
				t.Error(err)
			}
			in, err := second.Integration(t.Context(), hub().ID)
			if err != nil || in.Config.Secret("password").Reveal() != "s3cret" {
				t.Errorf("got %v, %v", in, err)
			}
		})

		t.Run("at_the_same_time_by_several_migrates_once", func(t *testing.T) {
			url := fresh(t)
			var group sync.WaitGroup
			errs := make([]error, 6)
			for i := range errs {
				group.Go(func() {
					s, err := store.Open(t.Context(), storetest.Options(url))
					if err == nil {
						err = errors.Join(s.PutUser(t.Context(), auth.User{Name: fmt.Sprint("user", i)}), s.Close())
					}
					errs[i] = err
				})
			}
			group.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			var rows, distinct int
			if err := storetest.Raw(t, url).QueryRow(`SELECT COUNT(*), COUNT(DISTINCT version_id) FROM goose_db_version`).Scan(&rows, &distinct); err != nil {
				t.Fatal(err)
			}
			if rows != distinct || rows < 2 {
				t.Errorf("%d migrations are noted for %d versions", rows, distinct)
			}
		})

		t.Run("with_another_key_says_so_at_once", func(t *testing.T) {
			o := storetest.Options(fresh(t))
			storetest.Open(t, o)
			o.Key[31]++
			_, err := store.Open(t.Context(), o)
			wantFault(t, err, fault.Internal, "key does not fit this database", "secret.key")
		})

		t.Run("of_a_newer_schema_is_refused", func(t *testing.T) {
			o := storetest.Options(fresh(t))
			storetest.Open(t, o)
			if _, err := storetest.Raw(t, o.URL).Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, $1)`, true); err != nil {
				t.Fatal(err)
			}
			_, err := store.Open(t.Context(), o)
			wantFault(t, err, fault.Internal, "99999", "newer Landwaiter")
		})

		t.Run("stops_when_the_context_ends", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := store.Open(ctx, storetest.Options(fresh(t)))
			wantFault(t, err, fault.Unavailable)
		})
	})
}

func TestOpenPostgreSQLWaitsForAServerThatMigrates(t *testing.T) {
	o := storetest.Options(storetest.PostgreSQL(t))
	other, err := storetest.Raw(t, o.URL).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.ExecContext(t.Context(), `SELECT pg_advisory_lock($1)`, lock.DefaultLockID); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = store.Open(ctx, o)
	wantFault(t, err, fault.Unavailable, "Try again")
	var made int
	if err := other.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'goose_db_version'`).Scan(&made); err != nil || made != 0 {
		t.Errorf("%d tables were made without the lock, %v", made, err)
	}
	if _, err := other.ExecContext(t.Context(), `SELECT pg_advisory_unlock($1)`, lock.DefaultLockID); err != nil {
		t.Fatal(err)
	}
	storetest.Open(t, o)
}

// TestOpenByProcesses starts this test binary twice on one file: SQLite's locks work between processes in another way than
// within one.
func TestOpenByProcesses(t *testing.T) {
	const variable = "LANDWAITER_TEST_OPEN"
	if url := os.Getenv(variable); url != "" {
		for i := range 5 {
			s, err := store.Open(t.Context(), storetest.Options(url))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.PutUser(t.Context(), auth.User{Name: fmt.Sprint(os.Getpid(), i)}); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	url := storetest.SQLite(t)
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOpenByProcesses$", "-test.count=1")
			c.Env = append(os.Environ(), variable+"="+url)
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	group.Wait()
	var users int
	if err := storetest.Raw(t, url).QueryRow(`SELECT COUNT(*) FROM users`).Scan(&users); err != nil || users != 15 {
		t.Errorf("%d users, %v", users, err)
	}
}

func TestOpenSQLite(t *testing.T) {
	t.Run("keeps_files_and_directory_private", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "new", "data")
		s := storetest.Open(t, storetest.Options("sqlite:"+filepath.Join(dir, "lw.db")))
		if err := s.CreateIntegration(t.Context(), hub()); err != nil {
			t.Fatal(err)
		}
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		modes := map[string]os.FileMode{}
		for _, f := range files {
			info, err := f.Info()
			if err != nil {
				t.Fatal(err)
			}
			modes[f.Name()] = info.Mode().Perm()
		}
		for _, name := range []string{"lw.db", "lw.db-wal"} {
			if _, ok := modes[name]; !ok {
				t.Errorf("there is no %s: %v", name, modes)
			}
		}
		for name, mode := range modes {
			if mode != 0o600 {
				t.Errorf("%s has mode %04o", name, mode)
			}
		}
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("directory has mode %v, %v", info.Mode(), err)
		}
	})

	t.Run("takes_odd_names_as_they_are", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a b", "50%41#x&y=z.db")
		s := storetest.Open(t, storetest.Options("sqlite://"+path))
		if err := s.CreateIntegration(t.Context(), hub()); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("nothing was written to %s: %v", path, err)
		}
	})

	t.Run("no_database_is_told_and_left_alone", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "letter.txt")
		const letter = "Dear reader, this is no database, and it shall stay as it is, whatever anybody may point at it.\n"
		if err := os.WriteFile(path, []byte(letter), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := store.Open(t.Context(), storetest.Options("sqlite:"+path))
		wantFault(t, err, fault.Internal, "no SQLite database")
		if now, err := os.ReadFile(path); err != nil || string(now) != letter {
			t.Errorf("the file now holds %q, %v", now, err)
		}
	})
}

func TestFailures(t *testing.T) {
	t.Run("a_locked_SQLite_file_is_unavailable_no_longer_than_the_caller_waits", func(t *testing.T) {
		url := storetest.SQLite(t)
		s := storetest.Open(t, storetest.Options(url))
		other, err := storetest.Raw(t, url).Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		if _, err := other.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		start := time.Now()
		wantFault(t, s.CreateIntegration(ctx, hub()), fault.Unavailable, "Try again")
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
		if _, err := s.Integrations(t.Context()); err != nil {
			t.Error("reading waits for somebody else's writing:", err)
		}
		if _, err := other.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
		if err := s.CreateIntegration(t.Context(), hub()); err != nil {
			t.Error(err)
		}
	})

	t.Run("lost_PostgreSQL_connections_are_unavailable_at_most_and_replaced", func(t *testing.T) {
		url := storetest.PostgreSQL(t)
		s := storetest.Open(t, storetest.Options(url))
		if err := s.CreateIntegration(t.Context(), hub()); err != nil {
			t.Fatal(err)
		}
		if _, err := storetest.Raw(t, url).Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'landwaiter'`); err != nil {
			t.Fatal(err)
		}
		for {
			_, err := s.Integration(t.Context(), hub().ID)
			if err == nil {
				break
			}
			wantFault(t, err, fault.Unavailable, "try again")
		}
	})
}

func TestOpenBadURL(t *testing.T) {
	const marked = "pa55word"
	closed := closedPort(t)
	for name, c := range map[string]struct {
		url   string
		code  fault.Code
		words string
	}{
		"nothing":                     {"", fault.Invalid, "sqlite:PATH"},
		"another_database":            {"mysql://root:" + marked + "@localhost/db", fault.Invalid, "neither sqlite: nor postgres:"},
		"no_path":                     {"sqlite:", fault.Invalid, "sqlite:PATH"},
		"settings_in_the_path":        {"sqlite:/tmp/x.db?mode=ro", fault.Invalid, "question mark"},
		"a_directory":                 {"sqlite:" + t.TempDir(), fault.Unavailable, "file"},
		"nobody_listens":              {"postgres://lw:" + marked + "@" + closed + "/db", fault.Unavailable, "Check that the database server runs"},
		"unknown_host":                {"postgres://lw:" + marked + "@host.invalid/db", fault.Unavailable, "Check that the database server runs"},
		"port_is_no_number":           {"postgres://lw:" + marked + "@host:5x/db", fault.Invalid, "%40"},
		"slash_in_the_password":       {"postgres://lw:12/" + marked + "@" + closed + "/db", fault.Invalid, "%2F"},
		"question_mark_in_password":   {"postgres://lw:12?" + marked + "@" + closed + "/db", fault.Invalid, "%3F"},
		"number_sign_in_the_password": {"postgres://lw:12#" + marked + "@" + closed + "/db", fault.Invalid, "%23"},
		"percent_in_the_password":     {"postgres://lw:%zz" + marked + "@" + closed + "/db", fault.Invalid, "%25"},
		"bad_setting":                 {"postgres://lw:" + marked + "@" + closed + "/db?sslmode=maybe", fault.Invalid, "sslmode"},
		"password_as_a_setting":       {"postgres://" + closed + "/db?user=lw&password=" + marked, fault.Unavailable, "Check"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := store.Open(t.Context(), storetest.Options(c.url))
			wantFault(t, err, c.code, c.words)
			for e := err; e != nil; e = errors.Unwrap(e) {
				if strings.Contains(fmt.Sprintf("%v %+v %s", e, e, fault.FixOf(e)), marked) {
					t.Errorf("the password shows in %q", e)
				}
			}
		})
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestMemoryDatabaseOutlivesACancelledStatement(t *testing.T) {
	s := storetest.Open(t, storetest.Options("sqlite::memory:"))
	if err := s.CreateIntegration(t.Context(), hub()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	for ctx.Err() == nil {
		_, _ = s.SeedIntegrations(ctx, []integration.Integration{hub()})
	}
	if _, err := s.Integration(t.Context(), hub().ID); err != nil {
		t.Error(err)
	}
}

func hub() integration.Integration {
	at := time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC)
	return integration.Integration{
		ID: "b0a1", Name: "Docker Hub", Type: "docker", Categories: []integration.Category{integration.CategoryRegistry},
		Config: integration.NewConfig(map[string]any{"endpoint": "registry-1.docker.io", "username": "lw", "insecure": true},
			map[string]secret.Text{"password": secret.New("s3cret")}),
		SkipTest: true, Autogenerated: true, ClusterID: "c1",
		Provenance: &integration.Provenance{ClusterID: "c1", Namespace: "n", ImagePullSecretName: "s"},
		Revision:   1, Created: at, Updated: at.Add(time.Hour),
	}
}
