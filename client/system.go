package client

import (
	"context"
	"net/http"

	"github.com/landwaiter/landwaiter/internal/policy"
)

// Ping asks whether the server answers; it needs no credentials.
func (c *Client) Ping(ctx context.Context) error {
	var out struct{ Status string }
	return c.do(ctx, call{method: http.MethodGet, path: "/v1/ping", out: &out})
}

// Metadata is what a server says about itself.
type Metadata struct {
	Version string `json:"version"`
}

// Metadata needs credentials.
func (c *Client) Metadata(ctx context.Context) (Metadata, error) {
	var out Metadata
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/metadata", out: &out})
	return out, err
}

// A Policy is a policy as the API lists it.
type Policy struct {
	ID          string          `json:"id"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Rationale   string          `json:"rationale"`
	Remediation string          `json:"remediation"`
	Severity    policy.Severity `json:"severity"`
	Categories  []string        `json:"categories"`
	Stages      []policy.Stage  `json:"stages"`
	Enforce     []policy.Stage  `json:"enforce"`
	Disabled    bool            `json:"disabled"`
}

// Policies lists the server's policies.
func (c *Client) Policies(ctx context.Context) ([]Policy, error) {
	var out struct{ Policies []Policy }
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/policies", out: &out})
	return out.Policies, err
}
