package report

import (
	"strings"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/scan"
)

// A Caveat is why an answer is less than it seems, or why there is none.
type Caveat struct {
	ID    string // for machines, e.g. "not-scanned"
	Title string
	Text  string
	Fix   string
	Level Level
}

// Level is how much a Caveat takes from an answer.
type Level int

const (
	Note    Level = iota // decided on less than everything
	Warning              // something was not looked at
	Missing              // there is no answer
)

// Caveats of the subject. Policies that could not be evaluated are in Policy.Undecided.
func (s Subject) Caveats() []Caveat {
	var list []Caveat
	add := func(level Level, id, title, text, fix string) {
		list = append(list, Caveat{id, title, strings.TrimSpace(text), fix, level})
	}
	for _, p := range s.Problems {
		add(Missing, "not-assessed", "Image could not be had", p.Text, p.Fix)
	}
	for _, u := range s.Unknown {
		add(Missing, "fail-on-unknown", "Condition of --fail-on could not be told", u, "")
	}
	if a := s.Image; a != nil {
		switch {
		case a.Scan.Status == assess.NotScanned:
			add(Warning, "not-scanned", "Image was not scanned", a.Scan.Reason, a.Scan.Fix)
		case a.Check.Status == assess.NotChecked:
			add(Warning, "not-checked", "Image was not checked for vulnerabilities", a.Check.Reason, "")
		case a.Check.Status == assess.PartlyChecked:
			add(Warning, "partly-checked", "Image was partly checked for vulnerabilities", a.Check.Reason, "")
		}
		if a.Scan.Status != assess.NotScanned && a.Scan.Status != string(scan.Complete) {
			text := "Not everything in the layers could be read."
			for _, n := range a.Scan.Notes {
				text += " " + strings.TrimSpace(n.Path+" "+n.Message)
			}
			add(Warning, "partly-read", "Image was read in part", clip(text, 2000), a.Scan.Fix)
		}
		for _, w := range a.Warnings {
			add(Warning, "warning", "Answer is less than it seems", w.Text, w.Fix)
		}
	}
	if s.Workload != nil {
		for _, i := range s.Workload.Images {
			switch about := "container " + i.Container + ", image " + i.Image; {
			case i.Error != "": // among the problems
			case i.ScanStatus == assess.NotScanned:
				add(Warning, "not-scanned", "Image was not scanned", about, "")
			case i.CheckStatus == assess.NotChecked:
				add(Warning, "not-checked", "Image was not checked for vulnerabilities", about, "")
			case i.CheckStatus == assess.PartlyChecked:
				add(Warning, "partly-checked", "Image was partly checked for vulnerabilities", about, "")
			}
		}
	}
	for _, n := range s.Policy.Notes {
		add(Note, "note", "Policies were decided on less than everything", n.Text+" ("+strings.Join(n.Policies, ", ")+")", "")
	}
	return list
}

// clip shortens a text to so many characters.
func clip(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most-1]) + "…"
}
