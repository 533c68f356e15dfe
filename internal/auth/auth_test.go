package auth_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// clock is set by the test and read by the service, one after the other.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time          { return c.now }
func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

const right = "correct horse"

// service is one on a new database without users.
func service(t *testing.T, open func(*testing.T) *store.Store) (*auth.Service, *store.Store, *clock) {
	t.Helper()
	s, c := open(t), &clock{noon}
	return auth.New(auth.Options{Store: s, Now: c.Now, Rand: rand.Reader}), s, c
}

// signIn is a service whose administrator has the password right.
func signIn(t *testing.T, open func(*testing.T) *store.Store) (*auth.Service, *store.Store, *clock) {
	t.Helper()
	people, s, c := service(t, open)
	if generated, err := people.EnsureAdmin(t.Context(), secret.New(right)); err != nil || generated.IsSet() {
		t.Fatal(generated, err)
	}
	return people, s, c
}

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

func TestMay(t *testing.T) {
	all := []auth.Permission{auth.ReadIntegrations, auth.WriteIntegrations, auth.ReadImages, auth.ScanImages, auth.WriteAdvisories, auth.WriteExceptions, auth.ManageTokens}
	for role, want := range map[auth.Role]string{
		auth.Administrator:         "integrations:read integrations:write images:read images:scan advisories:write exceptions:write tokens:write",
		auth.ContinuousIntegration: "images:read images:scan",
		auth.Viewer:                "integrations:read images:read",
		"":                         "",
		"administrator":            "",
	} {
		var may []string
		for _, p := range all {
			if (auth.Identity{Role: role}).May(p) {
				may = append(may, string(p))
			}
		}
		if got := strings.Join(may, " "); got != want {
			t.Errorf("%q may %s, want %s", role, got, want)
		}
	}
	if (auth.Identity{Role: auth.Administrator}).May("invented") {
		t.Error("the administrator may what does not exist")
	}
}

func TestEnsureAdmin(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, fresh func(testing.TB) string) {
		on := func(t *testing.T, url string) *auth.Service {
			return auth.New(auth.Options{Store: storetest.Open(t, storetest.Options(url)), Now: time.Now, Rand: rand.Reader})
		}

		t.Run("generates_a_password_once", func(t *testing.T) {
			url := fresh(t)
			people := on(t, url)
			generated, err := people.EnsureAdmin(t.Context(), secret.Text{})
			if err != nil || !generated.IsSet() {
				t.Fatal(generated, err)
			}
			if again, err := on(t, url).EnsureAdmin(t.Context(), secret.Text{}); err != nil || again.IsSet() {
				t.Error(again, err)
			}
			who, err := people.Basic(t.Context(), "admin", generated)
			if err != nil || who != (auth.Identity{Subject: "admin", Name: "admin", Role: auth.Administrator}) {
				t.Error(who, err)
			}
		})

		t.Run("takes_a_given_password_for_a_new_user_only", func(t *testing.T) {
			people := on(t, fresh(t))
			for _, p := range []string{"first", "second"} {
				if shown, err := people.EnsureAdmin(t.Context(), secret.New(p)); err != nil || shown.IsSet() {
					t.Error(shown, err)
				}
			}
			if _, err := people.Basic(t.Context(), "admin", secret.New("first")); err != nil {
				t.Error(err)
			}
			_, err := people.Basic(t.Context(), "admin", secret.New("second"))
			wantFault(t, err, fault.Unauthenticated)
		})

		t.Run("by_servers_starting_together_makes_one_password", func(t *testing.T) {
			url := fresh(t)
			services := []*auth.Service{on(t, url), on(t, url), on(t, url)}
			shown, errs := make([]secret.Text, len(services)), make([]error, len(services))
			var group sync.WaitGroup
			for i, s := range services {
				group.Go(func() { shown[i], errs[i] = s.EnsureAdmin(t.Context(), secret.Text{}) })
			}
			group.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, p := range shown {
				if p.IsSet() {
					n++
					if _, err := services[0].Basic(t.Context(), "admin", p); err != nil {
						t.Error("a password that was shown is not the one:", err)
					}
				}
			}
			if n != 1 {
				t.Errorf("%d passwords were shown", n)
			}
		})
	})

	t.Run("refuses_a_password_that_could_never_be_used", func(t *testing.T) {
		people := auth.New(auth.Options{Store: storetest.Open(t, storetest.Options("sqlite::memory:")), Now: time.Now, Rand: rand.Reader})
		_, err := people.EnsureAdmin(t.Context(), secret.New(strings.Repeat("x", 1025)))
		wantFault(t, err, fault.Invalid, "1024")
	})
	t.Run("fails_when_the_database_does", func(t *testing.T) {
		s, err := store.Open(t.Context(), storetest.Options("sqlite::memory:"))
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		people := auth.New(auth.Options{Store: s, Now: time.Now, Rand: rand.Reader})
		if shown, err := people.EnsureAdmin(t.Context(), secret.Text{}); err == nil || shown.IsSet() {
			t.Error("a password is shown that is not stored")
		}
	})
}

