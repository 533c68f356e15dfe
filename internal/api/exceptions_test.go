package api_test

import (
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/auth"
)

const exceptionBody = `{"id":"one","kind":"accepted","cves":["CVE-2026-1"],"images":["registry.example/team/app"],"until":"2099-01-01T00:00:00Z","reason":"Only inside.","author":"somebody else"}`

func TestExceptions(t *testing.T) {
	added := func(t *testing.T, f *apitest.Fixture) string {
		if w := f.Do("POST", "/v1/exceptions", exceptionBody, auth.Administrator); w.Code != 200 {
			t.Fatal(w.Body)
		}
		return "one"
	}
	revoked := func(t *testing.T, f *apitest.Fixture) string {
		added(t, f)
		if w := f.Do("POST", "/v1/exceptions/one/revoke", "", auth.Administrator); w.Code != 200 {
			t.Fatal(w.Body)
		}
		return "one"
	}
	later := strings.Replace(exceptionBody, "2099", "2100", 1)
	run(t, []scenario{
		{name: "add", method: "POST", url: "/v1/exceptions", body: exceptionBody, status: 200, contains: []string{`"id":"one"`, `"author":"Administrator"`, `"state":"in force"`, `"created":`}},
		{name: "add/without_a_name", method: "POST", url: "/v1/exceptions", body: strings.Replace(exceptionBody, `"id":"one",`, "", 1), status: 200, contains: []string{`"id":"`}},
		{name: "add/twice", before: added, method: "POST", url: "/v1/exceptions", body: exceptionBody, status: 409, contains: []string{`"fix":`}},
		{name: "add/every_mistake", method: "POST", url: "/v1/exceptions", body: `{"kind":"accepted","reason":""}`, status: 400,
			contains: []string{"cves: is needed", "images: is needed", "until: is needed", "reason: is needed"}},
		{name: "add/wrong_kind", method: "POST", url: "/v1/exceptions", body: strings.Replace(exceptionBody, "accepted", "ignored", 1), status: 400},
		{name: "add/another_role", method: "POST", url: "/v1/exceptions", body: exceptionBody, as: auth.ContinuousIntegration, status: 403},
		{name: "list/empty", method: "GET", url: "/v1/exceptions", as: auth.Viewer, status: 200, contains: []string{`"exceptions":[]`}},
		{name: "list/history", before: revoked, method: "GET", url: "/v1/exceptions", as: auth.Viewer, status: 200, contains: []string{`"state":"revoked"`, `"revokedBy":"Administrator"`}},
		{name: "get", before: added, method: "GET", url: "/v1/exceptions/{id}", as: auth.Viewer, status: 200, contains: []string{`"reason":"Only inside."`}},
		{name: "get/unknown", method: "GET", url: "/v1/exceptions/nope", status: 404},
		{name: "put/extends", before: added, method: "PUT", url: "/v1/exceptions/{id}", body: later, status: 200, contains: []string{`"until":"2100-01-01T00:00:00Z"`, `"updated":`}},
		{name: "put/adds", method: "PUT", url: "/v1/exceptions/two", body: later, status: 200, contains: []string{`"id":"two"`}},
		{name: "put/revoked", before: revoked, method: "PUT", url: "/v1/exceptions/{id}", body: later, status: 409, contains: []string{"was revoked by Administrator"}},
		{name: "revoke/twice", before: revoked, method: "POST", url: "/v1/exceptions/{id}/revoke", status: 409},
		{name: "revoke/unknown", method: "POST", url: "/v1/exceptions/nope/revoke", status: 404},
		{name: "delete/in_force", before: added, method: "DELETE", url: "/v1/exceptions/{id}", status: 409, contains: []string{"Revoke it first"}},
		{name: "delete", before: revoked, method: "DELETE", url: "/v1/exceptions/{id}", status: 200},
		{name: "openvex", before: added, method: "GET", url: "/v1/openvex", as: auth.Viewer, status: 200,
			contains: []string{`"document":{"@context":"https://openvex.dev/ns/v0.2.0"`, `pkg:oci/app?repository_url=registry.example`, `"leftOut":[]`}},
		{name: "openvex/nothing", method: "GET", url: "/v1/openvex", as: auth.Viewer, status: 404, contains: []string{`"fix":`}},
	})
}
