package api_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/auth"
)

func TestTrust(t *testing.T) {
	const path = "/v1/auth/m2m"
	const config = `{"config":{"issuer":"https://gitlab.example","audience":"https://landwaiter.example","mappings":[{"key":"project_path","valueExpression":"team/.*","role":"Continuous Integration"}]}}`
	made := func(t *testing.T, f *apitest.Fixture) string {
		w := f.Do("POST", path, config, auth.Administrator)
		var out struct{ Config struct{ ID string } }
		if json.Unmarshal(w.Body.Bytes(), &out); out.Config.ID == "" {
			t.Fatal(w.Body)
		}
		return out.Config.ID
	}
	now := func(url string, want ...string) func(*testing.T, *apitest.Fixture, *httptest.ResponseRecorder) {
		return func(t *testing.T, f *apitest.Fixture, _ *httptest.ResponseRecorder) {
			got := f.Do("GET", url, "", auth.Administrator).Body.String()
			for _, w := range want {
				if !strings.Contains(got, w) {
					t.Errorf("%s lacks %s", got, w)
				}
			}
		}
	}
	run(t, []scenario{
		{name: "list/empty", method: "GET", url: path, status: 200, contains: []string{`{"configs":[]}`}},
		{name: "create", method: "POST", url: path, body: config, status: 200, contains: []string{
			`{"config":{"id":"`, `"type":"GENERIC"`, `"tokenExpirationDuration":"1h0m0s"`, `"traits":null`, `"mappings":[{"key":"project_path","valueExpression":"team/.*","role":"Continuous Integration"}]`},
			after: now(path, `"configs":[{"id":"`, `"issuer":"https://gitlab.example"`)},
		{name: "create/for_GitHub", method: "POST", url: path, status: 200, contains: []string{`"issuer":"https://token.actions.githubusercontent.com"`, `"audience":""`, `"role":"Viewer"`},
			body: `{"config":{"type":"GITHUB_ACTIONS","tokenExpirationDuration":"5m","mappings":[{"key":"repository","valueExpression":"org/app","role":"Analyst"}]}}`},
		{name: "create/snake_case", method: "POST", url: path, status: 200, contains: []string{`"tokenExpirationDuration":"5m0s"`, `"valueExpression":"x"`},
			body: `{"config":{"issuer":"https://a.example","audience":"b","token_expiration_duration":"5m","mappings":[{"key":"sub","value_expression":"x","role":"Viewer"}]}}`},
		{name: "create/what_it_gave", method: "POST", url: path, status: 200,
			body: strings.Replace(config, `{"config":{`, `{"config":{"id":"mine","traits":null,`, 1), excludes: []string{`"mine"`}},
		{name: "create/twice", before: made, method: "POST", url: path, body: config, status: 409, contains: []string{"trusted already"}},
		{name: "create/nothing", method: "POST", url: path, body: `{}`, status: 400, contains: []string{"issuer is missing"}},
		{name: "create/no_duration", method: "POST", url: path, body: strings.Replace(config, `"issuer"`, `"tokenExpirationDuration":"soon","issuer"`, 1), status: 400, contains: []string{"no duration"}},
		{name: "create/wrong_type", method: "POST", url: path, body: `{"config":{"mappings":"x"}}`, status: 400, contains: []string{"mappings"}},
		{name: "get", before: made, method: "GET", url: path + "/{id}", status: 200, contains: []string{`{"config":{"id":"{id}"`}},
		{name: "get/unknown", method: "GET", url: path + "/nope", status: 404, contains: []string{`"code":5`}},
		{name: "replace", before: made, method: "PUT", url: path + "/{id}", body: strings.Replace(config, "team", "other", 1), status: 200, contains: []string{"{}"}, after: now(path, "other/.*")},
		{name: "replace/one_that_is_not_there", method: "PUT", url: path + "/mine", body: config, status: 200, after: now(path+"/mine", `"id":"mine"`)},
		{name: "delete", before: made, method: "DELETE", url: path + "/{id}", status: 200, contains: []string{"{}"}, after: now(path, `"configs":[]`)},
		{name: "delete/unknown", method: "DELETE", url: path + "/nope", status: 200, contains: []string{"{}"}},
		{name: "as_viewer", method: "GET", url: path, as: auth.Viewer, status: 403},
		{name: "exchange/nothing", method: "POST", url: path + "/exchange", body: `{}`, headers: map[string]string{"Authorization": ""}, status: 400, contains: []string{`"code":3`, "no identity token"}},
		{name: "exchange/malformed", method: "POST", url: path + "/exchange", body: `{"id_token":"` + apitest.Marked + `"}`, headers: map[string]string{"Authorization": ""}, status: 400, contains: []string{`"code":3`}},
		{name: "exchange/form_type_and_other_spelling", method: "POST", url: path + "/exchange", status: 401, contains: []string{`"code":16`, `\"https://marked.example\" are not trusted`, "landwaiter trust add"},
			headers: map[string]string{"Authorization": "", "Content-Type": "application/x-www-form-urlencoded"},
			body:    `{"idToken":"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL21hcmtlZC5leGFtcGxlIn0.eA"}`},
		{name: "exchange/with_a_bad_credential", method: "POST", url: path + "/exchange", status: 401, contains: []string{"not trusted"},
			headers: map[string]string{"Authorization": "Bearer x"}, body: `{"id_token":"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL21hcmtlZC5leGFtcGxlIn0.eA"}`},
	})
}
