package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/landwaiter/landwaiter/internal/secret"
)

const tokensPath = "/v1/apitokens"

// A Token is an API token without its value.
type Token struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Role       string     `json:"role"`
	IssuedAt   time.Time  `json:"issuedAt"`
	Expiration *time.Time `json:"expiration"` // nil: never
	LastUsed   *time.Time `json:"lastUsed"`   // nil: never
	Revoked    bool       `json:"revoked"`
}

// Tokens lists the API tokens.
func (c *Client) Tokens(ctx context.Context) ([]Token, error) {
	var out struct{ Tokens []Token }
	err := c.do(ctx, call{method: http.MethodGet, path: tokensPath, out: &out})
	return out.Tokens, err
}

// CreateToken returns the token's value, which cannot be read again. A zero expiry means never.
func (c *Client) CreateToken(ctx context.Context, name, role string, expires time.Time) (Token, secret.Text, error) {
	in := struct {
		Name       string     `json:"name"`
		Roles      []string   `json:"roles"`
		Expiration *time.Time `json:"expiration,omitempty"`
	}{Name: name, Roles: []string{role}}
	if !expires.IsZero() {
		in.Expiration = &expires
	}
	var out struct {
		Token    secret.Text
		Metadata Token
	}
	err := c.do(ctx, call{method: http.MethodPost, path: tokensPath + "/generate", in: in, out: &out})
	return out.Metadata, out.Token, err
}

// RevokeToken makes a token useless.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: tokensPath + "/" + url.PathEscape(id)})
}
