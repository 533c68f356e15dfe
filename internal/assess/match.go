package assess

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/vuln"
)

// match fills a.Check and a.Findings, and says of each component that was not checked why. Only a cancelled context is an
// error.
func (s *Service) match(ctx context.Context, a *Assessment) error {
	if a.Scan.Status == NotScanned {
		return nil
	}
	index, release := s.o.Advisories.Acquire()
	defer release()
	if index.Empty() {
		a.Check.Reason = "there is no advisory data; import some with `landwaiter vuln import PATH`"
		a.Check.Unchecked = len(a.Scan.Components)
		return nil
	}
	st := index.Status()
	a.Check.ImportedAt = &st.Imported
	if !st.Newest.IsZero() {
		a.Check.DataFrom = &st.Newest
	}
	var missed unchecked
	used := map[string]bool{}
	for i := range a.Scan.Components {
		c := &a.Scan.Components[i]
		if c.Ecosystem == "" || !index.Covers(c.Ecosystem) {
			c.Unchecked = missed.uncovered(cmp.Or(c.Ecosystem, unknownKind(*c)))
			continue
		}
		found, err := index.MatchBinary(ctx, builtFrom(*c), vuln.Package{Ecosystem: c.Ecosystem, Name: c.Name, Version: c.Version})
		if ctx.Err() != nil {
			return stopped(ctx, "match advisories", a.Reference)
		}
		if err != nil {
			c.Unchecked = missed.failed(err)
			continue
		}
		used[c.Ecosystem] = true
		for _, v := range found {
			a.Findings = append(a.Findings, Finding{
				Vulnerability: v, Component: c.Name, Version: c.Version, Type: c.Type, Location: c.Location,
				Layer: c.Layer, LayerIndex: c.LayerIndex, Line: c.Line,
			})
		}
	}
	a.Check.Unchecked = missed.count
	a.Check.Checked = len(a.Scan.Components) - missed.count
	a.Check.Status, a.Check.Reason = checkStatus(a.Check, missed)
	data := index.StatusFor(used)
	a.Check.Data = &data
	s.Age(a)
	slices.SortStableFunc(a.Findings, func(x, y Finding) int {
		return cmp.Or(
			cmp.Compare(x.Severity.Rank(), y.Severity.Rank()),
			cmp.Compare(y.Score, x.Score),
			cmp.Compare(x.Component, y.Component),
			cmp.Compare(x.ID, y.ID),
			cmp.Compare(x.Location, y.Location),
		)
	})
	return nil
}

// Age fills a.Warnings with what the age of the advisory data is worth saying now.
func (s *Service) Age(a *Assessment) {
	if a.Warnings = nil; a.Check.Data != nil {
		a.Warnings = a.Check.Data.At(s.o.Now(), s.o.MaxAge).Warnings
	}
}

// OldBefore is the time before which advisory data are too old to rely on.
func (s *Service) OldBefore() time.Time { return s.o.Now().Add(-s.o.MaxAge) }

// unknownKind words what a component without an ecosystem is.
func unknownKind(c Component) string {
	if c.PURL == "" {
		return "components without a package URL"
	}
	return c.Type + " packages of an unknown distribution"
}

// builtFrom is the source package of a component, or the component itself where there is none.
func builtFrom(c Component) vuln.Package {
	return vuln.Package{
		Ecosystem: c.Ecosystem, Name: cmp.Or(c.SourceName, c.Name), Version: cmp.Or(c.SourceVersion, c.Version),
	}
}

// unchecked gathers why components were not checked.
type unchecked struct {
	count      int
	ecosystems map[string]bool // without advisory data
	failures   int
	first      error
}

func (u *unchecked) uncovered(ecosystem string) string {
	if u.ecosystems == nil {
		u.ecosystems = map[string]bool{}
	}
	u.ecosystems[ecosystem] = true
	u.count++
	return "no advisory data for " + ecosystem
}

func (u *unchecked) failed(err error) string {
	u.first = cmp.Or(u.first, err)
	u.failures++
	u.count++
	return err.Error()
}

func (u *unchecked) String() string {
	var reasons []string
	if len(u.ecosystems) > 0 {
		reasons = append(reasons, "no advisory data for "+strings.Join(slices.Sorted(maps.Keys(u.ecosystems)), ", "))
	}
	if u.failures > 0 {
		reasons = append(reasons, fmt.Sprintf("%d could not be matched (%v)", u.failures, u.first))
	}
	return strings.Join(reasons, "; ")
}

func checkStatus(c Check, missed unchecked) (status, reason string) {
	switch total := c.Checked + c.Unchecked; {
	case total == 0:
		return Checked, "no components were found, so there was nothing to check"
	case c.Unchecked == 0:
		return Checked, ""
	case c.Checked == 0:
		status = NotChecked
	default:
		status = PartlyChecked
	}
	return status, fmt.Sprintf("%d of %d components were not checked: %s", c.Unchecked, c.Checked+c.Unchecked, &missed)
}
