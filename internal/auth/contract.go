// Package auth decides who someone is and what they may do: the administrator's password, API tokens, portal sessions,
// roles. It routes nothing.
package auth

import (
	"context"
	"io"
	"time"

	"github.com/landwaiter/landwaiter/internal/secret"
)

// CONTRACT (temporary): signatures other packages rely on. Replace with real files.

// A Permission is what an operation needs.
type Permission string

const (
	ReadIntegrations  Permission = "integrations:read"
	WriteIntegrations Permission = "integrations:write"
	ReadImages        Permission = "images:read"
	ScanImages        Permission = "images:scan"
	WriteAdvisories   Permission = "advisories:write"
	ManageTokens      Permission = "tokens:write"
)

// A Role is a named set of permissions: Administrator, "Continuous Integration" (scan and read images), Viewer (read).
type Role string

const (
	Administrator         Role = "Administrator"
	ContinuousIntegration Role = "Continuous Integration"
	Viewer                Role = "Viewer"
)

// An Identity is a signed-in caller.
type Identity struct {
	Subject string // "admin", "token:<id>", "anonymous"
	Name    string
	Role    Role
}

func (i Identity) May(p Permission) bool { panic("contract") }

type User struct {
	Name         string
	PasswordHash string // argon2id, PHC string
	Role         Role
	Created      time.Time
}

type Token struct {
	ID, Name string
	Role     Role
	Hash     []byte // SHA-256 of the token
	Created  time.Time
	Expires  time.Time // zero: never
	LastUsed time.Time
	Revoked  bool
}

type Session struct {
	Hash    []byte // SHA-256 of the cookie value
	User    string
	Expires time.Time
}

// Store is implemented by internal/store.
type Store interface {
	User(ctx context.Context, name string) (User, error) // fault.NotFound
	PutUser(ctx context.Context, u User) error
	CreateToken(ctx context.Context, t Token) error
	TokenByHash(ctx context.Context, hash []byte) (Token, error) // fault.NotFound
	Tokens(ctx context.Context) ([]Token, error)
	RevokeToken(ctx context.Context, id string) error
	TouchToken(ctx context.Context, id string, at time.Time) error
	CreateSession(ctx context.Context, s Session) error
	Session(ctx context.Context, hash []byte) (Session, error)
	DeleteSession(ctx context.Context, hash []byte) error
	DeleteExpiredSessions(ctx context.Context, now time.Time) error
}

type Options struct {
	Store Store
	Now   func() time.Time
	Rand  io.Reader
}

type Service struct{}

func New(o Options) *Service { panic("contract") }

// EnsureAdmin creates the user admin if there is none, with the given password or a generated one, which it returns so
// that it can be shown once; "" when the user exists.
func (s *Service) EnsureAdmin(ctx context.Context, password secret.Text) (generated secret.Text, err error) {
	panic("contract")
}

// Basic checks a user's password; failures are slow, rate limited per user name, and fault.Unauthenticated.
func (s *Service) Basic(ctx context.Context, user string, password secret.Text) (Identity, error) {
	panic("contract")
}
func (s *Service) Bearer(ctx context.Context, token secret.Text) (Identity, error) { panic("contract") }
func (s *Service) CreateToken(ctx context.Context, name string, role Role, expires time.Time) (Token, secret.Text, error) {
	panic("contract")
}
func (s *Service) Tokens(ctx context.Context) ([]Token, error)      { panic("contract") }
func (s *Service) RevokeToken(ctx context.Context, id string) error { panic("contract") }

// SignIn makes a portal session; the returned value goes into the cookie.
func (s *Service) SignIn(ctx context.Context, user string, password secret.Text) (cookie secret.Text, expires time.Time, err error) {
	panic("contract")
}
func (s *Service) Session(ctx context.Context, cookie secret.Text) (Identity, error) {
	panic("contract")
}
func (s *Service) SignOut(ctx context.Context, cookie secret.Text) error { panic("contract") }
