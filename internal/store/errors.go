package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// failed wraps a database error in a fault of the right code; nil and faults stay as they are, and a missing row is
// fault.NotFound.
func failed(op, what string, err error) error {
	var f *fault.Error
	switch {
	case err == nil, errors.As(err, &f):
		return err
	case errors.Is(err, sql.ErrNoRows):
		return fault.New(fault.NotFound, op, "%s does not exist", what)
	}
	code, fix := classify(err)
	return (&fault.Error{Code: code, Op: op, What: what, Err: err}).WithFix("%s", fix)
}

func notFoundOr(op, what string, err error) error {
	if err == nil {
		err = sql.ErrNoRows
	}
	return failed(op, what, err)
}

const (
	fixReach   = "Check that the database server runs and that its URL, network and password are right, then try again."
	fixAgain   = "Try again in a moment."
	fixStorage = "Check the disk of the database: free space, permissions, and that it is not read-only."
	fixChanged = "Read it again and repeat the change."
)

func classify(err error) (fault.Code, string) {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return classifyPostgres(pg.Code)
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return classifySQLite(lite.Code())
	}
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, sql.ErrTxDone):
		return fault.Unavailable, fixAgain
	case errors.As(err, &connect), errors.As(err, &network), errors.Is(err, driver.ErrBadConn), errors.Is(err, io.EOF),
		errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, pgconn.ErrConnClosed):
		return fault.Unavailable, fixReach
	}
	return fault.Internal, ""
}

func classifyPostgres(state string) (fault.Code, string) {
	switch state {
	case "23505", "23503": // unique and foreign key violations
		return fault.Conflict, fixChanged
	case "22021", "22P05": // a character that PostgreSQL cannot store
		return fault.Invalid, "Remove NUL and other characters that are not text."
	case "25006": // read-only transaction, as on a standby
		return fault.Unavailable, "Use the URL of the primary server."
	case "57014": // statement cancelled
		return fault.Unavailable, fixAgain
	}
	switch state[:min(2, len(state))] {
	case "08", "57", "28", "3D": // connection lost, shutting down, sign-in refused, no such database
		return fault.Unavailable, fixReach
	case "40", "55": // serialization, deadlock, lock not available
		return fault.Unavailable, fixAgain
	case "53", "58": // disk full, too many connections, system error
		return fault.Unavailable, fixStorage
	}
	return fault.Internal, ""
}

func classifySQLite(code int) (fault.Code, string) {
	switch code {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return fault.Conflict, fixChanged
	}
	switch code & 0xff { // the primary code
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT:
		return fault.Unavailable, fixAgain
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return fault.Unavailable, fixStorage
	case sqlite3.SQLITE_CORRUPT:
		return fault.Internal, "The database file is damaged: restore it from a backup."
	case sqlite3.SQLITE_NOTADB:
		return fault.Internal, "The file is no SQLite database: give another path."
	}
	return fault.Internal, ""
}

// duplicates reports whether err says that another row has the same value in a unique column.
func duplicates(err error, table, column string) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505" && pg.ConstraintName == table+"_"+column+"_key"
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) && lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE && strings.Contains(lite.Error(), table+"."+column)
}
