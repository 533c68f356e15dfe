package assess

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/landwaiter/landwaiter/internal/exception"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/vex"
)

// Statements are the VEX documents that count.
type Statements interface {
	Current(ctx context.Context) (*vex.Set, error)
}

// Exceptions are those in force.
type Exceptions interface {
	Current(ctx context.Context) (*exception.Set, error)
}

// Suppressed is a finding that does not count, and by what.
type Suppressed struct {
	Finding
	By By `json:"by"`
}

// By is what suppresses a finding: the exception if there is one, beside which a VEX statement may say that the finding matters;
// else a statement that it does not. Such a statement leaves nothing to except, so that no exception is looked for.
type By struct {
	Exception *exception.Exception `json:"exception,omitempty" doc:"without what it is about"`
	VEX       *vex.Statement       `json:"vex,omitempty"`
}

// Kind is an exception's kind or a statement's status.
func (b By) Kind() string {
	if b.Exception != nil {
		return string(b.Exception.Kind)
	}
	return string(b.VEX.Status)
}

// Words are the kind as one would say it.
func (b By) Words() string {
	if b.Exception != nil {
		return b.Exception.Kind.Words()
	}
	return b.VEX.Status.Words()
}

// NotAffected reports whether it is said that the finding is none, rather than that it does not count for now.
func (b By) NotAffected() bool {
	if b.Exception != nil {
		return b.Exception.Kind == exception.FalsePositive
	}
	return b.VEX.Status == vex.NotAffected
}

// Text says in one line what is said, why, and by whom.
func (b By) Text() string {
	if e := b.Exception; e != nil {
		return fmt.Sprintf("%s%s, %s (%s, exception %s)", e.Kind.Words(), e.UntilText(), e.Reason, e.Author, e.ID)
	}
	text := "VEX: " + b.VEX.Status.Words()
	if why := b.VEX.Why(); why != "" {
		text += ", " + why
	}
	return text + " (" + cmp.Or(b.VEX.Author, b.VEX.Document) + ")"
}

// judgements are what people say of findings. Either may be nil.
type judgements struct {
	statements *vex.Set
	exceptions *exception.Set
}

func (s *Service) judgements(ctx context.Context) (j judgements, err error) {
	if s.o.Statements != nil {
		if j.statements, err = s.o.Statements.Current(ctx); err != nil {
			return j, err
		}
	}
	if s.o.Exceptions != nil {
		j.exceptions, err = s.o.Exceptions.Current(ctx)
	}
	return j, err
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
func (a *Assessment) setFindings(all []Finding, j judgements) {
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
	if j.statements.Name() == "" && j.exceptions.Name() == "" {
		return
	}
	a.Findings = a.Findings[:0]
	subject := a.subject()
	about := &vex.Image{Reference: subject.Reference, Digests: subject.Digests, Architecture: a.Facts.Platform.Architecture}
	of := map[[4]string]*Component{}
	known := map[*Component]vex.Component{}
	for i := range a.Scan.Components {
		c := &a.Scan.Components[i]
		of[[4]string{c.Type, c.Name, c.Version, c.Location}] = c
		known[c] = vex.Component{PURL: c.PURL, SourceName: c.SourceName, SourceVersion: c.SourceVersion, Location: c.Location}
		about.Components = append(about.Components, known[c])
	}
	exceptions := j.exceptions.On(subject)
	for _, f := range all {
		c := of[[4]string{f.Type, f.Component, f.Version, f.Location}]
		by := By{VEX: j.statements.About(about, f.names(), known[c])}
		if by.VEX == nil || !by.VEX.Status.Suppresses() {
			component := exception.Component{Name: f.Component, Version: f.Version}
			if c != nil {
				component.SourceName, component.SourceVersion = c.SourceName, c.SourceVersion
			}
			if by.Exception = exceptions.About(f.names(), component, f.FixedVersion != ""); by.Exception == nil {
				f.VEX = by.VEX
				a.Findings = append(a.Findings, f)
				continue
			}
		}
		a.Suppressed = append(a.Suppressed, Suppressed{f, by})
	}
}

// names are all that the vulnerability is known by.
func (f Finding) names() []string { return append([]string{f.ID, f.CVE}, f.Aliases...) }

// subject is what exceptions know of the image.
func (a *Assessment) subject() exception.Image {
	ref, _ := image.ParseReference(a.Reference)
	return exception.Image{Reference: ref, Digests: []image.Digest{a.Facts.Digest, a.Facts.ManifestDigest}}
}
