// Package apitest starts the API on a real store, with real sign-in, real registry types and a registry in process, for
// tests of the API and of its client.
package apitest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/uuid"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/landwaiter/landwaiter/internal/api"
	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/exception"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/integration/health"
	"github.com/landwaiter/landwaiter/internal/integrations"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/scan"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/vex"
	"github.com/landwaiter/landwaiter/internal/vuln"
	"github.com/landwaiter/landwaiter/internal/watch"
)

// Marked is a secret that must be in no answer and no log.
const Marked = "marked-5ecret-value"

// A Fixture is a running API and what is around it.
type Fixture struct {
	API          *api.API
	Integrations *integration.Service
	Types        *integration.Types
	Auth         *auth.Service
	Assess       *assess.Service
	Registry     string // host:port of a registry that takes the user robot with the password Marked
	Image        string // a reference in it
	Log          *Log
	tokens       map[auth.Role]string
}

// Nobody is a role without permissions.
const Nobody auth.Role = "Nobody"

// Password of the user admin.
const Password = "admin-pass-Word-1"

// Log collects log lines.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// builtin is compiled once: that takes longer than all the rest.

// Start makes a Fixture whose database is in memory. change may be nil.
func Start(t testing.TB, change func(*api.Options)) *Fixture {
	t.Helper()
	return StartOn(t, Ground{}, change)
}

// Ground is what a Fixture stands on. The zero value is a database in memory and this machine's network.
type Ground struct {
	Database string
	Client   distribution.Options
	Deps     integration.Deps
}

// StartOn makes a Fixture on a ground of one's own.
func StartOn(t testing.TB, g Ground, change func(*api.Options)) *Fixture {
	t.Helper()
	g.Client.Now, g.Deps.Now = time.Now, time.Now
	g.Client.Addresses.Loopback = true
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	f := &Fixture{Log: &Log{}, tokens: map[auth.Role]string{}}
	log := slog.New(slog.NewTextHandler(f.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))

	st, err := store.Open(ctx, store.Options{URL: cmp.Or(g.Database, "sqlite::memory:"), Key: [32]byte{1}, Now: time.Now, Rand: rand.Reader})
	must(err)
	t.Cleanup(func() { st.Close() })

	types, err := integration.NewTypes(integrations.All()...)
	must(err)
	client := distribution.New(g.Client)
	f.Types = types
	doctor := diagnosis.New(diagnosis.Options{Client: client, Types: types, Now: time.Now, NewID: uuid.NewString})
	f.Integrations = integration.NewService(integration.ServiceOptions{
		Store: st, Types: types, Tester: doctor, Deps: g.Deps, NewID: uuid.NewString, Now: time.Now, Log: log,
	})
	f.Auth = auth.New(auth.Options{Store: st, Now: time.Now, Rand: rand.Reader})
	for _, role := range auth.Roles() {
		_, value, err := f.Auth.CreateToken(ctx, string(role), role, time.Time{})
		must(err)
		f.tokens[role] = value.Reveal()
	}
	f.tokens[Nobody] = "lw_" + strings.Repeat("n", 43)
	hash := sha256.Sum256([]byte(f.tokens[Nobody]))
	must(st.CreateToken(ctx, auth.Token{ID: uuid.NewString(), Name: "nobody", Role: Nobody, Hash: hash[:], Created: time.Now()}))

	advisories := &advisories{dir: t.TempDir()}
	t.Cleanup(advisories.close)
	documents, library := vex.NewShelf(st, time.Now), policy.NewLibrary(st, time.Now)
	exceptions := exception.NewLedger(st, time.Now, uuid.NewString)
	o := api.Options{
		Integrations: f.Integrations, Diagnose: doctor.Diagnose, Types: types, Auth: f.Auth, Assessments: st, Policies: library, Version: "1.2.3-test",
		Assess: assess.New(assess.Options{
			Sources: f.Integrations, Client: client, Scanner: scan.New(scan.Options{}), Advisories: advisories, Policies: library, Statements: documents, Exceptions: exceptions,
			Store: st, Now: time.Now, NewID: uuid.NewString, Log: log,
		}),
		Health: health.New(health.Options{
			Store: st, Integrations: f.Integrations, Check: doctor.Glance, Now: time.Now, Jitter: func() float64 { return 0.5 }, Log: log,
		}),
		Advisories: advisories, VEX: documents, Exceptions: exceptions, UploadDir: t.TempDir(), Log: log,
	}
	o.Watch = watch.New(watch.Options{Store: st, Assess: o.Assess.Assess, Now: time.Now, Jitter: func() float64 { return 0.5 }, Interval: time.Hour, Log: log})
	if change != nil {
		change(&o)
	}
	f.API, f.Assess = api.New(o), o.Assess
	f.serveRegistry(t)
	return f
}

