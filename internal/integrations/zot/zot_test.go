package zot

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/secret"
)

func TestType(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings:  map[string]any{"endpoint": "zot.example:5000", "username": "jane", "password": "correct-horse", "insecure": true},
		Anonymous: map[string]any{"endpoint": "zot.example:5000"},
		Image:     "zot.example:5000/team/app:1",
		Endpoint:  "https://zot.example:5000",
		Username:  "jane",
		Password:  "correct-horse",
	})
}

// anonymousPolicy answers as zot does when it lets anybody read something: who sends no credential is let in, who sends a
// wrong one is not.
func anonymousPolicy(w http.ResponseWriter, r *http.Request) bool {
	username, password, sent := r.BasicAuth()
	switch {
	case r.URL.Path == "/v2/token":
		http.NotFound(w, r)
	case sent && (username != "jane" || password != "right"):
		w.Header().Set("WWW-Authenticate", `Basic realm="Authorization Required"`)
		w.WriteHeader(http.StatusUnauthorized)
	default:
		return false
	}
	return true
}

func TestPing_with_anonymous_access_on(t *testing.T) {
	f := registrytest.NewFake(t, nil, registrytest.Quirks{Answer: anonymousPolicy})
	client := distribution.New(distribution.Options{Now: time.Now, Addresses: distribution.Addresses{Loopback: true}})
	for password, want := range map[string]fault.Code{"right": "", "wrong": fault.Unauthenticated} {
		c := integration.NewConfig(map[string]any{"endpoint": f.URL, "username": "jane"},
			map[string]secret.Text{"password": secret.New(password)})
		r, err := Type().Open(c, integration.Deps{})
		if err != nil {
			t.Fatal(err)
		}
		err = client.Ping(context.Background(), integration.Candidate{Registry: r}.Source(t.Context(), image.Reference{}))
		if (err == nil) != (want == "") || (err != nil && fault.CodeOf(err) != want) {
			t.Errorf("%q: %v", password, err)
		}
	}
}
