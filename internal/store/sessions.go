package store

import (
	"context"
	"time"

	"github.com/landwaiter/landwaiter/internal/auth"
)

// CreateSession stores a new one.
func (s *Store) CreateSession(ctx context.Context, session auth.Session) error {
	_, err := s.writer.ExecContext(ctx, `INSERT INTO sessions (hash, user_name, expires) VALUES ($1, $2, $3)`,
		session.Hash, session.User, nanos(session.Expires))
	return failed("create session", session.User, err)
}

// Session returns one, or fault.NotFound.
func (s *Store) Session(ctx context.Context, hash []byte) (auth.Session, error) {
	session := auth.Session{Hash: hash}
	var expires int64
	err := s.reader.QueryRowContext(ctx, `SELECT user_name, expires FROM sessions WHERE hash = $1`, hash).Scan(&session.User, &expires)
	if err != nil {
		return auth.Session{}, failed("read session", "the session", err)
	}
	session.Expires = fromNanos(expires)
	return session, nil
}

// DeleteSession removes one, if it is there.
func (s *Store) DeleteSession(ctx context.Context, hash []byte) error {
	_, err := s.writer.ExecContext(ctx, `DELETE FROM sessions WHERE hash = $1`, hash)
	return failed("delete session", "", err)
}

// DeleteExpiredSessions removes those that are over.
func (s *Store) DeleteExpiredSessions(ctx context.Context, now time.Time) error {
	_, err := s.writer.ExecContext(ctx, `DELETE FROM sessions WHERE expires <= $1`, nanos(now))
	return failed("delete expired sessions", "", err)
}
