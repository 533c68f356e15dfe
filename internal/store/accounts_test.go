package store_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
)

func TestAccounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		admin := auth.User{Name: "admin", PasswordHash: "$argon2id$...", Role: auth.Administrator, Created: noon}

		t.Run("a_user_is_created_once", func(t *testing.T) {
			s := open(t)
			_, err := s.User(t.Context(), "admin")
			wantFault(t, err, fault.NotFound)
			if err := s.CreateUser(t.Context(), admin); err != nil {
				t.Fatal(err)
			}
			other := admin
			other.PasswordHash = "other"
			wantFault(t, s.CreateUser(t.Context(), other), fault.Conflict, "admin")
			if got, err := s.User(t.Context(), "admin"); err != nil || got != admin {
				t.Errorf("%+v, %v", got, err)
			}
		})

		t.Run("putting_a_user_changes_all_but_its_creation", func(t *testing.T) {
			s := open(t)
			want := admin
			for range 2 {
				if err := s.PutUser(t.Context(), want); err != nil {
					t.Fatal(err)
				}
				if got, err := s.User(t.Context(), "admin"); err != nil || got != want {
					t.Errorf("%+v, %v", got, err)
				}
				want.PasswordHash, want.Role = "changed", auth.Viewer
			}
		})

		t.Run("tokens_come_back_as_they_were", func(t *testing.T) {
			s := open(t)
			old := auth.Token{ID: "1", Name: "old", Role: auth.Viewer, Hash: []byte{0, 1, 255}, Created: noon, Expires: noon.Add(time.Hour)}
			recent := auth.Token{ID: "2", Name: "new", Role: auth.ContinuousIntegration, Hash: []byte{2}, Created: noon.Add(1), LastUsed: noon, Revoked: true}
			for _, want := range []auth.Token{old, recent} {
				if err := s.CreateToken(t.Context(), want); err != nil {
					t.Fatal(err)
				}
				if got, err := s.TokenByHash(t.Context(), want.Hash); err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("%+v, %v", got, err)
				}
			}
			if list, err := s.Tokens(t.Context()); err != nil || !reflect.DeepEqual(list, []auth.Token{recent, old}) {
				t.Errorf("%+v, %v", list, err)
			}
			_, err := s.TokenByHash(t.Context(), []byte{9})
			wantFault(t, err, fault.NotFound)
			old.ID = "3"
			wantFault(t, s.CreateToken(t.Context(), old), fault.Conflict)
		})

		t.Run("a_token_is_revoked_and_its_use_noted", func(t *testing.T) {
			s := open(t)
			if err := s.CreateToken(t.Context(), auth.Token{ID: "1", Hash: []byte{1}}); err != nil {
				t.Fatal(err)
			}
			for _, at := range []time.Time{noon, noon.Add(-time.Hour)} {
				if err := s.TouchToken(t.Context(), "1", at); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.RevokeToken(t.Context(), "1"); err != nil {
				t.Fatal(err)
			}
			if got, err := s.TokenByHash(t.Context(), []byte{1}); err != nil || !got.LastUsed.Equal(noon) || !got.Revoked {
				t.Errorf("%+v, %v", got, err)
			}
			wantFault(t, s.RevokeToken(t.Context(), "2"), fault.NotFound)
		})

		t.Run("a_session_belongs_to_a_user_and_ends", func(t *testing.T) {
			s := open(t)
			session := auth.Session{Hash: []byte{7}, User: "admin", Expires: noon}
			wantFault(t, s.CreateSession(t.Context(), session), fault.Conflict)
			if err := s.CreateUser(t.Context(), admin); err != nil {
				t.Fatal(err)
			}
			later := auth.Session{Hash: []byte{8}, User: "admin", Expires: noon.Add(time.Hour)}
			for _, want := range []auth.Session{session, later} {
				if err := s.CreateSession(t.Context(), want); err != nil {
					t.Fatal(err)
				}
				if got, err := s.Session(t.Context(), want.Hash); err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("%+v, %v", got, err)
				}
			}
			if err := s.DeleteExpiredSessions(t.Context(), noon); err != nil {
				t.Fatal(err)
			}
			_, err := s.Session(t.Context(), session.Hash)
			wantFault(t, err, fault.NotFound)
			if _, err := s.Session(t.Context(), later.Hash); err != nil {
				t.Error(err)
			}
			for range 2 {
				if err := s.DeleteSession(t.Context(), later.Hash); err != nil {
					t.Fatal(err)
				}
			}
			_, err = s.Session(t.Context(), later.Hash)
			wantFault(t, err, fault.NotFound)
		})
	})
}
