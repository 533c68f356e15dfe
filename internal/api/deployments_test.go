package api_test

import (
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/auth"
)

func TestDeployments(t *testing.T) {
	const path = "/v1/deployments/check"
	manifest := func(image string) string {
		return `{"files":[{"name":"app.yaml","content":"kind: Service\napiVersion: v1\nmetadata: {name: s}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: c, image: \"` +
			image + `\"}]}\n"}],"namespace":"shop","cluster":"production"}`
	}
	run(t, []scenario{
		{name: "check", before: stored, method: "POST", url: path, body: manifest("{image}"), as: auth.ContinuousIntegration, status: 200, contains: []string{
			`"workload":{"apiVersion":"v1","kind":"Pod","namespace":"shop","name":"web","file":"app.yaml","line":5}`, `"container":"c"`, `"reference":"{image}"`,
			`"assessmentId":"`, `"stage":"deploy"`, `"ignored":[{"apiVersion":"v1","kind":"Service"`, `"verdict":"`}},
		{name: "an_image_that_cannot_be_had", before: stored, method: "POST", url: path, body: manifest("{registry}/team/other:1"), status: 200, contains: []string{
			`"scanStatus":"not scanned"`, `"code":"not found"`, `"fix":"Check the spelling`}, excludes: []string{"assessmentId"}},
		{name: "no_workload", method: "POST", url: path, body: `{"files":[{"content":""}]}`, status: 200, contains: []string{`"workloads":[]`, `"verdict":"pass"`}},
		{name: "malformed_manifest", method: "POST", url: path, body: `{"files":[{"name":"a.yaml","content":"a: 1"}]}`, status: 400, contains: []string{`a.yaml:1: it has no apiVersion`, `"fix":`}},
		{name: "unknown_category", method: "POST", url: path, body: `{"files":[{"content":""}],"categories":["none"]}`, status: 400, contains: []string{`no policy is in the category`, `Known categories are`}},
		{name: "no_file", method: "POST", url: path, body: `{"files":[]}`, status: 400, contains: []string{"files"}},
		{name: "too_large", method: "POST", url: path, body: `{"files":[{"content":"` + strings.Repeat(" ", 17<<20) + `"}]}`, status: 400, contains: []string{"more than 16 MiB"}},
		{name: "bad_platform", method: "POST", url: path, body: `{"files":[{"content":""}],"platform":"x/y/z/w"}`, status: 400, contains: []string{`"code":3`}},
		{name: "as_viewer", method: "POST", url: path, body: manifest("{image}"), as: auth.Viewer, status: 403},
	})
}
