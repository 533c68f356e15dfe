package store

import (
	"context"
	"database/sql"
	"errors"
)

func (s *Store) setting(ctx context.Context, name string) (value []byte, ok bool, err error) {
	err = s.reader.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = $1`, name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return value, err == nil, failed("read setting", name, err)
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
