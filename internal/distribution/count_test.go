package distribution

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

// The budget: a tag on a token-auth registry costs at most 1 challenge, 1 token, 1 HEAD, 1 GET of a manifest (1 more for an
// index) and 1 GET of a config on a cold start, and 1 HEAD when nothing changed.
func TestRequestsCounted(t *testing.T) {
	ctx := context.Background()
	for _, anonymous := range []bool{false, true} {
		t.Run(fmt.Sprintf("tokens_anonymous_%v", anonymous), func(t *testing.T) {
			o := registrytest.Options{Tokens: true, Users: map[string]string{"ann": testPassword}}
			cred := user("ann", testPassword)
			if anonymous {
				o.Users, cred = nil, Credential{}
			}
			r := registrytest.Start(t, o)
			starter(t, r)
			amd := registrytest.Push(t, r, "team/multi", "", registrytest.Image{})
			arm := registrytest.Push(t, r, "team/multi", "", registrytest.Image{Platform: image.Platform{OS: "linux", Architecture: "arm64"}})
			index := registrytest.PushIndex(t, r, "team/multi", "v1", amd, arm)
			src := with(source(t, r.URL), cred)

			b := newBench(t, Options{})
			single := reference(t, r.Host, "team/app:v1")
			first, err := b.Pull(ctx, src, single, image.Platform{}, nil)
			ok(t, err)
			wantDid(t, b, "HEAD challenge, GET token, HEAD manifest, GET manifest, GET config")
			wire := r.Requests()
			if len(wire) != 4 || len(r.Tokens.Requests()) != 1 {
				t.Errorf("the registry saw %v", wire)
			}

			again, err := b.Pull(ctx, src, single, image.Platform{}, first)
			ok(t, err)
			wantDid(t, b, "HEAD manifest")
			if again != first {
				t.Error("an unchanged digest must give what was known")
			}

			multi := reference(t, r.Host, "team/multi:v1")
			p, err := b.Pull(ctx, src, multi, *arm.Platform, nil)
			ok(t, err)
			wantDid(t, b, "GET token, HEAD manifest, GET manifest, GET manifest, GET config")
			if p.Digest != index.Digest || p.Index == nil || p.Manifest.Digest != arm.Digest || p.Platform.Architecture != "arm64" {
				t.Errorf("pulled %s, manifest %s for %s", p.Digest, p.Manifest.Digest, p.Platform)
			}
			_, err = b.Pull(ctx, src, multi, image.Platform{}, p)
			ok(t, err)
			wantDid(t, b, "HEAD manifest")

			cold := newBench(t, Options{})
			_, err = cold.Pull(ctx, src, multi, image.Platform{}, nil)
			ok(t, err)
			wantDid(t, cold, "HEAD challenge, GET token, HEAD manifest, GET manifest, GET manifest, GET config")

			byDigest := single
			byDigest.Tag, byDigest.Digest = "", first.Digest
			_, err = b.Pull(ctx, src, byDigest, image.Platform{}, nil)
			ok(t, err)
			wantDid(t, b, "GET manifest, GET config")
		})
	}

	t.Run("no_sign_in", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{})
		starter(t, r)
		b := newBench(t, Options{})
		_, err := b.Pull(ctx, source(t, r.URL), reference(t, r.Host, "team/app:v1"), image.Platform{}, nil)
		ok(t, err)
		wantDid(t, b, "HEAD manifest, GET manifest, GET config")
	})

	t.Run("user_name_and_password", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{Users: map[string]string{"ann": testPassword}, Prefix: "/base"})
		starter(t, r)
		b := newBench(t, Options{})
		src := with(source(t, r.URL), user("ann", testPassword))
		_, err := b.Pull(ctx, src, reference(t, r.Host, "team/app:v1"), image.Platform{}, nil)
		ok(t, err)
		wantDid(t, b, "HEAD challenge, HEAD manifest, GET manifest, GET config")
		_, err = b.Resolve(ctx, src, reference(t, r.Host, "team/app:v1"))
		ok(t, err)
		wantDid(t, b, "HEAD manifest")
	})
}

func TestTokenReuse(t *testing.T) {
	ctx := context.Background()
	start := func(t *testing.T) (*registrytest.Registry, *bench, Source, image.Reference) {
		r := registrytest.Start(t, registrytest.Options{Tokens: true, Users: map[string]string{"ann": testPassword, "bob": "b0b-MARKED-SECRET"}})
		starter(t, r)
		return r, newBench(t, Options{}), with(source(t, r.URL), user("ann", testPassword)), reference(t, r.Host, "team/app:v1")
	}
	resolve := func(t *testing.T, b *bench, src Source, ref image.Reference) {
		t.Helper()
		_, err := b.Resolve(ctx, src, ref)
		ok(t, err)
	}

	t.Run("until_shortly_before_it_expires", func(t *testing.T) {
		_, b, src, ref := start(t)
		resolve(t, b, src, ref)
		b.advance(4*time.Minute + 25*time.Second)
		b.did()
		resolve(t, b, src, ref)
		wantDid(t, b, "HEAD manifest")
		b.advance(10 * time.Second)
		resolve(t, b, src, ref)
		wantDid(t, b, "GET token, HEAD manifest")
	})

	t.Run("a_minute_where_the_service_does_not_say", func(t *testing.T) {
		r, b, src, ref := start(t)
		r.Tokens.Life = 0
		resolve(t, b, src, ref)
		b.advance(50 * time.Second)
		b.did()
		resolve(t, b, src, ref)
		wantDid(t, b, "HEAD manifest")
		b.advance(9 * time.Second)
		resolve(t, b, src, ref)
		wantDid(t, b, "GET token, HEAD manifest")
	})

	t.Run("not_between_credentials", func(t *testing.T) {
		_, b, src, ref := start(t)
		resolve(t, b, src, ref)
		b.did()
		resolve(t, b, with(src, user("bob", "b0b-MARKED-SECRET")), ref)
		wantDid(t, b, "GET token, HEAD manifest")
		_, err := b.Resolve(ctx, with(src, user("ann", "wrong")), ref)
		wantFault(t, err, fault.Unauthenticated, "incorrect username or password", "did not accept")
	})

	t.Run("concurrent_callers_share_one_exchange", func(t *testing.T) {
		r, b, src, ref := start(t)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := b.Resolve(ctx, src, ref); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := len(r.Tokens.Requests()); n != 1 {
			t.Errorf("%d token exchanges, want 1", n)
		}
	})

	t.Run("one_caller_giving_up_does_not_fail_the_others", func(t *testing.T) {
		r, b, src, ref := start(t)
		entered, release := make(chan struct{}), make(chan struct{})
		var once sync.Once
		r.Tokens.Answer = blockOnce(&once, entered, release)
		hasty, cancel := context.WithCancel(ctx)
		gaveUp := make(chan error)
		go func() {
			_, err := b.Resolve(hasty, src, ref)
			gaveUp <- err
		}()
		<-entered
		patient := make(chan error)
		go func() {
			_, err := b.Resolve(ctx, src, ref)
			patient <- err
		}()
		cancel()
		if err := <-gaveUp; fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("the hasty caller got %v", err)
		}
		close(release)
		ok(t, <-patient)
		if n := len(r.Tokens.Requests()); n != 1 {
			t.Errorf("%d token exchanges, want 1", n)
		}
	})
}
