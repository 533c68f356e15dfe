package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
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
		t.Run("come_back_as_they_were", func(t *testing.T) {
			s := open(t)
			bare := integration.Integration{ID: "x", Name: "bare", Type: "quay", Config: integration.NewConfig(nil, nil), Revision: 7}
			for _, want := range []integration.Integration{hub(), bare} {
				if err := s.CreateIntegration(t.Context(), want); err != nil {
					t.Fatal(err)
				}
				got, err := s.Integration(t.Context(), want.ID)
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(got.Config.Values(), want.Config.Values()) || got.Config.Secret("password").Reveal() != want.Config.Secret("password").Reveal() {
					t.Errorf("config is %v, want %v", got.Config, want.Config)
				}
				got.Config, want.Config = integration.Config{}, integration.Config{}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("got  %+v\nwant %+v", got, want)
				}
			}
		})

		t.Run("are_listed_by_the_bytes_of_their_names", func(t *testing.T) {
			s := open(t)
			for _, name := range []string{"b", "Ä", "a", "B", "_", "a b", "ab"} {
				if err := s.CreateIntegration(t.Context(), named("id "+name, name)); err != nil {
					t.Fatal(err)
				}
			}
			list, err := s.Integrations(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, in := range list {
				names = append(names, in.Name)
			}
			if got := strings.Join(names, ","); got != "B,_,a,a b,ab,b,Ä" {
				t.Error(got)
			}
		})

		t.Run("with_a_name_or_id_that_exists_conflict", func(t *testing.T) {
			s := open(t)
			for _, in := range []integration.Integration{named("1", "one"), named("2", "two")} {
				if err := s.CreateIntegration(t.Context(), in); err != nil {
					t.Fatal(err)
				}
			}
			wantFault(t, s.CreateIntegration(t.Context(), named("3", "one")), fault.Conflict, `integration with name "one" already exists`)
			wantFault(t, s.CreateIntegration(t.Context(), named("1", "three")), fault.Conflict)
			renamed := named("2", "one")
			renamed.Revision = 2
			wantFault(t, s.UpdateIntegration(t.Context(), renamed, 1), fault.Conflict, `integration with name "one" already exists`)
			if in, err := s.Integration(t.Context(), "2"); err != nil || in.Name != "two" || in.Revision != 1 {
				t.Errorf("the refused update left %v, %v", in, err)
			}
		})

		t.Run("change_from_the_expected_revision_only", func(t *testing.T) {
			s := open(t)
			in := hub()
			if err := s.CreateIntegration(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			in.Revision, in.Name, in.Created = 2, "new", in.Created.Add(time.Hour)
			in.Config = in.Config.With("password", secret.Text{}).With("endpoint", "quay.io")
			if err := s.UpdateIntegration(t.Context(), in, 1); err != nil {
				t.Fatal(err)
			}
			wantFault(t, s.UpdateIntegration(t.Context(), in, 1), fault.Conflict, "changed by somebody else")
			got, err := s.Integration(t.Context(), in.ID)
			if err != nil || got.Name != "new" || got.Revision != 2 || got.Config.Secret("password").IsSet() || got.Config.Text("endpoint") != "quay.io" {
				t.Errorf("got %+v, %v", got, err)
			}
			if !got.Created.Equal(hub().Created) {
				t.Errorf("the creation time moved to %v", got.Created)
			}
		})

		t.Run("changed_at_the_same_time_take_one_change", func(t *testing.T) {
			s := open(t)
			in := hub()
			if err := s.CreateIntegration(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			in.Revision = 2
			var group sync.WaitGroup
			errs := make([]error, 8)
			for i := range errs {
				group.Go(func() { errs[i] = s.UpdateIntegration(t.Context(), in, 1) })
			}
			group.Wait()
			done := 0
			for _, err := range errs {
				if err == nil {
					done++
				} else {
					wantFault(t, err, fault.Conflict)
				}
			}
			if done != 1 {
				t.Errorf("%d changes from one revision succeeded", done)
			}
		})

		t.Run("that_do_not_exist_are_not_found", func(t *testing.T) {
			s := open(t)
			_, err := s.Integration(t.Context(), "nobody")
			wantFault(t, err, fault.NotFound, "nobody")
			wantFault(t, s.UpdateIntegration(t.Context(), hub(), 1), fault.NotFound)
			wantFault(t, s.DeleteIntegration(t.Context(), "nobody"), fault.NotFound)
		})

		t.Run("deleted_are_gone_and_free_their_name", func(t *testing.T) {
			s := open(t)
			if err := s.CreateIntegration(t.Context(), hub()); err != nil {
				t.Fatal(err)
			}
			if err := s.DeleteIntegration(t.Context(), hub().ID); err != nil {
				t.Fatal(err)
			}
			wantFault(t, s.DeleteIntegration(t.Context(), hub().ID), fault.NotFound)
			if err := s.CreateIntegration(t.Context(), hub()); err != nil {
				t.Error(err)
			}
		})
	})
}

func TestSeedIntegrations(t *testing.T) {
	seeds := []integration.Integration{named("1", "one"), named("2", "two")}
	storetest.EachDatabase(t, func(t *testing.T, fresh func(testing.TB) string) {
		t.Run("happens_once_even_when_they_were_deleted", func(t *testing.T) {
			o := storetest.Options(fresh(t))
			s := storetest.Open(t, o)
			if done, err := s.SeedIntegrations(t.Context(), seeds); err != nil || !done {
				t.Fatal(done, err)
			}
			for _, in := range seeds {
				if err := s.DeleteIntegration(t.Context(), in.ID); err != nil {
					t.Fatal(err)
				}
			}
			again := storetest.Open(t, o)
			if done, err := again.SeedIntegrations(t.Context(), seeds); err != nil || done {
				t.Error(done, err)
			}
			if list, err := again.Integrations(t.Context()); err != nil || len(list) != 0 {
				t.Error(list, err)
			}
		})

		t.Run("leaves_a_database_with_integrations_alone", func(t *testing.T) {
			s := storetest.Open(t, storetest.Options(fresh(t)))
			if err := s.CreateIntegration(t.Context(), named("9", "mine")); err != nil {
				t.Fatal(err)
			}
			if done, err := s.SeedIntegrations(t.Context(), seeds); err != nil || done {
				t.Error(done, err)
			}
			if list, err := s.Integrations(t.Context()); err != nil || len(list) != 1 {
				t.Error(list, err)
			}
		})

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
		if err := s.PutAssessment(t.Context(), assess.Assessment{ID: "1", Reference: "r"}); err != nil {
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
			if _, err := raw(t, url).Exec(`UPDATE integrations SET secrets = (SELECT secrets FROM integrations WHERE id = '1') WHERE id = '2'`); err != nil {
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
