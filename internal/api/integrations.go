package api

import (
	"cmp"
	"context"
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"

	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integrationfile"
)

// integrationBody is an integration as sent; integration.Types reads it.
type integrationBody struct {
	Body json.RawMessage
}

type integrationByID struct {
	ID   string `path:"id" maxLength:"200"`
	Body json.RawMessage
}

// change is the envelope of changes, in both spellings.
type change struct {
	Config              json.RawMessage `json:"config"`
	UpdatePassword      bool            `json:"updatePassword"`
	UpdatePasswordSnake bool            `json:"update_password"`
}

func (c change) draft(types *integration.Types) (d integration.Draft, updatePassword bool, err error) {
	d, err = types.Decode(c.Config)
	return d, c.UpdatePassword || c.UpdatePasswordSnake, err
}

type integrationChange struct {
	Body change
}

type integrationChangeByID struct {
	ID   string `path:"id" maxLength:"200"`
	Body change
}

type integrationOutput struct {
	Body map[string]any
}

type integrationList struct {
	Body struct {
		Integrations []map[string]any `json:"integrations" nullable:"false"`
	}
}

type integrationTypes struct {
	Body struct {
		Types []integration.Description `json:"types" nullable:"false"`
	}
}

type integrationFiles struct {
	Body integrationfile.Status
}

func schemaRef(name string) *huma.Schema { return &huma.Schema{Ref: "#/components/schemas/" + name} }

// takes is for bodies that the type's declaration validates.
func takes(name string) func(*huma.Operation) {
	return func(op *huma.Operation) {
		op.SkipValidateBody = true
		op.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Schema: schemaRef(name)}}}
	}
}

func (a *API) registerIntegrations() {
	schemas := a.huma.OpenAPI().Components.Schemas.Map()
	schemas["Integration"] = integrationSchema(a.Types)
	schemas["IntegrationChange"] = integrationChangeSchema()
	answers := func(s *huma.Schema) func(*huma.Operation) {
		return func(op *huma.Operation) {
			op.Responses = map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/json": {Schema: s}}}}
		}
	}
	list := &huma.Schema{Type: huma.TypeObject, Required: []string{"integrations"}, Properties: map[string]*huma.Schema{
		"integrations": {Type: huma.TypeArray, Items: schemaRef("Integration")},
	}}

	register(a, "listIntegrations", a.listIntegrations, answers(list))
	register(a, "getIntegration", a.getIntegration, answers(schemaRef("Integration")))
	register(a, "createIntegration", a.createIntegration, takes("Integration"), answers(schemaRef("Integration")))
	register(a, "replaceIntegration", a.replaceIntegration, takes("Integration"))
	register(a, "patchIntegration", a.patchIntegration, takes("IntegrationChange"))
	register(a, "deleteIntegration", func(ctx context.Context, in *byID) (*done, error) {
		return &done{}, a.Integrations.Delete(ctx, in.ID)
	})
	register(a, "releaseIntegration", func(ctx context.Context, in *byID) (*done, error) {
		return &done{}, a.Integrations.Release(ctx, in.ID)
	})
	register(a, "listIntegrationFiles", func(context.Context, *struct{}) (*integrationFiles, error) {
		if a.Files == nil {
			return &integrationFiles{integrationfile.Status{Files: []integrationfile.FileStatus{}}}, nil
		}
		return &integrationFiles{a.Files()}, nil
	})
	register(a, "testIntegration", a.testIntegration, takes("Integration"))
	register(a, "testUpdatedIntegration", a.testUpdatedIntegration, takes("IntegrationChange"))
	register(a, "listIntegrationTypes", func(context.Context, *struct{}) (*integrationTypes, error) {
		var out integrationTypes
		out.Body.Types = []integration.Description{}
		for _, t := range a.Types.All() {
			out.Body.Types = append(out.Body.Types, t.Describe())
		}
		return &out, nil
	})
	register(a, "suggestIntegration", a.suggestIntegration)
}

type pastedText struct {
	Body struct {
		Image string `json:"image,omitempty" doc:"an image reference, or what else names a registry"`
		Host  string `json:"host,omitempty" doc:"the same, when image is empty"`
	}
}

type suggestion struct {
	Body integration.Suggestion
}

func (a *API) suggestIntegration(_ context.Context, in *pastedText) (*suggestion, error) {
	s, err := a.Types.Suggest(cmp.Or(in.Body.Image, in.Body.Host))
	return &suggestion{s}, err
}

func (a *API) listIntegrations(ctx context.Context, in *struct {
	Name    string `query:"name" doc:"only the integration of exactly this name"`
	Cluster string `query:"cluster" doc:"only integrations of this secured cluster"`
}) (*integrationList, error) {
	found, err := a.Integrations.List(ctx, in.Name, in.Cluster)
	if err != nil {
		return nil, err
	}
	var out integrationList
	out.Body.Integrations = make([]map[string]any, len(found))
	for i, f := range found {
		out.Body.Integrations[i] = a.Types.Encode(f)
	}
	return &out, nil
}

func (a *API) getIntegration(ctx context.Context, in *byID) (*integrationOutput, error) {
	found, err := a.Integrations.Get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &integrationOutput{a.Types.Encode(found)}, nil
}

func (a *API) createIntegration(ctx context.Context, in *integrationBody) (*integrationOutput, error) {
	draft, err := a.Types.Decode(in.Body)
	if err != nil {
		return nil, err
	}
	created, err := a.Integrations.Create(ctx, draft)
	if err != nil {
		return nil, err
	}
	return &integrationOutput{a.Types.Encode(created)}, nil
}

func (a *API) replaceIntegration(ctx context.Context, in *integrationByID) (*done, error) {
	draft, err := a.Types.Decode(in.Body)
	if err != nil {
		return nil, err
	}
	_, err = a.Integrations.Replace(ctx, in.ID, draft)
	return &done{}, err
}

func (a *API) patchIntegration(ctx context.Context, in *integrationChangeByID) (*done, error) {
	draft, update, err := in.Body.draft(a.Types)
	if err != nil {
		return nil, err
	}
	_, err = a.Integrations.Patch(ctx, in.ID, draft, update)
	return &done{}, err
}

func (a *API) testIntegration(ctx context.Context, in *integrationBody) (*done, error) {
	draft, err := a.Types.Decode(in.Body)
	if err != nil {
		return nil, err
	}
	return &done{}, a.Integrations.Test(ctx, draft)
}

func (a *API) testUpdatedIntegration(ctx context.Context, in *integrationChange) (*done, error) {
	draft, update, err := in.Body.draft(a.Types)
	if err != nil {
		return nil, err
	}
	return &done{}, a.Integrations.TestUpdated(ctx, draft, update)
}
