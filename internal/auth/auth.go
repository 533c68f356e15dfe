// Package auth decides who someone is and what they may do: the administrator's password, API tokens, portal sessions,
// roles. It routes nothing.
package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// A User signs in with a password.
type User struct {
	Name         string
	PasswordHash string // argon2id, PHC string
	Role         Role
	Created      time.Time
}

// A Token lets a program in. The token itself is shown once and not kept.
type Token struct {
	ID, Name string
	Role     Role
	Hash     []byte // SHA-256 of the token
	Created  time.Time
	Expires  time.Time // zero: never
	LastUsed time.Time // to the minute; zero: never
	Revoked  bool
	Trust    string // version of the trust that it was given out by; "" for those that people make
}

// A Session is a person's stay in the portal.
type Session struct {
	Hash    []byte // SHA-256 of the cookie value
	User    string
	Expires time.Time
}

// Store keeps users, tokens and sessions.
type Store interface {
	User(ctx context.Context, name string) (User, error) // fault.NotFound
	CreateUser(ctx context.Context, u User) error        // fault.Conflict when the name exists
	PutUser(ctx context.Context, u User) error           // creates, or replaces hash and role
	CreateToken(ctx context.Context, t Token) error
	// TokenByHash fails with fault.NotFound, also if the trust has another version by now.
	TokenByHash(ctx context.Context, hash []byte) (Token, error)
	Tokens(ctx context.Context) ([]Token, error)                  // that people made, newest first
	DeleteExpiredTokens(ctx context.Context, now time.Time) error // that trusts gave out
	RevokeToken(ctx context.Context, id string) error             // fault.NotFound
	TouchToken(ctx context.Context, id string, at time.Time) error
	CreateSession(ctx context.Context, s Session) error
	Session(ctx context.Context, hash []byte) (Session, error) // fault.NotFound
	DeleteSession(ctx context.Context, hash []byte) error      // no error when there is none
	DeleteExpiredSessions(ctx context.Context, now time.Time) error
	PutTrust(ctx context.Context, t Trust) error                     // fault.Conflict when another one is for the issuer
	Trusts(ctx context.Context) ([]Trust, error)                     // by issuer
	TrustOfIssuer(ctx context.Context, issuer string) (Trust, error) // fault.NotFound
	DeleteTrust(ctx context.Context, id string) error                // no error when there is none
}

// Options are all required, apart from the last ones. Rand is read from several goroutines.
type Options struct {
	Store Store
	Now   func() time.Time
	Rand  io.Reader
	// Reach is how an issuer is reached, and what it names. nil: Exchange must not be called.
	Reach func(issuer *url.URL) http.RoundTripper
	// AllowHTTP takes issuers at http:// on this machine, too.
	AllowHTTP bool
}

// Service signs callers in.
type Service struct {
	store    Store
	now      func() time.Time
	rand     io.Reader
	key      func() ([32]byte, error) // random, of this process
	hashing  *hashing
	verified verified
	failures failures
	issuers  issuers
}

// New makes a Service.
func New(o Options) *Service {
	return &Service{store: o.Store, now: o.Now, rand: o.Rand, hashing: newHashing(), issuers: issuers{now: o.Now, reach: o.Reach, allowHTTP: o.AllowHTTP}, key: sync.OnceValues(func() (key [32]byte, err error) {
		if _, err := io.ReadFull(o.Rand, key[:]); err != nil {
			return key, fault.Wrap(fault.Internal, "prepare sign-in", "", err)
		}
		return key, nil
	})}
}

// random is 32 random bytes as text, for tokens and cookies.
func (s *Service) random() (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(s.rand, b[:]); err != nil {
		return "", fault.Wrap(fault.Internal, "make a random value", "", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// hashOf is what is kept of a value that is random already and so needs no slow hash.
func hashOf(value string) []byte {
	h := sha256.Sum256([]byte(value))
	return h[:]
}
