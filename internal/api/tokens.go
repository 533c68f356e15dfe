package api

import (
	"context"
	"slices"
	"strconv"
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

type tokenMetadataOutput struct{ Body tokenMetadata }

type roleNames struct {
	Body struct {
		RoleNames []auth.Role `json:"roleNames" nullable:"false"`
	}
}

type tokenList struct {
	Body struct {
		Tokens []tokenMetadata `json:"tokens" nullable:"false"`
	}
}

func (a *API) registerTokens() {
	register(a, "listTokens", func(ctx context.Context, in *struct {
		Revoked string `query:"revoked" enum:"true,false" doc:"only those that were, or were not, revoked"`
	}) (*tokenList, error) {
		tokens, err := a.Auth.Tokens(ctx)
		var out tokenList
		out.Body.Tokens = []tokenMetadata{}
		for _, t := range tokens {
			if in.Revoked == "" || in.Revoked == strconv.FormatBool(t.Revoked) {
				out.Body.Tokens = append(out.Body.Tokens, tokenOf(t))
			}
		}
		return &out, err
	})
	register(a, "getToken", func(ctx context.Context, in *byID) (*tokenMetadataOutput, error) {
		tokens, err := a.Auth.Tokens(ctx)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(tokens, func(t auth.Token) bool { return t.ID == in.ID })
		if i < 0 {
			return nil, fault.New(fault.NotFound, "read token", "there is no token of the ID %q", in.ID)
		}
		return &tokenMetadataOutput{tokenOf(tokens[i])}, nil
	})
	register(a, "allowedRoles", func(context.Context, *struct{}) (*roleNames, error) {
		var out roleNames
		out.Body.RoleNames = auth.Roles()
		return &out, nil
	})
	register(a, "createToken", a.createToken)
	register(a, "generateToken", a.createToken)
	revoke := func(ctx context.Context, in *byID) (*done, error) { return &done{}, a.Auth.RevokeToken(ctx, in.ID) }
	register(a, "revokeToken", revoke)
	register(a, "revokeTokenAsRHACS", revoke)
}

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
	token, value, err := a.Auth.CreateToken(ctx, in.Body.Name, auth.RoleNamed(roles[0]), expires)
	if err != nil {
		return nil, err
	}
	var out tokenOutput
	out.Body.Token, out.Body.Metadata = value.Reveal(), tokenOf(token)
	return &out, nil
}
