package integrationfile_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/integrationfile"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
)

// brokenStore fails while it is told to.
type brokenStore struct {
	integration.Store
	broken bool
}

func (s *brokenStore) Integrations(ctx context.Context) ([]integration.Integration, error) {
	if s.broken {
		return nil, errors.New("the database is away")
	}
	return s.Store.Integrations(ctx)
}

type server struct {
	*integrationfile.Directory
	*integration.Service
	store *brokenStore
	dir   string
	log   *bytes.Buffer
}

func openDatabase(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{URL: "sqlite::memory:", Key: [32]byte{1}, Now: time.Now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newServer(t *testing.T, db *store.Store) *server {
	t.Helper()
	s := &server{store: &brokenStore{Store: db}, dir: t.TempDir(), log: &bytes.Buffer{}}
	types := allTypes(t)
	s.Service = integration.NewService(integration.ServiceOptions{
		Store: s.store, Types: types, Tester: diagnosis.New(diagnosis.Options{
			Client: distribution.New(distribution.Options{Now: time.Now, Addresses: distribution.Addresses{Loopback: true}}), Types: types, Now: time.Now, NewID: uuid.NewString,
		}), Deps: integration.Deps{Now: time.Now}, NewID: uuid.NewString, Now: time.Now,
	})
	var err error
	s.Directory, err = integrationfile.Open(integrationfile.Options{
		Path: s.dir, Every: time.Millisecond, Types: types, Integrations: s.Service, Now: time.Now, Log: slog.New(slog.NewTextHandler(s.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *server) write(t *testing.T, name, data string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

// follow looks as often as a change needs.
func (s *server) follow(t *testing.T) {
	t.Helper()
	s.Sync(t.Context())
	s.Sync(t.Context())
}

// stored tells name, endpoint, owner and revision of what is stored.
func (s *server) stored(t *testing.T) string {
	t.Helper()
	list, err := s.List(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, in := range list {
		lines = append(lines, fmt.Sprintf("%s %s %s %d", in.Name, in.Config.Text("endpoint"), in.Owner, in.Revision))
	}
	return strings.Join(lines, "\n")
}

func (s *server) wantStored(t *testing.T, want ...string) {
	t.Helper()
	if got := s.stored(t); got != strings.Join(want, "\n") {
		t.Errorf("stored are\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func (s *server) wantProblems(t *testing.T, want ...string) {
	t.Helper()
	status := s.Status()
	got := []string{}
	if status.Problem != "" {
		got = append(got, status.Problem)
	}
	for _, f := range status.Files {
		for _, p := range f.Problems {
			got = append(got, p.String())
		}
	}
	if !slices.EqualFunc(got, want, strings.Contains) {
		t.Errorf("problems %q, want %q", got, want)
	}
	for _, w := range want {
		if strings.Count(strings.ReplaceAll(s.log.String(), `\"`, `"`), w) != 1 {
			t.Errorf("%q is not once in the log:\n%s", w, s.log)
		}
	}
}

func named(name, endpoint string) string {
	return strings.NewReplacer("name: team", "name: "+name, "registry.example", endpoint).Replace(team("")) + "---\n"
}

func TestDirectory_follows_its_files(t *testing.T) {
	s := newServer(t, openDatabase(t))
	s.write(t, "a.yaml", named("one", "one.example")+named("two", "two.example"))
	s.write(t, "b.json", `{"apiVersion":"landwaiter.dev/v1","kind":"Integration",
	"metadata":{"name":"three"},"spec":{"type":"docker","docker":{"endpoint":"three.example"}}}`)
	s.Sync(t.Context()) // the first time, nothing is waited for
	s.wantStored(t, "one one.example file:a.yaml 1", "three three.example file:b.json 1", "two two.example file:a.yaml 1")
	s.wantProblems(t)
	applied := s.Status().Files[0].LastApplied
	if applied == nil || fmt.Sprint(s.Status().Files[0].Integrations) != "[one two]" {
		t.Errorf("status %+v", s.Status())
	}

	s.follow(t)
	s.wantStored(t, "one one.example file:a.yaml 1", "three three.example file:b.json 1", "two two.example file:a.yaml 1")
	if again := s.Status().Files[0].LastApplied; !again.Equal(*applied) {
		t.Error("applied again although nothing changed")
	}

	s.write(t, "a.yaml", named("one", "changed.example"))
	s.write(t, "b.json", named("two", "two.example"))
	s.Sync(t.Context())
	s.wantStored(t, "one one.example file:a.yaml 1", "three three.example file:b.json 1", "two two.example file:a.yaml 1") // it may still be written
	s.Sync(t.Context())
	s.wantStored(t, "one changed.example file:a.yaml 2", "two two.example file:b.json 2")
}

func TestDirectory_keeps_what_a_broken_file_owns(t *testing.T) {
	s := newServer(t, openDatabase(t))
	s.write(t, "a.yaml", named("one", "one.example")+named("two", "two.example"))
	s.write(t, "b.yaml", named("three", "three.example"))
	s.follow(t)
	s.write(t, "a.yaml", named("one", "changed.example")+strings.Replace(named("two", "changed.example"), "kind", "knd", 1)) // the good one is followed
	s.write(t, "b.yaml", "}")
	s.follow(t)
	s.wantStored(t, "one changed.example file:a.yaml 2", "three three.example file:b.yaml 1", "two two.example file:a.yaml 1")
	s.wantProblems(t, `a.yaml:11:1: unknown key "knd"; did you mean kind?`, "b.yaml:1: not YAML")
	if err := os.Remove(filepath.Join(s.dir, "b.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(s.dir, "b.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.follow(t)
	s.wantProblems(t, `a.yaml:11:1: unknown key "knd"`, "b.yaml: read integrations: it is not a regular file")
	s.wantStored(t, "one changed.example file:a.yaml 2", "three three.example file:b.yaml 1", "two two.example file:a.yaml 1")
}

func TestDirectory_deletes_nothing_when_it_is_empty_or_gone(t *testing.T) {
	s := newServer(t, openDatabase(t))
	s.write(t, "a.yaml", named("one", "one.example"))
	s.follow(t)
	if err := os.Rename(s.dir, s.dir+"-away"); err != nil {
		t.Fatal(err)
	}
	s.follow(t)
	s.wantProblems(t, "no such file or directory")
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s.follow(t)
	s.wantProblems(t, "there is no .yaml, .yml or .json file in it")
	s.wantStored(t, "one one.example file:a.yaml 1")
	s.write(t, "a.yaml", "# nothing is wanted any more\n")
	s.follow(t)
	s.wantStored(t, "")
	s.wantProblems(t)
}

func TestDirectory_warns_of_secrets_that_others_can_read(t *testing.T) {
	s := newServer(t, openDatabase(t))
	for name, test := range map[string]struct {
		password string
		mode     os.FileMode
		want     bool
	}{
		"private.yaml":   {marked, 0o600, false},
		"open.yaml":      {marked, 0o640, true},
		"reference.yaml": {"env:REGISTRY_PASSWORD", 0o644, false},
		"escaped.yaml":   {"value:env:" + marked, 0o644, true},
	} {
		s.write(t, name, strings.Replace(named("n"+name, "one.example"), "endpoint", "username: robot\n    password: "+test.password+"\n    endpoint", 1))
		if err := os.Chmod(filepath.Join(s.dir, name), test.mode); err != nil {
			t.Fatal(err)
		}
		s.follow(t)
		for _, f := range s.Status().Files {
			if f.Path == name && (f.Warning != "") != test.want {
				t.Errorf("%s: warning %q, problems %v", name, f.Warning, f.Problems)
			}
		}
	}
	s.wantProblems(t)
	if log := s.log.String(); strings.Count(log, "open.yaml can be read by others") != 1 || strings.Contains(log, marked) {
		t.Error(log)
	}
}

func TestDirectory_tries_again_what_failed(t *testing.T) {
	s := newServer(t, openDatabase(t))
	d, problems := integrationfile.Parse(allTypes(t), "x", []byte(named("one", "mine.example")))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	mine, err := s.Create(t.Context(), integration.Draft{Integration: integration.Integration{
		Name: "one", Type: "docker", Categories: d[0].Categories, Config: d[0].Config, SkipTest: true}})
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "a.yaml", named("one", "one.example")+named("two", "two.example"))
	s.store.broken = true
	s.follow(t)
	s.wantProblems(t, "the database is away")
	s.store.broken = false
	s.follow(t)
	s.wantProblems(t, `a.yaml:1: there is an integration "one" that no file owns`)
	s.wantStored(t, "one mine.example  1", "two two.example file:a.yaml 1")
	if err := s.Delete(t.Context(), mine.ID); err != nil {
		t.Fatal(err)
	}
	s.follow(t)
	s.wantProblems(t)
	s.wantStored(t, "one one.example file:a.yaml 1", "two two.example file:a.yaml 1")
	if s.Status().Files[0].LastApplied == nil {
		t.Error("it does not say when it was applied")
	}
}

// The kubelet mounts a ConfigMap as links to a directory that it exchanges.
func TestDirectory_follows_a_mounted_ConfigMap(t *testing.T) {
	s := newServer(t, openDatabase(t))
	mount := func(version, data string) {
		t.Helper()
		target := filepath.Join(s.dir, "..version_"+version)
		for _, err := range []error{
			os.Mkdir(target, 0o700), os.WriteFile(filepath.Join(target, "team.yaml"), []byte(data), 0o600),
			os.Symlink(target, filepath.Join(s.dir, "..data_tmp")), os.Rename(filepath.Join(s.dir, "..data_tmp"), filepath.Join(s.dir, "..data")),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	mount("1", named("one", "one.example"))
	if err := os.Symlink(filepath.Join("..data", "team.yaml"), filepath.Join(s.dir, "team.yaml")); err != nil {
		t.Fatal(err)
	}
	s.follow(t)
	s.wantStored(t, "one one.example file:team.yaml 1")
	mount("2", named("one", "two.example"))
	s.follow(t)
	s.wantStored(t, "one two.example file:team.yaml 2")
}

// Two servers on one database agree, wherever their files are, and a server whose files are old undoes nothing.
func TestDirectory_of_two_servers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		db := open(t)
		a, b := newServer(t, db), newServer(t, db)
		for _, s := range []*server{a, b} {
			s.write(t, "a.yaml", named("one", "one.example")+named("two", "two.example"))
		}
		var starting sync.WaitGroup
		for _, s := range []*server{a, b} {
			starting.Go(func() { s.Sync(context.Background()) })
		}
		starting.Wait()
		a.follow(t) // again, should the other one have been faster
		b.follow(t)
		a.wantStored(t, "one one.example file:a.yaml 1", "two two.example file:a.yaml 1")
		for _, s := range []*server{a, b} {
			if got := s.Status(); len(got.Files[0].Problems) > 0 || got.Files[0].LastApplied == nil {
				t.Errorf("status %+v", got)
			}
		}

		a.write(t, "a.yaml", named("one", "changed.example"))
		a.follow(t)
		b.follow(t)
		a.wantStored(t, "one changed.example file:a.yaml 2")
		b.write(t, "a.yaml", named("one", "changed.example"))
		b.follow(t)
		a.wantStored(t, "one changed.example file:a.yaml 2")
	})
}

func TestDirectory_Run_follows_until_it_is_told_to_stop(t *testing.T) {
	s := newServer(t, openDatabase(t))
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	s.write(t, "a.yaml", named("one", "one.example"))
	for deadline := time.Now().Add(10 * time.Second); s.stored(t) == "" && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	cancel()
	running.Wait()
	s.wantStored(t, "one one.example file:a.yaml 1")
}

func TestOpen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, file + "-not", ""} {
		if _, err := integrationfile.Open(integrationfile.Options{Path: path}); err == nil {
			t.Errorf("%q is opened", path)
		}
	}
}

func TestRead_has_bounds(t *testing.T) {
	dir := t.TempDir()
	for i := range 17 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)+".yaml"), bytes.Repeat([]byte("#"), 1<<20), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := integrationfile.Read("read integrations", dir); err == nil || !strings.Contains(err.Error(), "more than 16 MiB") {
		t.Error(err)
	}
	many := t.TempDir()
	for i := range 1001 {
		if err := os.WriteFile(filepath.Join(many, fmt.Sprint(i)+".yaml"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := integrationfile.Read("read integrations", many); err == nil || !strings.Contains(err.Error(), "more than 1000 files") {
		t.Error(err)
	}
}
