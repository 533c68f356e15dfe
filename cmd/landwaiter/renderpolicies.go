package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/report"
)

// messagesShown bounds the reasons printed per policy; JSON has them all.
const messagesShown = 5

// violations lists what was violated, and what exclusions hid; where says what a message does not say of its place.
func (r *renderer) violations(p policy.Result, where func(policy.Message) string) {
	if len(p.Violations) > 0 {
		r.printf("\n")
	}
	for _, v := range p.Violations {
		mark := "      "
		if v.Enforced {
			mark = "FAIL  "
		}
		r.printf("%s%s [%s]\n", mark, v.Policy, v.Severity)
		for i, m := range v.Messages {
			if i == messagesShown {
				r.printf("        … and %d more (see -o json)\n", len(v.Messages)-i+v.More)
				break
			}
			r.printf("        %s%s\n", printable(m.Text), where(m))
		}
		if v.Remediation != "" {
			r.printf("        what to do: %s\n", printable(strings.TrimSpace(v.Remediation)))
		}
	}
	for _, x := range p.Excluded {
		r.printf("-     %s: %s\n", x.Policy, printable(report.ExcludedText(x)))
	}
}

// undecided lists policies that could not be decided. Those that lack the same are told together, if they may be.
func (r *renderer) undecided(list []policy.Undecided, what string, together func(policy.Undecided) bool) {
	var reasons []string
	count := map[string]int{}
	for _, u := range list {
		if !together(u) {
			r.printf("?     %s: could not be decided: %s\n", u.Policy, printable(u.Reason))
			continue
		}
		if count[u.Reason]++; count[u.Reason] == 1 {
			reasons = append(reasons, u.Reason)
		}
	}
	for _, reason := range reasons {
		r.printf("?     %s%s: could not be decided: %s\n", plural(count[reason], "policy"), what, printable(reason))
	}
}

// at says which Dockerfile line brought the component of a message. Other messages say themselves what they are about; the
// line may hold the very value that they do not repeat.
func at(m policy.Message, f image.Facts) string {
	text := f.LineText(m.Line)
	switch {
	case m.Line == 0:
		return ""
	case m.Component == "" || text == "":
		return fmt.Sprintf(" (line %d)", m.Line)
	}
	return fmt.Sprintf(" (line %d: %s)", m.Line, clip(printable(text), 60))
}

func (r *renderer) verdict(a *assess.Assessment) {
	s := assess.Summarize(a)
	var text string
	switch a.Verdict {
	case assess.Pass:
		text = "PASS: no violation of " + plural(a.Policy.Evaluated, "policy")
	case assess.Violations:
		text = fmt.Sprintf("PASS: %s, none of them enforced", plural(s.Violations, "violation"))
	case assess.Fail:
		text = fmt.Sprintf("FAIL: %s, %d enforced", plural(s.Violations, "violation"), s.Enforced)
	case assess.Undecided:
		text = "UNDECIDED: an enforced policy could not be evaluated"
	}
	if a.Check.Status == assess.NotChecked {
		text += "; NOT CHECKED FOR VULNERABILITIES"
	}
	r.printf("\n%s\n", text)
}

// renderChecked prints each image as if it were the only one, and then all of them in a table.
func renderChecked(w io.Writer, all []checkedImage) error {
	r := &renderer{w: w}
	rows := [][]string{{"IMAGE", "VERDICT", "VULNERABILITIES"}}
	for i, c := range all {
		if i > 0 {
			r.printf("\n")
		}
		switch {
		case r.err != nil:
		case c.err != nil:
			r.printf("%s\n", printable(c.Reference))
			r.field("error", "NOT ASSESSED: "+c.Error)
			if c.Fix != "" {
				r.field("", "what to do: "+c.Fix)
			}
		case c.Platforms != nil:
			r.err = renderPlatforms(w, c.Platforms, assess.Judge)
		default:
			r.err = renderAssessment(w, c.Assessment, assess.Judge, false)
		}
		for _, s := range c.subjects {
			rows = append(rows, []string{s.Title(), s.Outcome(), s.Vulnerabilities()})
		}
	}
	r.printf("\n")
	r.table(rows)
	return r.err
}
