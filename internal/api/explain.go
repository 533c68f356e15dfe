package api

import (
	"context"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/image"
)

type imageQuery struct {
	Image string `query:"image" required:"true" minLength:"1" maxLength:"1024" example:"quay.io/org/app:1.2" doc:"an image reference, as Docker writes it"`
}

type explanation struct {
	Body *assess.Explanation
}

type consequences struct {
	Body *assess.Consequences
}

func (a *API) registerExplain() {
	register(a, "explainImage", func(ctx context.Context, in *imageQuery) (*explanation, error) {
		ref, err := image.ParseReference(in.Image)
		if err != nil {
			return nil, err
		}
		e, err := a.Assess.Explain(ctx, ref)
		return &explanation{e}, err
	})
	register(a, "integrationConsequences", func(ctx context.Context, in *byID) (*consequences, error) {
		if _, err := a.Integrations.Get(ctx, in.ID); err != nil {
			return nil, err
		}
		c, err := a.Assess.Consequences(ctx, in.ID)
		return &consequences{c}, err
	})
	register(a, "integrationChangeConsequences", func(ctx context.Context, in *integrationChangeByID) (*consequences, error) {
		draft, update, err := in.Body.draft(a.Types)
		if err != nil {
			return nil, err
		}
		draft.ID = in.ID
		changed, err := a.Integrations.Opened(ctx, draft, update)
		if err != nil {
			return nil, err
		}
		c, err := a.Assess.ChangeConsequences(ctx, changed)
		return &consequences{c}, err
	}, takes("IntegrationChange"))
}
