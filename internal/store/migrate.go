package store

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/landwaiter/landwaiter/internal/fault"
)

//go:embed sqlite/*.sql postgres/*.sql
var migrations embed.FS

// migrate brings the schema up to date. On SQLite the caller holds a lock; on PostgreSQL goose takes an advisory one.
func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect) error {
	folder, options := "sqlite", []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if dialect == goose.DialectPostgres {
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
		if err != nil {
			return failed("migrate database", "", err)
		}
		folder, options = "postgres", append(options, goose.WithSessionLocker(locker))
	}
	files, err := fs.Sub(migrations, folder)
	if err != nil {
		return failed("migrate database", "", err)
	}
	provider, err := goose.NewProvider(dialect, db, files, options...)
	if err != nil {
		return failed("migrate database", "", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return failed("migrate database", "", err)
	}
	current, known, err := provider.GetVersions(ctx)
	if err != nil {
		return failed("migrate database", "", err)
	}
	if current > known {
		return fault.New(fault.Internal, "open database", "its schema has version %d, but this program knows only %d", current, known).
			WithFix("The database was used by a newer Landwaiter: run that version, or restore a backup from before the upgrade.")
	}
	return nil
}
