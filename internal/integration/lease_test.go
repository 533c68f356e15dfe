package integration_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
)

func TestLease(t *testing.T) {
	ctx := context.Background()
	// leased counts fetches; each lends a password of its own for an hour.
	leased := func(fetches *atomic.Int64, fail func(n int64) error) *integration.Lease {
		return integration.NewLease(integration.Deps{Now: time.Now}, func(context.Context) (distribution.Credential, error) {
			n := fetches.Add(1)
			time.Sleep(time.Second)
			if fail != nil && fail(n) != nil {
				return distribution.Credential{}, fail(n)
			}
			return distribution.Credential{
				Username: "cloud", Password: secret.New(fmt.Sprint("token-", n)), Expires: time.Now().Add(time.Hour),
			}, nil
		})
	}
	get := func(t *testing.T, l *integration.Lease) string {
		t.Helper()
		c, err := l.Credential(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return c.Password.Reveal()
	}

	t.Run("callers_that_wait_share_one_fetch", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var fetches atomic.Int64
			l := leased(&fetches, nil)
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() { get(t, l) })
			}
			wg.Wait()
			if n := fetches.Load(); n != 1 {
				t.Errorf("%d fetches", n)
			}
		})
	})
	t.Run("is_renewed_before_it_ends_and_not_long_before", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var fetches atomic.Int64
			l := leased(&fetches, nil)
			get(t, l)
			time.Sleep(47 * time.Minute)
			if got := get(t, l); got != "token-1" {
				t.Errorf("after 47 of 60 minutes: %s", got)
			}
			time.Sleep(12 * time.Minute)
			if got := get(t, l); got != "token-2" {
				t.Errorf("after 59 of 60 minutes: %s", got)
			}
		})
	})
	t.Run("a_life_that_makes_no_sense_is_bounded", func(t *testing.T) {
		for _, test := range []struct {
			name          string
			ends          time.Time // at the start
			kept, renewed time.Duration
		}{
			{"no end", time.Time{}, 9 * time.Minute, 11 * time.Minute},
			{"ended long ago", time.Unix(1, 0), 30 * time.Second, time.Minute},
			{"ends after all time", time.Unix(1<<60, 0), 19 * time.Hour, 24 * time.Hour},
		} {
			synctest.Test(t, func(t *testing.T) {
				var fetches atomic.Int64
				l := integration.NewLease(integration.Deps{Now: time.Now}, func(context.Context) (distribution.Credential, error) {
					return distribution.Credential{Password: secret.New(fmt.Sprint("token-", fetches.Add(1))), Expires: test.ends}, nil
				})
				get(t, l)
				time.Sleep(test.kept)
				if got := get(t, l); got != "token-1" {
					t.Errorf("%s: after %s: %s", test.name, test.kept, got)
				}
				time.Sleep(test.renewed - test.kept)
				if got := get(t, l); got != "token-2" {
					t.Errorf("%s: after %s: %s", test.name, test.renewed, got)
				}
			})
		}
	})
	t.Run("a_failure_is_not_kept", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var fetches atomic.Int64
			l := leased(&fetches, func(n int64) error {
				if n == 1 {
					return errors.New("throttled")
				}
				return nil
			})
			if _, err := l.Credential(ctx); err == nil {
				t.Fatal("the first fetch must fail")
			}
			if got := get(t, l); got != "token-2" {
				t.Error(got)
			}
		})
	})
	t.Run("a_caller_that_gives_up_does_not_spoil_it_for_others", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var fetches atomic.Int64
			l := leased(&fetches, nil)
			hasty, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			if _, err := l.Credential(hasty); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			if got := get(t, l); got != "token-1" {
				t.Error(got)
			}
		})
	})
}

// lent is a registry whose user signs in with what a lease lends.
type lent struct {
	integration.Registry
	lease *integration.Lease
}

func (l lent) Credential(ctx context.Context, _ image.Reference) (distribution.Credential, error) {
	return l.lease.Credential(ctx)
}

func TestLease_a_refused_credential_is_fetched_once_more(t *testing.T) {
	registry := registrytest.Start(t, registrytest.Options{Users: map[string]string{"cloud": "token-2"}})
	pushed := registrytest.Push(t, registry, "team/app", "1", registrytest.Image{})
	var fetches atomic.Int64
	lease := integration.NewLease(integration.Deps{Now: time.Now}, func(context.Context) (distribution.Credential, error) {
		return distribution.Credential{
			Username: "cloud", Password: secret.New(fmt.Sprint("token-", fetches.Add(1))), Expires: time.Now().Add(time.Hour),
		}, nil
	})
	endpoint, err := distribution.ParseEndpoint(registry.URL, false)
	if err != nil {
		t.Fatal(err)
	}
	c := integration.Candidate{Registry: lent{integration.Basic(endpoint, "", secret.Text{}), lease}}
	ref, err := image.ParseReference(registry.Host + "/team/app:1")
	if err != nil {
		t.Fatal(err)
	}
	client := distribution.New(distribution.Options{Now: time.Now, Addresses: distribution.Addresses{Loopback: true}})
	for range 3 {
		got, err := client.Resolve(context.Background(), c.Source(context.Background(), ref), ref)
		if err != nil {
			t.Fatal(err)
		}
		if got.Digest != pushed.Digest {
			t.Errorf("resolved %s, pushed %s", got.Digest, pushed.Digest)
		}
	}
	if n := fetches.Load(); n != 2 {
		t.Errorf("%d fetches, want the refused one and one more", n)
	}
}
