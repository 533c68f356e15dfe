// Package harbortest stands in for the parts of Harbor that sign a robot in and tell what its scanner found, in front of a real
// registry. They refuse as the real ones do.
package harbortest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

// The robot of the project team, and its secret.
const (
	Host   = "harbor.example"
	Robot  = "robot$team+landwaiter"
	Secret = "harbor-robot-secret"
)

// A Harbor is one with a private project and one robot.
type Harbor struct {
	*integrationtest.Internet
	Registry *registrytest.Registry

	// They may be set before it is used.
	Scans     map[string]Scan // by digest
	NoScanner bool            // of the project
	PullOnly  bool            // the robot may do nothing else
}

// A Scan is what Harbor knows of an image that is there.
type Scan struct {
	Status      string // as Harbor writes it; "" if it was never scanned
	Unsupported bool   // the scanner cannot read it
	Ended       time.Time
	Pushed      time.Time
	Found       []Found
	Of          string // another image, which an answer is about
	Hang        bool   // no answer comes
	Raw         string // instead of findings
}

// Found is a vulnerability in one package.
type Found struct {
	ID       string   `json:"id"`
	Package  string   `json:"package"`
	Version  string   `json:"version"`
	Fixed    string   `json:"fix_version"`
	Severity string   `json:"severity"`
	Links    []string `json:"links"`
	Artifact string   `json:"artifact_digest"`
}

// Format is that of the reports.
const Format = "application/vnd.security.vulnerability.report; version=1.1"

// New starts one.
func New(t testing.TB) *Harbor {
	h := &Harbor{Internet: integrationtest.NewInternet(t), Registry: registrytest.Start(t, registrytest.Options{}), Scans: map[string]Scan{}}
	behind := h.Forward(h.Registry.URL)
	h.Add(Host, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch _, signed := integrationtest.Verify("harbor", strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")); {
		case r.URL.Path == "/service/token":
			h.token(w, r)
		case strings.HasPrefix(r.URL.Path, "/api/v2.0/"):
			h.api(w, r)
		case signed:
			behind.ServeHTTP(w, r)
		default:
			w.Header().Set("WWW-Authenticate", `Bearer realm="https://`+Host+`/service/token",service="harbor-registry"`)
			refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "unauthorized to access repository")
		}
	}))
	return h
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	integrationtest.Answer(w, status, map[string]any{"errors": []any{map[string]string{"code": code, "message": message}}})
}

func known(r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	return user == Robot && password == Secret
}

func (h *Harbor) token(w http.ResponseWriter, r *http.Request) {
	if !known(r) {
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "unauthorized")
		return
	}
	claims := integrationtest.Claims{Audience: Host, Expires: time.Now().Add(time.Hour).Unix()}
	integrationtest.Answer(w, http.StatusOK, map[string]any{"token": claims.Sign("harbor"), "expires_in": 1800})
}

// api is that of api/v2.0/swagger.yaml of github.com/goharbor/harbor. A repository's name comes escaped twice.
func (h *Harbor) api(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/api/v2.0/")
	if path == "systeminfo" {
		integrationtest.Answer(w, http.StatusOK, map[string]any{"auth_mode": "db_auth", "harbor_version": "v2.12.0"})
		return
	}
	project, below, _ := strings.Cut(strings.TrimPrefix(path, "projects/"), "/")
	switch {
	case !known(r):
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "unauthorized")
	case project != "team" || h.PullOnly:
		refuse(w, http.StatusForbidden, "FORBIDDEN", "forbidden")
	case below == "":
		integrationtest.Answer(w, http.StatusOK, map[string]any{"project_id": 1, "name": project, "metadata": map[string]string{"public": "false"}})
	case below == "scanner" && h.NoScanner:
		integrationtest.Answer(w, http.StatusOK, map[string]any{})
	case below == "scanner":
		integrationtest.Answer(w, http.StatusOK, map[string]any{"uuid": "1", "name": "Trivy", "version": "v0.56.1", "health": "healthy"})
	default:
		h.artifact(w, r, below)
	}
}

func (h *Harbor) artifact(w http.ResponseWriter, r *http.Request, below string) {
	escaped, rest, ok := strings.Cut(strings.TrimPrefix(below, "repositories/"), "/artifacts/")
	once, _ := url.PathUnescape(escaped)
	repository, _ := url.PathUnescape(once)
	digest, isFindings := strings.CutSuffix(rest, "/additions/vulnerabilities")
	scan, found := h.Scans[digest]
	switch {
	case !ok || strings.Contains(once, "/") || strings.Contains(rest, "%"):
		http.NotFound(w, r)
		return
	case !found:
		refuse(w, http.StatusNotFound, "NOT_FOUND", "artifact team/"+repository+"@"+digest+" not found")
		return
	case scan.Hang:
		<-r.Context().Done()
		return
	}
	of := digest
	if scan.Of != "" {
		of = scan.Of
	}
	if isFindings {
		h.findings(w, r, scan, of)
		return
	}
	artifact := map[string]any{"digest": of, "push_time": scan.Pushed, "type": "IMAGE", "addition_links": map[string]any{"build_history": map[string]any{"href": "/"}}}
	if !h.NoScanner && !scan.Unsupported {
		artifact["addition_links"] = map[string]any{"vulnerabilities": map[string]any{"href": r.URL.Path + "/additions/vulnerabilities"}}
	}
	if scan.Status != "" && r.URL.Query().Get("with_scan_overview") == "true" && strings.Contains(r.Header.Get("X-Accept-Vulnerabilities"), Format) {
		artifact["scan_overview"] = map[string]any{Format: map[string]any{
			"report_id": "1", "scan_status": scan.Status, "severity": "High", "start_time": scan.Ended, "end_time": scan.Ended,
			"scanner": map[string]string{"name": "Trivy", "vendor": "Aqua Security", "version": "v0.56.1"}, "complete_percent": 100,
		}}
	}
	integrationtest.Answer(w, http.StatusOK, artifact)
}

func (h *Harbor) findings(w http.ResponseWriter, r *http.Request, scan Scan, of string) {
	switch {
	case scan.Raw != "":
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(scan.Raw))
	case !strings.Contains(r.Header.Get("X-Accept-Vulnerabilities"), Format):
		integrationtest.Answer(w, http.StatusOK, map[string]any{})
	default:
		list := make([]Found, len(scan.Found))
		for i, f := range scan.Found {
			f.Artifact = of
			list[i] = f
		}
		integrationtest.Answer(w, http.StatusOK, map[string]any{Format: map[string]any{
			"generated_at": scan.Ended.UTC().Format(time.RFC3339Nano), "scanner": map[string]string{"name": "Trivy", "vendor": "Aqua Security", "version": "v0.56.1"},
			"severity": "High", "vulnerabilities": list,
		}})
	}
}
