package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/exception"
	"github.com/landwaiter/landwaiter/internal/vex"
)

// shownExceptions bounds the lines that say why something is set aside; image scan lists everything.
const shownExceptions = 5

// setAside says in few lines how many vulnerabilities do not count, and why.
func (r *renderer) setAside(a *assess.Assessment, s assess.Summary) {
	if len(a.Suppressed) == 0 {
		return
	}
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(s.SuppressedBy)) {
		words := exception.Kind(kind).Words()
		if said := vex.Status(kind); said.Suppresses() {
			words = said.Words() + " (VEX)"
		}
		kinds = append(kinds, fmt.Sprintf("%d %s", s.SuppressedBy[kind], words))
	}
	if len(kinds) > 0 {
		r.field("set aside", plural(s.Suppressed, "vulnerability")+": "+strings.Join(kinds, ", "))
	} else { // in other components the same vulnerabilities count
		r.field("set aside", plural(len(a.Suppressed), "finding")+" of vulnerabilities that count elsewhere in the image")
	}
	findings := map[string]int{}
	var exceptions []*exception.Exception
	for _, f := range a.Suppressed {
		if e := f.By.Exception; e != nil {
			if findings[e.ID]++; findings[e.ID] == 1 {
				exceptions = append(exceptions, e)
			}
		}
	}
	for _, e := range exceptions[:min(len(exceptions), shownExceptions)] {
		r.field("", fmt.Sprintf("%s by %s%s: %s (%s, exception %s)", e.Kind.Words(), e.Author, e.UntilText(), clip(e.Reason, 80), plural(findings[e.ID], "finding"), e.ID))
	}
	if n := len(exceptions) - shownExceptions; n > 0 {
		r.field("", "and by "+plural(n, "more exception"))
	}
}

func (r *renderer) suppressed(a *assess.Assessment) {
	if len(a.Suppressed) == 0 {
		return
	}
	r.printf("\n%s more not counted:\n", plural(len(a.Suppressed), "finding"))
	rows := [][]string{{"VULNERABILITY", "SEVERITY", "COMPONENT", "VERSION", "SET ASIDE AS", "BECAUSE", "SAID BY", "UNTIL", "IN"}}
	for _, f := range a.Suppressed {
		row := []string{f.Name(), string(f.Severity), f.Component, f.Version, f.By.Words()}
		if e := f.By.Exception; e != nil {
			because := clip(e.Reason, 60)
			if f.By.VEX != nil {
				because += fmt.Sprintf(" [VEX: %s]", f.By.VEX.Status.Words())
			}
			row = append(row, because, e.Author, e.End(), "exception "+e.ID)
		} else {
			s := f.By.VEX
			row = append(row, clip(cmp.Or(s.Why(), "-"), 60), cmp.Or(s.Author, "-"), "-", "VEX "+s.Document+" of "+when(s.Timestamp))
		}
		rows = append(rows, row)
	}
	r.table(rows)
}
