package api_test

import (
	"encoding/json"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/auth"
)

// keys are those of an object in an answer, sorted; path leads to it through keys and first elements.
func keys(t *testing.T, w *httptest.ResponseRecorder, path ...string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	for _, p := range path {
		object, _ := v.(map[string]any)
		v = object[p]
		if list, ok := v.([]any); ok && len(list) > 0 {
			v = list[0]
		}
	}
	object, ok := v.(map[string]any)
	if !ok {
		t.Errorf("there is nothing at %v: %s", path, w.Body)
	}
	return strings.Join(slices.Sorted(maps.Keys(object)), " ")
}

// What Jenkins' plugin, the scripts and the installers around RHACS send and read.
func TestRHACS(t *testing.T) {
	manifest := `"apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: {image}}]}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: other}\n"`
	const scan, build, deploy, document = "/v1/images/scan", "/v1/detect/build", "/v1/detect/deploy/yaml", "/api/v1/images/sbom"
	alert := func(path ...string) func(*testing.T, *apitest.Fixture, *httptest.ResponseRecorder) {
		return func(t *testing.T, _ *apitest.Fixture, w *httptest.ResponseRecorder) {
			entity := "image"
			if len(path) > 1 {
				entity = "deployment"
			}
			for _, c := range []struct {
				at   []string
				want string
			}{
				{path, "clusterId clusterName " + entity + " enforcement enforcementCount entityType firstOccurred id lifecycleStage namespace namespaceId platformComponent policy processViolation resolvedAt state time violations"},
				{append(slices.Clone(path), "violations"), "message time type"},
				{append(slices.Clone(path), "policy"), "SORTEnforcement SORTLifecycleStage SORTName categories criteriaLocked description disabled enforcementActions eventSource exclusions id isDefault lastUpdated lifecycleStages mitreAttackVectors mitreVectorsLocked name notifiers policySections policyVersion rationale remediation scope severity source"},
			} {
				got, want := strings.Fields(keys(t, w, c.at...)), strings.Fields(c.want)
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Errorf("%v has the keys\n%s, want\n%s", c.at, got, want)
				}
			}
		}
	}
	run(t, []scenario{
		{name: "scan/as_Jenkins", before: stored, method: "POST", url: scan, as: auth.ContinuousIntegration, status: 200,
			body:     `{"imageName":"{image}","force":true,"cluster":""}`,
			contains: []string{`"fullName":"{image}"`, `"registry":"{registry}"`, `"remote":"team/app"`, `"tag":"1.0"`, `"id":"sha256:`, `"cves":0`, `"isClusterLocal":false`},
			after: func(t *testing.T, f *apitest.Fixture, w *httptest.ResponseRecorder) {
				want := "baseImageInfo components cves fixableCves id isClusterLocal lastUpdated metadata name names notPullable notes priority riskScore scan signature signatureVerificationData topCvss"
				if got := keys(t, w); got != want {
					t.Errorf("keys %s", got)
				}
				if got := keys(t, w, "scan"); got != "components dataSource notes operatingSystem scanTime scannerVersion" {
					t.Errorf("keys %s", got)
				}
			}},
		{name: "scan/other_spelling_unknown_keys_form_type", before: stored, method: "POST", url: scan, status: 200, headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
			body: `{"image_name":"{image}","include_snoozed":true,"whatever":[1]}`, contains: []string{`"fullName":"{image}"`}},
		{name: "scan/no_image", method: "POST", url: scan, body: `{}`, status: 400, contains: []string{`"code":3`, "names no image"}},
		{name: "scan/no_body", method: "POST", url: scan, status: 400, contains: []string{`"code":3`}},
		{name: "scan/malformed", method: "POST", url: scan, body: `{"imageName":"` + apitest.Marked, status: 400, contains: []string{`"code":3`, "not the JSON"}},
		{name: "scan/bad_reference", method: "POST", url: scan, body: `{"imageName":"UPPER"}`, status: 400, contains: []string{`"code":3`}},
		{name: "scan/not_found", before: stored, method: "POST", url: scan, body: `{"imageName":"{registry}/team/other:1"}`, status: 404, contains: []string{`"code":5`, "team/other"}},
		{name: "scan/as_viewer", method: "POST", url: scan, body: `{}`, as: auth.Viewer, status: 403, contains: []string{`"code":7`}},
		{name: "scan/kept", before: stored, method: "POST", url: scan, body: `{"imageName":"{image}"}`, status: 200,
			after: func(t *testing.T, f *apitest.Fixture, _ *httptest.ResponseRecorder) {
				if w := f.Do("GET", "/v1/assessments", "", auth.Viewer); !strings.Contains(w.Body.String(), f.Image) {
					t.Errorf("not kept: %s", w.Body)
				}
			}},

		{name: "build/as_Jenkins", before: stored, method: "POST", url: build, as: auth.ContinuousIntegration, status: 200,
			body:     `{"imageName":"{image}","policyCategories":[],"cluster":""}`,
			contains: []string{`"lifecycleStage":"BUILD"`, `"state":"ACTIVE"`, `"entityType":"UNSET"`, `"fullName":"{image}"`, `"severity":"`, `"enforcementActions":[]`}, after: alert("alerts")},
		{name: "build/image_in_parts", before: stored, method: "POST", url: build, status: 200,
			body: `{"image":{"name":{"registry":"{registry}","remote":"team/app","tag":"1.0"}}}`, contains: []string{`"fullName":"{image}"`}},
		{name: "build/of_a_category", before: stored, method: "POST", url: build, status: 200,
			body: `{"imageName":"{image}","policyCategories":["Package Management"]}`, contains: []string{`"alerts":`}, excludes: []string{`"categories":["Docker CIS"]`}},
		{name: "build/unknown_category", before: stored, method: "POST", url: build, body: `{"imageName":"{image}","policyCategories":["nonsense"]}`, status: 400, contains: []string{`"code":3`, "nonsense"}},
		{name: "build/both", method: "POST", url: build, body: `{"imageName":"a","image":{"name":{"fullName":"a"}}}`, status: 400, contains: []string{`"code":3`}},
		{name: "build/neither", method: "POST", url: build, body: `{}`, status: 400, contains: []string{`"code":3`, "names no image"}},
		{name: "build/contradiction", method: "POST", url: build, body: `{"imageName":"a","force":true,"noExternalMetadata":true}`, status: 400, contains: []string{`"code":3`}},

		{name: "deploy", before: stored, method: "POST", url: deploy, as: auth.ContinuousIntegration, status: 200, body: `{"yaml":` + manifest + `,"namespace":"shop","cluster":"prod"}`,
			contains: []string{`"lifecycleStage":"DEPLOY"`, `"name":"web"`, `"type":"Pod"`, `"namespace":"shop"`, `"clusterName":"prod"`, `"ignoredObjectRefs":["other/s[/v1, Kind=Secret]"]`, `"remarks":[]`}, after: alert("runs", "alerts")},
		{name: "deploy/enforced_only", before: stored, method: "POST", url: deploy, status: 200, body: `{"yaml":` + manifest + `,"enforcementOnly":true}`, contains: []string{`"name":"web"`}, excludes: []string{`"enforcementActions":[]`}},
		{name: "deploy/bad_yaml", method: "POST", url: deploy, body: `{"yaml":"a: ["}`, status: 400, contains: []string{`"code":3`, "read manifests"}},

		{name: "sbom/as_roxctl", before: stored, method: "POST", url: document, as: auth.ContinuousIntegration, status: 200,
			body: `{"cluster":"","namespace":"","imageName":"{image}","force":false,"digest":""}`, contains: []string{`"spdxVersion": "SPDX-2.3"`}},
		{name: "sbom/no_image", method: "POST", url: document, body: `{}`, status: 400, contains: []string{`"code":3`}},
		{name: "sbom/malformed", method: "POST", url: document, body: `[]`, status: 400, contains: []string{`"code":3`}},
		{name: "sbom/not_found", before: stored, method: "POST", url: document, body: `{"imageName":"{registry}/team/other:1"}`, status: 404},
		{name: "sbom/scan", method: "POST", url: "/api/v1/sboms/scan", as: auth.ContinuousIntegration, status: 200, headers: map[string]string{"Content-Type": "text/spdx+json"},
			body:     `{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"app","packages":[{"SPDXID":"SPDXRef-a","name":"left-pad","versionInfo":"1.0.0","externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:npm/left-pad@1.0.0"}]}]}`,
			contains: []string{`"name":"left-pad"`, `"source":"NODEJS"`, `"cve":"NOT-CHECKED"`}},
		{name: "sbom/scan_of_something_else", method: "POST", url: "/api/v1/sboms/scan", body: `[]`, status: 400, contains: []string{`"code":3`}},
		{name: "unknown_path", method: "GET", url: "/api/v1/nothing", status: 404, contains: []string{`"code":5`}},
	})
}
