package distribution

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
)

func TestPing(t *testing.T) {
	ctx := context.Background()
	users := map[string]string{"ann": testPassword}
	ann, wrong := user("ann", testPassword), user("ann", "MARKED-SECRET-wrong")

	for _, c := range []struct {
		name string
		o    registrytest.Options
		cred Credential
		did  string
		code fault.Code
		says string
	}{
		{"anonymous", registrytest.Options{}, Credential{}, "GET ping", "", ""},
		{"credential_that_nobody_asks_for", registrytest.Options{}, ann, "GET ping", "", ""},
		{"basic", registrytest.Options{Users: users}, ann, "GET challenge, GET ping", "", ""},
		{"basic_wrong", registrytest.Options{Users: users}, wrong, "GET challenge, GET ping", fault.Unauthenticated, "did not accept"},
		{"basic_anonymous", registrytest.Options{Users: users}, Credential{}, "GET challenge", fault.Unauthenticated, "wants credentials"},
		{"token", registrytest.Options{Tokens: true, Users: users}, ann, "GET challenge, GET token, GET ping", "", ""},
		{"token_wrong", registrytest.Options{Tokens: true, Users: users}, wrong, "GET challenge, GET token", fault.Unauthenticated, "incorrect username or password"},
		{"token_anonymous", registrytest.Options{Tokens: true}, Credential{}, "GET challenge, GET token, GET ping", "", ""},
		{"token_anonymous_refused", registrytest.Options{Tokens: true, Users: users}, Credential{}, "GET challenge, GET token", fault.Unauthenticated, "wants credentials"},
		{"base_path", registrytest.Options{Prefix: "/base"}, Credential{}, "GET ping", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := registrytest.Start(t, c.o)
			b := newBench(t, Options{})
			err := b.Ping(ctx, with(source(t, r.URL), c.cred))
			if c.code != "" {
				wantFault(t, err, c.code, c.says)
			} else {
				ok(t, err)
			}
			wantDid(t, b, c.did)
		})
	}

	t.Run("does_not_believe_a_kept_token", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{Tokens: true, Users: users})
		b := newBench(t, Options{})
		ok(t, b.Ping(ctx, with(source(t, r.URL), ann)))
		r.Tokens.Users = map[string]string{"ann": "changed"}
		wantFault(t, b.Ping(ctx, with(source(t, r.URL), ann)), fault.Unauthenticated)
	})

	t.Run("path_that_is_a_repository's", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{Users: users})
		ok(t, newBench(t, Options{}).Ping(ctx, with(source(t, r.URL+"/team"), ann)))
		wantFault(t, newBench(t, Options{}).Ping(ctx, with(source(t, r.URL+"/team"), wrong)), fault.Unauthenticated)
	})

	t.Run("anonymous_token_that_does_not_open_the_base", func(t *testing.T) {
		tokens := registrytest.Start(t, registrytest.Options{Tokens: true})
		f := registrytest.NewFake(t, nil, registrytest.Quirks{})
		f.Set(registrytest.Quirks{Answer: func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("WWW-Authenticate", bearer(tokens.Tokens.URL)[0])
			w.WriteHeader(401)
			return true
		}})
		ok(t, newBench(t, Options{}).Ping(ctx, source(t, f.URL)))
		wantFault(t, newBench(t, Options{}).Ping(ctx, with(source(t, f.URL), ann)), fault.Unauthenticated)
	})

	for _, c := range []struct {
		name   string
		status int
		kind   string
		body   string
		code   fault.Code
		says   string
	}{
		{"web_page", 200, "text/html", "<html><body>Welcome</body></html>", fault.Invalid, "does not look like a registry"},
		{"plain_text", 200, "text/plain", "It works!", fault.Invalid, "does not look like a registry"},
		{"not_found", 404, "text/plain", "404 page not found", fault.Invalid, "does not look like a registry"},
		{"sign_in_page", 403, "text/html", "<h1>Sign in</h1>", fault.Invalid, "does not look like a registry"},
		{"401_without_a_challenge", 401, "text/plain", "", fault.Unauthenticated, "wants credentials"},
		{"forbidden", 403, "application/json", `{"errors":[{"code":"DENIED","message":"no"}]}`, fault.Forbidden, "DENIED"},
		{"failing", 500, "text/plain", "", fault.Unavailable, "problem of its own"},
		{"https_wanted", 400, "text/plain", "Client sent an HTTP request to an HTTPS server.\n", fault.Invalid, "write https://"},
		{"longer_than_any_registry's", 200, "application/json", fmt.Sprintf("%100000d", 1), fault.Invalid, "does not look like a registry"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := registrytest.NewFake(t, nil, registrytest.Quirks{Answer: func(w http.ResponseWriter, _ *http.Request) bool {
				w.Header().Set("Content-Type", c.kind)
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
				return true
			}})
			wantFault(t, newBench(t, Options{}).Ping(ctx, source(t, f.URL)), c.code, c.says)
			wantFault(t, newBench(t, Options{}).Ping(ctx, source(t, f.URL+"/path")), c.code, c.says)
		})
	}
}
