package store

import (
	"context"
	"database/sql"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/landwaiter/landwaiter/internal/fault"
)

func openPostgres(ctx context.Context, dsn string) (*sql.DB, error) {
	config, err := parsePostgres(dsn)
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(10)
	db.SetMaxIdleConns(4)
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(time.Hour)
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, failed("connect to PostgreSQL", "", err)
	}
	if err := migrate(ctx, db, goose.DialectPostgres); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// parsePostgres never repeats what it cannot read: that may be the password.
func parsePostgres(dsn string) (*pgx.ConnConfig, error) {
	unreadable := fault.New(fault.Invalid, "open database", "the PostgreSQL URL cannot be read").
		WithFix("Use postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full, and write characters such as @ / ? # %% in the password as %%40 %%2F %%3F %%23 %%25.")
	u, err := url.Parse(dsn)
	if err != nil || u.Fragment != "" || strings.Contains(u.Path, "@") || u.Opaque != "" {
		return nil, unreadable
	}
	for name := range u.Query() {
		if strings.Contains(name, "@") {
			return nil, unreadable
		}
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, unreadable
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "landwaiter"
	}
	return config, nil
}
