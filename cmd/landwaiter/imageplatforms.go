package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

func renderPlatforms(w io.Writer, p *assess.Platforms, depth assess.Depth) error {
	r := &renderer{w: w}
	r.printf("%s\n\n", p.Reference)
	header := []string{"PLATFORM", "MANIFEST"}
	if depth != assess.Inspect {
		header = append(header, "SCAN", "COMPONENTS", "VULNERABILITIES")
	}
	if depth == assess.Judge {
		header = append(header, "VERDICT")
	}
	rows := [][]string{header}
	for _, answer := range p.Platforms {
		a := answer.Assessment
		if a == nil {
			rows = append(rows, []string{answer.Platform, "NOT ASSESSED"})
			continue
		}
		row := []string{answer.Platform, a.Facts.ManifestDigest.Short()}
		if depth != assess.Inspect {
			found := severities(assess.Summarize(a).Vulnerabilities)
			if a.Check.Status != assess.Checked {
				found = strings.ToUpper(a.Check.Status) + strings.TrimSuffix(", "+found, ", none")
			}
			row = append(row, a.Scan.Status, fmt.Sprint(len(a.Scan.Components)), found)
		}
		if depth == assess.Judge {
			row = append(row, string(a.Verdict))
		}
		rows = append(rows, row)
	}
	r.table(rows)
	for _, answer := range p.Platforms {
		if answer.Assessment == nil {
			r.printf("\n%s: %s\n", answer.Platform, printable(answer.Error))
			if answer.Fix != "" {
				r.printf("  what to do: %s\n", printable(answer.Fix))
			}
		}
	}
	if depth == assess.Inspect {
		return r.err
	}
	r.printf("\nTogether %s; vulnerabilities: %s.\n", plural(p.ComponentCount, "component"), severities(p.Vulnerabilities))
	differences := func(title string, items []assess.PlatformItem) {
		if len(items) == 0 {
			return
		}
		const most = 40
		r.printf("\n%s, not on every platform:\n", plural(len(items), title))
		rows := [][]string{{"COMPONENT", "VERSION", "TYPE", "VULNERABILITY", "SEVERITY", "ON"}}
		for _, i := range items[:min(most, len(items))] {
			rows = append(rows, []string{i.Name, i.Version, i.Type, cmp.Or(i.ID, "-"), cmp.Or(string(i.Severity), "-"), strings.Join(i.Platforms, ", ")})
		}
		r.table(rows)
		if more := len(items) - most; more > 0 {
			r.printf("… and %d more; -o json has all\n", more)
		}
	}
	differences("component", p.Components)
	differences("finding", p.Findings)
	if depth == assess.Judge {
		text := strings.ToUpper(string(p.Verdict))
		if p.Verdict == assess.Violations {
			text = "PASS: violations, none of them enforced"
		}
		r.printf("\n%s\n", text)
	}
	return r.err
}

// severities is "1 critical, 2 low", or "none".
func severities(counts map[vuln.Severity]int) string {
	var parts []string
	for _, s := range vuln.Severities() {
		if n := counts[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "none")
}

func parseNodePlatforms(s string) ([]image.Platform, error) {
	want, err := assess.ParseSelection(s)
	if err == nil && (want.All || want.Nodes) {
		err = fault.New(fault.Invalid, "read node platforms", "%q is no platform", s).WithFix("Name them, e.g. linux/amd64,linux/arm64.")
	}
	return want.List, err
}
