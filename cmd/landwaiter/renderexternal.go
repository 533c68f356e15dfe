package main

import (
	"cmp"
	"strings"

	"github.com/landwaiter/landwaiter/internal/assess"
)

// comparedShown bounds the differences printed; JSON has them all, and what is agreed on.
const comparedShown = 15

// external prints what the registries' own scanners say, in a line for each.
func (r *renderer) external(a *assess.Assessment) {
	if len(a.External) == 0 {
		return
	}
	r.printf("\nScanners of registries (they count for no policy)\n")
	for _, e := range a.External {
		r.printf("  %s: %s\n", printable(e.Title()), printable(e.Summary()))
		if e.Fix != "" {
			r.printf("    what to do: %s\n", printable(e.Fix))
		}
	}
}

// differences prints where they differ from what was found here.
func (r *renderer) differences(a *assess.Assessment) {
	rows := [][]string{{"VULNERABILITY", "PACKAGE", "DIFFERENCE", "WHO SAYS WHAT"}}
	differ := 0
	for _, c := range a.Compared {
		if len(c.Differences) == 0 {
			break
		}
		if differ++; differ <= comparedShown {
			rows = append(rows, []string{c.ID, c.Package, strings.Join(c.Differences, ", "), saidText(c)})
		}
	}
	if differ == 0 {
		return
	}
	r.printf("\n")
	r.table(rows)
	if differ > comparedShown {
		r.printf("… and %s more (see -o json)\n", plural(differ-comparedShown, "difference"))
	}
}

func saidText(c assess.Compared) string {
	var parts []string
	for _, s := range c.Said {
		text := s.By + " " + string(s.Severity) + " in " + cmp.Or(strings.Join(s.Versions, " "), "a version that is not told")
		if s.FixedVersion != "" {
			text += ", fixed in " + s.FixedVersion
		}
		parts = append(parts, text)
	}
	if c.Why != "" {
		parts = append(parts, c.Why)
	}
	return strings.Join(parts, "; ")
}
