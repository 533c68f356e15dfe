package auth_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
)

func TestTokens(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		t.Run("let_in_with_their_role", func(t *testing.T) {
			people, _, _ := service(t, open)
			token, value, err := people.CreateToken(t.Context(), " pipeline ", auth.ContinuousIntegration, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			if token.Name != "pipeline" || len(value.Reveal()) != 46 || !strings.HasPrefix(value.Reveal(), "lw_") || bytes.Contains(token.Hash, []byte(value.Reveal())) {
				t.Errorf("%+v", token)
			}
			who, err := people.Bearer(t.Context(), value)
			if err != nil || who != (auth.Identity{Subject: "token:" + token.ID, Name: "pipeline", Role: auth.ContinuousIntegration}) {
				t.Error(who, err)
			}
		})

		t.Run("that_are_none_are_refused", func(t *testing.T) {
			people, _, _ := service(t, open)
			_, value, err := people.CreateToken(t.Context(), "ci", auth.Viewer, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			good := value.Reveal()
			for _, bad := range []string{"", "lw_", good[3:], good + "A", good[:45], "LW_" + good[3:], "lw_" + strings.Repeat("A", 43), strings.Repeat("x", 1<<20)} {
				who, err := people.Bearer(t.Context(), secret.New(bad))
				wantFault(t, err, fault.Unauthenticated)
				if who != (auth.Identity{}) {
					t.Error(who)
				}
			}
		})

		t.Run("end_when_they_expire", func(t *testing.T) {
			people, _, c := service(t, open)
			_, value, err := people.CreateToken(t.Context(), "ci", auth.Viewer, noon.Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			c.advance(time.Hour - 1)
			if _, err := people.Bearer(t.Context(), value); err != nil {
				t.Error(err)
			}
			c.advance(1)
			_, err = people.Bearer(t.Context(), value)
			wantFault(t, err, fault.Unauthenticated, "expired at 2026-11-23T13:00:00Z", "Create a new")
		})

		t.Run("end_when_they_are_revoked_and_stay_listed", func(t *testing.T) {
			people, _, _ := service(t, open)
			token, value, err := people.CreateToken(t.Context(), "ci", auth.Viewer, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := people.RevokeToken(t.Context(), token.ID); err != nil {
					t.Fatal(err)
				}
			}
			_, err = people.Bearer(t.Context(), value)
			wantFault(t, err, fault.Unauthenticated, "revoked")
			if list, err := people.Tokens(t.Context()); err != nil || len(list) != 1 || !list[0].Revoked {
				t.Error(list, err)
			}
			wantFault(t, people.RevokeToken(t.Context(), "nobody"), fault.NotFound)
		})

		t.Run("note_their_use_once_a_minute", func(t *testing.T) {
			people, _, c := service(t, open)
			_, value, err := people.CreateToken(t.Context(), "ci", auth.Viewer, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range []struct{ after, noted time.Duration }{{0, 0}, {59 * time.Second, 0}, {60 * time.Second, 60 * time.Second}, {90 * time.Second, 60 * time.Second}} {
				c.now = noon.Add(step.after)
				if _, err := people.Bearer(t.Context(), value); err != nil {
					t.Fatal(err)
				}
				if list, err := people.Tokens(t.Context()); err != nil || !list[0].LastUsed.Equal(noon.Add(step.noted)) {
					t.Errorf("after %v: %v, %v", step.after, list, err)
				}
			}
		})

		t.Run("need_a_name_a_role_and_a_future", func(t *testing.T) {
			people, _, _ := service(t, open)
			for name, c := range map[string]struct {
				name    string
				role    auth.Role
				expires time.Time
			}{
				"no name":         {" ", auth.Viewer, time.Time{}},
				"long name":       {strings.Repeat("x", 201), auth.Viewer, time.Time{}},
				"control in name": {"a\x00b", auth.Viewer, time.Time{}},
				"no text as name": {"\xff", auth.Viewer, time.Time{}},
				"no role":         {"ci", "", time.Time{}},
				"unknown role":    {"ci", "Root", time.Time{}},
				"expired":         {"ci", auth.Viewer, noon},
			} {
				_, value, err := people.CreateToken(t.Context(), c.name, c.role, c.expires)
				wantFault(t, err, fault.Invalid)
				if value.IsSet() {
					t.Error(name, "makes a token")
				}
			}
			if list, err := people.Tokens(t.Context()); err != nil || len(list) != 0 {
				t.Error(list, err)
			}
		})
	})
}

func TestSessions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		t.Run("last_half_a_day", func(t *testing.T) {
			people, _, c := signIn(t, open)
			cookie, expires, err := people.SignIn(t.Context(), "admin", secret.New(right))
			if err != nil || !expires.Equal(noon.Add(12*time.Hour)) || len(cookie.Reveal()) != 43 {
				t.Fatal(expires, err)
			}
			c.advance(12*time.Hour - 1)
			if who, err := people.Session(t.Context(), cookie); err != nil || who.Subject != "admin" || who.Role != auth.Administrator {
				t.Error(who, err)
			}
			c.advance(1)
			_, err = people.Session(t.Context(), cookie)
			wantFault(t, err, fault.Unauthenticated, "Sign in again")
		})

		t.Run("need_the_password", func(t *testing.T) {
			people, _, _ := signIn(t, open)
			cookie, _, err := people.SignIn(t.Context(), "admin", secret.New("wrong"))
			wantFault(t, err, fault.Unauthenticated)
			if cookie.IsSet() {
				t.Error("a cookie is given out")
			}
		})

		t.Run("end_at_signing_out", func(t *testing.T) {
			people, _, _ := signIn(t, open)
			mine, _, err := people.SignIn(t.Context(), "admin", secret.New(right))
			if err != nil {
				t.Fatal(err)
			}
			other, _, err := people.SignIn(t.Context(), "admin", secret.New(right))
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := people.SignOut(t.Context(), mine); err != nil {
					t.Fatal(err)
				}
			}
			_, err = people.Session(t.Context(), mine)
			wantFault(t, err, fault.Unauthenticated)
			if _, err := people.Session(t.Context(), other); err != nil {
				t.Error(err)
			}
		})

		t.Run("that_are_none_are_refused", func(t *testing.T) {
			people, _, _ := service(t, open)
			for _, cookie := range []string{"", "x", strings.Repeat("A", 43), "\x00"} {
				_, err := people.Session(t.Context(), secret.New(cookie))
				wantFault(t, err, fault.Unauthenticated)
			}
		})

		t.Run("follow_the_users_present_role", func(t *testing.T) {
			people, s, _ := signIn(t, open)
			cookie, _, err := people.SignIn(t.Context(), "admin", secret.New(right))
			if err != nil {
				t.Fatal(err)
			}
			u, err := s.User(t.Context(), "admin")
			if err != nil {
				t.Fatal(err)
			}
			u.Role = auth.Viewer
			if err := s.PutUser(t.Context(), u); err != nil {
				t.Fatal(err)
			}
			if who, err := people.Session(t.Context(), cookie); err != nil || who.Role != auth.Viewer {
				t.Error(who, err)
			}
		})
	})
}
