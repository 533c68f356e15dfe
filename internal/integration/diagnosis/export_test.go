package diagnosis

import (
	"maps"
	"slices"
)

// FindingNames are the names of everything that is recognised, in order.
func FindingNames() []string { return slices.Sorted(maps.Keys(findings)) }

// Template is what a finding says, before it is filled in.
func Template(name string) Finding {
	known := findings[name]
	return Finding{Name: name, Verdict: known.verdict, Cause: known.cause, Fix: known.fix}
}

// StepTitles are the steps that every test has, without their verdicts.
func StepTitles() []Step {
	var list []Step
	for _, s := range steps {
		list = append(list, Step{ID: s.id, Title: s.title})
	}
	return list
}
