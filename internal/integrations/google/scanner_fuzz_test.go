package google_test

import (
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/integrations/google"
)

// FuzzReport gives one document for every question, that for a token of the machine included.
func FuzzReport(f *testing.F) {
	const image = "us-west1-docker.pkg.dev/my-project/team/app"
	integrationtest.FuzzReport(f, google.ArtifactRegistry(), map[string]any{"endpoint": "us-west1-docker.pkg.dev", "wifEnabled": true}, image,
		`{"access_token":"token","expires_in":3600,"occurrences":[{"resourceUri":"https://`+image+`@`+integrationtest.Scanned+`","noteName":"projects/goog-vulnz/notes/CVE-2026-0001","updateTime":"2026-11-20T08:00:00Z",`+
			`"discovery":{"analysisStatus":"FINISHED_SUCCESS","continuousAnalysis":"ACTIVE"},"vulnerability":{"effectiveSeverity":"HIGH","packageIssue":[{"affectedPackage":"p","affectedVersion":{"epoch":1,"name":"1","revision":"2"},"fixedVersion":{"kind":"MAXIMUM"}}],"relatedUrls":[{"url":"https://a.example"}]}}]}`)
}
