package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
)

// githubShown is how many annotations of a level GitHub shows of one step.
const githubShown = 10

// writeGitHub writes workflow commands, which GitHub shows as annotations of a run, and nothing else.
func writeGitHub(w io.Writer, r *Report) error {
	commands := map[string][]string{}
	for _, s := range r.Subjects {
		add := func(level, title string, line int, text string) {
			properties := "title=" + githubProperty(title)
			if file, at := s.place(line); file != "" {
				properties = fmt.Sprintf("file=%s,line=%d,", githubProperty(file), max(at, 1)) + properties
			}
			commands[level] = append(commands[level], fmt.Sprintf("::%s %s::%s\n", level, properties, githubData(s.Title()+": "+text)))
		}
		for _, c := range s.Caveats() {
			add([...]string{"notice", "warning", "error"}[c.Level], c.Title, 0, withFix(c.Text, c.Fix))
		}
		for _, text := range s.Failed {
			add("error", "Landwaiter", 0, text)
		}
		for _, v := range s.Policy.Violations {
			level := "warning"
			if v.Enforced {
				level = "error"
			}
			add(level, v.Policy, firstLine(v), withFix(strings.Join(messageTexts(v, 5), "\n"), strings.TrimSpace(v.Remediation)))
		}
		for _, u := range s.Policy.Undecided {
			level := "warning"
			if u.Stops() {
				level = "error"
			}
			add(level, u.Policy+": undecided", 0, u.Reason)
		}
		if slices.Contains([]string{"pass", "violations"}, string(s.Verdict)) {
			add("notice", "Landwaiter", 0, s.Outcome())
		}
	}
	var b strings.Builder
	for _, level := range []string{"error", "warning", "notice"} {
		all := commands[level]
		if more := len(all) - githubShown; more > 0 {
			all = append(all[:githubShown-1:githubShown-1], fmt.Sprintf("::%s title=Landwaiter::and %d more, for which GitHub has no room here\n", level, more+1))
		}
		b.WriteString(strings.Join(all, ""))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

var (
	githubDataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubPropertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func githubData(s string) string     { return githubDataEscapes.Replace(visible(clip(s, 4000))) }
func githubProperty(s string) string { return githubPropertyEscapes.Replace(visible(clip(s, 255))) }

// visible keeps words from outside from doing anything to a terminal.
func visible(s string) string {
	return strings.Map(func(c rune) rune {
		if c == '\n' || unicode.IsPrint(c) {
			return c
		}
		return ' '
	}, s)
}
