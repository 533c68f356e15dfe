package rhacs_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/exception"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/rhacs"
	"github.com/landwaiter/landwaiter/internal/rhacs/storage"
	"github.com/landwaiter/landwaiter/internal/scan"
	"github.com/landwaiter/landwaiter/internal/vex"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const digest = image.Digest("sha256:3333333333333333333333333333333333333333333333333333333333333333")

// assessed is an image with one layer, which brought two components, one of them with a vulnerability.
func assessed() *assess.Assessment {
	published := noon.AddDate(-1, 0, 0)
	openssl := scan.Component{Name: "openssl", Version: "3.0.1", Type: "deb", Ecosystem: "Debian:12", Location: "/var/lib/dpkg/status", Architecture: "amd64"}
	return &assess.Assessment{
		ID: "1", Reference: "quay.io/acme/app:1.2", Platform: "linux/amd64", AssessedAt: noon,
		Facts: image.Facts{
			Digest: digest, ManifestDigest: digest, ConfigDigest: digest, User: "root", Created: &published,
			Layers: []image.Layer{{Digest: digest}},
			Instructions: []image.Instruction{
				{Line: 1, Keyword: "ENV", Value: "A=b", Empty: true, LayerIndex: -1},
				{Line: 2, Keyword: "RUN", Value: "apt-get install openssl", LayerIndex: 0},
			},
		},
		Source: assess.Source{ID: "i", Name: "Quay"},
		Scan: assess.Scan{Status: string(scan.Complete), OS: &scan.OS{ID: "debian", VersionID: "12"}, Components: []assess.Component{
			{Component: openssl, Line: 2},
			{Component: scan.Component{Name: "left-pad", Version: "1.0.0", Type: "npm", Ecosystem: "npm", Location: "/app/package.json"}, Line: 2},
		}},
		Check: assess.Check{Status: assess.Checked, Checked: 2},
		Findings: []assess.Finding{{
			Vulnerability: vuln.Vulnerability{
				ID: "DSA-1", CVE: "CVE-2026-1", Summary: "Broken.", Severity: vuln.Important, Score: 7.5, Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H",
				FixedVersion: "3.0.2", Published: &published, URL: "https://security-tracker.debian.org/tracker/CVE-2026-1", Source: "Debian:12",
			},
			Component: "openssl", Version: "3.0.1", Type: "deb", Location: "/var/lib/dpkg/status", Line: 2,
		}},
		Verdict: assess.Pass,
	}
}

