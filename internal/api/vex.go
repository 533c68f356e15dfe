package api

import (
	"context"
	"io"

	"github.com/danielgtaylor/huma/v2"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/vex"
)

type vexList struct {
	Body struct {
		Documents []vex.Info `json:"documents" nullable:"false"`
	}
}

type vexOutput struct {
	Body vex.Info
}

func (a *API) registerVEX() {
	register(a, "listVEX", func(ctx context.Context, _ *struct{}) (*vexList, error) {
		var out vexList
		var err error
		out.Body.Documents, err = a.VEX.List(ctx)
		return &out, err
	})
	register(a, "importVEX", a.importVEX, func(op *huma.Operation) {
		op.RequestBody = &huma.RequestBody{
			Required: true, Description: "An OpenVEX, CycloneDX or CSAF VEX document in JSON.",
			// As application/json, huma would read the body before it is streamed.
			Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
		}
	})
	register(a, "deleteVEX", func(ctx context.Context, in *struct {
		Key string `path:"key" maxLength:"1000" doc:"the document's key, or its ID"`
	}) (*done, error) {
		return &done{}, a.VEX.Delete(ctx, in.Key)
	})
}

func (a *API) importVEX(ctx context.Context, in *uploadInput) (*vexOutput, error) {
	body, err := io.ReadAll(io.LimitReader(in.body, vex.MaxSize+1)) // one more than may be, so that it is refused
	if err != nil {
		return nil, fault.New(fault.Invalid, "import VEX document", "the body ended early")
	}
	info, err := a.VEX.Import(ctx, body)
	return &vexOutput{info}, err
}
