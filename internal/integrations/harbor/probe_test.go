package harbor

import (
	"net/http"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/diagnosis/diagnosistest"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

const (
	host  = "harbor.example"
	robot = "robot$library+landwaiter"
)

// server is a Harbor with a public project, a proxy cache, a robot that may ask about them, and a user with a CLI secret, which
// counts for the registry alone.
func server(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code string) {
		integrationtest.Answer(w, status, map[string]any{"errors": []any{map[string]string{"code": code, "message": strings.ToLower(code)}}})
	}
	user, password, _ := r.BasicAuth()
	known := user == robot && password == "g00d-secret"
	project, isProject := strings.CutPrefix(r.URL.Path, "/api/v2.0/projects/")
	switch {
	case r.URL.Path == "/api/v2.0/systeminfo":
		info := map[string]any{"auth_mode": "oidc_auth"}
		if known {
			info["harbor_version"], info["read_only"] = "v2.13.1-abc", true
		}
		integrationtest.Answer(w, http.StatusOK, info)
	case r.URL.Path == "/service/token" && (known || user == "jane" && password == "g00d-secret"):
		integrationtest.Answer(w, http.StatusOK, map[string]any{"token": "t", "access_token": "", "expires_in": 1800})
	case isProject && project == "library":
		integrationtest.Answer(w, http.StatusOK, map[string]any{"name": project, "metadata": map[string]string{"public": "true", "prevent_vul": "true", "severity": "high"}})
	case isProject && project == "cache" && known:
		integrationtest.Answer(w, http.StatusOK, map[string]any{"name": project, "registry_id": 3, "metadata": map[string]string{"public": "false"}})
	case isProject && project == "gone" && known:
		refuse(http.StatusNotFound, "NOT_FOUND")
	case isProject && known:
		refuse(http.StatusForbidden, "FORBIDDEN")
	case r.URL.Path == "/api/v2.0/users/current": // what a robot must never be asked with
		refuse(http.StatusPreconditionFailed, "PRECONDITION")
	default:
		refuse(http.StatusUnauthorized, "UNAUTHORIZED")
	}
}

func TestProbe(t *testing.T) {
	for _, test := range []struct {
		name, user, secret, repository string
		handler                        http.HandlerFunc
		want                           string
		facts                          map[string]string
	}{
		{"robot and a public project", robot, "g00d-secret", "library/app", server, "harbor-server passed; harbor-project passed", map[string]string{"version": "v2.13.1-abc", "public": "yes: everybody may pull"}},
		{"proxy cache", robot, "g00d-secret", "cache/library/nginx", server, "harbor-server passed; harbor-project passed", map[string]string{"proxy cache": "yes: the first pull of an image goes to another registry, whose limits count"}},
		{"no such project", robot, "g00d-secret", "gone/app", server, "harbor-server passed; harbor-project failed harbor-no-project", nil},
		{"a project that the robot may not ask about", robot, "g00d-secret", "other/app", server, "harbor-server passed; harbor-project skipped", nil},
		{"no image", robot, "g00d-secret", "", server, "harbor-server passed", nil},
		{"nobody", "", "", "library/app", server, "harbor-server passed; harbor-project passed", map[string]string{"version": ""}},
		{"nobody and a private project", "", "", "cache/app", server, "harbor-server passed; harbor-project skipped", nil},
		{"CLI secret of a user who signs in by OIDC", "jane", "g00d-secret", "library/app", server, "harbor-server passed; harbor-project passed", nil},
		{"wrong secret", robot, "b4d", "library/app", server, "harbor-server failed harbor-wrong-secret", nil},
		{"a name that a shell has spoilt", "robot+landwaiter", "g00d-secret", "", server, "harbor-server failed harbor-robot-name", nil},
		{"not a Harbor", robot, "g00d-secret", "library/app", http.NotFound, "harbor-server warning harbor-not-harbor", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := integrationtest.NewInternet(t)
			n.Add(host, test.handler)
			r := n.Open(Type(), map[string]any{"endpoint": host, "username": test.user, "password": test.secret}, nil).Registry
			ref := integrationtest.Reference(t, host+"/any/app:1")
			ref.Repository = test.repository
			steps := diagnosistest.Probe(t, r, ref, n.Transport(), "g00d-secret", "b4d")
			if got := steps.String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			for name, want := range test.facts {
				if got := steps.Fact("harbor-server", name) + steps.Fact("harbor-project", name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
	}
}
