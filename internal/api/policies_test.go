package api_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/policy"
)

// policyNamed is a policy of the build stage.
func policyNamed(name, condition, more string) string {
	return fmt.Sprintf(`# why we have it
apiVersion: landwaiter.dev/v1
kind: Policy
metadata: {name: %s}
spec:
  title: About %s
  severity: high
  stages: [build, deploy]
  condition: %s
%s`, name, name, condition, more)
}

func applied(documents ...string) func(*testing.T, *apitest.Fixture) string {
	return func(t *testing.T, f *apitest.Fixture) string {
		t.Helper()
		if w := f.Do("POST", "/v1/policies", strings.Join(documents, "\n---\n"), auth.Administrator); w.Code != 200 {
			t.Fatal(w.Body)
		}
		return ""
	}
}

func TestPolicies(t *testing.T) {
	mine := policyNamed("mine", `image.tag == "1"`, "  enforce: [deploy]\n  scope: [{namespaces: [a, b], images: ['**/x']}]\n  exclusions: [{name: e, images: ['quay.io/**'], workloads: [w], until: 2027-01-31}]\n")
	is := func(count int) func(*testing.T, *apitest.Fixture, *httptest.ResponseRecorder) {
		return func(t *testing.T, _ *apitest.Fixture, w *httptest.ResponseRecorder) {
			var list struct{ Policies []struct{ Name string } }
			if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list.Policies) != count {
				t.Errorf("%d policies, %v", len(list.Policies), err)
			}
		}
	}
	then := func(method, url, want string) func(*testing.T, *apitest.Fixture, *httptest.ResponseRecorder) {
		return func(t *testing.T, f *apitest.Fixture, _ *httptest.ResponseRecorder) {
			if w := f.Do(method, url, "", auth.Viewer); !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s lacks %s", w.Body, want)
			}
		}
	}
	latest := policyNamed("latest-tag", `"true"`, "")
	run(t, []scenario{
		{name: "list", before: applied(mine), method: "GET", url: "/v1/policies", as: auth.Viewer, status: 200,
			contains: []string{`{"id":"mine","name":"About mine","description":"","severity":"HIGH_SEVERITY","disabled":false,"lifecycleStages":["BUILD","DEPLOY"],"notifiers":[],"lastUpdated":"2`, `"lastUpdated":null`},
			after:    is(len(policy.Builtin()) + 1)},
		{name: "list/query", before: applied(mine), method: "GET", url: "/v1/policies?query=Policy:about%2BSeverity:high,low%2BDisabled:false", status: 200, after: is(1)},
		{name: "list/query_whose_plus_is_a_space", before: applied(mine), method: "GET", url: "/v1/policies?query=Policy:About+Severity:LOW_SEVERITY", status: 200, after: is(0)},
		{name: "list/query_of_a_whole_name", before: applied(mine), method: "GET", url: `/v1/policies?query=Policy:"about"`, status: 200, after: is(0)},
		{name: "list/query_by_something_else", method: "GET", url: "/v1/policies?query=Cluster:x", status: 400, contains: []string{`"fix":"Search by Policy`}},
		{name: "list/page", method: "GET", url: "/v1/policies?pagination.limit=2&pagination.offset=1&pagination.sortOption.field=Severity&pagination.sortOption.reversed=true", status: 200,
			contains: []string{"CRITICAL_SEVERITY"}, excludes: []string{"LOW_SEVERITY"}, after: is(2)},
		{name: "list/beyond_the_end", method: "GET", url: "/v1/policies?pagination.offset=9999", status: 200, contains: []string{`{"policies":[]}`}},
		{name: "get", before: applied(mine), method: "GET", url: "/v1/policies/mine", as: auth.Viewer, status: 200, contains: []string{
			`"enforcementActions":["SCALE_TO_ZERO_ENFORCEMENT","FAIL_DEPLOYMENT_CREATE_ENFORCEMENT","FAIL_DEPLOYMENT_UPDATE_ENFORCEMENT"]`, `"isDefault":false`,
			`"scope":[{"cluster":"","namespace":"a","label":null},{"cluster":"","namespace":"b","label":null}]`, `"image":{"name":"quay.io/**"}`,
			`"deployment":{"name":"w","scope":{`, `"expiration":"2027-02-01T00:00:00Z"`, `"policySections":[]`, `"mitreAttackVectors":[]`, `"policyVersion":"1.1"`, `"SORTEnforcement":true`,
		}},
		{name: "get/built_in", method: "GET", url: "/v1/policies/secret-in-image", status: 200, contains: []string{`"enforcementActions":["FAIL_BUILD_ENFORCEMENT"`, `"isDefault":true`, `"lastUpdated":null`}},
		{name: "get/unknown", method: "GET", url: "/v1/policies/nope", status: 404, contains: []string{`"fix":`}},

		{name: "apply", method: "POST", url: "/v1/policies", body: mine, status: 200, contains: []string{`"id":"mine"`, `"source":"own"`, `"by":"`, `"enforce":["deploy"]`}},
		{name: "apply/JSON", method: "POST", url: "/v1/policies", headers: map[string]string{"Content-Type": "application/json"}, status: 200, contains: []string{`"id":"j"`},
			body: `{"apiVersion":"landwaiter.dev/v1","kind":"Policy","metadata":{"name":"j"},"spec":{"title":"J","severity":"low","stages":["build"],"condition":"true"}}`},
		{name: "apply/in_place_of_a_built-in_one", method: "POST", url: "/v1/policies", body: latest, status: 200, contains: []string{`"source":"changed"`}},
		{name: "apply/mistakes", method: "POST", url: "/v1/policies", body: mine + "---\n" + policyNamed("bad", `image.tagg == "1"`, "  enforced: [build]\n"), status: 400,
			contains: []string{`"problems":[{"policy":"bad","field":"spec.condition","line":22,"column":19,"message":"undefined field 'tagg'","excerpt":"image.tagg == \"1\"\n     ^"}`, `did you mean enforce?`, `"code":3`},
			after:    then("GET", "/v1/policies/mine", `"code":5`)},
		{name: "apply/too_large", method: "POST", url: "/v1/policies", body: strings.Repeat(" ", 1<<20+1), status: 400, contains: []string{"at most 1048576"}},
		{name: "apply/nothing", method: "POST", url: "/v1/policies", status: 400, contains: []string{"there is no policy"}},
		{name: "apply/another_role", method: "POST", url: "/v1/policies", body: mine, as: auth.ContinuousIntegration, status: 403, contains: []string{"policies:write"}},

		{name: "replace", before: applied(mine), method: "PUT", url: "/v1/policies/mine", body: policyNamed("mine", `"false"`, ""), status: 200, after: then("GET", "/v1/policies/mine/document", `condition: "false"`)},
		{name: "replace/of_another_name", method: "PUT", url: "/v1/policies/other", body: mine, status: 400, contains: []string{"metadata.name is other"}},
		{name: "patch", before: applied(mine), method: "PATCH", url: "/v1/policies/mine", body: `{"disabled":true}`, status: 200, contains: []string{"{}"},
			after: then("GET", "/v1/policydocuments", `"enforce":["deploy"],"disabled":true`)},
		{name: "patch/enforce_a_built-in_one", method: "PATCH", url: "/v1/policies/latest-tag", body: `{"enforce":["build"]}`, status: 200,
			after: then("GET", "/v1/policies/latest-tag", `"enforcementActions":["FAIL_BUILD_ENFORCEMENT"]`)},
		{name: "patch/a_stage_that_it_has_not", method: "PATCH", url: "/v1/policies/add-instead-of-copy", body: `{"enforce":["deploy"]}`, status: 400, contains: []string{"not among the policy's stages"}},
		{name: "patch/another_role", method: "PATCH", url: "/v1/policies/latest-tag", body: `{"disabled":true}`, as: auth.Viewer, status: 403},
		{name: "delete", before: applied(mine), method: "DELETE", url: "/v1/policies/mine", status: 200, after: then("GET", "/v1/policies/mine", `"code":5`)},
		{name: "delete/brings_the_built-in_one_back", before: applied(latest), method: "DELETE", url: "/v1/policies/latest-tag", status: 200,
			after: then("GET", "/v1/policies/latest-tag", "Image is named by the tag latest")},
		{name: "delete/built_in", method: "DELETE", url: "/v1/policies/latest-tag", status: 400, contains: []string{`"fix":`}},
		{name: "delete/unknown", method: "DELETE", url: "/v1/policies/nope", status: 404},

		{name: "document", before: applied(mine), method: "GET", url: "/v1/policies/mine/document", as: auth.Viewer, status: 200, contains: []string{"# why we have it\napiVersion:"}},
		{name: "document/JSON", before: applied(mine), method: "GET", url: "/v1/policies/mine/document", headers: map[string]string{"Accept": "application/json"}, status: 200,
			contains: []string{`"until": "2027-01-31"`, `"stages": [`}},
		{name: "documents", before: applied(latest), method: "GET", url: "/v1/policydocuments", as: auth.Viewer, status: 200, contains: []string{`"source":"changed"`, `"source":"built-in"`, `"condition":"true"`}},
		{name: "validate", method: "POST", url: "/v1/policies/validate", body: mine, as: auth.Viewer, status: 200, contains: []string{`{"valid":true,"problems":[],"policies":["mine"]}`},
			after: then("GET", "/v1/policies/mine", `"code":5`)},
		{name: "validate/mistakes", method: "POST", url: "/v1/policies/validate", body: policyNamed("bad", "image.nope", ""), as: auth.Viewer, status: 200, contains: []string{`"valid":false`, `"line":9`, `"policies":[]`}},
	})
}

