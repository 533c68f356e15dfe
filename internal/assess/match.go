package assess

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/landwaiter/landwaiter/internal/vuln"
)

// match fills a.Check and a.Findings, and says of each component that was not checked why.
func (s *Service) match(ctx context.Context, a *Assessment) error {
	if a.Scan.Status == NotScanned {
		return nil
	}
	index, release := s.Advisories.Acquire()
	defer release()
	if index.Empty() {
		a.Check.Reason = "there is no advisory data; import some with `landwaiter vuln import PATH`"
		a.Check.Unchecked = len(a.Scan.Components)
		return nil
	}
	st := index.Status()
	a.Check.DataFrom, a.Check.ImportedAt = &st.Newest, &st.Imported
	uncovered := map[string]bool{}
	for i := range a.Scan.Components {
		c := &a.Scan.Components[i]
		if err := ctx.Err(); err != nil {
			return err
		}
		if c.Ecosystem == "" || !index.Covers(c.Ecosystem) {
			c.Unchecked = "no advisory data for " + cmp.Or(c.Ecosystem, c.Type+" packages of an unknown distribution")
			uncovered[cmp.Or(c.Ecosystem, c.Type)] = true
			continue
		}
		found, err := index.Match(ctx, packageOf(*c))
		if err != nil {
			c.Unchecked = err.Error()
			continue
		}
		for _, v := range found {
			a.Findings = append(a.Findings, Finding{
				Vulnerability: v, Component: c.Name, Version: c.Version, Type: c.Type, Location: c.Location,
				Layer: c.Layer, LayerIndex: c.LayerIndex, Line: c.Line,
			})
		}
	}
	for _, c := range a.Scan.Components {
		if c.Unchecked == "" {
			a.Check.Checked++
		} else {
			a.Check.Unchecked++
		}
	}
	a.Check.Status, a.Check.Reason = checkStatus(a.Check, uncovered)
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

// packageOf is what advisories speak of: for operating system packages the source package, as the OSV schema has it; but
// AlmaLinux's and Red Hat's records name the packages that are installed.
func packageOf(c Component) vuln.Package {
	if strings.HasPrefix(c.Ecosystem, "AlmaLinux") || strings.HasPrefix(c.Ecosystem, "Red Hat") {
		return vuln.Package{Ecosystem: c.Ecosystem, Name: c.Name, Version: c.Version}
	}
	return vuln.Package{
		Ecosystem: c.Ecosystem, Name: cmp.Or(c.SourceName, c.Name), Version: cmp.Or(c.SourceVersion, c.Version),
	}
}

func checkStatus(c Check, uncovered map[string]bool) (status, reason string) {
	switch {
	case c.Unchecked == 0:
		return Checked, ""
	case c.Checked == 0:
		status = NotChecked
	default:
		status = PartlyChecked
	}
	reason = fmt.Sprintf("%d of %d components were not checked", c.Unchecked, c.Checked+c.Unchecked)
	if len(uncovered) > 0 {
		names := make([]string, 0, len(uncovered))
		for n := range uncovered {
			names = append(names, n)
		}
		slices.Sort(names)
		reason += ": no advisory data for " + strings.Join(names, ", ")
	}
	return status, reason
}
