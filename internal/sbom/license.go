package sbom

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/github/go-spdx/v2/spdxexp"
)

// A license is what a package says of its licence: an expression of SPDX's if it is one, else a name.
type license struct {
	expression string
	id         bool // the expression is one identifier
	name       string
}

// licenses remembers what it has understood: an image's packages repeat a few dozen.
type licenses struct {
	known map[string]license
	named map[string]string // by reference
}

func newLicenses() *licenses {
	return &licenses{known: map[string]license{}, named: map[string]string{}}
}

func (l *licenses) of(text string) license {
	if known, ok := l.known[text]; ok {
		return known
	}
	found := license{name: text}
	valid, _ := spdxexp.ValidateAndNormalizeLicensesWithOptions([]string{text}, spdxexp.ValidateLicensesOptions{
		FailAllLicenseRefs: true, FailAllDocumentRefs: true,
	})
	if len(valid) == 1 {
		found = license{expression: valid[0], id: !strings.ContainsAny(valid[0], " ()+")}
	}
	l.known[text] = found
	return found
}

// expression joins licences to one expression. Names become references, which named explains. It is "" when there are none.
func (l *licenses) expression(texts []string) string {
	var parts []string
	for _, t := range texts {
		switch found := l.of(t); {
		case found.name != "":
			ref := fmt.Sprintf("LicenseRef-%x", sha256.Sum256([]byte(t)))[:len("LicenseRef-")+12]
			l.named[ref] = t
			parts = append(parts, ref)
		case len(texts) > 1 && strings.Contains(found.expression, " "):
			parts = append(parts, "("+found.expression+")")
		default:
			parts = append(parts, found.expression)
		}
	}
	return strings.Join(parts, " AND ")
}

// split is the inverse of expression, with the names that references stand for.
func split(expression string, named map[string]string) []string {
	switch expression {
	case "", "NOASSERTION", "NONE":
		return nil
	}
	parts := []string{expression}
	if !strings.ContainsAny(expression, "()") && !strings.Contains(expression, " OR ") {
		parts = strings.Split(expression, " AND ")
	}
	for i, p := range parts {
		if name, ok := named[p]; ok && name != "" {
			parts[i] = name
		}
	}
	return slices.Compact(parts)
}
