package portal_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/portal"
	"github.com/landwaiter/landwaiter/internal/scan"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// broken is a store whose disk fails.
type broken struct{ assess.Store }

func (broken) Assessments(context.Context, string, int, string) ([]assess.Summary, string, error) {
	return nil, "", errors.New("disk on fire")
}

func (broken) Matching(context.Context, string) (assess.Matching, error) {
	return assess.Matching{}, errors.New("disk on fire")
}

func brokenStore(t testing.TB) func(*portal.Options) {
	t.Helper()
	advisories, err := vuln.OpenLive(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { advisories.Close() })
	return func(o *portal.Options) {
		o.Assess = assess.New(assess.Options{Store: broken{}, Advisories: advisories})
	}
}

var stored int

// upToDate is the matching of an assessment that is to be shown as it is.
func upToDate() assess.Matching {
	return assess.Matching{Basis: assess.Basis{Policies: policy.BuiltinSet().Name(policy.Build, time.Now())}}
}

// store keeps an assessment under a new ID, which it returns.
func (s *site) store(t testing.TB, a assess.Assessment) string {
	t.Helper()
	stored++
	a.ID = fmt.Sprintf("assessment-%d", stored)
	if err := s.services.Assessments.PutAssessment(t.Context(), a, upToDate(), nil); err != nil {
		t.Fatal(err)
	}
	return a.ID
}

func digest(letter string) image.Digest { return image.DigestOf([]byte(letter)) }

// sample is an image of three lines, with two components and three findings of two vulnerabilities.
func sample() assess.Assessment {
	created := time.Now().Add(-100 * 24 * time.Hour)
	dataFrom := time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)
	finding := func(id, cve string, severity vuln.Severity, score float64, component, fixed string, line int) assess.Finding {
		return assess.Finding{
			Vulnerability: vuln.Vulnerability{
				ID: id, CVE: cve, Severity: severity, Score: score, FixedVersion: fixed, Summary: "About " + id, URL: "https://osv.dev/vulnerability/" + id,
				Source: "Debian:12", Modified: &dataFrom,
			},
			Component: component, Version: "1.0", Type: "deb", Location: "/var/lib/dpkg/status", Line: line,
		}
	}
	component := func(name string, line int) assess.Component {
		return assess.Component{
			Component: scan.Component{Name: name, Version: "1.0", Type: "deb", Ecosystem: "Debian:12", SourceName: name + "-source", Location: "/var/lib/dpkg/status"},
			Line:      line,
		}
	}
	return assess.Assessment{
		Reference: "registry.example/team/app:1.0", Platform: "linux/amd64", AssessedAt: time.Now().Add(-5 * time.Minute),
		Facts: image.Facts{
			Reference: "registry.example/team/app:1.0", Digest: digest("index"), ManifestDigest: digest("manifest"), MediaType: "application/vnd.oci.image.manifest.v1+json",
			Platform:  image.Platform{OS: "linux", Architecture: "amd64"},
			Platforms: []image.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}},
			Created:   &created, Author: "Jo", User: "app", Entrypoint: []string{"/bin/app", "-v"}, Command: []string{"serve"}, WorkingDir: "/srv",
			Environment: []string{"API_TOKEN=tok-123", "PATH=/bin"}, ExposedPorts: []string{"80/tcp"}, Volumes: []string{"/data"}, StopSignal: "SIGQUIT",
			Healthcheck: &image.Healthcheck{Test: []string{"CMD", "probe"}, Interval: 30 * time.Second},
			Labels:      map[string]string{"team": "blue"}, Annotations: map[string]string{"kept": "yes"}, Size: 4000,
			Layers: []image.Layer{{Digest: digest("a"), Size: 3000}, {Digest: digest("b"), Size: 10}, {Digest: digest("c"), Size: 990}},
			Instructions: []image.Instruction{
				{Line: 1, Keyword: "ADD", Value: "rootfs /", LayerIndex: 0, Layer: digest("a")},
				{Line: 2, Keyword: "ENV", Value: "API_TOKEN=tok-123", Empty: true, LayerIndex: -1},
				{Line: 3, Keyword: "RUN", Value: "make", Arguments: []string{"A=1"}, LayerIndex: 1, Layer: digest("b")},
				{Line: 4, Value: "apko", LayerIndex: 2, Layer: digest("c")},
			},
		},
		Source:   assess.Source{ID: "1", Name: "Team registry", Type: "docker"},
		Attempts: []assess.Attempt{{Source: assess.Source{Name: "Team registry"}, Reasons: []string{"host matches", "has credentials"}}},
		Scan: assess.Scan{
			Status: "complete", OS: &scan.OS{ID: "debian", Name: "Debian GNU/Linux 12"},
			Components: []assess.Component{component("bash", 1), component("curl", 1), component("zsh", 3)},
		},
		Check: assess.Check{Status: assess.Checked, Checked: 3, DataFrom: &dataFrom},
		Findings: []assess.Finding{
			finding("DSA-1", "CVE-2026-1", vuln.Critical, 9.8, "bash", "1.1", 1),
			finding("DSA-1", "CVE-2026-1", vuln.Critical, 9.8, "curl", "1.1", 1),
			finding("GHSA-2", "", vuln.Low, 0, "curl", "", 1),
		},
		Policy: policy.Result{
			Stage: policy.Build, Evaluated: 12,
			Violations: []policy.Violation{
				{
					PolicyID: "a", Policy: "Critical and fixable", Severity: "critical", Enforced: true, Rationale: "Because.", Remediation: "Upgrade.",
					Messages: []policy.Message{{Text: "bash 1.0 has CVE-2026-1", Line: 1}}, More: 7,
				},
				{PolicyID: "b", Policy: "No owner", Severity: "low", Messages: []policy.Message{{Text: "there is no label owner"}}},
			},
		},
		Verdict: assess.Fail,
	}
}

// clean is an image without findings and violations.
func clean() assess.Assessment {
	a := sample()
	a.Reference, a.Findings, a.Policy.Violations, a.Verdict = "registry.example/team/clean:1", []assess.Finding{}, nil, assess.Pass
	return a
}

// large is an image with n components and one finding for each.
func large(n int) assess.Assessment {
	a := clean()
	a.Reference = "registry.example/team/large:1"
	c := a.Scan.Components[0]
	a.Scan.Components = nil
	a.Check.Checked = n
	for i := range n {
		c.Name, c.Line = fmt.Sprintf("component-%d", i), i%3+1
		a.Scan.Components = append(a.Scan.Components, c)
		a.Findings = append(a.Findings, assess.Finding{
			Vulnerability: vuln.Vulnerability{
				ID: fmt.Sprintf("DSA-%d", i), CVE: fmt.Sprintf("CVE-2026-%d", 10000+i), Severity: vuln.Severities()[i%6], Score: 5.5, FixedVersion: "2.0",
				Summary: "Something about the component is wrong in a way that takes a sentence or two to tell.", URL: "https://osv.dev/vulnerability/DSA",
			},
			Component: c.Name, Version: c.Version, Type: c.Type, Location: c.Location, Line: c.Line,
		})
	}
	return a
}

func failedAttempt(name string) assess.Attempt {
	return assess.Attempt{
		Source: assess.Source{Name: name}, Reasons: []string{"host matches"}, Error: "denied by " + name, Fix: "Ask " + name + ".", Code: fault.Forbidden,
	}
}
