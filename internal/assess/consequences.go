package assess

import (
	"context"
	"slices"
	"time"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// Bounds of one look at consequences.
const (
	consequencesRead   = 20_000 // assessments
	consequencesListed = 200    // images
	consequencesPage   = 1000
)

// Consequences are the images that lose their source when an integration is deleted or changed.
type Consequences struct {
	// Images are those whose latest stored assessment was served by the integration, the latest assessed first. When it is
	// changed, those that it would still ask for at the same address are left out.
	Images []Orphan `json:"images" nullable:"false"`
	// Complete is false when there may be more images than are listed.
	Complete bool `json:"complete"`
}

// An Orphan is an image of one platform that loses its source.
type Orphan struct {
	ID         string    `json:"id"` // of the assessment
	Reference  string    `json:"reference"`
	Platform   string    `json:"platform"`
	AssessedAt time.Time `json:"assessedAt"`
	// Remaining are the candidates that would be asked instead, in order; whether one of them serves is not known. When there
	// are none, the registry would be asked without credentials.
	Remaining []Prospect `json:"remaining" nullable:"false"`
}

// Consequences of deleting the integration of that ID. It asks nobody but the store, and needs one.
func (s *Service) Consequences(ctx context.Context, id string) (*Consequences, error) {
	return s.consequences(ctx, id, func(all []integration.Candidate, ref image.Reference) []Prospect {
		return prospects(without(all, id), ref)
	})
}

// ChangeConsequences are those of making an integration what it is opened as here. It asks nobody but the store.
func (s *Service) ChangeConsequences(ctx context.Context, changed integration.Candidate) (*Consequences, error) {
	id := changed.Integration.ID
	return s.consequences(ctx, id, func(all []integration.Candidate, ref image.Reference) []Prospect {
		after := integration.Candidates(append(without(all, id), changed), ref)
		is := func(c integration.Candidate) bool { return c.Integration.ID == id }
		before := slices.IndexFunc(all, is)
		now := slices.IndexFunc(after, is)
		if now >= 0 && (before < 0 || all[before].Registry.Endpoint(ref).String() == after[now].Registry.Endpoint(ref).String()) {
			return nil
		}
		return prospects(after, ref)
	})
}

// consequences lists the images that an integration served. remaining says who would be asked for one of them instead, and is
// nil for those that keep their source.
func (s *Service) consequences(ctx context.Context, id string, remaining func(all []integration.Candidate, ref image.Reference) []Prospect) (*Consequences, error) {
	found := &Consequences{Images: []Orphan{}}
	after := ""
	for range consequencesRead / consequencesPage {
		list, next, err := s.o.Store.Assessments(ctx, "", consequencesPage, after)
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			if a.Source.ID != id {
				continue
			}
			ref, err := image.ParseReference(a.Reference)
			if err != nil {
				return nil, err
			}
			candidates, err := s.o.Sources.Candidates(ctx, ref)
			if err != nil {
				return nil, err
			}
			orphan := Orphan{ID: a.ID, Reference: a.Reference, Platform: a.Platform, AssessedAt: a.AssessedAt, Remaining: remaining(candidates, ref)}
			if orphan.Remaining == nil {
				continue
			}
			if len(found.Images) == consequencesListed {
				return found, nil
			}
			found.Images = append(found.Images, orphan)
		}
		if next == "" {
			found.Complete = true
			return found, nil
		}
		after = next
	}
	return found, nil
}

func without(all []integration.Candidate, id string) []integration.Candidate {
	return slices.DeleteFunc(slices.Clone(all), func(c integration.Candidate) bool { return c.Integration.ID == id })
}

// prospects is never nil.
func prospects(candidates []integration.Candidate, ref image.Reference) []Prospect {
	list := make([]Prospect, len(candidates))
	for i, c := range candidates {
		list[i] = prospect(c, ref)
	}
	return list
}
