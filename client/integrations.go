package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integrationfile"
)

// An Integration is one connection as the API shows it: every key of the answer, also those this client does not know, so
// that what was read can be changed and sent back whole.
type Integration map[string]any

// Text is the value of a string key, or "".
func (in Integration) Text(key string) string {
	s, _ := in[key].(string)
	return s
}

// Settings is the settings object under a type's config key; nil when there is none.
func (in Integration) Settings(configKey string) map[string]any {
	m, _ := in[configKey].(map[string]any)
	return m
}

const integrationsPath = "/v1/imageintegrations"

type integrationChange struct {
	Config         Integration `json:"config"`
	UpdatePassword bool        `json:"updatePassword"`
}

// Integrations lists them by name; a name given selects exactly that one.
func (c *Client) Integrations(ctx context.Context, name string) ([]Integration, error) {
	var out struct{ Integrations []Integration }
	query := url.Values{}
	if name != "" {
		query.Set("name", name)
	}
	err := c.do(ctx, call{method: http.MethodGet, path: integrationsPath, query: query, out: &out})
	return out.Integrations, err
}

// Integration fails with fault.NotFound.
func (c *Client) Integration(ctx context.Context, id string) (Integration, error) {
	var out Integration
	err := c.do(ctx, call{method: http.MethodGet, path: integrationsPath + "/" + url.PathEscape(id), out: &out})
	return out, err
}

// CreateIntegration returns what was stored, its secrets masked.
func (c *Client) CreateIntegration(ctx context.Context, in Integration) (Integration, error) {
	var out Integration
	err := c.do(ctx, call{method: http.MethodPost, path: integrationsPath, in: in, out: &out})
	return out, err
}

// ReplaceIntegration keeps a secret that is sent as the mask and clears one that is sent empty.
func (c *Client) ReplaceIntegration(ctx context.Context, id string, in Integration) error {
	return c.do(ctx, call{method: http.MethodPut, path: integrationsPath + "/" + url.PathEscape(id), in: in})
}

// PatchIntegration keeps every stored secret unless updatePassword is true.
func (c *Client) PatchIntegration(ctx context.Context, id string, in Integration, updatePassword bool) error {
	return c.do(ctx, call{method: http.MethodPatch, path: integrationsPath + "/" + url.PathEscape(id), in: integrationChange{in, updatePassword}})
}

// DeleteIntegration fails with fault.NotFound.
func (c *Client) DeleteIntegration(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: integrationsPath + "/" + url.PathEscape(id)})
}

// ReleaseIntegration hands an integration that a file owns over to people. It fails with fault.NotFound.
func (c *Client) ReleaseIntegration(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodPost, path: integrationsPath + "/" + url.PathEscape(id) + "/release"})
}

// IntegrationFiles says what became of the files that describe integrations.
func (c *Client) IntegrationFiles(ctx context.Context) (integrationfile.Status, error) {
	var out integrationfile.Status
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/integrationfiles", out: &out})
	return out, err
}

// TestIntegration tries a connection without storing it.
func (c *Client) TestIntegration(ctx context.Context, in Integration) error {
	return c.do(ctx, call{method: http.MethodPost, path: integrationsPath + "/test", in: in})
}

// TestUpdatedIntegration tries a change of what is stored under the integration's id.
func (c *Client) TestUpdatedIntegration(ctx context.Context, in Integration, updatePassword bool) error {
	return c.do(ctx, call{method: http.MethodPost, path: integrationsPath + "/test/updated", in: integrationChange{in, updatePassword}})
}

// IntegrationTypes are the declarations of the types the server has.
func (c *Client) IntegrationTypes(ctx context.Context) ([]integration.Description, error) {
	var out struct{ Types []integration.Description }
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/integrationtypes", out: &out})
	return out.Types, err
}
