package api

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/danielgtaylor/huma/v2"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/rhacs"
	"github.com/landwaiter/landwaiter/internal/sbom"
)

type sbomUpload struct {
	uploadInput
	Depth string `query:"depth" enum:"scan,check" default:"check" doc:"scan: components and vulnerabilities; check: policies too"`
}

type sbomInput struct {
	ID     string `path:"id" maxLength:"200"`
	Format string `query:"format" enum:"cyclonedx,spdx,spdx3" default:"cyclonedx" doc:"CycloneDX 1.6, SPDX 2.3 or SPDX 3.0.1, each in JSON"`
}

type sbomOutput struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func (a *API) registerSBOM() {
	documents := map[string]*huma.MediaType{}
	for _, f := range sbom.Formats() {
		// A schema of an object would have huma read the body as JSON before it is streamed.
		documents[f.MediaType()] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	takesDocument := func(op *huma.Operation) {
		op.RequestBody = &huma.RequestBody{Required: true, Description: "A CycloneDX or SPDX document in JSON.", Content: documents}
	}
	register(a, "assessSBOM", a.assessSBOM, takesDocument)
	register(a, "rhacsScanSBOM", func(ctx context.Context, in *uploadInput) (*rhacsOutput, error) {
		found, err := a.assessDocument(ctx, in.body, assess.ScanIt)
		if err != nil {
			return nil, err
		}
		return rhacsAnswer(rhacs.Image(found, false))
	}, takesDocument)
	register(a, "getSBOM", a.getSBOM, func(op *huma.Operation) {
		op.Responses = map[string]*huma.Response{"200": {Content: documents}}
	})
}

func (a *API) assessSBOM(ctx context.Context, in *sbomUpload) (*assessmentOutput, error) {
	depth, err := assess.ParseDepth(in.Depth)
	if err != nil {
		return nil, err
	}
	found, err := a.assessDocument(ctx, in.body, depth)
	if err != nil {
		return nil, err
	}
	return &assessmentOutput{*found}, nil
}

func (a *API) assessDocument(ctx context.Context, body io.Reader, depth assess.Depth) (*assess.Assessment, error) {
	data, err := sbom.Bytes(body)
	if err != nil {
		return nil, err
	}
	d, err := a.parseSBOM(data)
	if err != nil {
		return nil, err
	}
	return a.Assess.AssessDocument(ctx, d, depth)
}

// parseSBOM reads one document at a time: a large one takes several times its size.
func (a *API) parseSBOM(data []byte) (*sbom.Document, error) {
	a.parsing.Lock()
	defer a.parsing.Unlock()
	return sbom.Parse(data)
}

func (a *API) getSBOM(ctx context.Context, in *sbomInput) (*sbomOutput, error) {
	format, err := sbom.ParseFormat(in.Format)
	if err != nil {
		return nil, err
	}
	found, err := a.Assess.Stored(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	d, err := found.Document("landwaiter " + a.Version)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := sbom.Write(&out, format, d); err != nil {
		return nil, err
	}
	return &sbomOutput{format.MediaType(), fmt.Sprintf("attachment; filename=%q", format.FileName(found.Reference)), out.Bytes()}, nil
}
