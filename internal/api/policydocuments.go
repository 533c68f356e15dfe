package api

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/yamldoc"
)

type policyEntries struct {
	Body struct {
		Policies []policy.Entry `json:"policies" nullable:"false"`
	}
}

type policyDocument struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

type validation struct {
	Body struct {
		Valid    bool            `json:"valid"`
		Problems policy.Problems `json:"problems" nullable:"false" doc:"every mistake, in the order of the text"`
		Policies []string        `json:"policies" nullable:"false" doc:"names of the policies that were read"`
	}
}

// chosenPolicies are stored ones, by name, or those of documents.
type chosenPolicies struct {
	IDs      []string `json:"ids,omitempty" maxItems:"1000" doc:"names of policies that the server has"`
	Document string   `json:"document,omitempty" doc:"or policies as documents, YAML or JSON"`
}

type policyTestInput struct {
	Body struct {
		chosenPolicies
		Image      string       `json:"image,omitempty" maxLength:"1000" doc:"the latest stored check of this reference is taken"`
		Assessment string       `json:"assessment,omitempty" maxLength:"200" doc:"or the ID of a stored one"`
		Platform   string       `json:"platform,omitempty" maxLength:"100"`
		Live       bool         `json:"live,omitempty" doc:"look at the image anew, which is not kept"`
		Stage      policy.Stage `json:"stage,omitempty" enum:"build,deploy" doc:"each policy's first one when empty"`
	}
}

type policyTestOutput struct {
	Body assess.PolicyTest
}

type dryRunInput struct {
	Body struct {
		chosenPolicies
		Query string `json:"query,omitempty" maxLength:"500" doc:"only images with this in their reference, in any case"`
		Limit int    `json:"limit,omitempty" minimum:"1" maximum:"10000" default:"1000" doc:"images listed; all are counted"`
	}
}

type dryRunOutput struct {
	Body assess.DryRun
}

