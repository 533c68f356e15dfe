package gitlab

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/integration/diagnosis/diagnosistest"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

func TestProbe(t *testing.T) {
	next := func(days int) string { return time.Now().AddDate(0, 0, days).UTC().Format(time.DateOnly) }
	for _, test := range []struct {
		name, endpoint, user, token string
		self                        map[string]any // what GitLab.com says of the token; nil if it does not know it
		want                        string
	}{
		{"least rights", ownRegistry, "jane", "glpat-g00d", map[string]any{"scopes": []string{"read_registry"}, "active": true, "expires_at": next(90)}, "gitlab-token passed"},
		{"no end", ownRegistry, "jane", "glpat-g00d", map[string]any{"scopes": []string{"read_registry"}, "active": true}, "gitlab-token passed"},
		{"without the scope", ownRegistry, "jane", "glpat-g00d", map[string]any{"scopes": []string{"read_user", "read_repository"}, "active": true}, "gitlab-token failed gitlab-scope"},
		{"more than reading", ownRegistry, "jane", "glpat-g00d", map[string]any{"scopes": []string{"api"}, "active": true}, "gitlab-token warning gitlab-broad-token"},
		{"ends soon", ownRegistry, "jane", "glpat-g00d", map[string]any{"scopes": []string{"read_registry"}, "active": true, "expires_at": next(5)}, "gitlab-token warning gitlab-token-ends"},
		{"revoked", ownRegistry, "jane", "glpat-g00d", map[string]any{"scopes": []string{"read_registry"}, "revoked": true}, "gitlab-token failed gitlab-token-ended"},
		{"unknown", ownRegistry, "jane", "glpat-g00d", nil, "gitlab-token failed gitlab-token-ended"},
		{"not an access token", ownRegistry, "jane", "g00d", nil, ""},
		{"deploy token", ownRegistry, "gitlab+deploy-token-1", "gldt-g00d", nil, ""},
		{"nobody", ownRegistry, "", "", nil, ""},
		{"another GitLab", "registry.gitlab.example", "jane", "glpat-g00d", map[string]any{"scopes": []string{"api"}, "active": true}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := integrationtest.NewInternet(t)
			n.Add("gitlab.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/api/v4/personal_access_tokens/self" || r.Header.Get("PRIVATE-TOKEN") != "glpat-g00d" || test.self == nil {
					integrationtest.Answer(w, http.StatusUnauthorized, map[string]string{"message": "401 Unauthorized"})
					return
				}
				integrationtest.Answer(w, http.StatusOK, test.self)
			}))
			r := n.Open(Type(), map[string]any{"endpoint": test.endpoint, "username": test.user, "password": test.token}, nil).Registry
			steps := diagnosistest.Probe(t, r, integrationtest.Reference(t, test.endpoint+"/group/app:1"), n.Transport(), "g00d")
			if got := steps.String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if (test.endpoint != ownRegistry || strings.HasPrefix(test.token, "gldt-")) && len(n.Requests()) > 0 {
				t.Error("GitLab.com was asked")
			}
		})
	}
}
