package api_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/auth"
)

func TestImages(t *testing.T) {
	const path = "/v1/images"
	// checked returns the digest of the fixture's image, which it assesses.
	checked := func(t *testing.T, f *apitest.Fixture) string {
		stored(t, f)
		w := f.Do("POST", "/v1/assessments", fmt.Sprintf(`{"image":%q}`, f.Image), auth.ContinuousIntegration)
		var a struct{ Image struct{ Digest string } }
		if json.Unmarshal(w.Body.Bytes(), &a); a.Image.Digest == "" {
			t.Fatal(w.Body)
		}
		return strings.TrimPrefix(a.Image.Digest, "sha256:")
	}
	counts := func(want int) func(*testing.T, *apitest.Fixture, *httptest.ResponseRecorder) {
		return func(t *testing.T, f *apitest.Fixture, _ *httptest.ResponseRecorder) {
			if got := f.Do("GET", "/v1/imagescount", "", auth.Viewer).Body.String(); got != fmt.Sprintf("{\"count\":%d}\n", want) {
				t.Error(got)
			}
		}
	}
	run(t, []scenario{
		{name: "list/empty", method: "GET", url: path, as: auth.Viewer, status: 200, contains: []string{`{"images":[]}`}},
		{name: "list", before: checked, method: "GET", url: path + "?query=Image:{registry}/team/app&pagination.limit=20&pagination.offset=0", as: auth.Viewer, status: 200,
			contains: []string{`"id":"sha256:{id}"`, `"name":"{image}"`, `"components":0`, `"created":null`, `"lastUpdated":"2`, `"priority":"0"`}, excludes: []string{`"cves"`}},
		{name: "list/exact", before: checked, method: "GET", url: path + `?query=Image:%22{image}%22`, status: 200, contains: []string{`"name":"{image}"`}},
		{name: "list/exact_other", before: checked, method: "GET", url: path + `?query=Image:%22{registry}/team/app%22`, status: 200, contains: []string{`"images":[]`}},
		{name: "list/expression", before: checked, method: "GET", url: path + `?query=Image:r/TEAM/a.p:1`, status: 200, contains: []string{`"name":"{image}"`}},
		{name: "list/values", before: checked, method: "GET", url: path + `?query=Image:quay.io,{registry}`, status: 200, contains: []string{`"name":"{image}"`}},
		{name: "list/all_but", before: checked, method: "GET", url: path + `?query=Image:!{registry}`, status: 200, contains: []string{`"images":[]`}},
		{name: "list/everything", before: checked, method: "GET", url: path + `?query=Image:*`, status: 200, contains: []string{`"name":"{image}"`}},
		{name: "list/digest", before: checked, method: "GET", url: path + `?query=Image%20Sha:sha256:{id}`, status: 200, contains: []string{`"name":"{image}"`}},
		{name: "list/fields", before: checked, method: "GET", url: path + `?query=Image:{registry}%2BCVE:CVE-2021-44228`, status: 200, contains: []string{`"images":[]`}},
		{name: "list/fields_with_a_plus_in_the_URL", before: checked, method: "GET", url: path + `?query=Image:{registry}+CVE:!CVE-2021-44228`, status: 200, contains: []string{`"name":"{image}"`}},
		{name: "list/page_beyond", before: checked, method: "GET", url: path + `?pagination.offset=1`, status: 200, contains: []string{`"images":[]`}},
		{name: "list/unknown_field", method: "GET", url: path + `?query=Cluster:prod`, status: 400, contains: []string{`"code":3`, "Image, Image Sha and CVE"}},
		{name: "list/no_field", method: "GET", url: path + `?query=nginx`, status: 400, contains: []string{"no field with a value"}},
		{name: "list/no_value", method: "GET", url: path + `?query=Image:`, status: 400, contains: []string{"no field with a value"}},
		{name: "list/bad_expression", method: "GET", url: path + `?query=Image:r/(`, status: 400, contains: []string{"missing closing"}},
		{name: "list/expression_for_a_CVE", method: "GET", url: path + `?query=CVE:r/44228`, status: 400, contains: []string{"regular expression"}},
		{name: "list/bad_limit", method: "GET", url: path + `?pagination.limit=-1`, status: 400, contains: []string{"pagination.limit"}},
		{name: "count", before: checked, method: "GET", url: "/v1/imagescount?query=Image:{registry}", status: 200, contains: []string{`{"count":1}`}},
		{name: "get", before: checked, method: "GET", url: path + "/sha256:{id}", as: auth.Viewer, status: 200, contains: []string{`"id":"sha256:{id}"`, `"fullName":"{image}"`, `"metadata":{`},
			after: isJSON},
		{name: "get/without_sha256", before: checked, method: "GET", url: path + "/{id}?stripDescription=true&includeSnoozed=true", status: 200, contains: []string{`"id":"sha256:{id}"`}},
		{name: "get/unknown", method: "GET", url: path + "/" + strings.Repeat("ab", 32), status: 404, contains: []string{`"code":5`, "GET /v1/images"}},
		{name: "delete/without_a_query", before: checked, method: "DELETE", url: path + "?confirm=true", status: 400, contains: []string{"query is missing"}, after: counts(1)},
		{name: "delete/of_nothing", before: checked, method: "DELETE", url: path + "?query=%2B&confirm=true", status: 400, contains: []string{"query is missing"}, after: counts(1)},
		{name: "delete/unconfirmed", before: checked, method: "DELETE", url: path + "?query=Image:{registry}", status: 200, contains: []string{`{"numDeleted":1,"dryRun":true}`}, after: counts(1)},
		{name: "delete", before: checked, method: "DELETE", url: path + "?query.query=Image:{registry}&confirm=true", as: auth.ContinuousIntegration, status: 200, contains: []string{`{"numDeleted":1,"dryRun":false}`}, after: counts(0)},
		{name: "delete/another", before: checked, method: "DELETE", url: path + "?query=Image:quay.io&confirm=true", status: 200, contains: []string{`{"numDeleted":0,"dryRun":false}`}, after: counts(1)},
	})
}

