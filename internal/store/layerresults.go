package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// touchEvery is how exactly the last use of a layer result is known.
const touchEvery = time.Hour

// LayerResult returns a stored result and whether there is one.
func (s *Store) LayerResult(ctx context.Context, key string) ([]byte, bool, error) {
	const op = "read layer result"
	var packed []byte
	var usedAt int64
	err := s.reader.QueryRowContext(ctx, `SELECT result, used_at FROM layer_results WHERE key = $1`, key).Scan(&packed, &usedAt)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, failed(op, key, err)
	}
	result, err := s.pack.unpack(op, key, packed)
	if err != nil {
		return nil, false, err
	}
	if now := nanos(s.now()); now-usedAt > int64(touchEvery) {
		// The result is good even if its use cannot be noted.
		_, _ = s.writer.ExecContext(ctx, `UPDATE layer_results SET used_at = $1 WHERE key = $2`, now, key)
	}
	return result, true, nil
}

// PutLayerResult stores a result and makes room for it. One that would take more than an eighth of the room is not kept.
func (s *Store) PutLayerResult(ctx context.Context, key string, result []byte) error {
	const op = "store layer result"
	packed, err := s.pack.pack(op, key, result)
	if err != nil {
		return err
	}
	if int64(len(packed)) > s.layerResultBytes/8 {
		return nil
	}
	err = s.change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO layer_results (key, size, used_at, result) VALUES ($1, $2, $3, $4)
			ON CONFLICT (key) DO UPDATE SET size = excluded.size, used_at = excluded.used_at, result = excluded.result`,
			key, len(packed), nanos(s.now()), packed); err != nil {
			return err
		}
		var total int64
		if err := tx.QueryRowContext(ctx, `SELECT CAST(SUM(size) AS BIGINT) FROM layer_results`).Scan(&total); err != nil {
			return err
		}
		if total <= s.layerResultBytes {
			return nil
		}
		// A tenth is freed at once, so that not every result evicts.
		_, err := tx.ExecContext(ctx, `DELETE FROM layer_results WHERE key IN (SELECT key FROM (SELECT key,
			SUM(size) OVER (ORDER BY used_at DESC, key) AS room FROM layer_results) AS newest WHERE room > $1)`, s.layerResultBytes/10*9)
		return err
	})
	return failed(op, key, err)
}
