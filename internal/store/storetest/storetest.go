// Package storetest gives tests stores on real databases: SQLite files and a PostgreSQL server.
package storetest

import (
	"crypto/rand"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/store"
)

// Each runs a suite on every kind of database. Each call of open gives a store on a new, empty one.
func Each(t *testing.T, suite func(t *testing.T, open func(t *testing.T) *store.Store)) {
	t.Helper()
	EachDatabase(t, func(t *testing.T, fresh func(testing.TB) string) {
		suite(t, func(t *testing.T) *store.Store {
			t.Helper()
			return Open(t, Options(fresh(t)))
		})
	})
}

// EachDatabase is Each for suites that open stores themselves. Each call of fresh gives the URL of a new, empty database.
func EachDatabase(t *testing.T, suite func(t *testing.T, fresh func(testing.TB) string)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { suite(t, SQLite) })
	t.Run("PostgreSQL", func(t *testing.T) { suite(t, PostgreSQL) })
}

// SQLite is the URL of a new file in a temporary directory.
func SQLite(t testing.TB) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "landwaiter.db")
}

// Options for a URL: the clock and randomness of the machine, and a key that is the same every time.
func Options(url string) store.Options {
	return store.Options{URL: url, Key: [32]byte{1, 2, 3}, Now: time.Now, Rand: rand.Reader}
}

// Open opens a store for the length of the test.
func Open(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Raw opens a database behind the back of its stores.
func Raw(t testing.TB, url string) *sql.DB {
	t.Helper()
	driver, dsn := "pgx", url
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, dsn = "sqlite", path
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