func (a *API) registerPolicyDocuments() {
	takesDocuments := func(op *huma.Operation) {
		binary := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
		op.RequestBody = &huma.RequestBody{
			Required: true, Description: "Policies as YAML documents, or one as JSON, at most 1 MiB.",
			Content: map[string]*huma.MediaType{"application/yaml": binary, "application/octet-stream": binary},
		}
	}
	register(a, "listPolicyDocuments", func(ctx context.Context, _ *struct{}) (*policyEntries, error) {
		return entriesOf(a.Policies.Entries(ctx))
	})
	register(a, "applyPolicies", func(ctx context.Context, in *uploadInput) (*policyEntries, error) {
		documents, err := readDocuments(in.body)
		if err != nil {
			return nil, err
		}
		return entriesOf(a.Policies.Apply(ctx, documents, identityOf(ctx).Name))
	}, takesDocuments)
	register(a, "replacePolicy", a.replacePolicy, takesDocuments)
	register(a, "validatePolicies", a.validatePolicies, takesDocuments)
	register(a, "getPolicyDocument", func(ctx context.Context, in *struct {
		ID     string `path:"id" maxLength:"200"`
		Accept string `header:"Accept" doc:"application/json for JSON; else YAML, as it was written"`
	}) (*policyDocument, error) {
		e, err := a.Policies.Entry(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		if !strings.Contains(in.Accept, "json") {
			return &policyDocument{"application/yaml", e.Document}, nil
		}
		written, err := e.JSON()
		return &policyDocument{"application/json", written}, err
	}, func(op *huma.Operation) {
		text := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
		op.Responses = map[string]*huma.Response{"200": {Content: map[string]*huma.MediaType{"application/yaml": text, "application/json": text}}}
	})
	register(a, "testPolicies", a.testPolicies)
	register(a, "dryRunPolicies", func(ctx context.Context, in *dryRunInput) (*dryRunOutput, error) {
		set, err := a.chosen(ctx, in.Body.chosenPolicies)
		if err != nil {
			return nil, err
		}
		found, err := a.Assess.DryRun(ctx, assess.DryRunRequest{Policies: set.Policies(), Query: in.Body.Query, Limit: in.Body.Limit})
		if err != nil {
			return nil, err
		}
		return &dryRunOutput{*found}, nil
	})
}

func entriesOf(entries []policy.Entry, err error) (*policyEntries, error) {
	if err != nil {
		return nil, err
	}
	var out policyEntries
	out.Body.Policies = entries
	return &out, nil
}

func readDocuments(body io.Reader) ([]byte, error) {
	documents, err := io.ReadAll(io.LimitReader(body, yamldoc.MaxBytes+1)) // one more than may be, so that it is refused
	if err != nil {
		return nil, fault.New(fault.Invalid, "read policies", "the body ended early")
	}
	return documents, nil
}

func (a *API) replacePolicy(ctx context.Context, in *struct {
	uploadInput
	ID string `path:"id" maxLength:"200"`
}) (*policyEntries, error) {
	documents, err := readDocuments(in.body)
	if err != nil {
		return nil, err
	}
	policies, err := policy.Parse(documents)
	if err != nil {
		return nil, err
	}
	if len(policies) != 1 || policies[0].ID != in.ID {
		return nil, fault.New(fault.Invalid, "replace policy", "the body must be one document whose metadata.name is %s", in.ID).
			WithFix("Send several, or another one, with POST /v1/policies.")
	}
	return entriesOf(a.Policies.Apply(ctx, documents, identityOf(ctx).Name))
}

func (a *API) validatePolicies(_ context.Context, in *uploadInput) (*validation, error) {
	documents, err := readDocuments(in.body)
	if err != nil {
		return nil, err
	}
	var out validation
	out.Body.Problems, out.Body.Policies = policy.Problems{}, []string{}
	policies, err := policy.Parse(documents)
	if err != nil && !errors.As(err, &out.Body.Problems) {
		return nil, err
	}
	out.Body.Valid = err == nil
	for _, p := range policies {
		out.Body.Policies = append(out.Body.Policies, p.ID)
	}
	return &out, nil
}

// chosen compiles what was chosen.
func (a *API) chosen(ctx context.Context, c chosenPolicies) (*policy.Set, error) {
	switch {
	case (c.Document == "") == (len(c.IDs) == 0):
		return nil, fault.New(fault.Invalid, "choose policies", "either ids or a document must be given")
	case c.Document != "":
		policies, err := policy.Parse([]byte(c.Document))
		if err != nil {
			return nil, err
		}
		return policy.Compile(policies)
	}
	for _, id := range c.IDs {
		if _, err := a.Policies.Entry(ctx, id); err != nil {
			return nil, err
		}
	}
	set, err := a.Policies.Current(ctx)
	if err != nil {
		return nil, err
	}
	return set.Only(func(p policy.Policy) bool { return slices.Contains(c.IDs, p.ID) }), nil
}

func (a *API) testPolicies(ctx context.Context, in *policyTestInput) (*policyTestOutput, error) {
	set, err := a.chosen(ctx, in.Body.chosenPolicies)
	if err != nil {
		return nil, err
	}
	found, err := a.toTest(ctx, in)
	if err != nil {
		return nil, err
	}
	test, err := a.Assess.TestPolicies(ctx, set, in.Body.Stage, found)
	if err != nil {
		return nil, err
	}
	return &policyTestOutput{*test}, nil
}

// toTest is the image that policies are tried on.
func (a *API) toTest(ctx context.Context, in *policyTestInput) (*assess.Assessment, error) {
	b := in.Body
	if b.Assessment != "" {
		return a.Assess.Stored(ctx, b.Assessment)
	}
	ref, err := image.ParseReference(b.Image)
	if err != nil {
		return nil, err
	}
	platform, err := image.ParsePlatform(b.Platform)
	if err != nil {
		return nil, err
	}
	if b.Live {
		return a.Assess.Assess(ctx, assess.Request{Reference: ref, Platform: platform, Depth: assess.ScanIt}, assess.Progress{})
	}
	return a.Assess.StoredOf(ctx, ref, platform)
}
