package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/watch"
)

const opWatched = "watch image"

// Watch adds an image, or makes one that is there due.
func (s *Store) Watch(ctx context.Context, i watch.Image) error {
	encoded, err := encodeWatched(i)
	if err != nil {
		return err
	}
	_, err = s.writer.ExecContext(ctx, `INSERT INTO watched (name, due, image) VALUES ($1, 0, $2)
		ON CONFLICT (name) DO UPDATE SET due = 0`, i.Name, encoded)
	return failed(opWatched, i.Name, err)
}

// Unwatch removes an image, if it is there.
func (s *Store) Unwatch(ctx context.Context, name string) error {
	_, err := s.writer.ExecContext(ctx, `DELETE FROM watched WHERE name = $1`, name)
	return failed(opWatched, name, err)
}

// Watched lists them by name.
func (s *Store) Watched(ctx context.Context) ([]watch.Image, error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT image FROM watched ORDER BY name`)
	if err != nil {
		return nil, failed(opWatched, "", err)
	}
	defer rows.Close()
	list := []watch.Image{}
	for rows.Next() {
		i, err := scanWatched(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, i)
	}
	return list, failed(opWatched, "", rows.Err())
}

// ClaimWatched gives one image that is due to one caller only, until the time given.
func (s *Store) ClaimWatched(ctx context.Context, now, until time.Time) (watch.Image, bool, error) {
	// The second condition is for PostgreSQL: a row that another server has just claimed is looked at again, and left.
	i, err := scanWatched(s.writer.QueryRowContext(ctx, `UPDATE watched SET due = $1 WHERE due <= $2
		AND name = (SELECT name FROM watched WHERE due <= $2 ORDER BY due, name LIMIT 1) RETURNING image`, nanos(until), nanos(now)))
	if fault.CodeOf(err) == fault.NotFound && err != nil {
		return i, false, nil
	}
	return i, err == nil, err
}

// RecordWatched stores an image if its claim still holds.
func (s *Store) RecordWatched(ctx context.Context, i watch.Image, claim, next time.Time) error {
	encoded, err := encodeWatched(i)
	if err != nil {
		return err
	}
	_, err = s.writer.ExecContext(ctx, `UPDATE watched SET due = $1, image = $2 WHERE name = $3 AND due = $4`,
		nanos(next), encoded, i.Name, nanos(claim))
	return failed(opWatched, i.Name, err)
}

func encodeWatched(i watch.Image) (string, error) {
	encoded, err := json.Marshal(i)
	if err != nil {
		return "", fault.Wrap(fault.Internal, opWatched, i.Name, err)
	}
	return string(encoded), nil
}

func scanWatched(from row) (i watch.Image, err error) {
	var encoded string
	if err := from.Scan(&encoded); err != nil {
		return i, failed(opWatched, "the image", err)
	}
	if err := json.Unmarshal([]byte(encoded), &i); err != nil {
		return i, fault.Wrap(fault.Internal, opWatched, "", err)
	}
	return i, nil
}