func isJSON(t *testing.T, _ *apitest.Fixture, w *httptest.ResponseRecorder) {
	if w.Header().Get("Content-Type") != "application/json" || !json.Valid(w.Body.Bytes()) {
		t.Errorf("%s: %s", w.Header().Get("Content-Type"), w.Body)
	}
}

func TestWatch(t *testing.T) {
	const path = "/v1/watchedimages"
	watched := func(t *testing.T, f *apitest.Fixture) string {
		f.Do("POST", path, `{"name":"nginx"}`, auth.ContinuousIntegration)
		return ""
	}
	is := func(want string) func(*testing.T, *apitest.Fixture, *httptest.ResponseRecorder) {
		return func(t *testing.T, f *apitest.Fixture, _ *httptest.ResponseRecorder) {
			if got := f.Do("GET", path, "", auth.Viewer).Body.String(); !strings.Contains(got, want) {
				t.Errorf("%s lacks %s", got, want)
			}
		}
	}
	run(t, []scenario{
		{name: "list/empty", method: "GET", url: path, as: auth.Viewer, status: 200, contains: []string{`{"watchedImages":[]}`}},
		{name: "add", method: "POST", url: path, body: `{"name":"nginx"}`, as: auth.ContinuousIntegration, status: 200,
			contains: []string{`{"normalizedName":"docker.io/library/nginx:latest","errorType":"NO_ERROR","errorMessage":""}`},
			after:    is(`"name":"docker.io/library/nginx:latest","addedBy":"Continuous Integration"`)},
		{name: "add/twice", before: watched, method: "POST", url: path, body: `{"name":"docker.io/library/nginx:latest"}`, status: 200, contains: []string{"NO_ERROR"}, after: is(`"addedBy":"Continuous Integration"`)},
		{name: "add/digest", method: "POST", url: path, body: `{"name":"nginx@sha256:` + strings.Repeat("ab", 32) + `"}`, status: 200, contains: []string{`"errorType":"INVALID_IMAGE_NAME"`, "digest", `"normalizedName":""`}, after: is(`[]`)},
		{name: "add/no_name", method: "POST", url: path, body: `{}`, status: 200, contains: []string{`"errorType":"INVALID_IMAGE_NAME"`}},
		{name: "add/bad_name", method: "POST", url: path, body: `{"name":"UPPER/x::"}`, status: 200, contains: []string{`"errorType":"INVALID_IMAGE_NAME"`}},
		{name: "add/as_viewer", method: "POST", url: path, body: `{"name":"nginx"}`, as: auth.Viewer, status: 403},
		{name: "remove", before: watched, method: "DELETE", url: path + "?name=nginx:latest", status: 200, contains: []string{"{}"}, after: is(`[]`)},
		{name: "remove/unknown", method: "DELETE", url: path + "?name=nobody", status: 200, contains: []string{"{}"}},
	})
}
