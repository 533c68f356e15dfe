package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Problem is one mistake in a policy.
type Problem struct {
	Policy  string `json:"policy,omitempty"` // ID, if known
	Field   string `json:"field,omitempty"`  // e.g. spec.condition
	Line    int    `json:"line,omitempty"`   // of the document, 1-based; 0 when unknown
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
	Excerpt string `json:"excerpt,omitempty"` // the line of the expression, and a caret below it
}

func (p Problem) String() string {
	var b strings.Builder
	switch {
	case p.Line > 0 && p.Column > 0:
		fmt.Fprintf(&b, "line %d, column %d: ", p.Line, p.Column)
	case p.Line > 0:
		fmt.Fprintf(&b, "line %d: ", p.Line)
	case p.Policy != "":
		fmt.Fprintf(&b, "policy %s: ", p.Policy)
	}
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
	}
	b.WriteString(p.Message)
	if p.Excerpt != "" {
		b.WriteString("\n\t" + strings.ReplaceAll(p.Excerpt, "\n", "\n\t"))
	}
	return b.String()
}

// Problems is every mistake found, in the order of the document.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
