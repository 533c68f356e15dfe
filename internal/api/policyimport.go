package api

import (
	"context"
	"io"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/rhacspolicy"
)

type policyImportInput struct {
	uploadInput
	Partial  bool     `query:"partial" doc:"take policies without what cannot be translated, instead of refusing them"`
	DryRun   bool     `query:"dryRun" doc:"say what would become of them, and change nothing"`
	Clusters []string `query:"cluster,explode" maxItems:"1000" doc:"ID=NAME: the name here of the cluster with that ID in RHACS"`
}

type policyImportOutput struct {
	Body rhacspolicy.Imported
}

func (a *API) registerPolicyImport() {
	register(a, "importPolicies", a.importPolicies, func(op *huma.Operation) {
		op.MaxBodyBytes = rhacspolicy.MaxBytes + 1 // so that Read says what is wrong
		op.RequestBody = &huma.RequestBody{
			Required: true, Description: "RHACS's export of policies (JSON), or SecurityPolicy resources (YAML), at most 8 MiB.",
			// As application/json, huma would read the body before it is streamed.
			Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
		}
	})
}

func (a *API) importPolicies(ctx context.Context, in *policyImportInput) (*policyImportOutput, error) {
	options := rhacspolicy.Options{Partial: in.Partial, Clusters: map[string]string{}}
	for _, c := range in.Clusters {
		id, name, ok := strings.Cut(c, "=")
		if !ok {
			return nil, fault.New(fault.Invalid, "import policies", "the cluster %q is not of the form ID=NAME", c)
		}
		options.Clusters[id] = name
	}
	document, err := io.ReadAll(io.LimitReader(in.body, rhacspolicy.MaxBytes+1)) // one more than may be, so that it is refused
	if err != nil {
		return nil, fault.New(fault.Invalid, "import policies", "the body ended early")
	}
	imported, err := rhacspolicy.Import(ctx, a.Policies, document, options, identityOf(ctx).Name, in.DryRun)
	if err != nil {
		return nil, err
	}
	return &policyImportOutput{*imported}, nil
}
