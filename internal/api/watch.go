package api

import (
	"context"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/watch"
)

type watchedList struct {
	Body struct {
		WatchedImages []watch.Image `json:"watchedImages" nullable:"false"`
	}
}

type watchInput struct {
	Body camelCase[struct {
		Name string `json:"name" required:"false" doc:"a reference with a tag, without a digest"`
	}]
}

// watchOutput is RHACS's: a bad name is told in an answer of status 200.
type watchOutput struct {
	Body struct {
		NormalizedName string `json:"normalizedName"`
		ErrorType      string `json:"errorType" doc:"NO_ERROR or INVALID_IMAGE_NAME"`
		ErrorMessage   string `json:"errorMessage"`
	}
}

func (a *API) registerWatch() {
	register(a, "listWatched", func(ctx context.Context, _ *struct{}) (*watchedList, error) {
		var out watchedList
		var err error
		out.Body.WatchedImages, err = a.Watch.List(ctx)
		return &out, err
	})
	register(a, "watchImage", func(ctx context.Context, in *watchInput) (*watchOutput, error) {
		var out watchOutput
		name, err := a.Watch.Add(ctx, in.Body.Value.Name, identityOf(ctx).Name)
		out.Body.NormalizedName, out.Body.ErrorType = name, "NO_ERROR"
		if err != nil && fault.CodeOf(err) == fault.Invalid {
			out.Body.ErrorType, out.Body.ErrorMessage = "INVALID_IMAGE_NAME", err.Error()
			return &out, nil
		}
		return &out, err
	})
	register(a, "unwatchImage", func(ctx context.Context, in *struct {
		Name string `query:"name" maxLength:"1000"`
	}) (*done, error) {
		return &done{}, a.Watch.Remove(ctx, in.Name)
	})
}
