package distribution

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
)

// servesAnybody is a server that never asks for a credential, refuses wrong ones all the same, and shows team/app only
// to those who are signed in. With tokens, it does not look at credentials at /v2/ itself, as Artifactory does not.
func servesAnybody(tokens bool) registrytest.Quirks {
	return registrytest.Quirks{Answer: func(w http.ResponseWriter, r *http.Request) bool {
		user, password, basic := r.BasicAuth()
		right := user == "ann" && password == testPassword
		signedIn := (basic && right) || r.Header.Get("Authorization") == "Bearer for-ann"
		switch {
		case tokens && r.URL.Path == "/v2/":
		case basic && !right:
			w.WriteHeader(http.StatusUnauthorized)
			return true
		case tokens && r.URL.Path == "/v2/token":
			token := "for-anybody"
			if right {
				token = "for-ann"
			}
			fmt.Fprintf(w, `{"token":%q,"expires_in":3600}`, token)
			return true
		case strings.HasPrefix(r.URL.Path, "/v2/team/") && !signedIn:
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		return false
	}}
}

func signInFirst(t testing.TB, url string, c Credential) Source {
	src := with(source(t, url), c)
	src.Endpoint.SignInFirst = true
	return src
}

func TestSignInFirst(t *testing.T) {
	ctx := context.Background()
	ann, wrong := user("ann", testPassword), user("ann", "MARKED-SECRET-wrong")
	for _, c := range []struct {
		name           string
		tokens         bool
		cred           Credential
		ping, pull     string // what went over the wire
		refused, hides bool
	}{
		{"token service", true, ann, "GET token, GET ping", "GET token, HEAD manifest", false, false},
		{"token service, wrong password", true, wrong, "GET token", "GET token", true, false},
		{"token service, anonymous", true, Credential{}, "GET ping", "HEAD manifest", false, true},
		{"no token service", false, ann, "GET token, GET ping", "GET token, HEAD manifest", false, false},
		{"no token service, wrong password", false, wrong, "GET token", "GET token", true, false},
		{"no token service, anonymous", false, Credential{}, "GET ping", "HEAD manifest", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := registrytest.NewFake(t, nil, registrytest.Quirks{})
			want := starter(t, f)
			f.Set(servesAnybody(c.tokens))
			b := newBench(t, Options{})
			src, ref := signInFirst(t, f.URL, c.cred), reference(t, f.Host, "team/app:v1")
			err := b.Ping(ctx, src)
			if c.refused {
				wantFault(t, err, fault.Unauthenticated, "did not accept")
			} else {
				ok(t, err)
			}
			b.did()
			f.Requests()
			if err := b.Ping(ctx, src); (err != nil) != c.refused {
				t.Errorf("asked again: %v", err)
			}
			wantDid(t, b, c.ping)
			got, err := b.Resolve(ctx, src, ref)
			switch {
			case c.refused:
				wantFault(t, err, fault.Unauthenticated, "did not accept")
			case c.hides:
				wantFault(t, err, fault.NotFound)
			default:
				ok(t, err)
				if got.Digest != want.Digest {
					t.Errorf("resolved to %s, want %s", got.Digest, want.Digest)
				}
			}
			did := b.did()
			if c.hides {
				did, _, _ = strings.Cut(did, ", ")
			}
			if did != c.pull {
				t.Errorf("went over the wire: %s, want %s", did, c.pull)
			}
			for _, r := range f.Requests() {
				if r.Authorization == "" && !c.cred.Anonymous() {
					t.Errorf("%s came without a credential", r)
				}
			}
		})
	}

	t.Run("a token is used again", func(t *testing.T) {
		for _, tokens := range []bool{true, false} {
			f := registrytest.NewFake(t, nil, registrytest.Quirks{})
			starter(t, f)
			f.Set(servesAnybody(tokens))
			b := newBench(t, Options{})
			src, ref := signInFirst(t, f.URL, ann), reference(t, f.Host, "team/app:v1")
			for _, want := range []string{"GET token, HEAD manifest", "HEAD manifest"} {
				_, err := b.Resolve(ctx, src, ref)
				ok(t, err)
				wantDid(t, b, want)
			}
		}
	})

	t.Run("a registry that asks is answered", func(t *testing.T) {
		users := map[string]string{"ann": testPassword}
		for _, o := range []registrytest.Options{{Users: users}, {Users: users, Tokens: true}} {
			r := registrytest.Start(t, o)
			starter(t, r)
			b := newBench(t, Options{})
			ok(t, b.Ping(ctx, signInFirst(t, r.URL, ann)))
			_, err := b.Resolve(ctx, signInFirst(t, r.URL, ann), reference(t, r.Host, "team/app:v1"))
			ok(t, err)
			wantFault(t, b.Ping(ctx, signInFirst(t, r.URL, wrong)), fault.Unauthenticated)
		}
	})

	t.Run("a path that is a repository's", func(t *testing.T) {
		f := registrytest.NewFake(t, nil, servesAnybody(true))
		b := newBench(t, Options{})
		ok(t, b.Ping(ctx, signInFirst(t, f.URL+"/docker-local", ann)))
		wantFault(t, b.Ping(ctx, signInFirst(t, f.URL+"/docker-local", wrong)), fault.Unauthenticated)
	})

	t.Run("no other host gets the credential", func(t *testing.T) {
		elsewhere := registrytest.NewFake(t, nil, registrytest.Quirks{})
		f := registrytest.NewFake(t, nil, registrytest.Quirks{Answer: func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
			return true
		}})
		b := newBench(t, Options{})
		b.Ping(ctx, signInFirst(t, f.URL, ann))
		b.Resolve(ctx, signInFirst(t, f.URL, ann), reference(t, f.Host, "team/app:v1"))
		came := elsewhere.Requests()
		if len(came) == 0 {
			t.Error("nothing was redirected")
		}
		for _, r := range came {
			if r.Authorization != "" {
				t.Errorf("%s came with a credential", r)
			}
		}
	})

	t.Run("a token service that is down is not passed by", func(t *testing.T) {
		f := registrytest.NewFake(t, nil, registrytest.Quirks{Answer: func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/v2/token" {
				w.WriteHeader(http.StatusServiceUnavailable)
				return true
			}
			return false
		}})
		wantFault(t, newBench(t, Options{}).Ping(ctx, signInFirst(t, f.URL, ann)), fault.Unavailable)
	})
}
