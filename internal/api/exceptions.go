package api

import (
	"context"
	"encoding/json"

	"github.com/landwaiter/landwaiter/internal/exception"
)

type exceptionList struct {
	Body struct {
		Exceptions []exception.Listed `json:"exceptions" nullable:"false"`
	}
}

// exceptionBody is what an answer holds, so that one can be changed and sent back.
type exceptionBody struct{ Body exception.Listed }

type exceptionOutput struct{ Body exception.Listed }

type openVEXOutput struct {
	Body struct {
		Document any                 `json:"document" doc:"OpenVEX"`
		LeftOut  []exception.LeftOut `json:"leftOut" nullable:"false" doc:"exceptions that the document cannot say"`
	}
}

func (a *API) registerExceptions() {
	register(a, "listExceptions", func(ctx context.Context, _ *struct{}) (*exceptionList, error) {
		var out exceptionList
		var err error
		out.Body.Exceptions, err = a.Exceptions.List(ctx)
		return &out, err
	})
	register(a, "getException", func(ctx context.Context, in *byID) (*exceptionOutput, error) {
		e, err := a.Exceptions.Get(ctx, in.ID)
		return &exceptionOutput{e}, err
	})
	register(a, "createException", func(ctx context.Context, in *exceptionBody) (*exceptionOutput, error) {
		e := in.Body.Exception
		e.Author = identityOf(ctx).Name
		created, err := a.Exceptions.Create(ctx, e)
		return &exceptionOutput{created}, err
	})
	register(a, "putException", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"200"`
		Body exception.Listed
	}) (*exceptionOutput, error) {
		e := in.Body.Exception
		e.ID, e.Author = in.ID, identityOf(ctx).Name
		put, err := a.Exceptions.Put(ctx, e)
		return &exceptionOutput{put}, err
	})
	register(a, "revokeException", func(ctx context.Context, in *byID) (*exceptionOutput, error) {
		e, err := a.Exceptions.Revoke(ctx, in.ID, identityOf(ctx).Name)
		return &exceptionOutput{e}, err
	})
	register(a, "deleteException", func(ctx context.Context, in *byID) (*done, error) {
		return &done{}, a.Exceptions.Delete(ctx, in.ID)
	})
	register(a, "exportExceptions", func(ctx context.Context, _ *struct{}) (*openVEXOutput, error) {
		document, left, err := a.Assess.ExportExceptions(ctx, a.Exceptions)
		var out openVEXOutput
		out.Body.Document, out.Body.LeftOut = json.RawMessage(document), left
		return &out, err
	})
}