// Token is the API token of a role.
func (f *Fixture) Token(role auth.Role) string { return f.tokens[role] }

// EnsureAdmin creates the user admin with Password, which takes a moment.
func (f *Fixture) EnsureAdmin(t testing.TB) {
	t.Helper()
	if _, err := f.Auth.EnsureAdmin(context.Background(), secret.New(Password)); err != nil {
		t.Fatal(err)
	}
}

// serveRegistry starts a registry with one image.
func (f *Fixture) serveRegistry(t testing.TB) {
	t.Helper()
	inner := registry.New(registry.Logger(slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "robot" || password != Marked {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"wrong"}]}`, http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	f.Registry = strings.TrimPrefix(srv.URL, "http://")
	f.Image = f.Registry + "/team/app:1.0"
	ref, err := name.ParseReference(f.Image, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.Config(empty.Image, v1.Config{User: "app", Cmd: []string{"/app"}})
	if err != nil {
		t.Fatal(err)
	}
	if img, err = mutate.ConfigFile(img, &v1.ConfigFile{
		OS: "linux", Architecture: "amd64", Config: v1.Config{User: "app"}, RootFS: v1.RootFS{Type: "layers"},
	}); err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img, remote.WithAuth(&authn.Basic{Username: "robot", Password: Marked})); err != nil {
		t.Fatal(err)
	}
}

// Docker is the body of an integration for the fixture's registry.
func (f *Fixture) Docker(integrationName, password string) string {
	return fmt.Sprintf(`{"name":%q,"type":"docker","categories":["REGISTRY"],"skipTestIntegration":true,`+
		`"docker":{"endpoint":"http://%s","username":"robot","password":%q}}`, integrationName, f.Registry, password)
}

// OwnedByFile stores an integration for the fixture's registry that a file owns.
func (f *Fixture) OwnedByFile(t testing.TB, name, file string) (id string) {
	t.Helper()
	d, err := f.Types.Decode([]byte(f.Docker(name, Marked)))
	if err != nil {
		t.Fatal(err)
	}
	declared := integration.Declared{Draft: d, Owner: integration.FileOwner(file)}
	if done, err := f.Integrations.Reconcile(t.Context(), []integration.Declared{declared}, nil); err != nil || done[0].Verb != integration.Create {
		t.Fatal(done, err)
	}
	list, err := f.Integrations.List(t.Context(), name, "")
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	return list[0].ID
}

// Do sends one request as a role; "" sends no credentials.
func (f *Fixture) Do(method, url, body string, role auth.Role) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	if role != "" {
		r.Header.Set("Authorization", "Bearer "+f.tokens[role])
	}
	w := httptest.NewRecorder()
	f.API.ServeHTTP(w, r)
	return w
}

// advisories is an index directory without caching.
type advisories struct {
	dir  string
	mu   sync.Mutex
	open []io.Closer
}

func (a *advisories) index() *vuln.Index {
	index, err := vuln.Open(a.dir)
	if err != nil {
		panic(err)
	}
	if index != nil {
		a.mu.Lock()
		a.open = append(a.open, index)
		a.mu.Unlock()
	}
	return index
}

func (a *advisories) close() {
	for _, c := range a.open {
		c.Close()
	}
}

func (a *advisories) Acquire() (*vuln.Index, func()) { return a.index(), func() {} }
func (a *advisories) Status() vuln.Status            { return a.index().Status() }
func (a *advisories) Import(ctx context.Context, source string) (vuln.ImportResult, error) {
	return vuln.Import(ctx, a.dir, source, vuln.ImportOptions{Now: time.Now()})
}
