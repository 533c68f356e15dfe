package auth

import (
	"context"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
)

const sessionLength = 12 * time.Hour

// SignIn makes a portal session; the returned value goes into the cookie. It fails as Basic does.
func (s *Service) SignIn(ctx context.Context, user string, password secret.Text) (cookie secret.Text, expires time.Time, err error) {
	who, err := s.Basic(ctx, user, password)
	if err != nil {
		return secret.Text{}, time.Time{}, err
	}
	value, err := s.random()
	if err != nil {
		return secret.Text{}, time.Time{}, err
	}
	now := s.now().UTC()
	if err := s.store.DeleteExpiredSessions(ctx, now); err != nil {
		return secret.Text{}, time.Time{}, err
	}
	expires = now.Add(sessionLength)
	if err := s.store.CreateSession(ctx, Session{Hash: hashOf(value), User: who.Subject, Expires: expires}); err != nil {
		return secret.Text{}, time.Time{}, err
	}
	return secret.New(value), expires, nil
}

// Session checks a cookie. The role is the user's present one.
func (s *Service) Session(ctx context.Context, cookie secret.Text) (Identity, error) {
	ended := fault.New(fault.Unauthenticated, "check session", "there is no such session, or it has ended").WithFix("Sign in again.")
	if !cookie.IsSet() {
		return Identity{}, ended
	}
	session, err := s.store.Session(ctx, hashOf(cookie.Reveal()))
	if err == nil && !s.now().Before(session.Expires) {
		return Identity{}, ended
	}
	var u User
	if err == nil {
		u, err = s.store.User(ctx, session.User)
	}
	if err != nil && fault.CodeOf(err) == fault.NotFound {
		return Identity{}, ended
	}
	return identityOf(u, err)
}

// SignOut ends a session. Ending one that is over already is no error.
func (s *Service) SignOut(ctx context.Context, cookie secret.Text) error {
	return s.store.DeleteSession(ctx, hashOf(cookie.Reveal()))
}
