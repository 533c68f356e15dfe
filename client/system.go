package client

import (
	"context"
	"net/http"
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
