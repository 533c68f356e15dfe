package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/landwaiter/landwaiter/internal/fault"
)

const readers = 4

// openSQLite opens PATH, "///PATH" or ":memory:".
func openSQLite(ctx context.Context, path string) (writer, reader *sql.DB, err error) {
	if path == ":memory:" {
		db, err := connectSQLite(path, 1, writing)
		if err != nil {
			return nil, nil, err
		}
		if err := migrate(ctx, db, goose.DialectSQLite3); err != nil {
			db.Close()
			return nil, nil, err
		}
		return db, db, nil
	}
	path, err = sqlitePath(path)
	if err != nil {
		return nil, nil, err
	}
	if err := createPrivate(path); err != nil {
		return nil, nil, err
	}
	unlock, err := lockSQLite(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	defer unlock()
	if writer, err = connectSQLite(path, 1, writing); err != nil {
		return nil, nil, err
	}
	if err := migrate(ctx, writer, goose.DialectSQLite3); err != nil {
		writer.Close()
		return nil, nil, err
	}
	if reader, err = connectSQLite(path, readers, reading); err != nil {
		writer.Close()
		return nil, nil, err
	}
	return writer, reader, nil
}

func sqlitePath(path string) (string, error) {
	if slashes, ok := strings.CutPrefix(path, "//"); ok {
		path = slashes // sqlite:///absolute and sqlite://relative
	}
	if path == "" || strings.ContainsAny(path, "?\x00") {
		return "", fault.New(fault.Invalid, "open database", "the database URL names no SQLite file").
			WithFix("Use sqlite:PATH, without settings after a question mark.")
	}
	return filepath.Clean(path), nil
}

// createPrivate makes the file, which SQLite would make readable for others. The write-ahead log takes over its mode.
func createPrivate(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fault.Wrap(fault.Unavailable, "open database", "create its directory", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		what := "create its file"
		if errors.Is(err, fs.ErrPermission) {
			what = "its file may not be written"
		}
		return (&fault.Error{Code: fault.Unavailable, Op: "open database", What: what, Err: err}).WithFix("%s", fixStorage)
	}
	return f.Close()
}

// What a connection is for, as settings of the driver. A cache of 2 MB per connection keeps the server small.
const (
	connecting = "_pragma=busy_timeout(15000)&_pragma=foreign_keys(1)&_pragma=cache_size(-2000)&_pragma=synchronous(NORMAL)"
	writing    = connecting + "&_pragma=journal_mode(WAL)&_pragma=journal_size_limit(67108864)&_txlock=immediate"
	reading    = connecting + "&_pragma=query_only(1)"
)

func connectSQLite(path string, connections int, settings string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+settings)
	if err != nil {
		return nil, failed("open database", path, err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// lockSQLite keeps other processes from opening path until unlock is called. It locks an empty database beside the file,
// because the file itself can be locked neither across several transactions nor while its journal mode changes.
func lockSQLite(ctx context.Context, path string) (unlock func(), err error) {
	path += "-lock"
	if err := createPrivate(path); err != nil {
		return nil, err
	}
	db, err := connectSQLite(path, 1, "_pragma=busy_timeout(60000)")
	if err != nil {
		return nil, err
	}
	// One connection only, so the lock is held until the pool is closed.
	if _, err := db.ExecContext(ctx, "BEGIN EXCLUSIVE"); err != nil {
		db.Close()
		return nil, failed("lock database", path, err)
	}
	return func() { db.Close() }, nil
}
