package quay_test

import (
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/integrations/quay"
)

func FuzzReport(f *testing.F) {
	integrationtest.FuzzReport(f, quay.Type(), map[string]any{"endpoint": "quay.example"}, "quay.example/team/app",
		`{"status":"scanned","data":{"Layer":{"Name":"","IndexedByVersion":4,"Features":[{"Name":"p","Version":"1","Vulnerabilities":[{"Name":"RHSA-2026:1: p (Important) CVE-2026-0001","Severity":"High","Link":"https://a.example https://b.example","FixedBy":"2"}]}]}}}`,
		`{"status":"queued","data":null}`)
}
