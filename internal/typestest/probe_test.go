package typestest

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis/diagnosistest"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

// probed lets the type look at the world's registry, and returns how its steps came out. Secrets are in none of them, and in no
// request to a host that is not owned.
func probed(t *testing.T, way Way, w *World, change map[string]any) diagnosistest.Steps {
	t.Helper()
	settings := maps.Clone(w.Settings)
	maps.Copy(settings, change)
	c := w.Open(typeOf(t, way.Type), settings, w.Machine)
	if _, ok := c.Registry.(diagnosis.Prober); !ok {
		return nil
	}
	secrets := append([]string{Mark}, Lent...)
	steps := diagnosistest.Probe(t, c.Registry, integrationtest.Reference(t, w.Image), w.Transport(), secrets...)
	for _, r := range w.Requests() {
		owned := slices.Contains(w.Owned, strings.TrimSuffix(r.Host, ":80"))
		if !owned && slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(r.Dump, s) }) {
			t.Errorf("a secret was sent to %s", r.Host)
		}
		if r.Method != http.MethodGet && r.Host == w.host() && r.Path != "/oauth2/exchange" {
			t.Errorf("%s %s was sent to the registry", r.Method, r.Path)
		}
	}
	for _, s := range steps {
		if !strings.HasPrefix(s.ID, way.Type+"-") {
			t.Errorf("the step %s does not begin with the type's ID", s.ID)
		}
	}
	return steps
}

// host is that of the registry.
func (w *World) host() string {
	host, _, _ := strings.Cut(w.Image, "/")
	return host
}

func TestProbes(t *testing.T) {
	for _, way := range Ways() {
		t.Run(way.Type+"_"+way.Name, func(t *testing.T) {
			w := way.Start(t)
			for _, s := range probed(t, way, w, nil) {
				if s.Verdict == diagnosis.Failed {
					t.Errorf("%s fails where pulling works: %+v", s.ID, s.Findings)
				}
			}
			for what, change := range w.Wrong {
				t.Run("wrong_"+what, func(t *testing.T) { probed(t, way, w, change) })
			}
		})
	}
}

// TestDiagnoses holds of all types that the connection test passes where pulling works, and says what is wrong where it does not.
func TestDiagnoses(t *testing.T) {
	wrong := map[string]string{
		"quay password": "quay-wrong-robot-token", "quay robot": "quay-no-such-robot",
		"azure password": "wrong-password", "azure identity": "azure-pod-token-signature",
		"google account": "google-no-service-account", "artifactregistry account": "google-no-service-account",
		"ecr secret": "ecr-wrong-secret-key", "ecr key": "ecr-unknown-key", "ecr external ID": "ecr-wrong-external-id", "ecr no such role": "ecr-assume-role-denied",
		"ecrpublic secret": "ecr-wrong-secret-key", "ecrpublic key": "ecr-unknown-key", "ecrpublic external ID": "ecr-wrong-external-id",
		"ecrpublic no such role": "ecr-assume-role-denied",
		"artifactory password":   "artifactory-wrong-password",
	}
	for _, way := range Ways() {
		t.Run(way.Type+"_"+way.Name, func(t *testing.T) {
			w := way.Start(t)
			diagnosed := func(t *testing.T, change map[string]any) diagnosistest.Steps {
				settings := maps.Clone(w.Settings)
				maps.Copy(settings, change)
				typ := typeOf(t, way.Type)
				c := w.Open(typ, settings, w.Machine)
				return diagnosistest.Diagnose(t, typ, c, integrationtest.Reference(t, w.Image), w.Transport(), append([]string{Mark}, Lent...)...)
			}
			for _, s := range diagnosed(t, nil) {
				if s.Verdict == diagnosis.Failed {
					t.Errorf("%s fails where pulling works: %+v", s.ID, s.Findings)
				}
			}
			for what, change := range w.Wrong {
				want, known := wrong[way.Type+" "+what]
				if !known {
					want = "wrong-password"
				}
				if got := diagnosed(t, change).Wrong().String(); !strings.Contains(got, want) {
					t.Errorf("wrong %s: got %s, want %s", what, got, want)
				}
			}
		})
	}
}

// Whatever servers answer, and if they repeat all that they were sent, no secret is told and none is sent elsewhere.
func TestProbes_among_hostile_servers(t *testing.T) {
	echo := func(status int) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			_, sent, _ := r.BasicAuth()
			said := fmt.Sprintf("%s %s %s %s", r.Header.Get("Authorization"), r.Header.Get("PRIVATE-TOKEN"), sent, body)
			rw.Header().Set("Metadata-Flavor", "Google")
			integrationtest.Answer(rw, status, map[string]any{
				"errors": []any{map[string]string{"code": said, "message": said}}, "errorCode": said, "errorMessage": said,
				"error": said, "error_description": said, "name": said, "scopes": []string{said}, "active": true, "harbor_version": said,
				"auth_mode": said, "metadata": map[string]string{"prevent_vul": "true", "severity": said},
			})
		}
	}
	elsewhere := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "https://stranger.example"+r.URL.Path, http.StatusTemporaryRedirect)
	})
	for _, way := range Ways() {
		t.Run(way.Type+"_"+way.Name, func(t *testing.T) {
			w := way.Start(t)
			w.Add("stranger.example", http.NotFoundHandler())
			for _, h := range []http.Handler{echo(http.StatusOK), echo(http.StatusUnauthorized), echo(http.StatusForbidden), echo(http.StatusBadRequest), elsewhere} {
				for _, host := range w.Owned {
					w.Add(host, h)
					w.Add(host+":80", h)
				}
				probed(t, way, w, nil)
			}
		})
	}
}
