package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/landwaiter/landwaiter/internal/integration/health"
)

// Health lists the health of all integrations by name, without their histories.
func (c *Client) Health(ctx context.Context) ([]health.Report, error) {
	var out struct{ Health []health.Report }
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/integrationhealth", out: &out})
	return out.Health, err
}

// IntegrationHealth is the health of one with its history. It fails with fault.NotFound.
func (c *Client) IntegrationHealth(ctx context.Context, id string) (health.Report, error) {
	return c.health(ctx, http.MethodGet, id)
}

// CheckIntegrationHealth has the server look at an integration now. It fails with fault.NotFound.
func (c *Client) CheckIntegrationHealth(ctx context.Context, id string) (health.Report, error) {
	return c.health(ctx, http.MethodPost, id)
}

func (c *Client) health(ctx context.Context, method, id string) (health.Report, error) {
	var out health.Report
	err := c.do(ctx, call{method: method, path: integrationsPath + "/" + url.PathEscape(id) + "/health", out: &out})
	return out, err
}

// Expiries lists when credentials and certificates of integrations end, soonest first.
func (c *Client) Expiries(ctx context.Context) ([]health.Ending, error) {
	var out struct{ Expiries []health.Ending }
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/integrationexpiries", out: &out})
	return out.Expiries, err
}
