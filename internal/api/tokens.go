package api

import (
	"context"
	"slices"
	"time"

	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/fault"
)

type tokenMetadata struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Roles      []string   `json:"roles" nullable:"false"`
	IssuedAt   time.Time  `json:"issuedAt"`
	Expiration *time.Time `json:"expiration" doc:"null: never"`
	LastUsed   *time.Time `json:"lastUsed" doc:"null: never"`
	Revoked    bool       `json:"revoked"`
	Role       string     `json:"role"`
}

func tokenOf(t auth.Token) tokenMetadata {
	m := tokenMetadata{ID: t.ID, Name: t.Name, Role: string(t.Role), Roles: []string{string(t.Role)}, IssuedAt: t.Created, Revoked: t.Revoked}
	if !t.Expires.IsZero() {
		m.Expiration = &t.Expires
	}
	if !t.LastUsed.IsZero() {
		m.LastUsed = &t.LastUsed
	}
	return m
}

type tokenInput struct {
	Body struct {
		Name       string     `json:"name" minLength:"1" maxLength:"200"`
		Roles      []string   `json:"roles,omitempty" nullable:"true" maxItems:"10" doc:"exactly one: Administrator, Continuous Integration or Viewer; RHACS's Admin and Analyst are taken for the first and the last"`
		Role       string     `json:"role,omitempty" doc:"the older spelling of roles"`
		Expiration *time.Time `json:"expiration,omitempty" nullable:"true" doc:"never when absent"`
	}
}

type tokenOutput struct {
	Body struct {
		Token    string        `json:"token" doc:"shown only here"`
		Metadata tokenMetadata `json:"metadata"`
	}
}

type tokenList struct {
	Body struct {
		Tokens []tokenMetadata `json:"tokens" nullable:"false"`
	}
}

func (a *API) registerTokens() {
	register(a, "listTokens", func(ctx context.Context, _ *struct{}) (*tokenList, error) {
		tokens, err := a.Auth.Tokens(ctx)
		var out tokenList
		out.Body.Tokens = make([]tokenMetadata, len(tokens))
		for i, t := range tokens {
			out.Body.Tokens[i] = tokenOf(t)
		}
		return &out, err
	})
	register(a, "createToken", a.createToken)
	register(a, "generateToken", a.createToken)
	register(a, "revokeToken", func(ctx context.Context, in *byID) (*done, error) {
		return &done{}, a.Auth.RevokeToken(ctx, in.ID)
	})
}

// rhacsRoles are those of RHACS's own roles that have another name here.
var rhacsRoles = map[string]auth.Role{"Admin": auth.Administrator, "Analyst": auth.Viewer}

func (a *API) createToken(ctx context.Context, in *tokenInput) (*tokenOutput, error) {
	roles := in.Body.Roles
	if in.Body.Role != "" && !slices.Contains(roles, in.Body.Role) {
		roles = append(roles, in.Body.Role)
	}
	if len(roles) != 1 {
		return nil, fault.New(fault.Invalid, "create token", "a token has exactly one role, not %d", len(roles)).
			WithFix(`Send "roles": ["Continuous Integration"], or Viewer, or Administrator.`)
	}
	var expires time.Time
	if in.Body.Expiration != nil {
		expires = *in.Body.Expiration
	}
	role := auth.Role(roles[0])
	if same, ok := rhacsRoles[roles[0]]; ok {
		role = same
	}
	token, value, err := a.Auth.CreateToken(ctx, in.Body.Name, role, expires)
	if err != nil {
		return nil, err
	}
	var out tokenOutput
	out.Body.Token, out.Body.Metadata = value.Reveal(), tokenOf(token)
	return &out, nil
}
