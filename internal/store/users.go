package store

import (
	"context"

	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/fault"
)

// User returns one, or fault.NotFound.
func (s *Store) User(ctx context.Context, name string) (auth.User, error) {
	u := auth.User{Name: name}
	var created int64
	err := s.reader.QueryRowContext(ctx, `SELECT password_hash, role, created FROM users WHERE name = $1`, name).
		Scan(&u.PasswordHash, &u.Role, &created)
	if err != nil {
		return auth.User{}, failed("read user", name, err)
	}
	u.Created = fromNanos(created)
	return u, nil
}

// CreateUser stores a new one. A name that exists is fault.Conflict.
func (s *Store) CreateUser(ctx context.Context, u auth.User) error {
	const op = "create user"
	result, err := s.writer.ExecContext(ctx, `INSERT INTO users (name, password_hash, role, created) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name) DO NOTHING`, u.Name, u.PasswordHash, string(u.Role), nanos(u.Created))
	if err != nil {
		return failed(op, u.Name, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return failed(op, u.Name, err)
	}
	return fault.New(fault.Conflict, op, "user %q already exists", u.Name).WithFix("Choose another name.")
}

// PutUser creates a user, or replaces its password hash and role.
func (s *Store) PutUser(ctx context.Context, u auth.User) error {
	_, err := s.writer.ExecContext(ctx, `INSERT INTO users (name, password_hash, role, created) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash, role = excluded.role`,
		u.Name, u.PasswordHash, string(u.Role), nanos(u.Created))
	return failed("store user", u.Name, err)
}
