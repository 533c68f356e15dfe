package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/landwaiter/landwaiter/internal/secret"
)

const trustPath = "/v1/auth/m2m"

// A Trust is an issuer whose identity tokens the server exchanges for API tokens.
type Trust struct {
	ID       string         `json:"id"`
	Type     string         `json:"type"` // GENERIC, GITHUB_ACTIONS or KUBE_SERVICE_ACCOUNT
	Issuer   string         `json:"issuer"`
	Audience string         `json:"audience"`
	Lifetime string         `json:"tokenExpirationDuration"`
	Mappings []TrustMapping `json:"mappings"`
}

// A TrustMapping gives a role to tokens with a claim.
type TrustMapping struct {
	Key        string `json:"key"`
	Expression string `json:"valueExpression"`
	Role       string `json:"role"`
}

type trustBody struct {
	Config Trust `json:"config"`
}

// Trusts lists them by issuer.
func (c *Client) Trusts(ctx context.Context) ([]Trust, error) {
	var out struct{ Configs []Trust }
	err := c.do(ctx, call{method: http.MethodGet, path: trustPath, out: &out})
	return out.Configs, err
}

// AddTrust returns it as it is stored.
func (c *Client) AddTrust(ctx context.Context, t Trust) (Trust, error) {
	var out trustBody
	err := c.do(ctx, call{method: http.MethodPost, path: trustPath, in: trustBody{t}, out: &out})
	return out.Config, err
}

// DeleteTrust is no error where there is none of that ID.
func (c *Client) DeleteTrust(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: trustPath + "/" + url.PathEscape(id)})
}

// Exchange gets an API token, valid for a short time, for an identity token of an issuer that the server trusts.
func (c *Client) Exchange(ctx context.Context, idToken secret.Text) (secret.Text, error) {
	in, out := map[string]string{"id_token": idToken.Reveal()}, map[string]string{}
	err := c.do(ctx, call{method: http.MethodPost, path: trustPath + "/exchange", in: in, out: &out})
	return secret.New(out["accessToken"]), err
}
