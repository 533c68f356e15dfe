package api

import (
	"context"
	"slices"
	"time"

	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
)

type trustMapping struct {
	Key             string `json:"key" required:"false" doc:"a claim of the token; inner ones are called outer.inner"`
	ValueExpression string `json:"valueExpression" required:"false" doc:"RE2, for the whole value"`
	Role            string `json:"role" required:"false" doc:"Administrator, Continuous Integration or Viewer; RHACS's Admin and Analyst are taken for the first and the last"`
}

// A trustConfig is RHACS's AuthMachineToMachineConfig.
type trustConfig struct {
	ID                      string         `json:"id" required:"false"`
	Type                    string         `json:"type" required:"false" doc:"GENERIC, which is meant when empty, GITHUB_ACTIONS or KUBE_SERVICE_ACCOUNT"`
	TokenExpirationDuration string         `json:"tokenExpirationDuration" required:"false" example:"1h" doc:"from 1m to 24h"`
	Mappings                []trustMapping `json:"mappings" required:"false" nullable:"false" doc:"the first one that matches decides"`
	Issuer                  string         `json:"issuer" required:"false"`
	Traits                  any            `json:"traits" required:"false" doc:"always null"`
	Audience                string         `json:"audience" required:"false" doc:"what the tokens must be made for; may be left out for GITHUB_ACTIONS, whose tokens must then be made for the owner of their repository"`
}

func (c trustConfig) trust() (t auth.Trust, err error) {
	t = auth.Trust{ID: c.ID, Type: auth.TrustType(c.Type), Issuer: c.Issuer, Audience: c.Audience}
	if c.TokenExpirationDuration != "" {
		if t.Lifetime, err = time.ParseDuration(c.TokenExpirationDuration); err != nil {
			return t, fault.New(fault.Invalid, "store trust", "tokenExpirationDuration is no duration").WithFix("Write it as 15m or 2h45m.")
		}
	}
	for _, m := range c.Mappings {
		t.Mappings = append(t.Mappings, auth.Mapping{Key: m.Key, Expression: m.ValueExpression, Role: auth.RoleNamed(m.Role)})
	}
	return t, nil
}

func configOf(t auth.Trust) trustConfig {
	c := trustConfig{
		ID: t.ID, Type: string(t.Type), TokenExpirationDuration: t.Lifetime.String(), Issuer: t.Issuer, Audience: t.Audience, Mappings: []trustMapping{},
	}
	for _, m := range t.Mappings {
		c.Mappings = append(c.Mappings, trustMapping{m.Key, m.Expression, string(m.Role)})
	}
	return c
}

type trustBody struct {
	Config trustConfig `json:"config" required:"false"`
}

type trustInput struct{ Body camelCase[trustBody] }

type trustInputByID struct {
	ID   string `path:"id" maxLength:"200"`
	Body camelCase[trustBody]
}

type trustOutput struct{ Body trustBody }

type trustList struct {
	Body struct {
		Configs []trustConfig `json:"configs" nullable:"false"`
	}
}

type exchangeInput struct {
	Body camelCase[struct {
		IDToken string `json:"idToken" required:"false" doc:"a JWT of a trusted issuer"`
	}]
}

type exchangeOutput struct {
	Body struct {
		Access string `json:"accessToken" doc:"an API token that is valid for a short time"`
	}
}

func (a *API) registerTrust() {
	register(a, "listTrusts", func(ctx context.Context, _ *struct{}) (*trustList, error) {
		trusts, err := a.Auth.Trusts(ctx)
		var out trustList
		out.Body.Configs = make([]trustConfig, len(trusts))
		for i, t := range trusts {
			out.Body.Configs[i] = configOf(t)
		}
		return &out, err
	})
	register(a, "getTrust", func(ctx context.Context, in *byID) (*trustOutput, error) {
		trusts, err := a.Auth.Trusts(ctx)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(trusts, func(t auth.Trust) bool { return t.ID == in.ID })
		if i < 0 {
			return nil, fault.New(fault.NotFound, "read trust", "there is no trust of the ID %q", in.ID)
		}
		return &trustOutput{trustBody{configOf(trusts[i])}}, nil
	})
	register(a, "createTrust", func(ctx context.Context, in *trustInput) (*trustOutput, error) {
		in.Body.Value.Config.ID = ""
		t, err := a.putTrust(ctx, in.Body.Value.Config)
		return &trustOutput{trustBody{configOf(t)}}, err
	})
	register(a, "replaceTrust", func(ctx context.Context, in *trustInputByID) (*done, error) {
		in.Body.Value.Config.ID = in.ID
		_, err := a.putTrust(ctx, in.Body.Value.Config)
		return &done{}, err
	})
	register(a, "deleteTrust", func(ctx context.Context, in *byID) (*done, error) {
		return &done{}, a.Auth.DeleteTrust(ctx, in.ID)
	})
	register(a, "exchangeToken", func(ctx context.Context, in *exchangeInput) (*exchangeOutput, error) {
		access, err := a.Auth.Exchange(ctx, secret.New(in.Body.Value.IDToken))
		var out exchangeOutput
		out.Body.Access = access.Reveal()
		return &out, err
	})
}

func (a *API) putTrust(ctx context.Context, c trustConfig) (auth.Trust, error) {
	t, err := c.trust()
	if err != nil {
		return t, err
	}
	return a.Auth.PutTrust(ctx, t)
}