func TestPolicyTests(t *testing.T) {
	checked := func(t *testing.T, f *apitest.Fixture) string {
		stored(t, f)
		if w := f.Do("POST", "/v1/assessments", fmt.Sprintf(`{"image":%q}`, f.Image), auth.ContinuousIntegration); w.Code != 200 {
			t.Fatal(w.Body)
		}
		return ""
	}
	body := func(fields string) string {
		encoded, _ := json.Marshal(policyNamed("mine", `image.tag == "1.0"`, ""))
		return `{"document":` + string(encoded) + fields + `}`
	}
	run(t, []scenario{
		{name: "stored", before: checked, method: "POST", url: "/v1/policies/test", body: body(`,"image":"{image}"`), as: auth.ContinuousIntegration, status: 200,
			contains: []string{`"outcome":"broken"`, `"text":"image.tag == \"1.0\"","holds":true,"values":[{"text":"image.tag","value":"\"1.0\""}]`, `"id":"`}},
		{name: "of_the_server", before: checked, method: "POST", url: "/v1/policies/test", body: `{"ids":["latest-tag","shell-in-image"],"image":"{image}"}`, status: 200,
			contains: []string{`"policyId":"latest-tag"`, `"policyId":"shell-in-image"`}},
		{name: "of_a_stage", before: checked, method: "POST", url: "/v1/policies/test", body: body(`,"image":"{image}","stage":"deploy"`), status: 200, contains: []string{`"stage":"deploy"`}},
		{name: "live", before: func(t *testing.T, f *apitest.Fixture) string { return stored(t, f) }, method: "POST", url: "/v1/policies/test", body: body(`,"image":"{image}","live":true`), status: 200,
			contains: []string{`"outcome":"broken"`}, excludes: []string{`"id":"`}},
		{name: "not_stored", method: "POST", url: "/v1/policies/test", body: body(`,"image":"nginx:1"`), status: 404, contains: []string{`"fix":`}},
		{name: "another_platform", before: checked, method: "POST", url: "/v1/policies/test", body: body(`,"image":"{image}","platform":"linux/s390x"`), status: 404},
		{name: "no_image", method: "POST", url: "/v1/policies/test", body: body(``), status: 400},
		{name: "unknown_policy", method: "POST", url: "/v1/policies/test", body: `{"ids":["nope"],"image":"nginx"}`, status: 404},
		{name: "no_policy", method: "POST", url: "/v1/policies/test", body: `{"image":"nginx"}`, status: 400, contains: []string{"either ids or a document"}},
		{name: "another_role", method: "POST", url: "/v1/policies/test", body: body(`,"image":"nginx"`), as: auth.Viewer, status: 403},

		{name: "dry_run", before: checked, method: "POST", url: "/v1/policies/dryrun", body: body(``), as: auth.Viewer, status: 200,
			contains: []string{`"looked":1`, `"outcomes":{"broken":1}`, `"reference":"{image}"`, `"since":{"at":"`}},
		{name: "dry_run/other_images", before: checked, method: "POST", url: "/v1/policies/dryrun", body: body(`,"query":"nope"`), status: 200, contains: []string{`"looked":0`, `"images":[]`}},
		{name: "dry_run/mistakes", method: "POST", url: "/v1/policies/dryrun", body: `{"document":"a: b"}`, status: 400, contains: []string{`"problems":[`}},
	})
}