func TestImage(t *testing.T) {
	t.Run("layers_that_components_point_into_are_there", func(t *testing.T) {
		img := rhacs.Image(assessed(), false)
		c := img.Scan.Components[0]
		if got := img.Metadata.V1.Layers[c.GetLayerIndex()].Instruction; got != "RUN" {
			t.Errorf("openssl was brought by %s", got)
		}
		bare := assessed()
		bare.Facts.Instructions, bare.Scan.Components[0].Line = nil, 0
		if len(rhacs.Image(bare, false).Metadata.V1.Layers) == 0 {
			t.Error("an image without a history has no layer, over which roxctl panics")
		}
	})
	t.Run("what_was_not_looked_at_is_not_clean", func(t *testing.T) {
		for name, c := range map[string]struct {
			change func(*assess.Assessment)
			found  []string // in place of vulnerabilities
			notes  []storage.ImageScan_Note
		}{
			"all is well": {func(*assess.Assessment) {}, nil, nil},
			"partly read": {func(a *assess.Assessment) {
				a.Scan.Status, a.Scan.Notes = string(scan.Partial), []scan.Note{{Message: "the RPM database is damaged", Lossy: true}, {Message: "harmless"}}
			}, []string{"NOT-READ (part of the image): Not everything in the image was read: the RPM database is damaged"}, []storage.ImageScan_Note{storage.ImageScan_PARTIAL_SCAN_DATA}},
			"an ecosystem without data": {func(a *assess.Assessment) {
				a.Scan.Components[1].Unchecked, a.Check.Status = "no advisory data for npm", assess.PartlyChecked
			}, []string{"NOT-CHECKED (1 of 2 components): Not checked for vulnerabilities: no advisory data for npm"}, []storage.ImageScan_Note{storage.ImageScan_LANGUAGE_CVES_UNAVAILABLE}},
			"no data at all": {func(a *assess.Assessment) {
				a.Check = assess.Check{Status: assess.NotChecked, Reason: "there is no advisory data"}
			},
				[]string{"NOT-CHECKED (all 2 components): No component was checked for vulnerabilities: there is no advisory data"},
				[]storage.ImageScan_Note{storage.ImageScan_OS_CVES_UNAVAILABLE, storage.ImageScan_LANGUAGE_CVES_UNAVAILABLE}},
			"old data": {func(a *assess.Assessment) { a.Warnings = []vuln.Warning{{Text: "old"}} }, nil, []storage.ImageScan_Note{storage.ImageScan_OS_CVES_STALE}},
		} {
			a := assessed()
			c.change(a)
			img := rhacs.Image(a, false)
			var found []string
			for _, component := range img.Scan.Components {
				for _, v := range component.Vulns {
					if strings.HasPrefix(v.Cve, "NOT-") {
						found = append(found, v.Cve+" "+component.Name+": "+v.Summary)
					}
				}
			}
			if !slices.Equal(found, c.found) || !slices.Equal(img.Scan.Notes, c.notes) {
				t.Errorf("%s: %q, %v", name, found, img.Scan.Notes)
			}
			if img.GetCves() != 1 || img.GetComponents() != 2 {
				t.Errorf("%s: %d CVEs in %d components are counted", name, img.GetCves(), img.GetComponents())
			}
		}
	})
	t.Run("an_image_that_was_not_scanned_has_no_scan", func(t *testing.T) {
		a := assessed()
		a.Scan = assess.Scan{Status: assess.NotScanned, Reason: "gone"}
		if img := rhacs.Image(a, false); img.Scan != nil || !slices.Contains(img.Notes, storage.Image_MISSING_SCAN_DATA) {
			t.Errorf("scan %v, notes %v", img.Scan, img.Notes)
		}
	})
	t.Run("what_is_set_aside_is_told_when_asked_for", func(t *testing.T) {
		until := noon.AddDate(0, 1, 0)
		for state, by := range map[storage.VulnerabilityState]assess.By{
			storage.VulnerabilityState_FALSE_POSITIVE: {VEX: &vex.Statement{Status: vex.NotAffected}},
			storage.VulnerabilityState_DEFERRED:       {Exception: &exception.Exception{Kind: exception.Accepted, Until: &until}},
		} {
			a := assessed()
			a.Suppressed, a.Findings = []assess.Suppressed{{Finding: a.Findings[0], By: by}}, nil
			if v := rhacs.Image(a, false).Scan.Components[0].Vulns; len(v) != 0 {
				t.Errorf("told without being asked: %v", v)
			}
			v := rhacs.Image(a, true).Scan.Components[0].Vulns
			if len(v) != 1 || v[0].State != state || !v[0].Suppressed || (v[0].SuppressExpiry != nil) != (by.Exception != nil) {
				t.Errorf("%v", v)
			}
		}
	})
}

// The keys are RHACS's, zero values included; members of a oneof are there when they are set.
func TestEncode(t *testing.T) {
	b, err := rhacs.Encode(rhacs.Image(assessed(), false))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	at := func(path ...any) map[string]any {
		var v any = all
		for _, p := range path {
			switch p := p.(type) {
			case string:
				v = v.(map[string]any)[p]
			case int:
				v = v.([]any)[p]
			}
		}
		return v.(map[string]any)
	}
	for _, c := range []struct {
		what map[string]any
		keys string
	}{
		{all, "id name names metadata scan signatureVerificationData signature components cves fixableCves lastUpdated notPullable isClusterLocal priority riskScore topCvss notes baseImageInfo"},
		{at("name"), "registry remote tag fullName"},
		{at("metadata"), "v1 v2 layerShas dataSource version"},
		{at("metadata", "v1"), "digest created author layers user command entrypoint volumes labels"},
		{at("metadata", "v1", "layers", 0), "instruction value created author empty"},
		{at("scan"), "scannerVersion scanTime components operatingSystem dataSource notes"},
		{at("scan", "components", 0), "name version license vulns layerIndex priority source location topCvss riskScore fixedBy executables architecture"},
		{at("scan", "components", 0, "vulns", 0), "cve advisory cvss summary link fixedBy scoreVersion cvssV2 cvssV3 publishedOn lastModified vulnerabilityType vulnerabilityTypes suppressed suppressActivation suppressExpiry firstSystemOccurrence firstImageOccurrence fixAvailableTimestamp severity state cvssMetrics nvdCvss epss datasource exploit cisaKev origin"},
	} {
		got, want := slices.Sorted(maps.Keys(c.what)), strings.Fields(c.keys)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("keys\n%s, want\n%s", got, want)
		}
	}
	if all["priority"] != "0" || at("metadata")["version"] != "0" {
		t.Errorf("64-bit integers are not text: %v, %v", all["priority"], at("metadata")["version"])
	}
	v := at("scan", "components", 0, "vulns", 0)
	if v["severity"] != "IMPORTANT_VULNERABILITY_SEVERITY" || v["scoreVersion"] != "V3" || v["fixedBy"] != "3.0.2" || v["epss"] != nil || v["state"] != "OBSERVED" {
		t.Errorf("%v", v)
	}
}
