package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
)

const (
	maxIDToken = 64 << 10
	// clockSkew is by how much the clock of an issuer may be ahead or behind.
	clockSkew  = time.Minute
	exchanging = "exchange identity token"
)

// algorithms are those of signatures that only the issuer can make.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// Exchange gives a short-lived API token for an identity token of a trusted issuer. It fails with fault.Invalid for what is no
// such token, with fault.Unauthenticated for one that lets nobody in, and with fault.Unavailable if the issuer does not answer.
func (s *Service) Exchange(ctx context.Context, idToken secret.Text) (secret.Text, error) {
	signed, issuer, err := parseIDToken(idToken)
	if err != nil {
		return secret.Text{}, err
	}
	trust, err := s.store.TrustOfIssuer(ctx, issuer)
	if err != nil && fault.CodeOf(err) == fault.NotFound {
		return secret.Text{}, refused("tokens of %q are not trusted", clip(issuer)).
			WithFix("The administrator can trust it: landwaiter trust add, or POST /v1/auth/m2m.")
	}
	if err != nil {
		return secret.Text{}, err
	}
	token, err := s.verify(ctx, &trust, idToken, signed)
	if err != nil {
		return secret.Text{}, err
	}
	claims, err := claimsOf(token)
	if err != nil {
		return secret.Text{}, err
	}
	if err := trust.checkAudience(token.Audience, claims); err != nil {
		return secret.Text{}, err
	}
	role, ok := trust.roleFor(claims)
	if !ok {
		return secret.Text{}, refused("no mapping is for the claims of this token of %s", trust.Issuer).
			WithFix("Compare the token's claims with the mappings: landwaiter trust list shows them. An expression has to match the whole value.")
	}
	now := s.now().UTC()
	if err := s.store.DeleteExpiredTokens(ctx, now); err != nil {
		return secret.Text{}, err
	}
	_, access, err := s.newToken(ctx, Token{
		Name: clip("m2m:" + trust.Issuer + ":" + token.Subject), Role: role, Created: now, Expires: now.Add(trust.Lifetime), Trust: trust.Version,
	})
	return access, err
}

// parseIDToken reads the issuer, which is not to be believed yet.
func parseIDToken(idToken secret.Text) (signed *jose.JSONWebSignature, issuer string, err error) {
	malformed := fault.New(fault.Invalid, exchanging, "this is no identity token").
		WithFix("Send the token as the issuer made it, a JWT of at most %d KiB.", maxIDToken>>10)
	if len(idToken.Reveal()) > maxIDToken {
		return nil, "", malformed
	}
	signed, err = jose.ParseSignedCompact(idToken.Reveal(), algorithms)
	var algorithm *jose.ErrUnexpectedSignatureAlgorithm
	switch {
	case errors.As(err, &algorithm):
		return nil, "", refused("the signature is of an algorithm that is not accepted").WithFix("Have the issuer sign with one of: %v.", algorithms)
	case err != nil:
		return nil, "", malformed
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &claims) != nil || claims.Issuer == "" {
		return nil, "", malformed
	}
	return signed, claims.Issuer, nil
}

func (s *Service) verify(ctx context.Context, t *Trust, idToken secret.Text, signed *jose.JSONWebSignature) (*oidc.IDToken, error) {
	keys, err := s.issuers.keys(ctx, t.Issuer, signed.Signatures[0].Header.KeyID)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, refused("%s has no key of the ID that this token names", t.Issuer).WithFix("Get a new token from the issuer and try again.")
	}
	config := &oidc.Config{
		SkipClientIDCheck: true, // checkAudience does it
		// Half of the leeway that "nbf" has is left.
		Now: func() time.Time { return s.now().Add(-clockSkew) },
	}
	for _, a := range algorithms {
		config.SupportedSigningAlgs = append(config.SupportedSigningAlgs, string(a))
	}
	token, err := oidc.NewVerifier(t.Issuer, keySet{signed, keys}, config).Verify(ctx, idToken.Reveal())
	var expired *oidc.TokenExpiredError
	switch {
	case errors.As(err, &expired):
		return nil, refused("the token expired at %s", expired.Expiry.UTC().Format(time.RFC3339)).
			WithFix("Get a new token from the issuer. If it is new, compare the clocks.")
	case err != nil:
		return nil, refused("the token of %s does not hold: %v", t.Issuer, err).WithFix("Get a new token from the issuer and try again.")
	}
	return token, nil
}

// A keySet verifies a token that is parsed already.
type keySet struct {
	signed *jose.JSONWebSignature
	keys   []jose.JSONWebKey
}

func (k keySet) VerifySignature(context.Context, string) ([]byte, error) {
	for _, key := range k.keys {
		if payload, err := k.signed.Verify(key); err == nil {
			return payload, nil
		}
	}
	return nil, errors.New("it is not by a key of the issuer")
}

func (t *Trust) checkAudience(audience []string, claims map[string][]string) error {
	want := t.Audience
	if want == "" {
		want = "https://github.com/" + strings.Join(claims["repository_owner"], "")
	}
	if slices.Contains(audience, want) {
		return nil
	}
	return refused("the token is made for %q, not for %q", clip(strings.Join(audience, ", ")), clip(want)).
		WithFix("Ask the issuer for a token with the audience %s.", clip(want))
}

// claimsOf lists the values of each claim; what is inside an object is called outer.inner.
func claimsOf(token *oidc.IDToken) (map[string][]string, error) {
	var raw json.RawMessage
	var all map[string]any
	err := token.Claims(&raw)
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		err = d.Decode(&all)
	}
	if err != nil {
		return nil, refused("the claims cannot be read")
	}
	claims := map[string][]string{}
	flatten(claims, "", all)
	return claims, nil
}

func flatten(into map[string][]string, key string, value any) {
	switch v := value.(type) {
	case string:
		into[key] = append(into[key], v)
	case bool:
		into[key] = append(into[key], strconv.FormatBool(v))
	case json.Number:
		into[key] = append(into[key], v.String())
	case []any:
		for _, one := range v {
			flatten(into, key, one)
		}
	case map[string]any:
		for name, inner := range v {
			flatten(into, strings.TrimPrefix(key+"."+name, "."), inner)
		}
	}
}

func refused(format string, args ...any) *fault.Error {
	return fault.New(fault.Unauthenticated, exchanging, format, args...)
}

// clip makes text of a token fit for names and errors.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
	if len(s) > maxTokenName {
		s = strings.ToValidUTF8(s[:maxTokenName-len("…")], "") + "…"
	}
	return s
}
