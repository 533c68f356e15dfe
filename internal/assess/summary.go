package assess

import "github.com/landwaiter/landwaiter/internal/vuln"

// Summarize shortens an assessment for lists.
func Summarize(a *Assessment) Summary {
	s := Summary{
		ID: a.ID, Reference: a.Reference, Platform: a.Platform, Digest: a.Facts.Digest, Created: a.Facts.Created,
		AssessedAt: a.AssessedAt, Source: a.Source, Attempts: a.Attempts, ScanStatus: a.Scan.Status, CheckStatus: a.Check.Status,
		Components: len(a.Scan.Components), Violations: len(a.Policy.Violations), Verdict: a.Verdict,
	}
	if a.Scan.OS != nil {
		s.OS = a.Scan.OS.Name
	}
	worst, fixable, exploited := severest{}, map[string]bool{}, map[string]bool{}
	for _, f := range a.Findings {
		name := f.Name()
		worst.add(f)
		if f.FixedVersion != "" {
			fixable[name] = true
		}
		if f.KnownExploited != nil {
			exploited[name] = true
		}
	}
	s.Vulnerabilities, s.Fixable, s.Exploited = worst.counts(), len(fixable), len(exploited)
	s.Recheck(a.Check)
	suppressed := map[string]bool{}
	for _, f := range a.Suppressed {
		if name := f.Name(); worst[name] == "" && !suppressed[name] {
			suppressed[name] = true
			if s.SuppressedBy == nil {
				s.SuppressedBy = map[string]int{}
			}
			s.SuppressedBy[f.By.Kind()]++
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

// severest is how severe each vulnerability is: one in ten packages counts once, as severe as in the worst of them.
type severest map[string]vuln.Severity

func (s severest) add(f Finding) {
	if had, seen := s[f.Name()]; !seen || f.Severity.Rank() < had.Rank() {
		s[f.Name()] = f.Severity
	}
}

func (s severest) counts() map[vuln.Severity]int {
	counts := map[vuln.Severity]int{}
	for _, severity := range s {
		counts[severity]++
	}
	return counts
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
