package assess

import (
	"cmp"
	"context"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// An Explanation says who would be asked for an image, in which order and why, and how that went the last time.
type Explanation struct {
	Reference  string       `json:"reference"` // canonical
	Registry   string       `json:"registry"`
	Repository string       `json:"repository"`
	Tag        string       `json:"tag,omitempty"`
	Digest     image.Digest `json:"digest,omitempty"`
	// Anonymous: no integration is for the registry, and it would be asked without credentials.
	Anonymous  bool       `json:"anonymous"`
	Candidates []Prospect `json:"candidates" nullable:"false"` // in the order in which they would be asked, until one serves
	Last       *LastTime  `json:"last,omitempty"`
}

// A Prospect is a candidate that has not been asked.
type Prospect struct {
	Source   Source   `json:"integration"`
	Reasons  []string `json:"reasons" nullable:"false"` // for its place, and why it cannot sign in where that is known
	Endpoint string   `json:"endpoint"`                 // the address of the registry's API
	// Last is how it went when it was asked for the last assessment; nil if it was not asked then.
	Last *Attempt `json:"last,omitempty"`
	// ChangedSince: the integration is not what it was when it was asked.
	ChangedSince bool `json:"changedSince,omitempty"`
}

// LastTime is the latest stored assessment of the reference, of whatever platform.
type LastTime struct {
	ID         string    `json:"id"`
	Platform   string    `json:"platform"`
	AssessedAt time.Time `json:"assessedAt"`
	Source     Source    `json:"source"` // what served
	// Gone are the attempts through what is no candidate any more.
	Gone []Attempt `json:"gone,omitempty"`
}

// Explain asks no registry, only the store and where secrets are kept: the registry's answer to a credential is not known before it is sent. An image that was
// never served has no last time, since only assessments are kept.
func (s *Service) Explain(ctx context.Context, ref image.Reference) (*Explanation, error) {
	candidates, err := s.candidates(ctx, ref)
	if err != nil {
		return nil, err
	}
	e := &Explanation{
		Reference: ref.String(), Registry: ref.Registry, Repository: ref.Repository, Tag: ref.Tag, Digest: ref.Digest,
		Anonymous: true, Candidates: make([]Prospect, 0, len(candidates)),
	}
	var last Summary
	if s.o.Store != nil {
		last, err = s.o.Store.LatestSummary(ctx, e.Reference)
		switch {
		case err == nil:
			e.Last = &LastTime{ID: last.ID, Platform: last.Platform, AssessedAt: last.AssessedAt, Source: last.Source}
		case fault.CodeOf(err) != fault.NotFound:
			return nil, err
		}
	}
	asked := make(map[string]*Attempt, len(last.Attempts))
	for i, a := range last.Attempts {
		asked[sourceKey(a.Source)] = &last.Attempts[i]
	}
	add := func(c integration.Candidate, reasons ...string) {
		p := prospect(c, ref)
		p.Reasons = append(reasons, p.Reasons...)
		if _, err := c.Ready(ctx); err != nil {
			p.Reasons = append(p.Reasons, "cannot sign in: "+err.Error())
		}
		if p.Last = asked[sourceKey(p.Source)]; p.Last != nil {
			p.ChangedSince = c.Integration.Updated.After(last.AssessedAt)
			delete(asked, sourceKey(p.Source))
		}
		e.Anonymous = e.Anonymous && c.Integration.ID == "" && withoutCredential(c)
		e.Candidates = append(e.Candidates, p)
	}
	for _, c := range candidates {
		add(c)
		if again, ok := plainly(c); ok {
			add(again, "only if there is no answer over TLS")
		}
	}
	for _, a := range last.Attempts {
		if asked[sourceKey(a.Source)] != nil {
			e.Last.Gone = append(e.Last.Gone, a)
		}
	}
	return e, nil
}

func prospect(c integration.Candidate, ref image.Reference) Prospect {
	return Prospect{Source: sourceOf(c), Reasons: c.Reasons, Endpoint: c.Registry.Endpoint(ref).String()}
}

// sourceKey tells sources apart, also those that are not stored.
func sourceKey(s Source) string { return cmp.Or(s.ID, s.Name) }

func withoutCredential(c integration.Candidate) bool {
	r, ok := c.Registry.(interface{ Anonymous() bool })
	return ok && r.Anonymous()
}
