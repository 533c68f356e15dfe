package assess

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// Selection says which platforms of an image are asked for.
type Selection struct {
	All   bool             // every one that there is
	Nodes bool             // those that nodes run
	List  []image.Platform // these; empty for the default one
}

// maxPlatforms bounds what one request may ask for.
const maxPlatforms = 32

// ParseSelection reads "all", "nodes", or platforms with commas between them; "" is the default platform.
func ParseSelection(s string) (Selection, error) {
	switch s {
	case "":
		return Selection{}, nil
	case "all":
		return Selection{All: true}, nil
	case "nodes":
		return Selection{Nodes: true}, nil
	}
	var list []image.Platform
	for part := range strings.SplitSeq(s, ",") {
		p, err := image.ParsePlatform(strings.TrimSpace(part))
		if err != nil {
			return Selection{}, err
		}
		if p.IsZero() {
			return Selection{}, fault.New(fault.Invalid, "read platforms", "%q names an empty platform", s)
		}
		if !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	if len(list) > maxPlatforms {
		return Selection{}, fault.New(fault.Invalid, "read platforms", "%d platforms are more than %d", len(list), maxPlatforms).WithFix("Ask for all.")
	}
	return Selection{List: list}, nil
}

// One returns the single platform that is asked for, which may be the default one, or false.
func (s Selection) One() (image.Platform, bool) {
	switch {
	case s.All || s.Nodes || len(s.List) > 1:
		return image.Platform{}, false
	case len(s.List) == 0:
		return image.Platform{}, true
	}
	return s.List[0], true
}

// Platforms is the answer about several platforms of one image.
type Platforms struct {
	Reference  string           `json:"reference"`
	Platforms  []PlatformAnswer `json:"platforms"`
	Components []PlatformItem   `json:"componentDifferences"` // components that some platforms have and others have not
	Findings   []PlatformItem   `json:"vulnerabilityDifferences"`
	// The union: what is in any of them, counted once.
	ComponentCount  int                   `json:"components"`
	Vulnerabilities map[vuln.Severity]int `json:"vulnerabilities"` // distinct CVEs or advisories, as severe as where it is worst
	Verdict         Verdict               `json:"verdict"`         // the worst; undecided if a platform has no answer
}

// A PlatformAnswer is an assessment, or the reason why there is none.
type PlatformAnswer struct {
	Platform   string      `json:"platform"`
	Assessment *Assessment `json:"assessment,omitempty"`
	Error      string      `json:"error,omitempty"`
	Fix        string      `json:"fix,omitempty"`
	Code       fault.Code  `json:"code,omitempty"`
}

// A PlatformItem is a component, or a vulnerability of one, that is not on every platform.
type PlatformItem struct {
	Type      string        `json:"type"`
	Name      string        `json:"name"`
	Version   string        `json:"version"`
	ID        string        `json:"id,omitempty"` // of the vulnerability: its CVE if it has one
	Severity  vuln.Severity `json:"severity,omitempty"`
	Platforms []string      `json:"platforms"` // where it is
}

// AssessPlatforms runs the flow for several platforms. It fails when it cannot be told which there are; a platform that
// cannot be assessed is an answer of its own.
func (s *Service) AssessPlatforms(ctx context.Context, req Request, want Selection, progress Progress) (*Platforms, error) {
	list := want.List
	switch {
	case want.Nodes:
		if list = s.o.Nodes; len(list) == 0 {
			return nil, fault.New(fault.Unavailable, "find platforms", "it is not known which platforms the nodes run").
				WithFix("Say it with the server's setting --node-platforms, or name the platforms.")
		}
	case want.All:
		any, err := s.Assess(ctx, Request{Reference: req.Reference, Platform: image.AnyPlatform, Depth: Inspect}, progress)
		if err != nil {
			return nil, err
		}
		if list = any.Facts.Platforms; len(list) == 0 {
			list = []image.Platform{any.Facts.Platform}
		}
		if len(list) > maxPlatforms {
			return nil, fault.New(fault.Invalid, "find platforms", "%s has %d platforms, which are more than %d", req.Reference, len(list), maxPlatforms).
				WithFix("Name those that you need.")
		}
	}
	answers := make([]PlatformAnswer, len(list))
	var group sync.WaitGroup
	for i, p := range list {
		group.Go(func() {
			one := req
			one.Platform = p
			a, err := s.Assess(ctx, one, progress)
			answers[i] = PlatformAnswer{Platform: p.String(), Assessment: a}
			if err != nil {
				answers[i].Error, answers[i].Fix, answers[i].Code = err.Error(), fault.FixOf(err), fault.CodeOf(err)
			}
		})
	}
	group.Wait()
	if ctx.Err() != nil {
		return nil, stopped(ctx, "assess platforms", req.Reference.String())
	}
	return ComparePlatforms(req.Reference.String(), answers, req.Depth), nil
}

// StoredPlatforms compares what is stored about the platforms of an assessment's image. Those of its index that were never
// assessed are among them. No registry is asked.
func (s *Service) StoredPlatforms(ctx context.Context, id string) (*Platforms, error) {
	one, err := s.Stored(ctx, id)
	if err != nil {
		return nil, err
	}
	stored, err := s.o.Store.SummariesOf(ctx, one.Reference)
	if err != nil {
		return nil, err
	}
	var answers []PlatformAnswer
	known := map[string]bool{}
	for _, other := range stored[:min(len(stored), maxPlatforms)] {
		a := one
		if other.ID != id {
			switch a, err = s.Stored(ctx, other.ID); {
			case fault.CodeOf(err) == fault.NotFound:
				continue // replaced or deleted meanwhile
			case err != nil:
				return nil, err
			}
		}
		known[a.Platform] = true
		answers = append(answers, PlatformAnswer{Platform: a.Platform, Assessment: a})
	}
	for _, p := range one.Facts.Platforms {
		if !known[p.String()] && len(answers) < maxPlatforms {
			answers = append(answers, PlatformAnswer{Platform: p.String(), Error: "it was not assessed yet"})
		}
	}
	return ComparePlatforms(one.Reference, answers, Judge), nil
}

// ComparePlatforms makes the union of the answers and finds what they differ in.
func ComparePlatforms(reference string, answers []PlatformAnswer, depth Depth) *Platforms {
	p := &Platforms{Reference: reference, Platforms: answers}
	components, findings := map[platformKey]*PlatformItem{}, map[platformKey]*PlatformItem{}
	worst := severest{}
	scanned := 0
	for _, answer := range answers {
		a := answer.Assessment
		if a == nil {
			p.Verdict = WorseVerdict(p.Verdict, Undecided)
			continue
		}
		p.Verdict = WorseVerdict(p.Verdict, a.Verdict)
		if a.Scan.Status == NotScanned {
			continue // it has what is not known, which is no difference
		}
		scanned++
		for _, c := range a.Scan.Components {
			note(components, PlatformItem{Type: c.Type, Name: c.Name, Version: c.Version}, answer.Platform)
		}
		for _, f := range a.Findings {
			note(findings, PlatformItem{Type: f.Type, Name: f.Component, Version: f.Version, ID: f.Name(), Severity: f.Severity}, answer.Platform)
			worst.add(f)
		}
	}
	if depth != Judge {
		p.Verdict = ""
	}
	p.Vulnerabilities = worst.counts()
	p.ComponentCount = len(components)
	p.Components, p.Findings = differing(components, scanned), differing(findings, scanned)
	return p
}

// A platformKey tells items apart.
type platformKey struct{ kind, name, version, id string }

func note(items map[platformKey]*PlatformItem, i PlatformItem, platform string) {
	k := platformKey{i.Type, i.Name, i.Version, i.ID}
	had := items[k]
	if had == nil {
		had = &i
		items[k] = had
	}
	if i.Severity.Rank() < had.Severity.Rank() {
		had.Severity = i.Severity
	}
	if !slices.Contains(had.Platforms, platform) {
		had.Platforms = append(had.Platforms, platform)
	}
}

// differing lists what is not on all of so many platforms.
func differing(items map[platformKey]*PlatformItem, all int) []PlatformItem {
	list := []PlatformItem{}
	for i := range maps.Values(items) {
		if len(i.Platforms) < all {
			list = append(list, *i)
		}
	}
	slices.SortFunc(list, func(a, b PlatformItem) int {
		return cmp.Or(cmp.Compare(a.Severity.Rank(), b.Severity.Rank()), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Version, b.Version), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// verdictOrder is from best to worst.
var verdictOrder = []Verdict{"", Pass, Violations, Undecided, Fail}

// WorseVerdict is the worse of two.
func WorseVerdict(a, b Verdict) Verdict {
	if slices.Index(verdictOrder, a) > slices.Index(verdictOrder, b) {
		return a
	}
	return b
}

// ExitStatus is what the CLI exits with.
func (p *Platforms) ExitStatus(depth Depth) int {
	missing := func(a PlatformAnswer) bool { return a.Assessment == nil }
	if depth != Judge && slices.ContainsFunc(p.Platforms, missing) {
		return Undecided.ExitStatus()
	}
	return p.Verdict.ExitStatus()
}
