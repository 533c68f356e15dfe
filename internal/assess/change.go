package assess

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// A Change is what another look at an image altered: with other advisories, VEX documents, exceptions or policies, or another scan.
type Change struct {
	At time.Time `json:"at"`
	// Because is what was different, of the causes below.
	Because []string `json:"because" nullable:"false"`
	// DataFrom and ImportedAt are those of the advisories that it was matched with.
	DataFrom   *time.Time `json:"dataFrom,omitempty"`
	ImportedAt *time.Time `json:"importedAt,omitempty"`
	// Digest is the image's after the change.
	Digest image.Digest `json:"digest"`
	Before Verdict      `json:"before"`
	After  Verdict      `json:"after"`
	// Differences of the findings, those that came first, each kind the most severe first.
	Differences []Difference `json:"differences" nullable:"false"`
	More        int          `json:"more,omitempty"` // differences beyond those listed
}

// What made an image be looked at again.
const (
	BecauseImage      = "another image"  // the reference points to another digest
	BecauseScan       = "another scan"   // of the same digest
	BecauseAdvisories = "new advisories" // were imported
	BecauseVEX        = "VEX documents"  // came or went
	BecauseExceptions = "exceptions"     // came or went, or their time came
	BecausePolicies   = "policies"       // are other ones, or the time of their exclusions came
)

// A Difference is about one finding.
type Difference struct {
	What         string        `json:"what" enum:"came,set aside,counts again,changed,went"`
	ID           string        `json:"id"`
	CVE          string        `json:"cve,omitempty"`
	Severity     vuln.Severity `json:"severity"`
	FixedVersion string        `json:"fixedVersion,omitempty"`
	Component    string        `json:"component"`
	Version      string        `json:"version"`
	Type         string        `json:"type"`
	Location     string        `json:"location"`
	// WasSeverity and WasFixedVersion are set when What is "changed".
	WasSeverity     vuln.Severity `json:"wasSeverity,omitempty"`
	WasFixedVersion string        `json:"wasFixedVersion,omitempty"`
}

// What became of a finding.
const (
	Came        = "came"
	SetAside    = "set aside" // it does not count any more
	CountsAgain = "counts again"
	Changed     = "changed" // its severity or its fix
	Went        = "went"
)

var differenceOrder = []string{Came, CountsAgain, Changed, SetAside, Went}

// maxDifferences bounds what is kept of one change.
const maxDifferences = 500

// changeOf tells what is different between two assessments of one reference and platform; nil when that is nothing.
func changeOf(before, after *Assessment, because []string, at time.Time) *Change {
	c := &Change{
		At: at, Because: because, DataFrom: after.Check.DataFrom, ImportedAt: after.Check.ImportedAt, Digest: after.Facts.Digest,
		Before: before.Verdict, After: after.Verdict, Differences: []Difference{},
	}
	was, is := occurrences(before), occurrences(after)
	for key, o := range is {
		old, known := was[key]
		switch {
		case !known && !o.suppressed:
			c.add(Came, o.Finding)
		case known && o.suppressed && !old.suppressed, !known:
			c.add(SetAside, o.Finding)
		case old.suppressed && !o.suppressed:
			c.add(CountsAgain, o.Finding)
		case o.suppressed: // as before
		case old.Severity != o.Severity || old.FixedVersion != o.FixedVersion:
			c.add(Changed, o.Finding)
			d := &c.Differences[len(c.Differences)-1]
			d.WasSeverity, d.WasFixedVersion = old.Severity, old.FixedVersion
		}
	}
	for key, o := range was {
		if _, still := is[key]; !still && !o.suppressed {
			c.add(Went, o.Finding)
		}
	}
	if len(c.Differences) == 0 && c.Before == c.After {
		return nil
	}
	slices.SortFunc(c.Differences, func(a, b Difference) int {
		return cmp.Or(
			cmp.Compare(slices.Index(differenceOrder, a.What), slices.Index(differenceOrder, b.What)),
			cmp.Compare(a.Severity.Rank(), b.Severity.Rank()),
			cmp.Compare(cmp.Or(a.CVE, a.ID), cmp.Or(b.CVE, b.ID)),
			cmp.Compare(a.Component, b.Component),
			cmp.Compare(a.Location, b.Location),
		)
	})
	if c.More = max(0, len(c.Differences)-maxDifferences); c.More > 0 {
		c.Differences = slices.Clip(c.Differences[:maxDifferences])
	}
	return c
}

func (c *Change) add(what string, f Finding) {
	c.Differences = append(c.Differences, Difference{
		What: what, ID: f.ID, CVE: f.CVE, Severity: f.Severity, FixedVersion: f.FixedVersion,
		Component: f.Component, Version: f.Version, Type: f.Type, Location: f.Location,
	})
}

// Counts says how many differences of each kind are listed.
func (c Change) Counts() string {
	counts := map[string]int{}
	for _, d := range c.Differences {
		counts[d.What]++
	}
	var parts []string
	for _, what := range differenceOrder {
		if n := counts[what]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	return strings.Join(parts, ", ")
}

// An occurrence is a finding wherever it stands in an assessment.
type occurrence struct {
	Finding
	suppressed bool
}

func keyOf(f Finding) [4]string {
	return [4]string{f.Type, f.Component, f.Location, f.Name()}
}

// occurrences are told apart by what stays when a package is upgraded or another advisory speaks for the vulnerability.
func occurrences(a *Assessment) map[[4]string]occurrence {
	all := make(map[[4]string]occurrence, len(a.Findings))
	for _, f := range a.Findings {
		all[keyOf(f)] = occurrence{f, false}
	}
	for _, f := range a.Suppressed {
		all[keyOf(f.Finding)] = occurrence{f.Finding, true}
	}
	return all
}
