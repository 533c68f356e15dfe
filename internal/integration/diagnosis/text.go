package diagnosis

import (
	"strings"
	"unicode"
)

// bounded makes text from elsewhere fit for one line.
func bounded(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return -1
	}, s)
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "..."
	}
	return s
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// cleaned is a step that was reported by a type, with texts that may be shown.
func (s Step) cleaned(hide func(string) string) Step {
	text := func(t string, limit int) string { return bounded(hide(t), limit) }
	s.Summary, s.Title = text(s.Summary, 300), text(s.Title, 100)
	seen, found := s.Seen, s.Findings
	s.Seen, s.Findings = []Fact{}, []Finding{}
	for _, f := range seen[:min(len(seen), 100)] {
		s.Seen = append(s.Seen, Fact{text(f.Name, 100), text(f.Value, 1000)})
	}
	for _, f := range found[:min(len(found), 20)] {
		s.Findings = append(s.Findings, Finding{text(f.Name, 100), f.Verdict, text(f.Cause, 1000), text(f.Fix, 1500)})
	}
	return s
}
