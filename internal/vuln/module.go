package vuln

import (
	"bytes"
	"regexp"
	"strings"
)

// RPM distributions build some packages several times, one for each stream of a module (nodejs:18, nodejs:20), and may have
// the same package outside of modules too. An advisory's fix for one of them says nothing about the others, whatever their
// versions are.

type moduleKind byte

const (
	anyKind    moduleKind = iota // nothing is known about it
	notModular                   // fixed in a build outside of modules
	modular                      // fixed in a build for a module
)

// A module is what an affected entry is about.
type module struct {
	kind   moduleKind
	stream string // name:stream, where the advisory says it
}

// moduleKindOf knows builds for modules by their release: 1.module_el9.4.0+96+0b64c0ab.
func moduleKindOf(fixes []interval) moduleKind {
	kind := anyKind
	for _, i := range fixes {
		switch {
		case i.bound != fixed:
		case bytes.Contains(i.fix, []byte(".module")):
			return modular
		default:
			kind = notModular
		}
	}
	return kind
}

var stream = regexp.MustCompile(`(?:^|\s)([A-Za-z][\w.+-]*:[\w.+-]*\w)`)

// streamOfSummary finds "nodejs:18" in "Important: nodejs:18 security update".
func streamOfSummary(summary string) string {
	if m := stream.FindStringSubmatch(summary); m != nil {
		return m[1]
	}
	return ""
}

// concerns reports whether an entry for this module is about a package. label is the package's, name:stream and what follows.
func (m module) concerns(label, version string) bool {
	of := label != "" || strings.Contains(version, ".module")
	switch m.kind {
	case notModular:
		return !of
	case modular:
		name, rest, _ := strings.Cut(label, ":")
		own, _, _ := strings.Cut(rest, ":")
		about, wanted, known := strings.Cut(m.stream, ":")
		return of && (!known || label == "" || name != about || own == wanted)
	}
	return true
}
