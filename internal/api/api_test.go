package api_test

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/api"
	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

func TestSystem(t *testing.T) {
	basic := func(user, password string) map[string]string {
		return map[string]string{"Authorization": "bAsIc " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
	}
	admin := func(t *testing.T, f *apitest.Fixture) string { f.EnsureAdmin(t); return "" }
	none := map[string]string{"Authorization": ""}
	run(t, []scenario{
		{name: "ping/anonymous", method: "GET", url: "/v1/ping", headers: none, status: 200, contains: []string{`{"status":"ok"}`}},
		{name: "ping/bad_credentials", method: "GET", url: "/v1/ping", headers: map[string]string{"Authorization": "Bearer x"}, status: 200},
		{name: "metadata", method: "GET", url: "/v1/metadata", as: apitest.Nobody, status: 200, contains: []string{
			`"version":"1.2.3-test"`, `"buildFlavor":"release"`, `"releaseBuild":true`, `"licenseStatus":"VALID"`, `"compatibleSensorVersions":[]`}},
		{name: "metadata/anonymous", method: "GET", url: "/v1/metadata", headers: none, status: 401, contains: []string{`"code":16`, `"fix":`},
			after: func(t *testing.T, _ *apitest.Fixture, w *httptest.ResponseRecorder) {
				if c := w.Header().Get("WWW-Authenticate"); !strings.HasPrefix(c, "Bearer ") || strings.Contains(c, "Basic") {
					t.Errorf("challenge %q", c)
				}
			}},
		{name: "sign_in/unknown_token", method: "GET", url: "/v1/metadata", headers: map[string]string{"Authorization": "Bearer " + apitest.Marked}, status: 401, contains: []string{`"code":16`}},
		{name: "sign_in/other_scheme", method: "GET", url: "/v1/metadata", headers: map[string]string{"Authorization": "Digest " + apitest.Marked}, status: 401},
		{name: "sign_in/broken_basic", method: "GET", url: "/v1/metadata", headers: map[string]string{"Authorization": "Basic %%%"}, status: 401},
		{name: "sign_in/basic", before: admin, method: "GET", url: "/v1/auth/status", headers: basic("admin", apitest.Password), status: 200, contains: []string{`"userId":"admin"`, `"roles":[{"name":"Administrator"`}},
		{name: "sign_in/basic_wrong", before: admin, method: "GET", url: "/v1/auth/status", headers: basic("admin", apitest.Marked), status: 401, contains: []string{`"code":16`}},
		{name: "auth_status/token", method: "GET", url: "/v1/auth/status", as: auth.ContinuousIntegration, status: 200,
			contains: []string{`"userId":"auth-token:`, `"authProvider":null`, `"Image":"READ_WRITE_ACCESS"`, `"Detection":"READ_ACCESS"`}, excludes: []string{`"Integration"`}},
		{name: "auth_status/admin", before: admin, method: "GET", url: "/v1/auth/status", headers: basic("admin", apitest.Password), status: 200, contains: []string{
			`"expires":null`, `"refreshUrl":""`, `"authProvider":null`, `"username":"admin"`, `"friendlyName":"admin"`, `"userAttributes":[{"key":"name","values":["admin"]}`, `"idpToken":""`}},
		{name: "auth_status/token_that_ends", method: "GET", url: "/v1/auth/status", headers: map[string]string{"Authorization": "Bearer {id}"}, status: 200, contains: []string{`"expires":"2199-01-01T00:00:00Z"`, `"username":"auth-token:`},
			before: func(t *testing.T, f *apitest.Fixture) string {
				_, value, err := f.Auth.CreateToken(t.Context(), "ci", auth.Viewer, time.Date(2199, 1, 1, 0, 0, 0, 0, time.UTC))
				if err != nil {
					t.Fatal(err)
				}
				return value.Reveal()
			}},
		{name: "my_permissions", method: "GET", url: "/v1/mypermissions", as: auth.Viewer, status: 200, contains: []string{`{"resourceToAccess":{`, `"Image":"READ_ACCESS"`, `"Integration":"READ_ACCESS"`}},
		{name: "my_permissions/nobody", method: "GET", url: "/v1/mypermissions", as: apitest.Nobody, status: 200, contains: []string{`{"resourceToAccess":{}}`}},
		{name: "sensor_upgrades", method: "POST", url: "/v1/sensorupgrades/config", body: `{"config":{"enableAutoUpgrade":false}}`, status: 200, contains: []string{`{}`}},
		{name: "no_route", method: "GET", url: "/v1/nope", status: 404, contains: []string{`"code":5`}},
		{name: "no_method", method: "PUT", url: "/v1/imageintegrations", body: "{}", status: 405, contains: []string{"GET or POST"},
			after: func(t *testing.T, _ *apitest.Fixture, w *httptest.ResponseRecorder) {
				if w.Header().Get("Allow") != "GET, POST" {
					t.Error(w.Header())
				}
			}},
	})
}

func TestAssessments(t *testing.T) {
	const path = "/v1/assessments"
	connected := stored
	checked := func(t *testing.T, f *apitest.Fixture) string {
		stored(t, f)
		w := f.Do("POST", path, fmt.Sprintf(`{"image":%q}`, f.Image), auth.ContinuousIntegration)
		var a struct{ ID string }
		if json.Unmarshal(w.Body.Bytes(), &a); a.ID == "" {
			t.Fatal(w.Body)
		}
		return a.ID
	}
	run(t, []scenario{
		{name: "inspect", before: connected, method: "POST", url: path, body: `{"image":"{image}","depth":"inspect"}`, as: auth.ContinuousIntegration, status: 200,
			contains: []string{`"reference":"{image}"`, `"user":"app"`, `"platform":"linux/amd64"`, `"status":"not scanned"`, `"name":"first"`}},
		{name: "check", before: connected, method: "POST", url: path, body: `{"image":"{image}"}`, as: auth.ContinuousIntegration, status: 200,
			contains: []string{`"verdict":"`, `"vulnerabilityCheck":{"status":"not checked"`}},
		{name: "unserved/tells_every_attempt", method: "POST", url: path, body: `{"image":"127.0.0.1:1/a/b:c","depth":"inspect"}`, status: 503,
			contains: []string{`"code":14`, `"attempts":[{"integration":`, `"reference":"127.0.0.1:1/a/b:c"`}},
		{name: "unserved/not_found", before: connected, method: "POST", url: path, body: `{"image":"{registry}/team/other:1","depth":"inspect"}`, status: 404, contains: []string{`"code":5`, `"attempts":[`}},
		{name: "unserved/refused_by_the_registry_is_not_refused_here", method: "POST", url: path, body: `{"image":"{registry}/team/app:1","depth":"inspect"}`, status: 424,
			before: func(_ *testing.T, f *apitest.Fixture) string {
				f.Do("POST", "/v1/imageintegrations", f.Docker("first", "not-"+apitest.Marked), auth.Administrator)
				return ""
			},
			contains: []string{`"code":16`, `401 Unauthorized`, `"attempts":[`}},
		{name: "bad_reference", method: "POST", url: path, body: `{"image":"UPPER/case::x"}`, status: 400, contains: []string{`"code":3`}},
		{name: "no_image", method: "POST", url: path, body: `{}`, status: 400, contains: []string{"image"}},
		{name: "bad_platform", method: "POST", url: path, body: `{"image":"{image}","platform":"a/b/c/d/e"}`, status: 400, contains: []string{`"code":3`}},
		{name: "bad_depth", method: "POST", url: path, body: `{"image":"{image}","depth":"` + apitest.Marked + `"}`, status: 400, contains: []string{"body.depth", "inspect"}},
		{name: "malformed", method: "POST", url: path, body: `{"image":` + apitest.Marked, status: 400, contains: []string{"not valid JSON"}},
		{name: "as_viewer", method: "POST", url: path, body: `{"image":"{image}"}`, as: auth.Viewer, status: 403, contains: []string{"images:scan"}},
		{name: "list/empty", method: "GET", url: path, as: auth.Viewer, status: 200, contains: []string{`"assessments":[]`, `"next":""`}},
		{name: "list", before: checked, method: "GET", url: path + "?query=TEAM/app&limit=10", status: 200, contains: []string{`"reference":"{image}"`}},
		{name: "list/other", before: checked, method: "GET", url: path + "?query=nginx", status: 200, contains: []string{`"assessments":[]`}},
		{name: "list/bad_limit", method: "GET", url: path + "?limit=0", status: 400, contains: []string{"query.limit"}},
		{name: "list/no_number", method: "GET", url: path + "?limit=" + apitest.Marked, status: 400, contains: []string{"query.limit"}},
		{name: "get", before: checked, method: "GET", url: path + "/{id}", as: auth.Viewer, status: 200, contains: []string{`"id":"{id}"`}},
		{name: "get/unknown", method: "GET", url: path + "/nope", status: 404, contains: []string{`"code":5`}},
		{name: "sbom", before: checked, method: "GET", url: path + "/{id}/sbom", as: auth.Viewer, status: 200, contains: []string{`"specVersion": "1.6"`, "pkg:oci/app@sha256"}},
		{name: "sbom/spdx", before: checked, method: "GET", url: path + "/{id}/sbom?format=spdx", status: 200, contains: []string{`"spdxVersion": "SPDX-2.3"`}},
		{name: "sbom/unknown_format", before: checked, method: "GET", url: path + "/{id}/sbom?format=" + apitest.Marked, status: 400, contains: []string{"query.format", "spdx3"}},
		{name: "sbom/unknown", method: "GET", url: path + "/nope/sbom", status: 404, contains: []string{`"code":5`}},
		{name: "of_sbom", method: "POST", url: path + "/sbom", as: auth.ContinuousIntegration, status: 200,
			body:     `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"left","version":"1","purl":"pkg:npm/left@1"}]}`,
			contains: []string{`"kind":"sbom"`, `"ecosystem":"npm"`, `"lacksConfiguration":true`}, excludes: []string{`"id":"assess`}},
		{name: "of_sbom/malformed", method: "POST", url: path + "/sbom", body: "{\n  x", status: 400, contains: []string{`"code":3`, "line 2, column 3"}},
		{name: "of_sbom/bad_depth", method: "POST", url: path + "/sbom?depth=inspect", body: "{}", status: 400, contains: []string{"query.depth"}},
		{name: "of_sbom/as_viewer", method: "POST", url: path + "/sbom", body: "{}", as: auth.Viewer, status: 403, contains: []string{"images:scan"}},
		{name: "delete", before: checked, method: "DELETE", url: path + "/{id}", status: 200, contains: []string{"{}"}},
		{name: "delete/unknown", method: "DELETE", url: path + "/nope", status: 404},
	})
}

func TestExplain(t *testing.T) {
	const path = "/v1/explain?image="
	connected := stored
	assessed := func(t *testing.T, f *apitest.Fixture) string {
		id := stored(t, f)
		f.Do("POST", "/v1/assessments", fmt.Sprintf(`{"image":%q}`, f.Image), auth.ContinuousIntegration)
		return id
	}
	checked := func(t *testing.T, f *apitest.Fixture) string {
		stored(t, f)
		f.Do("POST", "/v1/imageintegrations", f.Docker("before first", "not-"+apitest.Marked), auth.Administrator)
		if w := f.Do("POST", "/v1/assessments", fmt.Sprintf(`{"image":%q}`, f.Image), auth.ContinuousIntegration); w.Code != 200 {
			t.Fatal(w.Body)
		}
		return ""
	}
	run(t, []scenario{
		{name: "candidates", before: connected, method: "GET", url: path + "{image}", as: auth.Viewer, status: 200, contains: []string{
			`"reference":"{image}"`, `"registry":"{registry}"`, `"repository":"team/app"`, `"tag":"1.0"`, `"anonymous":false`, `"name":"first"`,
			`"reasons":["host matches","has credentials","made by a person"]`, `"endpoint":"http://{registry}"`}, excludes: []string{`"last"`}},
		{name: "last_time", before: checked, method: "GET", url: path + "{image}", status: 200, contains: []string{
			`"name":"before first"`, `401 Unauthorized`, `"code":"unauthenticated"`, `"last":{"id":"`, `"platform":"linux/amd64"`}},
		{name: "no_integration", before: connected, method: "GET", url: path + "registry.example/app", status: 200, contains: []string{
			`"anonymous":true`, `"reference":"registry.example/app:latest"`, `"no integration serves registry.example"`, `"endpoint":"https://registry.example"`}},
		{name: "bad_reference", method: "GET", url: path + "UPPER/case::x", status: 400, contains: []string{`"code":3`}},
		{name: "no_reference", method: "GET", url: "/v1/explain", status: 400, contains: []string{"image"}},
		{name: "as_CI", method: "GET", url: path + "{image}", as: auth.ContinuousIntegration, status: 403, contains: []string{"integrations:read"}},
		{name: "consequences", method: "GET", url: "/v1/imageintegrations/{id}/consequences", as: auth.Viewer, status: 200,
			before:   assessed,
			contains: []string{`"reference":"{image}"`, `"remaining":[]`, `"complete":true`}},
		{name: "consequences/none", before: connected, method: "GET", url: "/v1/imageintegrations/{id}/consequences", status: 200, contains: []string{`"images":[]`, `"complete":true`}},
		{name: "consequences/of_a_change", method: "POST", url: "/v1/imageintegrations/{id}/consequences", status: 200,
			body:   `{"config":{"name":"moved","type":"docker","categories":["REGISTRY"],"docker":{"endpoint":"moved.example"}},"updatePassword":true}`,
			before: assessed, contains: []string{`"reference":"{image}"`, `"remaining":[]`, `"complete":true`}},
		{name: "consequences/of_a_change_that_loses_nothing", before: connected, method: "POST", url: "/v1/imageintegrations/{id}/consequences", status: 200,
			body: `{"config":{"name":"moved","type":"docker","categories":["REGISTRY"],"docker":{"endpoint":"moved.example"}},"updatePassword":true}`, contains: []string{`"images":[]`}},
		{name: "consequences/of_a_change_that_is_wrong", before: connected, method: "POST", url: "/v1/imageintegrations/{id}/consequences", status: 400,
			body: `{"config":{"name":"","type":"docker","categories":["REGISTRY"],"docker":{"endpoint":"moved.example"}},"updatePassword":true}`, contains: []string{"name for integration is required"}},
		{name: "consequences/of_a_change_to_nothing", method: "POST", url: "/v1/imageintegrations/nope/consequences", status: 404,
			body: `{"config":{"name":"a","type":"docker","categories":["REGISTRY"],"docker":{"endpoint":"moved.example"}}}`},
		{name: "consequences/of_a_change_as_viewer", before: connected, method: "POST", url: "/v1/imageintegrations/{id}/consequences", as: auth.Viewer, status: 403, body: `{}`},
		{name: "consequences/unknown", method: "GET", url: "/v1/imageintegrations/nope/consequences", status: 404, contains: []string{`"code":5`}},
		{name: "consequences/as_CI", method: "GET", url: "/v1/imageintegrations/nope/consequences", as: auth.ContinuousIntegration, status: 403},
	})
}

// archive is a zip of one advisory.
func archive(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("CVE-2024-0001.json")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w, `{"schema_version":"1.6.0","id":"CVE-2024-0001","modified":"2024-02-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"left"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.0"}]}]}]}`)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAdvisories(t *testing.T) {
	const path = "/v1/advisories"
	run(t, []scenario{
		{name: "status/nothing_imported", method: "GET", url: path, as: auth.Viewer, status: 200, contains: []string{`"records":0`, `"ecosystems":[]`, `"imported":null`, `"newest":null`}},
		{name: "import", method: "POST", url: path, body: archive(t), status: 200, contains: []string{`"records":1`, `"skipped":0`, `"name":"npm"`},
			after: func(t *testing.T, f *apitest.Fixture, _ *httptest.ResponseRecorder) {
				if w := f.Do("GET", path, "", auth.Viewer); !strings.Contains(w.Body.String(), `"records":1`) {
					t.Error(w.Body)
				}
			}},
		{name: "import/no_archive", method: "POST", url: path, body: `{"a":1}`, status: 400, contains: []string{"not a zip archive", `"fix":`}},
		{name: "import/broken_archive", method: "POST", url: path, body: "PK\x03\x04 nothing more", status: 400, contains: []string{`"code":3`}},
		{name: "import/as_ci", method: "POST", url: path, body: archive(t), as: auth.ContinuousIntegration, status: 403},
	})

	t.Run("upload_is_bounded_and_not_kept", func(t *testing.T) {
		dir := t.TempDir()
		f := apitest.Start(t, func(o *api.Options) { o.UploadDir, o.MaxUpload = dir, 100 })
		for _, length := range []int64{-1, 5000} {
			r := httptest.NewRequest("POST", path, strings.NewReader("PK"+strings.Repeat("x", 4998)))
			r.ContentLength = length
			r.Header.Del("Content-Length")
			r.Header.Set("Authorization", "Bearer "+f.Token(auth.Administrator))
			w := httptest.NewRecorder()
			f.API.ServeHTTP(w, r)
			checkAnswer(t, w)
			if w.Code != http.StatusRequestEntityTooLarge {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

func TestTokens(t *testing.T) {
	const path = "/v1/apitokens"
	run(t, []scenario{
		{name: "generate", method: "POST", url: path + "/generate", body: `{"name":"ci","roles":["Continuous Integration"]}`, status: 200,
			contains: []string{`"token":"lw_`, `"role":"Continuous Integration"`, `"roles":["Continuous Integration"]`, `"revoked":false`, `"expiration":null`},
			after: func(t *testing.T, f *apitest.Fixture, w *httptest.ResponseRecorder) {
				var out struct{ Token string }
				if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
					t.Fatal(err)
				}
				if w := f.Do("GET", path, "", auth.Administrator); !strings.Contains(w.Body.String(), `"name":"ci"`) || strings.Contains(w.Body.String(), out.Token) {
					t.Error(w.Body)
				}
				r := httptest.NewRequest("GET", "/v1/metadata", nil)
				r.Header.Set("Authorization", "bearer  "+out.Token)
				got := httptest.NewRecorder()
				if f.API.ServeHTTP(got, r); got.Code != 200 {
					t.Error(got.Code, got.Body)
				}
			}},
		{name: "generate/older_spelling", method: "POST", url: path + "/generate", body: `{"name":"ci","role":"Viewer","expiration":"2199-01-01T00:00:00Z"}`, status: 200, contains: []string{`"role":"Viewer"`, `"expiration":"2199-`}},
		{name: "generate/null_roles", method: "POST", url: path + "/generate", body: `{"name":"ci","role":"Viewer","roles":null}`, status: 200},
		{name: "generate/both_spellings", method: "POST", url: path + "/generate", body: `{"name":"ci","role":"Viewer","roles":["Viewer"]}`, status: 200},
		{name: "generate/two_roles", method: "POST", url: path + "/generate", body: `{"name":"ci","role":"Viewer","roles":["Administrator"]}`, status: 400, contains: []string{"exactly one role"}},
		{name: "generate/RHACS's_Admin", method: "POST", url: path + "/generate", body: `{"name":"ci","role":null,"roles":["Admin"]}`, status: 200, contains: []string{`"role":"Administrator"`}},
		{name: "generate/RHACS's_Analyst", method: "POST", url: path + "/generate", body: `{"name":"ci","role":"Analyst"}`, status: 200, contains: []string{`"role":"Viewer"`}},
		{name: "generate/unknown_role", method: "POST", url: path + "/generate", body: `{"name":"ci","roles":["King"]}`, status: 400, contains: []string{`"code":3`, "King"}},
		{name: "generate/too_far_away", method: "POST", url: path + "/generate", body: `{"name":"ci","role":"Viewer","expiration":"2999-01-01T00:00:00Z"}`, status: 400, contains: []string{"2999"}},
		{name: "generate/no_role", method: "POST", url: path, body: `{"name":"ci"}`, status: 400, contains: []string{"exactly one role"}},
		{name: "generate/no_name", method: "POST", url: path, body: `{"roles":["Viewer"]}`, status: 400, contains: []string{"name"}},
		{name: "revoke", method: "DELETE", url: path + "/{id}", status: 200, contains: []string{"{}"},
			before: func(t *testing.T, f *apitest.Fixture) string {
				token, _, err := f.Auth.CreateToken(context.Background(), "gone", auth.Viewer, time.Time{})
				if err != nil {
					t.Fatal(err)
				}
				return token.ID
			}},
		{name: "revoke/unknown", method: "DELETE", url: path + "/nope", status: 404},
		{name: "revoke/as_RHACS", method: "PATCH", url: path + "/revoke/nope", status: 404},
		{name: "get/unknown", method: "GET", url: path + "/nope", status: 404, contains: []string{`"code":5`}},
		{name: "list/revoked", method: "GET", url: path + "?revoked=true", status: 200, contains: []string{`"tokens":[]`}},
		{name: "list/not_revoked", method: "GET", url: path + "?revoked=false", status: 200, contains: []string{`"name":"Viewer"`, `"revoked":false`, `"roles":["Viewer"]`}},
		{name: "allowed_roles", method: "GET", url: path + "/generate/allowed-roles", status: 200, contains: []string{`{"roleNames":["Administrator",`}},
	})
}

// document is the part of the OpenAPI document that the tests walk.
type document struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		OperationID string
		Summary     string
		Security    []map[string][]string
		Permission  auth.Permission `json:"x-permission"`
	}
	Components struct {
		Schemas         map[string]map[string]any
		SecuritySchemes map[string]map[string]any
	}
}

func openAPI(t *testing.T, f *apitest.Fixture) (doc document, raw string) {
	t.Helper()
	w := f.Do("GET", "/openapi.json", "", "")
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Code != 200 {
		t.Fatal(w.Code, err)
	}
	return doc, w.Body.String()
}

func TestPermissions(t *testing.T) {
	f := apitest.Start(t, nil)
	doc, _ := openAPI(t, f)
	operations := 0
	for path, methods := range doc.Paths {
		url := strings.ReplaceAll(path, "{id}", "some-id")
		for method, op := range methods {
			operations++
			method = strings.ToUpper(method)
			t.Run(op.OperationID, func(t *testing.T) {
				anonymous, nobody := f.Do(method, url, "{}", ""), f.Do(method, url, "{}", apitest.Nobody)
				wantAnonymous, wantNobody := 401, 403
				open := map[string]int{"ping": 200, "exchangeToken": 400}[op.OperationID]
				if open != 0 {
					wantAnonymous = open
				}
				if op.Permission == "" {
					wantNobody = cmp.Or(open, 200)
				}
				if anonymous.Code != wantAnonymous || nobody.Code != wantNobody {
					t.Errorf("without credentials %d, want %d; with a role without permissions %d, want %d", anonymous.Code, wantAnonymous, nobody.Code, wantNobody)
				}
				if (len(op.Security) == 0) != (open != 0) {
					t.Errorf("documented security %v", op.Security)
				}
				for _, role := range auth.Roles() {
					if op.Permission == "" || (auth.Identity{Role: role}).May(op.Permission) {
						continue
					}
					if w := f.Do(method, url, "{}", role); w.Code != 403 {
						t.Errorf("%s, without %s: %d", role, op.Permission, w.Code)
					}
				}
			})
		}
	}
	if operations < 20 {
		t.Errorf("only %d operations were walked", operations)
	}
}

func TestOpenAPI(t *testing.T) {
	f := apitest.Start(t, nil)
	doc, raw := openAPI(t, f)
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		t.Errorf("version %q", doc.OpenAPI)
	}
	for _, name := range []string{"bearer", "basic"} {
		if doc.Components.SecuritySchemes[name]["scheme"] != name {
			t.Errorf("security schemes %v", doc.Components.SecuritySchemes)
		}
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if op.Summary == "" {
				t.Errorf("%s %s has no summary", method, path)
			}
		}
	}
	for _, part := range strings.Split(raw, `"$ref": "#/components/schemas/`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		if doc.Components.Schemas[name] == nil {
			t.Errorf("there is no schema %s", name)
		}
	}
	if strings.Contains(raw, "$schema") {
		t.Error("answers would carry $schema")
	}

	// The schema of what Go embeds is that of the JSON.
	for name, value := range map[string]any{"Component": assess.Component{}, "Finding": assess.Finding{}, "Assessment": assess.Assessment{}} {
		b, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		var keys map[string]any
		if err := json.Unmarshal(b, &keys); err != nil {
			t.Fatal(err)
		}
		properties, _ := doc.Components.Schemas[name]["properties"].(map[string]any)
		for key := range keys {
			if properties[key] == nil {
				t.Errorf("schema %s lacks %s", name, key)
			}
		}
	}
	settings, _ := doc.Components.Schemas["Integration"]["properties"].(map[string]any)["docker"].(map[string]any)["properties"].(map[string]any)
	if password, _ := settings["password"].(map[string]any); password["format"] != "password" || settings["endpoint"] == nil {
		t.Errorf("settings of docker: %v", settings)
	}
	if password, _ := settings["password"].(map[string]any); password["title"] != "Password" {
		t.Errorf("docker's password is described as another type's: %v", password)
	}
}

// failing breaks in two ways.
type failing struct{ panics bool }

func (f failing) Status() vuln.Status {
	if f.panics {
		panic("inside: " + apitest.Marked[:6])
	}
	return vuln.Status{}
}

func (failing) Import(context.Context, string) (vuln.ImportResult, error) {
	return vuln.ImportResult{}, fmt.Errorf("inside: disk broke")
}

// unwritable has an assessment that JSON cannot hold.
type unwritable struct{ assess.Store }

func (unwritable) Assessment(context.Context, string) (assess.Assessment, error) {
	return assess.Assessment{Findings: []assess.Finding{{Vulnerability: vuln.Vulnerability{Score: math.NaN()}}}}, nil
}

func (unwritable) Matching(context.Context, string) (assess.Matching, error) {
	return assess.Matching{}, nil
}

func TestHalfAnAnswerDoesNotLookWhole(t *testing.T) {
	advisories, err := vuln.OpenLive(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer advisories.Close()
	f := apitest.Start(t, func(o *api.Options) {
		o.Assess = assess.New(assess.Options{Store: unwritable{}, Advisories: advisories})
	})
	srv := httptest.NewServer(f.API)
	defer srv.Close()
	r, err := http.NewRequest("GET", srv.URL+"/v1/assessments/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+f.Token(auth.Viewer))
	answer, err := http.DefaultClient.Do(r)
	if err == nil {
		defer answer.Body.Close()
		_, err = io.ReadAll(answer.Body)
	}
	if err == nil {
		t.Errorf("answered %s, to its end", answer.Status)
	}
	if !strings.Contains(f.Log.String(), "NaN") {
		t.Errorf("not logged: %s", f.Log)
	}
}

func TestInternalErrors(t *testing.T) {
	for _, c := range []struct {
		name, method, body string
		panics             bool
	}{
		{"error", "POST", archive(t), false},
		{"panic", "GET", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := apitest.Start(t, func(o *api.Options) { o.Advisories = failing{c.panics} })
			w := f.Do(c.method, "/v1/advisories", c.body, auth.Administrator)
			checkAnswer(t, w)
			id := w.Header().Get("X-Request-Id")
			if w.Code != 500 || strings.Contains(w.Body.String(), "inside") || !strings.Contains(w.Body.String(), `"internal error"`) || !strings.Contains(w.Body.String(), id) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if log := f.Log.String(); !strings.Contains(log, "inside: ") || !strings.Contains(log, id) {
				t.Errorf("the log does not explain it:\n%s", log)
			}
		})
	}
}
