// Package store keeps what the services hand it, in SQLite or PostgreSQL, with secrets sealed. It holds no business rules.
package store

import (
	"context"
	"database/sql"
	"io"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/exception"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/health"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/scan"
	"github.com/landwaiter/landwaiter/internal/vex"
	"github.com/landwaiter/landwaiter/internal/watch"
)

// Options says which database to open. URL, Key, Now and Rand are required.
type Options struct {
	// URL is "sqlite:PATH", "sqlite::memory:" or "postgres://USER:PASSWORD@HOST/DATABASE".
	URL  string
	Key  [32]byte // seals secrets; see LoadKey
	Now  func() time.Time
	Rand io.Reader
	// LayerResultBytes bounds what layer results may take up; the least recently used ones go first. 0 means 512 MiB.
	LayerResultBytes int64
}

// Store implements the storage interfaces of the domain packages.
type Store struct {
	// The same pool twice, but for a SQLite file, which has one connection that writes and a few that only read.
	writer, reader   *sql.DB
	seal             *sealer
	pack             *packer
	now              func() time.Time
	layerResultBytes int64
	rand             io.Reader
}

var (
	_ integration.Store = (*Store)(nil)
	_ assess.Store      = (*Store)(nil)
	_ auth.Store        = (*Store)(nil)
	_ scan.Claimer      = (*Store)(nil)
	_ health.Store      = (*Store)(nil)
	_ vex.Store         = (*Store)(nil)
	_ watch.Store       = (*Store)(nil)
	_ policy.Store      = (*Store)(nil)
	_ exception.Store   = (*Store)(nil)
)

// Open connects, migrates, and makes sure that the key is the one this database was first used with. Any number of
// processes may open one database at the same time.
func Open(ctx context.Context, o Options) (*Store, error) {
	seal, err := newSealer(o.Key, o.Rand)
	if err != nil {
		return nil, err
	}
	pack, err := newPacker()
	if err != nil {
		return nil, err
	}
	s := &Store{seal: seal, pack: pack, now: o.Now, layerResultBytes: o.LayerResultBytes, rand: o.Rand}
	if s.layerResultBytes == 0 {
		s.layerResultBytes = 512 << 20
	}
	scheme, rest, _ := strings.Cut(o.URL, ":")
	switch scheme {
	case "sqlite":
		s.writer, s.reader, err = openSQLite(ctx, rest)
	case "postgres", "postgresql":
		s.writer, err = openPostgres(ctx, o.URL)
		s.reader = s.writer
	default:
		err = fault.New(fault.Invalid, "open database", "the database URL is neither sqlite: nor postgres:").
			WithFix("Use sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE.")
	}
	if err != nil {
		return nil, err
	}
	if err := s.checkKey(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Ping makes sure that the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	err := s.reader.QueryRowContext(ctx, `SELECT 1 FROM settings WHERE name = $1`, keyCheck).Scan(&one)
	return failed("reach database", "", err)
}

// Close waits for running statements.
func (s *Store) Close() error {
	// The writer closes last, for the last connection of a SQLite file folds the write-ahead log into it.
	err := s.reader.Close()
	if s.writer != s.reader {
		err = s.writer.Close()
	}
	s.pack.close()
	return failed("close database", "", err)
}

// change runs f in one transaction. f must not use s, nor the network.
func (s *Store) change(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// changeOne runs a statement that should change one row, and fails with fault.NotFound if there is none.
func (s *Store) changeOne(ctx context.Context, op, what, query string, args ...any) error {
	result, err := s.writer.ExecContext(ctx, query, args...)
	if err != nil {
		return failed(op, what, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return notFoundOr(op, what, err)
	}
	return nil
}

// row is what one stored row can be scanned from.
type row interface{ Scan(dest ...any) error }

// nanos is how a time is stored: 0 for the zero time.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
