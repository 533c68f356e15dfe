package api_test

import (
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/vex"
)

const vexDocument = `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://vendor.example/vex/1","author":"Vendor","timestamp":"2026-01-02T03:04:05Z",
	"statements":[{"vulnerability":{"name":"CVE-2026-1"},"products":[{"@id":"pkg:npm/lodash"}],"status":"fixed"}]}`

func TestVEX(t *testing.T) {
	imported := func(t *testing.T, f *apitest.Fixture) string {
		w := f.Do("POST", "/v1/vex", vexDocument, auth.Administrator)
		if w.Code != 200 {
			t.Fatal(w.Body)
		}
		_, key, _ := strings.Cut(w.Body.String(), `"key":"`)
		return key[:16]
	}
	binary := map[string]string{"Content-Type": "application/octet-stream"}
	run(t, []scenario{
		{name: "import", method: "POST", url: "/v1/vex", body: vexDocument, headers: binary, status: 200, contains: []string{`"id":"https://vendor.example/vex/1"`, `"statements":1`, `"format":"OpenVEX"`}},
		{name: "import/broken", method: "POST", url: "/v1/vex", body: `{"a":`, headers: binary, status: 400, contains: []string{`"fix":`}},
		{name: "import/too_large", method: "POST", url: "/v1/vex", body: strings.Repeat(" ", vex.MaxSize+1), headers: binary, status: 429, contains: []string{"larger than 8 MiB"}},
		{name: "import/another_role", method: "POST", url: "/v1/vex", body: vexDocument, headers: binary, as: auth.ContinuousIntegration, status: 403},
		{name: "list/empty", method: "GET", url: "/v1/vex", as: auth.Viewer, status: 200, contains: []string{`"documents":[]`}},
		{name: "list", before: imported, method: "GET", url: "/v1/vex", as: auth.Viewer, status: 200, contains: []string{`"key":"{id}"`, `"author":"Vendor"`}},
		{name: "delete", before: imported, method: "DELETE", url: "/v1/vex/{id}", status: 200},
		{name: "delete/by_ID", before: imported, method: "DELETE", url: "/v1/vex/https:%2F%2Fvendor.example%2Fvex%2F1", status: 200},
		{name: "delete/unknown", method: "DELETE", url: "/v1/vex/nope", status: 404},
		{name: "rematching", method: "GET", url: "/v1/rematching", as: auth.Viewer, status: 200, contains: []string{`"done":0`, `"total":0`}},
		{name: "history/unknown", method: "GET", url: "/v1/history?image=nginx", as: auth.Viewer, status: 404, contains: []string{`"fix":`}},
		{name: "history/broken", method: "GET", url: "/v1/history?image=UPPER", as: auth.Viewer, status: 400},
	})
}
