package assess

import (
	"context"
	"time"

	"github.com/landwaiter/landwaiter/internal/image"
)

// Bounds of one look at consequences.
const (
	consequencesRead   = 20_000 // assessments
	consequencesListed = 200    // images
	consequencesPage   = 1000
)

// Consequences are the images that lose their source when an integration is deleted.
type Consequences struct {
	// Images are those whose latest stored assessment was served by the integration, the latest assessed first.
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
			if len(found.Images) == consequencesListed {
				return found, nil
			}
			remaining, err := s.without(ctx, id, a.Reference)
			if err != nil {
				return nil, err
			}
			found.Images = append(found.Images, Orphan{
				ID: a.ID, Reference: a.Reference, Platform: a.Platform, AssessedAt: a.AssessedAt, Remaining: remaining,
			})
		}
		if next == "" {
			found.Complete = true
			return found, nil
		}
		after = next
	}
	return found, nil
}

// without are the candidates for an image other than one integration.
func (s *Service) without(ctx context.Context, id, reference string) ([]Prospect, error) {
	ref, err := image.ParseReference(reference)
	if err != nil {
		return nil, err
	}
	candidates, err := s.o.Sources.Candidates(ctx, ref)
	if err != nil {
		return nil, err
	}
	list := []Prospect{}
	for _, c := range candidates {
		if c.Integration.ID != id {
			list = append(list, prospect(c, ref))
		}
	}
	return list, nil
}
