package api_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/auth"
)

func rhacsPolicy(name, criterion, value, more string) string {
	return fmt.Sprintf(`{"name":%q,"severity":"HIGH_SEVERITY","lifecycleStages":["BUILD","DEPLOY"],%s
		"policySections":[{"policyGroups":[{"fieldName":"Image Registry","values":[{"value":"quay.io"}]},{"fieldName":%q,"values":[{"value":%q}]}]}]}`,
		name, more, criterion, value)
}

func TestPolicies_import(t *testing.T) {
	export := func(policies ...string) string { return `{"policies":[` + strings.Join(policies, ",") + `]}` }
	tags, signed := rhacsPolicy("Latest tag", "Image Tag", "latest", ""), rhacsPolicy("Signed", "Image Signature Verified By", "x", "")
	has := func(id string, want int) func(*testing.T, *apitest.Fixture, *httptest.ResponseRecorder) {
		return func(t *testing.T, f *apitest.Fixture, _ *httptest.ResponseRecorder) {
			if w := f.Do("GET", "/v1/policies/"+id, "", auth.Viewer); w.Code != want {
				t.Errorf("%s: %d, want %d", id, w.Code, want)
			}
		}
	}
	run(t, []scenario{
		{name: "export", method: "POST", url: "/v1/policies/import", body: export(tags, signed), status: 200, after: has("latest-tag-rhacs", 200), contains: []string{
			`"name":"Latest tag","outcome":"translated","policy":{"id":"latest-tag-rhacs"`, `"name":"Signed","outcome":"refused"`, `"applied":true`,
			`{"what":"the criterion \"Image Signature Verified By\"","why":"signatures are not verified for policies","effect":"the policy is broken by more than in RHACS"}`}},
		{name: "as_JSON", method: "POST", url: "/v1/policies/import", headers: map[string]string{"Content-Type": "application/json"}, body: export(tags), status: 200,
			contains: []string{`"applied":true`}},
		{name: "dry_run", method: "POST", url: "/v1/policies/import?dryRun=true", body: export(tags), status: 200, contains: []string{`"applied":false`, `"latest-tag-rhacs"`},
			after: has("latest-tag-rhacs", 404)},
		{name: "in_part", method: "POST", url: "/v1/policies/import?partial=true", body: export(signed), status: 200, contains: []string{`"outcome":"translated in part"`},
			after: has("signed", 200)},
		{name: "nothing_to_apply", method: "POST", url: "/v1/policies/import", body: export(signed), status: 200, contains: []string{`"applied":false`}, after: has("signed", 404)},
		{name: "clusters", method: "POST", url: "/v1/policies/import?cluster=1a4e1e5a-0000-4000-8000-000000000001=prod&cluster=x=y", status: 200,
			body:     rhacsPolicy("A", "Image Tag", "x", `"scope":[{"cluster":"1a4e1e5a-0000-4000-8000-000000000001"}],`),
			contains: []string{`"clusters":["prod"]`, `"applied":true`}},
		{name: "clusters/misshapen", method: "POST", url: "/v1/policies/import?cluster=x", body: tags, status: 400, contains: []string{`\"x\" is not of the form ID=NAME`}},
		{name: "replaced", method: "POST", url: "/v1/policies/import", body: tags, status: 200, contains: []string{`"replaces":true`},
			before: func(t *testing.T, f *apitest.Fixture) string {
				f.Do("POST", "/v1/policies/import", tags, auth.Administrator)
				return ""
			}},
		{name: "something_else", method: "POST", url: "/v1/policies/import", body: "kind: Pod\napiVersion: v1\n", status: 400, contains: []string{"a document is a Pod of v1", `"fix":"Give what RHACS exports`}},
		{name: "another_role", method: "POST", url: "/v1/policies/import", body: tags, as: auth.ContinuousIntegration, status: 403, contains: []string{"policies:write"}},
	})
}
