package report

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/landwaiter/landwaiter/internal/assess"
)

const (
	// SummaryLimit is what GitHub takes as the summary of a step, in bytes.
	SummaryLimit = 1 << 20
	// commentLimit fits into a comment on GitHub, which takes 65,536 characters.
	commentLimit = 65_000
)

// rowsShown bounds the reasons and the vulnerabilities of one subject.
const rowsShown = 30

// Markdown writes at most limit bytes, and says what it leaves out. The verdicts come first.
func (r *Report) Markdown(limit int) string {
	const reserve = 200 // for saying what was left out
	var b strings.Builder
	fits := func(text string) bool { return b.Len()+len(text) <= limit-reserve }
	b.WriteString("## Landwaiter: " + verdictWord(r.Verdict()) + "\n\n")
	const header = "| Subject | Verdict | Vulnerabilities |\n|---|---|---|\n"
	b.WriteString(header)
	for i, s := range r.Subjects {
		row := fmt.Sprintf("| %s | %s | %s |\n", md(s.Title()), md(s.Outcome()), md(s.Vulnerabilities()))
		if !fits(row) {
			fmt.Fprintf(&b, "\n… and %s more. `-o json` has everything.\n", count(len(r.Subjects)-i, "subject"))
			return b.String()
		}
		b.WriteString(row)
	}
	for i, s := range r.Subjects {
		text := s.markdown()
		if !fits(text) {
			fmt.Fprintf(&b, "\n… the details of %s are left out, as there is no room. `-o json` has everything.\n", count(len(r.Subjects)-i, "subject"))
			break
		}
		b.WriteString(text)
	}
	return b.String()
}

func verdictWord(v assess.Verdict) string {
	if v == assess.Violations {
		return "PASS"
	}
	return strings.ToUpper(string(v))
}

func (s Subject) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n### %s\n\n**%s**\n", md(s.Title()), md(s.Outcome()))
	if s.Digest != "" {
		fmt.Fprintf(&b, "\nDigest `%s`\n", s.Digest)
	}
	for _, c := range s.Caveats() {
		fmt.Fprintf(&b, "\n> **%s.** %s", md(c.Title), md(c.Text))
		if c.Fix != "" {
			fmt.Fprintf(&b, " What to do: %s", md(c.Fix))
		}
		b.WriteString("\n")
	}
	if len(s.Policy.Violations) > 0 {
		b.WriteString("\n| Policy | Severity | Enforced | Reasons | What to do |\n|---|---|---|---|---|\n")
	}
	for _, v := range s.Policy.Violations {
		enforced := "no"
		if v.Enforced {
			enforced = "**yes**"
		}
		reasons := messageTexts(v, 5)
		for i := range reasons {
			reasons[i] = md(reasons[i])
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", md(v.Policy), v.Severity, enforced, strings.Join(reasons, "<br>"), md(v.Remediation))
	}
	if n := len(s.Policy.Undecided); n > 0 {
		fmt.Fprintf(&b, "\n%s could not be decided:\n\n", count(n, "policy"))
		for _, u := range s.Policy.Undecided[:min(n, rowsShown)] {
			fmt.Fprintf(&b, "- %s: %s\n", md(u.Policy), md(u.Reason))
		}
		if n > rowsShown {
			fmt.Fprintf(&b, "- … and %d more\n", n-rowsShown)
		}
	}
	for _, x := range s.Policy.Excluded {
		fmt.Fprintf(&b, "\n%s: %s\n", md(x.Policy), md(ExcludedText(x)))
	}
	s.markdownVulnerabilities(&b)
	return b.String()
}

func (s Subject) markdownVulnerabilities(b *strings.Builder) {
	all := s.findings()
	if len(all) > 0 {
		fmt.Fprintf(b, "\n<details><summary>%s of components</summary>\n\n", count(len(all), "vulnerability"))
		b.WriteString("| Vulnerability | Severity | Component | Version | Fixed in |\n|---|---|---|---|---|\n")
		for _, f := range all[:min(len(all), rowsShown)] {
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", md(f.Name()), f.Severity, md(f.Component), md(f.Version), md(f.FixedVersion))
		}
		if more := len(all) - rowsShown; more > 0 {
			fmt.Fprintf(b, "\n… and %d more\n", more)
		}
		b.WriteString("\n</details>\n")
	}
	if n := len(s.found()) - len(all); n > 0 {
		fmt.Fprintf(b, "\nSet aside, and counted nowhere here: %s.\n", count(n, "vulnerability"))
	}
}

// md keeps words from outside from being read as Markdown or HTML, from mentioning people, and from breaking a table.
func md(s string) string {
	var b strings.Builder
	for _, c := range clip(strings.Join(strings.Fields(s), " "), 500) {
		switch {
		case c == '<' || c == '>' || c == '&' || c == '@':
			fmt.Fprintf(&b, "&#%d;", c)
		case strings.ContainsRune("\\`*_[]#|~$", c):
			b.WriteString("\\")
			b.WriteRune(c)
		case unicode.IsPrint(c):
			b.WriteRune(c)
		}
	}
	return b.String()
}
