package ecr_test

import (
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/integrations/ecr"
)

func FuzzReport(f *testing.F) {
	integrationtest.FuzzReport(f, ecr.Type(), map[string]any{"registryId": "123456789012", "region": "us-east-1", "accessKeyId": "AKIAEXAMPLE", "secretAccessKey": "secret"},
		"123456789012.dkr.ecr.us-east-1.amazonaws.com/team/app",
		`{"imageId":{"imageDigest":"`+integrationtest.Scanned+`"},"imageScanStatus":{"status":"COMPLETE"},"imageScanFindings":{"imageScanCompletedAt":1795161600,"findings":[{"name":"CVE-2026-0001","severity":"HIGH","uri":"https://a.example","attributes":[{"key":"package_name","value":"p"},{"key":"package_version","value":"1"}]}],`+
			`"enhancedFindings":[{"severity":"HIGH","packageVulnerabilityDetails":{"vulnerabilityId":"CVE-2026-0002","relatedVulnerabilities":["GHSA-aaaa-bbbb-cccc"],"vulnerablePackages":[{"name":"p","version":"1","epoch":1,"release":"2","fixedInVersion":"NotAvailable"}]}}]}}`,
		`{"__type":"ScanNotFoundException","message":"none"}`)
}
