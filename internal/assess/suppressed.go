package assess

import (
	"cmp"
	"context"
	"slices"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/vex"
)

// Statements are the VEX documents that count.
type Statements interface {
	Current(ctx context.Context) (*vex.Set, error)
}

// Suppressed is a finding that does not count, and by what.
type Suppressed struct {
	Finding
	By By `json:"by"`
}

// By is what suppresses a finding.
type By struct {
	VEX *vex.Statement `json:"vex,omitempty"`
}

// statements are nil where none can be imported.
func (s *Service) statements(ctx context.Context) (*vex.Set, error) {
	if s.o.Statements == nil {
		return nil, nil
	}
	return s.o.Statements.Current(ctx)
}

// found are all findings, whether they count or not, as matching gave them.
func (a *Assessment) found() []Finding {
	all := slices.Clone(a.Findings)
	for _, f := range a.Suppressed {
		all = append(all, f.Finding)
	}
	for i := range all {
		all[i].VEX = nil
	}
	return all
}

// setFindings sorts findings, those that count from those that do not.
func (a *Assessment) setFindings(all []Finding, statements *vex.Set) {
	slices.SortStableFunc(all, func(x, y Finding) int {
		return cmp.Or(
			cmp.Compare(x.Severity.Rank(), y.Severity.Rank()),
			cmp.Compare(y.Score, x.Score),
			cmp.Compare(x.Component, y.Component),
			cmp.Compare(x.ID, y.ID),
			cmp.Compare(x.Location, y.Location),
		)
	})
	a.Findings, a.Suppressed = append([]Finding{}, all...), nil
	if statements.Name() == "" {
		return
	}
	a.Findings = a.Findings[:0]
	ref, _ := image.ParseReference(a.Reference)
	about := &vex.Image{
		Reference: ref, Digests: []image.Digest{a.Facts.Digest, a.Facts.ManifestDigest}, Architecture: a.Facts.Platform.Architecture,
	}
	of := map[[4]string]vex.Component{}
	for _, c := range a.Scan.Components {
		known := vex.Component{PURL: c.PURL, SourceName: c.SourceName, SourceVersion: c.SourceVersion, Location: c.Location}
		about.Components = append(about.Components, known)
		of[[4]string{c.Type, c.Name, c.Version, c.Location}] = known
	}
	for _, f := range all {
		said := statements.About(about, append([]string{f.ID, f.CVE}, f.Aliases...), of[[4]string{f.Type, f.Component, f.Version, f.Location}])
		if said != nil && said.Status.Suppresses() {
			a.Suppressed = append(a.Suppressed, Suppressed{f, By{VEX: said}})
			continue
		}
		f.VEX = said
		a.Findings = append(a.Findings, f)
	}
}
