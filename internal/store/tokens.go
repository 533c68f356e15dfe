package store

import (
	"context"
	"time"

	"github.com/landwaiter/landwaiter/internal/auth"
)

const tokenColumns = `id, name, role, hash, created, expires, last_used, revoked, trust`

// CreateToken stores a new one.
func (s *Store) CreateToken(ctx context.Context, t auth.Token) error {
	_, err := s.writer.ExecContext(ctx, `INSERT INTO tokens (`+tokenColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		t.ID, t.Name, string(t.Role), t.Hash, nanos(t.Created), nanos(t.Expires), nanos(t.LastUsed), t.Revoked, t.Trust)
	return failed("create token", t.Name, err)
}

// TokenByHash returns one, or fault.NotFound. Those of a trust end with its version.
func (s *Store) TokenByHash(ctx context.Context, hash []byte) (auth.Token, error) {
	t, err := scanToken(s.reader.QueryRowContext(ctx, `SELECT `+tokenColumns+` FROM tokens
		WHERE hash = $1 AND (trust = '' OR trust IN (SELECT version FROM trusts))`, hash))
	return t, failed("read token", "the token", err)
}

// Tokens lists those that people made, newest first.
func (s *Store) Tokens(ctx context.Context) ([]auth.Token, error) {
	const op = "list tokens"
	rows, err := s.reader.QueryContext(ctx, `SELECT `+tokenColumns+` FROM tokens WHERE trust = '' ORDER BY created DESC, id`)
	if err != nil {
		return nil, failed(op, "", err)
	}
	defer rows.Close()
	list := []auth.Token{}
	for rows.Next() {
		t, err := scanToken(rows)
		if err != nil {
			return nil, failed(op, "", err)
		}
		list = append(list, t)
	}
	return list, failed(op, "", rows.Err())
}

// RevokeToken marks one as revoked, or fails with fault.NotFound.
func (s *Store) RevokeToken(ctx context.Context, id string) error {
	return s.changeOne(ctx, "revoke token", id, `UPDATE tokens SET revoked = $1 WHERE id = $2`, true, id)
}

// TouchToken notes a use; an earlier one than is known changes nothing.
func (s *Store) TouchToken(ctx context.Context, id string, at time.Time) error {
	_, err := s.writer.ExecContext(ctx, `UPDATE tokens SET last_used = $1 WHERE id = $2 AND last_used < $1`, nanos(at), id)
	return failed("note use of token", id, err)
}

// DeleteExpiredTokens removes those that trusts gave out and that are over.
func (s *Store) DeleteExpiredTokens(ctx context.Context, now time.Time) error {
	_, err := s.writer.ExecContext(ctx, `DELETE FROM tokens WHERE trust <> '' AND expires <= $1`, nanos(now))
	return failed("delete expired tokens", "", err)
}

func scanToken(from row) (t auth.Token, err error) {
	var created, expires, lastUsed int64
	err = from.Scan(&t.ID, &t.Name, &t.Role, &t.Hash, &created, &expires, &lastUsed, &t.Revoked, &t.Trust)
	t.Created, t.Expires, t.LastUsed = fromNanos(created), fromNanos(expires), fromNanos(lastUsed)
	return t, err
}
