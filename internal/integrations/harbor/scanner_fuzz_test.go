package harbor_test

import (
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/integrations/harbor"
)

// FuzzReport gives one document for the artifact and for its findings.
func FuzzReport(f *testing.F) {
	const format = `"application/vnd.security.vulnerability.report; version=1.1"`
	integrationtest.FuzzReport(f, harbor.Type(), map[string]any{"endpoint": "harbor.example"}, "harbor.example/team/app",
		`{"digest":"`+integrationtest.Scanned+`","push_time":"2026-11-20T08:00:00Z","scan_overview":{`+format+`:{"scan_status":"Success","end_time":"2026-11-20T09:00:00Z","scanner":{"name":"Trivy","version":"1"}}},`+
			format+`:{"generated_at":"2026-11-20T09:00:00Z","vulnerabilities":[{"id":"CVE-2026-0001","package":"p","version":"1","fix_version":"2","severity":"High","links":["https://a.example"]}]}}`,
		`{"digest":"`+integrationtest.Scanned+`","addition_links":{"vulnerabilities":{}}}`)
}
