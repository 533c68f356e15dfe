package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
)

func named(id, name string) integration.Integration {
	in := hub()
	in.ID, in.Name = id, name
	return in
}

func TestIntegrations(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		integrationtest.Store(t, func(t *testing.T) integration.Store { return open(t) })

		t.Run("with_a_name_that_exists_say_which", func(t *testing.T) {
			s := open(t)
			for _, in := range []integration.Integration{named("1", "one"), named("2", "two")} {
				if err := s.CreateIntegration(t.Context(), in); err != nil {
					t.Fatal(err)
				}
			}
			wantFault(t, s.CreateIntegration(t.Context(), named("3", "one")), fault.Conflict, `integration with name "one" already exists`)
			renamed := named("2", "one")
			renamed.Revision = 2
			wantFault(t, s.UpdateIntegration(t.Context(), renamed, 1), fault.Conflict, `integration with name "one" already exists`)
		})

		t.Run("keep_their_creation_time_and_every_nanosecond", func(t *testing.T) {
			s := open(t)
			in := hub()
			if err := s.CreateIntegration(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			in.Revision, in.Created, in.Updated = 2, in.Created.Add(time.Hour), in.Updated.Add(1)
			if err := s.UpdateIntegration(t.Context(), in, 1); err != nil {
				t.Fatal(err)
			}
			got, err := s.Integration(t.Context(), in.ID)
			if err != nil || got.Created != hub().Created || got.Updated != in.Updated {
				t.Errorf("%v, %v, %v", got.Created, got.Updated, err)
			}
		})

		t.Run("with_an_id_that_no_database_can_hold_are_refused", func(t *testing.T) {
			s := open(t)
			for _, id := range []string{"a\x00b", "\xff"} {
				_, err := s.Integration(t.Context(), id)
				if code := fault.CodeOf(err); err == nil || code != fault.NotFound && code != fault.Invalid {
					t.Errorf("%q: %v", id, err)
				}
			}
		})
	})
}

func TestSeedIntegrations(t *testing.T) {
	seeds := []integration.Integration{named("1", "one"), named("2", "two")}
	storetest.EachDatabase(t, func(t *testing.T, fresh func(testing.TB) string) {
		t.Run("adds_all_or_none", func(t *testing.T) {
			s := storetest.Open(t, storetest.Options(fresh(t)))
			_, err := s.SeedIntegrations(t.Context(), []integration.Integration{named("1", "one"), named("2", "one")})
			wantFault(t, err, fault.Conflict)
			if list, err := s.Integrations(t.Context()); err != nil || len(list) != 0 {
				t.Error(list, err)
			}
			if done, err := s.SeedIntegrations(t.Context(), seeds); err != nil || !done {
				t.Error("a failed seeding counts as done:", done, err)
			}
		})

		t.Run("by_several_servers_happens_once", func(t *testing.T) {
			o := storetest.Options(fresh(t))
			stores := []*store.Store{storetest.Open(t, o), storetest.Open(t, o), storetest.Open(t, o)}
			done, errs := make([]bool, len(stores)), make([]error, len(stores))
			var group sync.WaitGroup
			for i, s := range stores {
				group.Go(func() { done[i], errs[i] = s.SeedIntegrations(t.Context(), seeds) })
			}
			group.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, d := range done {
				if d {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%d servers seeded", n)
			}
		})
	})
}

func TestSecretsAtRest(t *testing.T) {
	const marked = "mark3d-5ecret-value"

	t.Run("a_database_file_shows_none", func(t *testing.T) {
		url := storetest.SQLite(t)
		s := storetest.Open(t, storetest.Options(url))
		in := hub()
		in.Config = in.Config.With("password", secret.New(marked)).With("serviceAccount", secret.New(`{"key":"`+marked+`"}`))
		if err := s.CreateIntegration(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		in.Revision++
		if err := s.UpdateIntegration(t.Context(), in, 1); err != nil {
			t.Fatal(err)
		}
		people := auth.New(auth.Options{Store: s, Now: time.Now, Rand: storetest.Options("").Rand})
		password, err := people.EnsureAdmin(t.Context(), secret.Text{})
		if err != nil {
			t.Fatal(err)
		}
		_, token, err := people.CreateToken(t.Context(), "ci", auth.Viewer, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		cookie, _, err := people.SignIn(t.Context(), "admin", password)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.PutAssessment(t.Context(), assess.Assessment{ID: "1", Reference: "r"}, assess.Matching{}, nil); err != nil {
			t.Fatal(err)
		}
		paths, err := filepath.Glob(strings.TrimPrefix(url, "sqlite:") + "*")
		if err != nil || len(paths) < 2 {
			t.Fatal(paths, err)
		}
		var everything []byte
		for _, p := range paths {
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			everything = append(everything, b...)
		}
		if !bytes.Contains(everything, []byte("registry-1.docker.io")) {
			t.Fatal("the files do not even show what is not secret: the test reads the wrong ones")
		}
		for name, value := range map[string]string{
			"integration": marked, "password": password.Reveal(), "token": token.Reveal(), "token without prefix": token.Reveal()[3:], "cookie": cookie.Reveal(),
		} {
			if value == "" || bytes.Contains(everything, []byte(value)) {
				t.Errorf("the files show the secret of the %s", name)
			}
		}
	})

	storetest.EachDatabase(t, func(t *testing.T, fresh func(testing.TB) string) {
		t.Run("moved_to_another_row_do_not_open", func(t *testing.T) {
			url := fresh(t)
			s := storetest.Open(t, storetest.Options(url))
			for _, in := range []integration.Integration{named("1", "one"), named("2", "two")} {
				if err := s.CreateIntegration(t.Context(), in); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := storetest.Raw(t, url).Exec(`UPDATE integrations SET secrets = (SELECT secrets FROM integrations WHERE id = '1') WHERE id = '2'`); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Integration(t.Context(), "1"); err != nil {
				t.Error(err)
			}
			_, err := s.Integration(t.Context(), "2")
			wantFault(t, err, fault.Internal, "changed outside Landwaiter", "two")
		})
	})
}
