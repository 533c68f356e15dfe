package storetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// PostgreSQL is the URL of a new schema, in the database that LANDWAITER_TEST_POSTGRES names or on a server that is started
// for this test binary. (Making databases instead takes many times longer.) Without either the test is skipped, or fails
// where the environment says CI=true.
func PostgreSQL(t testing.TB) string {
	t.Helper()
	database, err := database()
	if err != nil {
		missing := fmt.Sprintf("no PostgreSQL for tests: %v\nRun `make tools`, or set LANDWAITER_TEST_POSTGRES to the URL of a database.", err)
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	schema := "landwaiter_test_" + strings.ToLower(rand.Text())
	if err := execute(database, `CREATE SCHEMA `+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := execute(database, `DROP SCHEMA `+schema+` CASCADE`); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

// database is the URL of the database in which the tests make their schemas.
var database = sync.OnceValues(func() (string, error) {
	if given := os.Getenv("LANDWAITER_TEST_POSTGRES"); given != "" {
		return given, nil
	}
	bin, err := binaries()
	if err != nil {
		return "", err
	}
	socket, err := start(bin)
	if err != nil {
		return "", err
	}
	// A collation unlike SQLite's, so that a missing COLLATE "C" shows. Not every build of PostgreSQL has it.
	if err := execute(databaseURL(socket, "postgres"), `CREATE DATABASE landwaiter TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'`); err != nil {
		return databaseURL(socket, "postgres"), nil
	}
	return databaseURL(socket, "landwaiter"), nil
})

func databaseURL(socket, name string) string {
	return "postgres:///" + name + "?" + url.Values{"host": {socket}, "user": {"postgres"}}.Encode()
}

func execute(database, statement string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

// binaries is the folder with initdb and postgres: on the PATH, or where distributions put it.
func binaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil && holdsServer(filepath.Dir(path)) {
			return filepath.Dir(path), nil
		}
	}
	var found []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin"} {
		folders, _ := filepath.Glob(pattern) // the patterns are well formed
		found = append(found, slices.DeleteFunc(folders, func(f string) bool { return !holdsServer(f) })...)
	}
	if len(found) == 0 {
		return "", fmt.Errorf("initdb is neither on the PATH nor in /usr/lib/postgresql")
	}
	slices.Sort(found)
	return found[len(found)-1], nil
}

func holdsServer(folder string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			return false
		}
	}
	return true
}
