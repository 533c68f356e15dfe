package artifactory

import (
	"context"
	"io"
	"net/http"
	"strings"
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
		Settings:  map[string]any{"endpoint": "acme.jfrog.io", "username": "jane", "password": "access-token", "insecure": true},
		Anonymous: map[string]any{"endpoint": "acme.jfrog.io"},
		Image:     "acme.jfrog.io/docker-local/app:1",
		Endpoint:  "https://acme.jfrog.io",
		Username:  "jane",
		Password:  "access-token",
	})
}

func TestDetect(t *testing.T) {
	for _, test := range []struct {
		host string
		want bool
	}{
		{"acme.jfrog.io", true},
		{"acme-docker-local.jfrog.io", true},
		{"a.jfrog.io", true},
		{"ACME.JFROG.IO", true},
		{"acme.jfrog.io.evil.example", false},
		{"acme.jfrog.io:5000", false},
		{"x.acme.jfrog.io", false},
		{"jfrog.io", false},
		{"-acme.jfrog.io", false},
		{"acme-.jfrog.io", false},
		{"acme.jfrog.io.", false},
		{"acmejfrog.io", false},
		{"acme.jfrog.example", false},
	} {
		if c, ok := Type().Detect(test.host); ok != test.want || (ok && c.Text("endpoint") != strings.ToLower(test.host)) {
			t.Errorf("%s is detected: %t, as %v", test.host, ok, c)
		}
	}
}

// served opens an integration and returns the source for an image of it.
func served(t *testing.T, endpoint, username, password, img string) distribution.Source {
	t.Helper()
	c := integration.NewConfig(map[string]any{"endpoint": endpoint, "username": username},
		map[string]secret.Text{"password": secret.New(password)})
	r, err := Type().Open(c, integration.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	var ref image.Reference
	if img != "" {
		if ref, err = image.ParseReference(img); err != nil {
			t.Fatal(err)
		}
	}
	return integration.Candidate{Registry: r}.Source(context.Background(), ref)
}

func TestMethods(t *testing.T) {
	for _, test := range []struct{ name, endpoint, image, want string }{
		{"repository path", "art.example", "art.example/docker-local/team/app:1", "https://art.example"},
		{"repository path, one repository", "art.example/docker-local", "art.example/docker-local/team/app:1", "https://art.example"},
		{"subdomain", "docker-local.art.example", "docker-local.art.example/team/app:1", "https://docker-local.art.example"},
		{"port", "art.example:5001", "art.example:5001/team/app:1", "https://art.example:5001"},
		{"context path of the API", "art.example/artifactory/api/docker/docker-local", "art.example/team/app:1", "https://art.example/artifactory/api/docker/docker-local"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := served(t, test.endpoint, "jane", "p", test.image).Endpoint; got.String() != test.want || !got.SignInFirst {
				t.Errorf("is served at %s, signed in first: %t", got, got.SignInFirst)
			}
		})
	}
}

// anonymousAccess answers as Artifactory does with anonymous access on: /v2/ is open to everybody and whatever credential
// comes with it, the token service is not.
func anonymousAccess(w http.ResponseWriter, r *http.Request) bool {
	username, password, sent := r.BasicAuth()
	switch {
	case r.URL.Path != "/v2/token":
		return false
	case sent && (username != "jane" || password != "right"):
		w.WriteHeader(http.StatusUnauthorized)
	default:
		io.WriteString(w, `{"token":"t","expires_in":3600}`)
	}
	return true
}

func TestPing_with_anonymous_access_on(t *testing.T) {
	f := registrytest.NewFake(t, nil, registrytest.Quirks{Answer: anonymousAccess})
	client := distribution.New(distribution.Options{Now: time.Now, Addresses: distribution.Addresses{Loopback: true}})
	for _, test := range []struct {
		username, password string
		want               fault.Code // "" if it passes
	}{
		{"jane", "right", ""},
		{"jane", "wrong", fault.Unauthenticated},
		{"nobody", "right", fault.Unauthenticated},
		{"", "", ""},
	} {
		err := client.Ping(context.Background(), served(t, f.URL, test.username, test.password, ""))
		if (err == nil) != (test.want == "") || (err != nil && fault.CodeOf(err) != test.want) {
			t.Errorf("%q, %q: %v", test.username, test.password, err)
		}
	}
}
