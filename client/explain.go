package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/landwaiter/landwaiter/internal/assess"
)

// Explain says which integrations of the server would be asked for an image, in which order and why. No registry is asked.
func (c *Client) Explain(ctx context.Context, image string) (*assess.Explanation, error) {
	var out assess.Explanation
	if err := c.do(ctx, call{method: http.MethodGet, path: "/v1/explain", query: url.Values{"image": {image}}, out: &out}); err != nil {
		return nil, err
	}
	return &out, nil
}

// History says what changed for an image, of each platform that the server keeps. It fails with fault.NotFound.
func (c *Client) History(ctx context.Context, image string) ([]assess.History, error) {
	var out struct{ Images []assess.History }
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/history", query: url.Values{"image": {image}}, out: &out})
	return out.Images, err
}

// Rematching says how far the server's stored images are matched with the newest advisories and VEX documents.
func (c *Client) Rematching(ctx context.Context) (assess.Rematching, error) {
	var out assess.Rematching
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/rematching", out: &out})
	return out, err
}

// Consequences says which images would lose their source if an integration were deleted. It fails with fault.NotFound.
func (c *Client) Consequences(ctx context.Context, id string) (*assess.Consequences, error) {
	var out assess.Consequences
	if err := c.do(ctx, call{method: http.MethodGet, path: integrationsPath + "/" + url.PathEscape(id) + "/consequences", out: &out}); err != nil {
		return nil, err
	}
	return &out, nil
}

// ChangeConsequences says which images would lose their source if an integration were changed as PatchIntegration does it.
func (c *Client) ChangeConsequences(ctx context.Context, id string, in Integration, updatePassword bool) (*assess.Consequences, error) {
	var out assess.Consequences
	path := integrationsPath + "/" + url.PathEscape(id) + "/consequences"
	if err := c.do(ctx, call{method: http.MethodPost, path: path, in: integrationChange{in, updatePassword}, out: &out}); err != nil {
		return nil, err
	}
	return &out, nil
}
