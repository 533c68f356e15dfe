package assess

import (
	"cmp"

	"github.com/landwaiter/landwaiter/internal/vuln"
)

// Summarize shortens an assessment for lists.
func Summarize(a *Assessment) Summary {
	s := Summary{
		ID: a.ID, Reference: a.Reference, Platform: a.Platform, Digest: a.Facts.Digest, Created: a.Facts.Created,
		AssessedAt: a.AssessedAt, Source: a.Source, Attempts: a.Attempts, ScanStatus: a.Scan.Status, CheckStatus: a.Check.Status,
		Components: len(a.Scan.Components), Vulnerabilities: map[vuln.Severity]int{}, Violations: len(a.Policy.Violations),
		Verdict: a.Verdict,
	}
	if a.Scan.OS != nil {
		s.OS = a.Scan.OS.Name
	}
	// One vulnerability in ten packages counts once, as severe as in the worst of them, and as fixable if it is in any.
	worst, fixable, exploited := map[string]vuln.Severity{}, map[string]bool{}, map[string]bool{}
	for _, f := range a.Findings {
		name := cmp.Or(f.CVE, f.ID)
		if had, seen := worst[name]; !seen || f.Severity.Rank() < had.Rank() {
			worst[name] = f.Severity
		}
		if f.FixedVersion != "" {
			fixable[name] = true
		}
		if f.KnownExploited != nil {
			exploited[name] = true
		}
	}
	for _, severity := range worst {
		s.Vulnerabilities[severity]++
	}
	s.Fixable, s.Exploited = len(fixable), len(exploited)
	s.Recheck(a.Check)
	suppressed := map[string]bool{}
	for _, f := range a.Suppressed {
		if name := cmp.Or(f.CVE, f.ID); worst[name] == "" {
			suppressed[name] = true
		}
	}
	s.Suppressed = len(suppressed)
	for _, v := range a.Policy.Violations {
		if v.Enforced {
			s.Enforced++
		}
	}
	return s
}

// Severities lists what Vulnerabilities counts, most severe first.
func (s Summary) Severities() []vuln.Severity { return vuln.Severities() }

// Recheck puts in place what another match altered, though it found the same.
func (s *Summary) Recheck(c Check) {
	s.DataAsOf = nil
	if c.Data == nil {
		return
	}
	for _, e := range c.Data.Ecosystems {
		if at := e.AsOf(); s.DataAsOf == nil || at.Before(*s.DataAsOf) {
			s.DataAsOf = &at
		}
	}
}
