package exception

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/glob"
)

// A Problem is one mistake in an exception.
type Problem struct {
	File    string // "" when it came from elsewhere
	Field   string // e.g. spec.until
	Line    int    // 1-based; 0 when unknown
	Column  int
	Message string
}

func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		fmt.Fprintf(&b, "%s: ", p.File)
	}
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d, column %d: ", p.Line, max(1, p.Column))
	}
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
	}
	return b.String() + p.Message
}

// Problems is every mistake, in the order of the documents.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

func (ps Problems) failed(op, what string) error {
	if len(ps) == 0 {
		return nil
	}
	return fault.Wrap(fault.Invalid, op, what, ps)
}

// Check fails with every mistake.
func (e *Exception) Check() error {
	var problems Problems
	e.check(func(path, format string, args ...any) {
		_, field, _ := strings.Cut(path, ".") // requests have no metadata and no spec
		problems = append(problems, Problem{Field: field, Message: fmt.Sprintf(format, args...)})
	})
	return problems.failed("check exception", e.ID)
}

func at(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

func checkPattern(pattern string) string {
	switch {
	case pattern == "":
		return "is empty"
	case utf8.RuneCountInString(pattern) > glob.MaxPattern:
		return fmt.Sprintf("is longer than %d characters", glob.MaxPattern)
	}
	return ""
}

func matchesAll(pattern string) bool { return strings.Trim(pattern, "*?@/") == "" }

func clip(s string) string {
	if len(s) > 100 {
		return strings.ToValidUTF8(s[:100], "") + "…"
	}
	return s
}