func TestBasic(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		t.Run("lets_the_right_password_in", func(t *testing.T) {
			people, _, _ := signIn(t, open)
			who, err := people.Basic(t.Context(), "admin", secret.New(right))
			if err != nil || who.Subject != "admin" || !who.May(auth.ManageTokens) {
				t.Error(who, err)
			}
		})

		t.Run("says_the_same_of_a_wrong_name_and_a_wrong_password", func(t *testing.T) {
			people, _, _ := signIn(t, open)
			messages := map[string]bool{}
			for _, c := range [][2]string{
				{"admin", "wrong"}, {"admin", ""}, {"admin", strings.Repeat("x", 5000)}, {"admin", right + "\x00"},
				{"nobody", right}, {"", right}, {"Admin", right}, {"admin\x00", right}, {"\xff", right},
			} {
				who, err := people.Basic(t.Context(), c[0], secret.New(c[1]))
				wantFault(t, err, fault.Unauthenticated)
				if who != (auth.Identity{}) {
					t.Error(who)
				}
				messages[err.Error()+fault.FixOf(err)] = true
			}
			if len(messages) != 1 {
				t.Error(messages)
			}
		})

		t.Run("a_changed_password_ends_the_old_one_at_once", func(t *testing.T) {
			people, s, _ := signIn(t, open)
			if _, err := people.Basic(t.Context(), "admin", secret.New(right)); err != nil {
				t.Fatal(err)
			}
			hash, err := auth.Hash(secret.New("new"), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.PutUser(t.Context(), auth.User{Name: "admin", PasswordHash: hash, Role: auth.Viewer}); err != nil {
				t.Fatal(err)
			}
			_, err = people.Basic(t.Context(), "admin", secret.New(right))
			wantFault(t, err, fault.Unauthenticated)
			if who, err := people.Basic(t.Context(), "admin", secret.New("new")); err != nil || who.Role != auth.Viewer {
				t.Error(who, err)
			}
		})
	})

	memory := func(t *testing.T) *store.Store { return storetest.Open(t, storetest.Options("sqlite::memory:")) }
	within := func(t *testing.T, d time.Duration) context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), d)
		t.Cleanup(cancel)
		return ctx
	}

	t.Run("remembers_a_right_password_for_minutes", func(t *testing.T) {
		people, _, c := signIn(t, memory)
		if _, err := people.Basic(t.Context(), "admin", secret.New(right)); err != nil {
			t.Fatal(err)
		}
		defer people.Hold()()
		c.advance(4 * time.Minute)
		if _, err := people.Basic(within(t, 10*time.Second), "admin", secret.New(right)); err != nil {
			t.Error("it is hashed again:", err)
		}
		_, err := people.Basic(within(t, 50*time.Millisecond), "admin", secret.New("wrong"))
		wantFault(t, err, fault.Unavailable)
		c.advance(2 * time.Minute)
		_, err = people.Basic(within(t, 50*time.Millisecond), "admin", secret.New(right))
		wantFault(t, err, fault.Unavailable)
	})

	t.Run("takes_as_long_for_a_user_that_does_not_exist", func(t *testing.T) {
		people, _, c := signIn(t, memory)
		fastest := func(user string) time.Duration {
			best := time.Hour
			for i := range 4 {
				start := time.Now()
				_, err := people.Basic(t.Context(), user, secret.New(fmt.Sprint("wrong", i)))
				wantFault(t, err, fault.Unauthenticated)
				best = min(best, time.Since(start))
			}
			c.advance(time.Hour)
			return best
		}
		if known, unknown := fastest("admin"), fastest("nobody"); unknown < known/4 || known < unknown/4 {
			t.Errorf("%v for a user that exists, %v for one that does not", known, unknown)
		}
	})

	t.Run("makes_a_user_wait_after_failures_and_no_other", func(t *testing.T) {
		people, _, c := signIn(t, memory)
		for range 5 {
			_, err := people.Basic(t.Context(), "admin", secret.New("wrong"))
			wantFault(t, err, fault.Unauthenticated)
		}
		_, err := people.Basic(t.Context(), "admin", secret.New(right))
		wantFault(t, err, fault.Limited, "Wait 1 seconds")
		_, err = people.Basic(t.Context(), "nobody", secret.New("wrong"))
		wantFault(t, err, fault.Unauthenticated)
		c.advance(time.Second)
		_, err = people.Basic(t.Context(), "admin", secret.New("wrong"))
		wantFault(t, err, fault.Unauthenticated)
		_, err = people.Basic(t.Context(), "admin", secret.New("wrong"))
		wantFault(t, err, fault.Limited, "Wait 2 seconds")
		c.advance(2 * time.Second)
		if _, err := people.Basic(t.Context(), "admin", secret.New(right)); err != nil {
			t.Fatal(err)
		}
		_, err = people.Basic(t.Context(), "admin", secret.New("wrong"))
		wantFault(t, err, fault.Unauthenticated)
	})

	t.Run("never_makes_a_user_wait_longer_than_half_a_minute", func(t *testing.T) {
		people, _, c := signIn(t, memory)
		for range 15 {
			_, err := people.Basic(t.Context(), "admin", secret.New("wrong"))
			wantFault(t, err, fault.Unauthenticated)
			c.advance(30 * time.Second)
		}
		if _, err := people.Basic(t.Context(), "admin", secret.New(right)); err != nil {
			t.Error(err)
		}
	})

	t.Run("lets_a_remembered_password_in_while_others_guess", func(t *testing.T) {
		people, _, _ := signIn(t, memory)
		if _, err := people.Basic(t.Context(), "admin", secret.New(right)); err != nil {
			t.Fatal(err)
		}
		var err error
		for range 6 {
			_, err = people.Basic(t.Context(), "admin", secret.New("wrong"))
		}
		wantFault(t, err, fault.Limited)
		if _, err := people.Basic(t.Context(), "admin", secret.New(right)); err != nil {
			t.Error(err)
		}
	})

	t.Run("guesses_sent_together_do_not_slip_past_the_limit", func(t *testing.T) {
		people, _, _ := signIn(t, memory)
		tried := 0
		for _, err := range together(30, func(i int) error {
			_, err := people.Basic(t.Context(), "admin", secret.New(fmt.Sprint("guess", i)))
			return err
		}) {
			if fault.CodeOf(err) == fault.Unauthenticated {
				tried++
			} else {
				wantFault(t, err, fault.Limited)
			}
		}
		if tried != 5 {
			t.Errorf("%d guesses were tried", tried)
		}
	})

	t.Run("right_passwords_sent_together_all_pass", func(t *testing.T) {
		people, _, _ := signIn(t, memory)
		if err := errors.Join(together(40, func(int) error {
			_, err := people.Basic(t.Context(), "admin", secret.New(right))
			return err
		})...); err != nil {
			t.Error(err)
		}
	})

	t.Run("bounds_how_many_wait", func(t *testing.T) {
		people, _, _ := signIn(t, memory)
		release := people.Hold()
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for i := range auth.MaxQueue {
			group.Go(func() { _, _ = people.Basic(ctx, fmt.Sprint("user", i), secret.New("x")) })
		}
		for people.Waiting() < auth.MaxQueue {
			time.Sleep(time.Millisecond)
		}
		_, err := people.Basic(t.Context(), "admin", secret.New(right))
		wantFault(t, err, fault.Limited, "same time")
		cancel()
		group.Wait()
		release()
		if _, err := people.Basic(t.Context(), "admin", secret.New(right)); err != nil {
			t.Error(err)
		}
	})

	t.Run("fails_closed_without_randomness", func(t *testing.T) {
		s := memory(t)
		if _, err := auth.New(auth.Options{Store: s, Now: time.Now, Rand: rand.Reader}).EnsureAdmin(t.Context(), secret.New(right)); err != nil {
			t.Fatal(err)
		}
		_, err := auth.New(auth.Options{Store: s, Now: time.Now, Rand: bytes.NewReader(nil)}).Basic(t.Context(), "admin", secret.New(right))
		wantFault(t, err, fault.Internal)
	})
}

func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { errs[i] = f(i) })
	}
	group.Wait()
	return errs
}
