package artifactory

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/diagnosis/diagnosistest"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

// server is an Artifactory with anonymous access on, whose token services are at the paths.
func server(paths ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, sent := r.BasicAuth()
		for _, path := range paths {
			if r.URL.Path != path {
				continue
			}
			if sent && (user != "jane" || password == "Wr0ng!Secret") {
				integrationtest.Answer(w, http.StatusUnauthorized, map[string]any{"errors": []any{map[string]any{"status": 401, "message": "Bad credentials"}}})
				return
			}
			io.WriteString(w, `{"token":"t","expires_in":3600}`)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/v2/") {
			io.WriteString(w, "{}")
			return
		}
		http.NotFound(w, r)
	})
}

func TestProbe(t *testing.T) {
	accessToken := func(scope string) string {
		return integrationtest.Claims{Subject: "jfac@01/users/jane", Applied: scope}.Sign("artifactory")
	}
	const credential = "artifactory-credential "
	for _, test := range []struct {
		name, endpoint, password, image string
		handler                         http.Handler
		want, summary                   string
	}{
		{"right password", "art.example", "right", "docker-local/team/app:1", server("/v2/token"), credential + "passed", "accepted"},
		{"wrong password where everybody may read", "art.example", "Wr0ng!Secret", "docker-local/team/app:1", server("/v2/token"), credential + "failed artifactory-wrong-password", "refused"},
		{"wrong password, no image", "art.example", "Wr0ng!Secret", "", server("/v2/token"), credential + "failed artifactory-wrong-password", "refused"},
		{"only the API has a token service", "art.example", "Wr0ng!Secret", "docker-local/team/app:1", server("/artifactory/api/docker/docker-local/v2/token"), credential + "failed artifactory-wrong-password", "refused"},
		{"repository in the endpoint", "art.example/docker-local", "Wr0ng!Secret", "", server("/artifactory/api/docker/docker-local/v2/token"), credential + "failed artifactory-wrong-password", "refused"},
		{"API in the endpoint", "art.example/artifactory/api/docker/docker-local", "right", "", server("/artifactory/api/docker/docker-local/v2/token"), credential + "passed", "accepted"},
		{"no token service", "art.example", "right", "", server(), credential + "skipped", "no token service answered"},
		{"access token of an administrator", "art.example", accessToken("applied-permissions/admin"), "", server("/v2/token"), credential + "warning artifactory-admin-token", "accepted"},
		{"access token that may read", "art.example", accessToken("applied-permissions/user"), "", server("/v2/token"), credential + "passed", "accepted"},
		{"API key", "art.example", "AKCp8nFvyyyyyyyyyyyy", "", server("/v2/token"), credential + "warning artifactory-api-key", "accepted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := integrationtest.NewInternet(t)
			n.Add("art.example", test.handler)
			c := n.Open(Type(), map[string]any{"endpoint": test.endpoint, "username": "jane", "password": test.password}, nil)
			ref := integrationtest.Reference(t, "art.example/docker-local/team/app:1")
			if test.image == "" {
				ref.Repository = ""
			}
			steps := diagnosistest.Probe(t, c.Registry, ref, n.Transport(), test.password)
			if got := steps.String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if got := steps[0].Summary; got != test.summary {
				t.Errorf("the credential is %q", got)
			}
		})
	}
	t.Run("nobody", func(t *testing.T) {
		n := integrationtest.NewInternet(t)
		n.Add("art.example", server("/v2/token"))
		c := n.Open(Type(), map[string]any{"endpoint": "art.example"}, nil)
		if got := diagnosistest.Probe(t, c.Registry, integrationtest.Reference(t, "art.example/a/b:1"), n.Transport()).String(); got != "" {
			t.Errorf("got %s", got)
		}
	})
}
