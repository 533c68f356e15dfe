package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
)

type identityKey struct{}

func identityOf(ctx context.Context) auth.Identity {
	id, _ := ctx.Value(identityKey{}).(auth.Identity)
	return id
}

// admit lets callers through who hold a permission.
func (a *API) admit(needs auth.Permission) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if needs == anyone {
			next(ctx)
			return
		}
		id, err := a.signIn(ctx.Context(), ctx.Header("Authorization"))
		if err == nil && needs != signedIn && !id.May(needs) {
			err = fault.New(fault.Forbidden, "", "the role %q lacks the permission %q", id.Role, needs).
				WithFix("Use a token whose role has it.")
		}
		if err != nil {
			a.refuse(ctx, a.fail(ctx.Context(), err))
			return
		}
		next(huma.WithValue(ctx, identityKey{}, id))
	}
}

const bearerChallenge = `Bearer realm="Landwaiter"`

// refuse offers no Basic challenge: it would have browsers ask for a password in a dialog of their own.
func (a *API) refuse(ctx huma.Context, e *Error) {
	if e.status == fault.Unauthenticated.HTTPStatus() {
		ctx.SetHeader("WWW-Authenticate", bearerChallenge)
	}
	ctx.SetHeader("Content-Type", "application/json")
	ctx.SetStatus(e.status)
	json.NewEncoder(ctx.BodyWriter()).Encode(e)
}

const signInFix = "Send the header Authorization: Bearer TOKEN, or Basic with the user admin and its password."

// signIn reads an Authorization header; schemes are case-insensitive.
func (a *API) signIn(ctx context.Context, header string) (auth.Identity, error) {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	rest = strings.TrimSpace(rest)
	switch {
	case header == "":
		return auth.Identity{}, fault.New(fault.Unauthenticated, "", "no credentials were sent").WithFix(signInFix)
	case strings.EqualFold(scheme, "Bearer") && rest != "":
		return a.Auth.Bearer(ctx, secret.New(rest))
	case strings.EqualFold(scheme, "Basic"):
		pair, err := base64.StdEncoding.DecodeString(rest)
		user, password, ok := strings.Cut(string(pair), ":")
		if err == nil && ok {
			return a.Auth.Basic(ctx, user, secret.New(password))
		}
	}
	return auth.Identity{}, fault.New(fault.Unauthenticated, "", "the Authorization header cannot be read").WithFix(signInFix)
}
