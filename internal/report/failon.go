package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// FailOn is what fails a check besides the violation of an enforced policy.
type FailOn []condition

// A condition is something that is at least so severe.
type condition struct {
	text     string
	kind     string        // one of kinds
	severity vuln.Severity // "" for any
}

const (
	vulnerability = "vulnerability"
	fixable       = "fixable"
	exploited     = "exploited"
	violation     = "violation"
)

var kinds = []string{vulnerability, fixable, exploited, violation}

// ParseFailOn reads conditions with commas between them: a severity ("high": a vulnerability at least as severe), a kind
// ("fixable", "violation"), or both ("fixable-critical"). Severities are those of vulnerabilities and of policies alike.
func ParseFailOn(s string) (FailOn, error) {
	if s == "" {
		return nil, nil
	}
	var list FailOn
	for text := range strings.SplitSeq(s, ",") {
		text = strings.ToLower(strings.TrimSpace(text))
		c := condition{text: text, kind: vulnerability}
		word := text
		if kind, severity, both := strings.Cut(text, "-"); slices.Contains(kinds, kind) {
			c.kind, word = kind, severity
			if !both {
				list = append(list, c)
				continue
			}
		}
		if c.severity = vuln.SeverityOfWord(word); c.severity == vuln.Unknown {
			return nil, fault.New(fault.Invalid, "read --fail-on", "%q is not understood", text).
				WithFix("Give a severity (critical, high, medium, low), a kind (vulnerability, fixable, exploited, violation), or both as in fixable-critical; several with commas between them.")
		}
		list = append(list, c)
	}
	return list, nil
}

// OnlyViolations reports whether no condition is about vulnerabilities.
func (f FailOn) OnlyViolations() bool {
	return !slices.ContainsFunc(f, func(c condition) bool { return c.kind != violation })
}

// FailOn judges every subject by the conditions, too.
func (r *Report) FailOn(f FailOn) {
	for i := range r.Subjects {
		s := &r.Subjects[i]
		if len(s.Problems) > 0 && s.Image == nil && s.Kind == KindImage {
			continue
		}
		for _, c := range f {
			if why := c.unknown(*s); why != "" {
				s.Unknown = append(s.Unknown, fmt.Sprintf("--fail-on %s: %s", c.text, why))
				s.Verdict = assess.WorseVerdict(s.Verdict, assess.Undecided)
			}
			if n := c.count(*s); n > 0 {
				s.Failed = append(s.Failed, fmt.Sprintf("--fail-on %s: %s", c.text, c.sentence(n)))
				s.Verdict = assess.Fail
			}
		}
	}
}

// unknown says why it cannot be told whether the condition holds, or "".
func (c condition) unknown(s Subject) string {
	switch a := s.Image; {
	case c.kind == violation || a == nil:
		return ""
	case a.Scan.Status == assess.NotScanned:
		return "the image was not scanned"
	case a.Check.Status == assess.NotChecked:
		return "the image was not checked for vulnerabilities"
	case c.kind == exploited && (a.Check.Data == nil || a.Check.Data.KnownExploited == nil):
		return "there is no data about known exploited vulnerabilities"
	}
	return ""
}

// count is of distinct vulnerabilities, or of violations.
func (c condition) count(s Subject) int {
	reaches := func(severity vuln.Severity) bool { return c.severity == "" || severity.Rank() <= c.severity.Rank() }
	names := map[string]bool{}
	if c.kind == violation {
		for _, v := range s.Policy.Violations {
			if reaches(vuln.SeverityOfWord(string(v.Severity))) {
				names[v.PolicyID] = true
			}
		}
		return len(names)
	}
	for _, f := range s.findings() {
		if reaches(f.Severity) && (c.kind != fixable || f.FixedVersion != "") && (c.kind != exploited || f.KnownExploited != nil) {
			names[f.Name()] = true
		}
	}
	return len(names)
}

func (c condition) sentence(n int) string {
	switch c.kind {
	case fixable:
		return count(n, "fixable vulnerability")
	case exploited:
		return count(n, "known exploited vulnerability")
	}
	return count(n, c.kind)
}
