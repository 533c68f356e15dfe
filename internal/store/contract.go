// Package store keeps what the services hand it, in SQLite or PostgreSQL, with secrets sealed. It holds no business rules.
package store

import (
	"context"
	"io"
	"time"
)

// CONTRACT (temporary): signatures other packages rely on. Replace with real files.

type Options struct {
	// URL is "sqlite:PATH" (or "sqlite::memory:") or "postgres://...".
	URL  string
	Key  [32]byte // seals secrets
	Now  func() time.Time
	Rand io.Reader
}

// Store implements the storage interfaces of the domain packages.
type Store struct{}

// Open connects and migrates.
func Open(ctx context.Context, o Options) (*Store, error) { panic("contract") }
func (s *Store) Ping(ctx context.Context) error           { panic("contract") }
func (s *Store) Close() error                             { panic("contract") }

// LoadKey returns the sealing key: given as 32 bytes in base64 or hex (key), from a file (file), or from DIR/secret.key,
// which it creates with mode 0600. It refuses a key file that others may read.
func LoadKey(key, file, dir string, rand io.Reader) ([32]byte, error) { panic("contract") }
