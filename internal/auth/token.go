package auth

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
)

const (
	tokenPrefix  = "lw_"
	maxTokenName = 200
	// touchEvery is how exactly the last use of a token is known.
	touchEvery = time.Minute
	lastYear   = 2261 // nanoseconds since 1970 end in the next
)

// CreateToken makes an API token that is valid until expires, or for ever if that is zero. The second value is the token,
// which cannot be read again.
func (s *Service) CreateToken(ctx context.Context, name string, role Role, expires time.Time) (Token, secret.Text, error) {
	const op = "create token"
	name = strings.TrimSpace(name)
	now := s.now().UTC()
	switch {
	case name == "":
		return Token{}, secret.Text{}, fault.New(fault.Invalid, op, "a name is missing").WithFix("Name the program that will use the token.")
	case len(name) > maxTokenName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return Token{}, secret.Text{}, fault.New(fault.Invalid, op, "the name is longer than %d bytes or holds control characters", maxTokenName)
	case !slices.Contains(Roles(), role):
		return Token{}, secret.Text{}, noRole(op, role)
	case !expires.IsZero() && !expires.After(now):
		return Token{}, secret.Text{}, fault.New(fault.Invalid, op, "the token would have expired already").WithFix("Give a time in the future.")
	case expires.Year() > lastYear:
		return Token{}, secret.Text{}, fault.New(fault.Invalid, op, "a token cannot be valid until %d", expires.Year()).WithFix("Give an earlier time, or none for a token that never expires.")
	}
	t := Token{Name: name, Role: role, Created: now}
	if !expires.IsZero() {
		t.Expires = expires.UTC()
	}
	return s.newToken(ctx, t)
}

// newToken gives a token its ID and its value, and stores it.
func (s *Service) newToken(ctx context.Context, t Token) (Token, secret.Text, error) {
	random, err := s.random()
	if err != nil {
		return Token{}, secret.Text{}, err
	}
	id, err := uuid.NewRandomFromReader(s.rand)
	if err != nil {
		return Token{}, secret.Text{}, fault.Wrap(fault.Internal, "create token", "make an ID", err)
	}
	value := tokenPrefix + random
	t.ID, t.Hash = id.String(), hashOf(value)
	if err := s.store.CreateToken(ctx, t); err != nil {
		return Token{}, secret.Text{}, err
	}
	return t, secret.New(value), nil
}

// Tokens lists those that people made, revoked and expired ones included.
func (s *Service) Tokens(ctx context.Context) ([]Token, error) { return s.store.Tokens(ctx) }

// RevokeToken ends a token at once.
func (s *Service) RevokeToken(ctx context.Context, id string) error {
	return s.store.RevokeToken(ctx, id)
}

// Bearer checks an API token.
func (s *Service) Bearer(ctx context.Context, token secret.Text) (Identity, error) {
	value := token.Reveal()
	if !isToken(value) {
		return Identity{}, badToken("it is not a token of this server")
	}
	t, err := s.store.TokenByHash(ctx, hashOf(value))
	if fault.CodeOf(err) == fault.NotFound && err != nil {
		return Identity{}, badToken("it is not a token of this server")
	}
	if err != nil {
		return Identity{}, err
	}
	now := s.now().UTC()
	switch {
	case t.Revoked:
		return Identity{}, badToken("it was revoked")
	case !t.Expires.IsZero() && !now.Before(t.Expires):
		return Identity{}, badToken("it expired at " + t.Expires.Format(time.RFC3339))
	}
	if now.Sub(t.LastUsed) >= touchEvery {
		// The token is good even if its use cannot be noted.
		_ = s.store.TouchToken(ctx, t.ID, now)
	}
	return Identity{Subject: "token:" + t.ID, Name: t.Name, Role: t.Role, Expires: t.Expires}, nil
}

func isToken(value string) bool {
	random, ok := strings.CutPrefix(value, tokenPrefix)
	return ok && len(random) == base64.RawURLEncoding.EncodedLen(32)
}

func badToken(why string) error {
	return fault.New(fault.Unauthenticated, "check API token", "%s", why).WithFix("Create a new API token and use that.")
}

func noRole(op string, r Role) *fault.Error {
	return fault.New(fault.Invalid, op, "there is no role %q", r).WithFix("Use one of: %s.", roleNames())
}

func roleNames() string {
	var names []string
	for _, r := range Roles() {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}
