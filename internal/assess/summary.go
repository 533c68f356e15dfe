package assess

import "github.com/landwaiter/landwaiter/internal/vuln"

// Summarize shortens an assessment for lists.
func Summarize(a *Assessment) Summary {
	s := Summary{
		ID: a.ID, Reference: a.Reference, Platform: a.Platform, Digest: a.Facts.Digest, Created: a.Facts.Created,
		AssessedAt: a.AssessedAt, Source: a.Source, ScanStatus: a.Scan.Status, CheckStatus: a.Check.Status,
		Components: len(a.Scan.Components), Vulnerabilities: map[vuln.Severity]int{}, Violations: len(a.Policy.Violations),
		Verdict: a.Verdict,
	}
	if a.Scan.OS != nil {
		s.OS = a.Scan.OS.Name
	}
	// One vulnerability in ten packages counts once.
	fixable := map[string]bool{}
	for _, f := range a.Findings {
		name := f.CVE
		if name == "" {
			name = f.ID
		}
		had, seen := fixable[name]
		if !seen {
			s.Vulnerabilities[f.Severity]++
		}
		fixable[name] = had || f.FixedVersion != ""
	}
	for _, yes := range fixable {
		if yes {
			s.Fixable++
		}
	}
	for _, v := range a.Policy.Violations {
		if v.Enforced {
			s.Enforced++
		}
	}
	return s
}

// Severities lists what Vulnerabilities counts, most severe first.
func (s Summary) Severities() []vuln.Severity { return vuln.Severities() }
