package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// streamed is the media type of answers that are told as they come: one JSON object a line.
const streamed = "application/x-ndjson"

type diagnosisRequest struct {
	Accept string `header:"Accept"`
	Body   struct {
		change
		Image string `json:"image"`
	}
}

type storedDiagnosisRequest struct {
	ID     string `path:"id" maxLength:"200"`
	Accept string `header:"Accept"`
	Body   struct {
		Image string `json:"image,omitempty" maxLength:"1000" example:"registry.example/team/app:1.2" doc:"an image to be had from the registry; none if empty"`
	} `required:"false"`
}

// A progressLine is one line of a streamed diagnosis: each step as it is judged, and the whole at the end.
type progressLine struct {
	Step      *diagnosis.Step      `json:"step,omitempty"`
	Diagnosis *diagnosis.Diagnosis `json:"diagnosis,omitempty"`
}

func (a *API) registerDiagnosis() {
	answers := func(op *huma.Operation) {
		schema := func(v any) *huma.MediaType {
			return &huma.MediaType{Schema: a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(v), true, "")}
		}
		op.Responses = map[string]*huma.Response{"200": {
			Description: "Also when the test failed: see verdict.",
			Content: map[string]*huma.MediaType{
				"application/json": schema(diagnosis.Diagnosis{}),
				streamed:           schema(progressLine{}),
			},
		}}
	}
	register(a, "diagnoseIntegration", a.diagnoseDraft, answers, func(op *huma.Operation) {
		op.SkipValidateBody = true // the type's declaration validates
		schema := integrationChangeSchema()
		schema.Properties["image"] = &huma.Schema{Type: huma.TypeString, Description: "An image to be had from the registry; none if empty."}
		op.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
	})
	register(a, "diagnoseStoredIntegration", a.diagnoseStored, answers)
}

func (a *API) diagnoseDraft(ctx context.Context, in *diagnosisRequest) (*huma.StreamResponse, error) {
	draft, update, err := in.Body.draft(a.Types)
	if err != nil {
		return nil, err
	}
	c, err := a.Integrations.Opened(ctx, draft, update)
	if err != nil {
		return nil, err
	}
	return a.diagnose(c, in.Body.Image, in.Accept)
}

func (a *API) diagnoseStored(ctx context.Context, in *storedDiagnosisRequest) (*huma.StreamResponse, error) {
	c, err := a.Integrations.OpenedStored(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return a.diagnose(c, in.Body.Image, in.Accept)
}

// diagnose answers while it goes on if the client takes lines, and when it is done otherwise.
func (a *API) diagnose(c integration.Candidate, imageName, accept string) (*huma.StreamResponse, error) {
	ref, err := diagnosis.ImageOf(c, imageName)
	if err != nil {
		return nil, err
	}
	lines := strings.Contains(accept, streamed)
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		emit := func(diagnosis.Step) {}
		w := json.NewEncoder(ctx.BodyWriter())
		if lines {
			ctx.SetHeader("Content-Type", streamed)
			ctx.SetHeader("X-Accel-Buffering", "no") // proxies in between must not hold lines back
			ctx.SetStatus(http.StatusOK)
			flush := func() {}
			if rw, ok := ctx.BodyWriter().(http.ResponseWriter); ok {
				control := http.NewResponseController(rw)
				flush = func() { _ = control.Flush() }
			}
			emit = func(s diagnosis.Step) {
				if w.Encode(progressLine{Step: &s}) == nil {
					flush()
				}
			}
		}
		d := a.Diagnose(ctx.Context(), c, ref, emit)
		if lines {
			_ = w.Encode(progressLine{Diagnosis: d})
			return
		}
		ctx.SetHeader("Content-Type", "application/json")
		ctx.SetStatus(http.StatusOK)
		_ = w.Encode(d)
	}}, nil
}
