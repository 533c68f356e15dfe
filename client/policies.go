package client

import (
	"bytes"
	"context"
	"net/http"
	"net/url"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/policy"
)

const policiesPath = "/v1/policies"

// Policies are those that count on the server.
type Policies struct{ c *Client }

// Policies asks nothing yet.
func (c *Client) Policies() Policies { return Policies{c} }

type policyEntries struct{ Policies []policy.Entry }

// Entries are by ID, without their documents.
func (p Policies) Entries(ctx context.Context) ([]policy.Entry, error) {
	var out policyEntries
	err := p.c.do(ctx, call{method: http.MethodGet, path: "/v1/policydocuments", out: &out})
	return out.Policies, err
}

// Document is a policy's, in YAML as it was written. It fails with fault.NotFound.
func (p Policies) Document(ctx context.Context, id string) ([]byte, error) {
	var out []byte
	err := p.c.do(ctx, call{method: http.MethodGet, path: pathOf(id) + "/document", text: &out})
	return out, err
}

// Apply creates or replaces the policies of YAML documents, all of them or none.
func (p Policies) Apply(ctx context.Context, documents []byte) ([]policy.Entry, error) {
	var out policyEntries
	err := p.c.do(ctx, call{
		method: http.MethodPost, path: policiesPath, body: bytes.NewReader(documents), bodyType: "application/yaml", bodySize: int64(len(documents)), out: &out,
	})
	return out.Policies, err
}

// Turn switches a policy on or off, or enforces it. It fails with fault.NotFound.
func (p Policies) Turn(ctx context.Context, id string, s policy.Switch) error {
	return p.c.do(ctx, call{method: http.MethodPatch, path: pathOf(id), in: s})
}

// Delete fails with fault.NotFound. A built-in policy that was replaced comes back.
func (p Policies) Delete(ctx context.Context, id string) error {
	return p.c.do(ctx, call{method: http.MethodDelete, path: pathOf(id)})
}

// ChosenPolicies are stored ones, by ID, or those of YAML documents.
type ChosenPolicies struct {
	IDs      []string `json:"ids,omitempty"`
	Document string   `json:"document,omitempty"`
}

// A PolicyTest asks why an image breaks policies. An empty platform or stage is the server's choice.
type PolicyTest struct {
	ChosenPolicies
	Image    string       `json:"image"`
	Platform string       `json:"platform,omitempty"`
	Stage    policy.Stage `json:"stage,omitempty"`
	Live     bool         `json:"live,omitempty"` // look at the image anew instead of taking what is stored
}

// Test fails with fault.NotFound when nothing is stored of the image, and with an *assess.Unserved when it is to be looked at
// and no integration could serve it.
func (p Policies) Test(ctx context.Context, t PolicyTest) (*assess.PolicyTest, error) {
	var out assess.PolicyTest
	if err := p.c.do(ctx, call{method: http.MethodPost, path: policiesPath + "/test", in: t, out: &out}); err != nil {
		return nil, err
	}
	return &out, nil
}

// DryRun says which of the server's stored images policies would refuse. query is part of their references; limit bounds those
// that are listed.
func (p Policies) DryRun(ctx context.Context, chosen ChosenPolicies, query string, limit int) (*assess.DryRun, error) {
	in := struct {
		ChosenPolicies
		Query string `json:"query,omitempty"`
		Limit int    `json:"limit"`
	}{chosen, query, limit}
	var out assess.DryRun
	if err := p.c.do(ctx, call{method: http.MethodPost, path: policiesPath + "/dryrun", in: in, out: &out}); err != nil {
		return nil, err
	}
	return &out, nil
}

func pathOf(id string) string { return policiesPath + "/" + url.PathEscape(id) }
