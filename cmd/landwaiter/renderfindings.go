package main

import (
	"cmp"
	"fmt"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

func (r *renderer) findings(a *assess.Assessment) {
	if len(a.Findings) == 0 {
		return
	}
	// Without data about exploitation there is no column for it: an empty one would look like an answer.
	data := cmp.Or(a.Check.Data, &vuln.Status{})
	rows := [][]string{{"VULNERABILITY", "SEVERITY", "SCORE"}}
	if data.EPSS != nil {
		rows[0] = append(rows[0], "EPSS")
	}
	if data.KnownExploited != nil {
		rows[0] = append(rows[0], "EXPLOITED")
	}
	rows[0] = append(rows[0], "COMPONENT", "VERSION", "FIXED IN", "LINE", "ADVISORY", "SOURCE", "CHANGED", "SUMMARY")
	for _, f := range a.Findings {
		score := ""
		if f.Score > 0 {
			score = fmt.Sprintf("%.1f", f.Score)
		}
		row := []string{f.Name(), string(f.Severity), score}
		if data.EPSS != nil {
			row = append(row, epss(f.EPSS))
		}
		if data.KnownExploited != nil {
			row = append(row, exploited(f.KnownExploited))
		}
		changed, summary := "-", f.Summary
		if f.Modified != nil {
			changed = f.Modified.Format(time.DateOnly)
		}
		if f.VEX != nil {
			summary = fmt.Sprintf("[VEX: %s] %s", f.VEX.Status.Words(), summary)
		}
		rows = append(rows, append(row, f.Component, f.Version, cmp.Or(f.FixedVersion, "-"), line(f.Line), f.ID, f.Source, changed, clip(summary, 60)))
	}
	r.printf("\n")
	r.table(rows)
}

func epss(e *vuln.EPSS) string {
	if e == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f", e.Score)
}

func exploited(k *vuln.KnownExploited) string {
	switch {
	case k == nil:
		return "-"
	case k.Ransomware:
		return "KEV, ransomware"
	}
	return "KEV"
}
