package assess_test

import (
	"maps"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/scan"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

func TestSummarize(t *testing.T) {
	finding := func(id, cve string, severity vuln.Severity, component, fixed string) assess.Finding {
		return assess.Finding{Vulnerability: vuln.Vulnerability{ID: id, CVE: cve, Severity: severity, FixedVersion: fixed}, Component: component}
	}
	for name, tt := range map[string]struct {
		findings []assess.Finding
		counts   map[vuln.Severity]int
		fixable  int
	}{
		"nothing": {nil, map[vuln.Severity]int{}, 0},
		"a_CVE_in_several_packages_counts_once": {
			[]assess.Finding{
				finding("A-1", "CVE-1", vuln.Low, "a", ""), finding("A-1", "CVE-1", vuln.Low, "b", ""), finding("A-2", "CVE-1", vuln.Low, "c", ""),
			}, map[vuln.Severity]int{vuln.Low: 1}, 0,
		},
		"it_is_fixable_if_it_is_in_any_of_them": {
			[]assess.Finding{
				finding("A-1", "CVE-1", vuln.Low, "a", ""), finding("A-1", "CVE-1", vuln.Low, "b", "2"), finding("A-1", "CVE-1", vuln.Low, "c", ""),
				finding("A-2", "CVE-2", vuln.Low, "a", ""),
			}, map[vuln.Severity]int{vuln.Low: 2}, 1,
		},
		"with_two_severities_it_has_the_worse": {
			[]assess.Finding{finding("A-2", "CVE-1", vuln.Moderate, "b", ""), finding("A-1", "CVE-1", vuln.Critical, "a", "2")},
			map[vuln.Severity]int{vuln.Critical: 1}, 1,
		},
		"without_a_CVE_the_advisory_counts": {
			[]assess.Finding{
				finding("A-1", "", vuln.Unknown, "a", "2"), finding("A-1", "", vuln.Unknown, "b", "2"), finding("A-2", "", vuln.Unknown, "a", ""),
			}, map[vuln.Severity]int{vuln.Unknown: 2}, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := assess.Summarize(&assess.Assessment{Findings: tt.findings})
			if !maps.Equal(s.Vulnerabilities, tt.counts) || s.Fixable != tt.fixable {
				t.Errorf("%v, %d fixable", s.Vulnerabilities, s.Fixable)
			}
		})
	}

	t.Run("the_rest_is_taken_over", func(t *testing.T) {
		created := now.Add(-time.Hour)
		a := &assess.Assessment{
			ID: "id", Reference: "r.example/app:1", Platform: "linux/amd64", AssessedAt: now, Verdict: assess.Fail,
			Facts: image.Facts{Digest: "sha256:1", Created: &created}, Source: assess.Source{Name: "n"},
			Attempts: []assess.Attempt{{Source: assess.Source{Name: "n"}, Reasons: []string{"host matches"}}},
			Scan:     assess.Scan{Status: string(scan.Complete), OS: &scan.OS{Name: "Debian 11"}, Components: make([]assess.Component, 3)},
			Check:    assess.Check{Status: assess.PartlyChecked},
			Policy:   policy.Result{Violations: []policy.Violation{{Enforced: true}, {}, {Enforced: true}}},
		}
		want := `{"id":"id","reference":"r.example/app:1","platform":"linux/amd64","digest":"sha256:1","created":"2026-11-23T11:00:00Z",` +
			`"assessedAt":"2026-11-23T12:00:00Z","os":"Debian 11","source":{"id":"","name":"n","type":""},"attempts":[{"integration":{"id":"","name":"n","type":""},"reasons":["host matches"]}],"scanStatus":"complete",` +
			`"vulnerabilityCheck":"partly checked","components":3,"vulnerabilities":{},"fixable":0,"suppressed":0,"violations":3,"enforcedViolations":2,"verdict":"fail"}`
		if got := mustJSON(t, assess.Summarize(a)); got != want {
			t.Error(got)
		}
	})
}
