package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"io"
)

func (s *Store) setting(ctx context.Context, name string) (value []byte, ok bool, err error) {
	err = s.reader.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = $1`, name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return value, err == nil, failed("read setting", name, err)
}

// revision is another text after every change by changeRevised; empty before the first.
func (s *Store) revision(ctx context.Context, name string) (string, error) {
	value, _, err := s.setting(ctx, name)
	return hex.EncodeToString(value), err
}

// changeRevised runs f and makes a new revision in one transaction.
func (s *Store) changeRevised(ctx context.Context, name string, f func(tx *sql.Tx) error) error {
	revision := make([]byte, 16)
	if _, err := io.ReadFull(s.rand, revision); err != nil {
		return err
	}
	return s.change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO settings (name, value) VALUES ($1, $2)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, revision); err != nil {
			return err
		}
		return f(tx)
	})
}

// execer is a pool or a transaction.
type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// addSetting stores a setting that does not exist yet, and says whether it did.
func addSetting(ctx context.Context, db execer, name string, value []byte) (bool, error) {
	result, err := db.ExecContext(ctx, `INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, value)
	if err != nil {
		return false, failed("store setting", name, err)
	}
	n, err := result.RowsAffected()
	return n == 1, failed("store setting", name, err)
}
