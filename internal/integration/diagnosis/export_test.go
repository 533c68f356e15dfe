package diagnosis

import (
	"maps"
	"slices"
)

// FindingNames are the names of everything that is recognised, in order.
func FindingNames() []string { return slices.Sorted(maps.Keys(findings)) }
