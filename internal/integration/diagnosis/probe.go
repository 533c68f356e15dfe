package diagnosis

import (
	"cmp"
	"context"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// A Prober is an opened registry whose type can look at more than all registries have in common: a cloud's identity, the
// rights behind it, an API of the vendor's. Its steps come after the challenge and before the credential is tried, so that a
// credential that cannot be had is explained by what stands behind it.
type Prober interface {
	// Probe looks at one thing after another and reports each. It changes nothing, asks only hosts that the integration owns or
	// the cloud's own, and returns when the context ends.
	Probe(ctx context.Context, p Probing)
}

// Probing is what a probe works with.
type Probing struct {
	Ref image.Reference // the image that was named; its repository is empty if none was
	// Get sends GET to a path of the endpoint's own host, with the credential unless it is the zero value. Nothing is followed,
	// kept or tried twice; errors and answers hold no secret.
	Get func(ctx context.Context, path string, as distribution.Credential) (distribution.Answer, error)
	// Report adds a step. Its ID begins with the type's ID and a hyphen: "ecr-identity". Took is filled in.
	Report func(Step)
}

// Probed makes a Prober of a registry that is at one host, as those of integration.Basic, Fixed and Leased are.
func Probed(r integration.Registry, probe func(ctx context.Context, p Probing)) integration.Registry {
	return probed{r.(integration.AtOneHost), probe}
}

type probed struct {
	integration.AtOneHost
	probe func(context.Context, Probing)
}

func (p probed) Probe(ctx context.Context, with Probing) { p.probe(ctx, with) }

// Opening is an Open whose registries have a probe besides.
func Opening(
	open func(integration.Config, integration.Deps) (integration.Registry, error),
	probe func(ctx context.Context, r integration.Registry, deps integration.Deps, p Probing),
) func(integration.Config, integration.Deps) (integration.Registry, error) {
	return func(c integration.Config, deps integration.Deps) (integration.Registry, error) {
		r, err := open(c, deps)
		if err != nil {
			return nil, err
		}
		return Probed(r, func(ctx context.Context, p Probing) { probe(ctx, r, deps, p) }), nil
	}
}

// NewStep begins a step of a probe, which has passed as long as nothing is found.
func NewStep(id, title string) *Step {
	return &Step{ID: id, Title: title, Verdict: Passed, Seen: []Fact{}, Findings: []Finding{}}
}

// See adds a fact, unless there is nothing to say.
func (s *Step) See(name, value string) {
	if value != "" {
		s.Seen = append(s.Seen, Fact{Name: name, Value: value})
	}
}

// Find adds a finding. The step comes out as its worst one.
func (s *Step) Find(f Finding) {
	s.Findings = append(s.Findings, f)
	if s.Verdict != Failed {
		s.Verdict = f.Verdict
	}
}

// Fail adds an error that explains itself, under its own name if it has one.
func (s *Step) Fail(err error, name string) {
	s.Find(Finding{Name: cmp.Or(fault.NameOf(err), name), Verdict: Failed, Cause: err.Error(), Fix: fault.FixOf(err)})
}
