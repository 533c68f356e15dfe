package assess_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/integrations"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/scan"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// now is the clock of the tests.
var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// flow is the real service with everything that it needs, on loopback and in memory.
type flow struct {
	*assess.Service
	t            testing.TB
	store        *store.Store
	integrations *integration.Service
}

// start makes a flow with the advisories given as OSV records by path.
func start(t testing.TB, advisories fstest.MapFS, change func(*assess.Options)) *flow {
	t.Helper()
	ctx := t.Context()
	db, err := store.Open(ctx, store.Options{URL: "sqlite::memory:", Key: [32]byte{1}, Now: time.Now, Rand: rand.Reader})
	must(t, err)
	t.Cleanup(func() { db.Close() })
	types, err := integration.NewTypes(integrations.All()...)
	must(t, err)
	client := distribution.New(distribution.Options{Now: time.Now, MaxAttempts: 1, Addresses: distribution.Addresses{Loopback: true}})
	connections := integration.NewService(integration.ServiceOptions{
		Store: db, Types: types, Tester: diagnosis.New(diagnosis.Options{Client: client, Types: types, Now: time.Now, NewID: uuid.NewString}), Deps: integration.Deps{Now: time.Now}, NewID: uuid.NewString, Now: time.Now,
	})
	dir := t.TempDir()
	if len(advisories) > 0 {
		_, err = vuln.ImportFS(ctx, dir, advisories, vuln.ImportOptions{Now: now})
		must(t, err)
	}
	live, err := vuln.OpenLive(dir)
	must(t, err)
	t.Cleanup(func() { live.Close() })
	o := assess.Options{
		Sources: connections, Client: client, Scanner: scan.New(scan.Options{Cache: db}), Advisories: live, Policies: policy.Fixed(policy.BuiltinSet()),
		Store: db, Now: func() time.Time { return now }, NewID: uuid.NewString,
	}
	if change != nil {
		change(&o)
	}
	return &flow{Service: assess.New(o), t: t, store: db, integrations: connections}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// connect creates a docker integration that is not tested.
func (f *flow) connect(name, endpoint, user, password string) integration.Integration {
	f.t.Helper()
	in, err := f.integrations.Create(f.t.Context(), draft(name, endpoint, user, password))
	must(f.t, err)
	return in
}

func draft(name, endpoint, user, password string) integration.Draft {
	return integration.Draft{Integration: integration.Integration{
		Name: name, Type: "docker", Categories: []integration.Category{integration.CategoryRegistry}, SkipTest: true,
		Config: integration.NewConfig(
			map[string]any{"endpoint": endpoint, "username": user}, map[string]secret.Text{"password": secret.New(password)},
		),
	}}
}

func reference(t testing.TB, s string) image.Reference {
	t.Helper()
	ref, err := image.ParseReference(s)
	must(t, err)
	return ref
}

func (f *flow) assess(name string, depth assess.Depth) *assess.Assessment {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 10*time.Second)
	defer cancel()
	a, err := f.Assess(ctx, assess.Request{Reference: reference(f.t, name), Depth: depth}, assess.Progress{})
	must(f.t, err)
	return a
}

// fails assesses what cannot be had.
func (f *flow) fails(name string) error {
	f.t.Helper()
	a, err := f.Assess(f.t.Context(), assess.Request{Reference: reference(f.t, name), Depth: assess.Judge}, assess.Progress{})
	if err == nil {
		f.t.Fatalf("%s was assessed, served by %q", name, a.Source.Name)
	}
	return err
}

// debian is an image of two layers: three packages of Debian's, which is three components, and one of npm's.
func debian() registrytest.Image {
	base := map[string]string{
		"etc/os-release": "ID=debian\nVERSION_ID=\"11\"\nPRETTY_NAME=\"Debian GNU/Linux 11 (bullseye)\"\n",
		"var/lib/dpkg/status": deb("zlib1g", "zlib", "1:1.2.11.dfsg-2") + deb("libssl1.1", "openssl", "1.1.1k-1") +
			deb("openssl", "", "1.1.1k-1"),
	}
	app := map[string]string{"app/node_modules/lodash/package.json": `{"name":"lodash","version":"4.17.15","license":"MIT"}`}
	return registrytest.Image{
		Layers: [][]byte{registrytest.Layer(base), registrytest.Layer(app)},
		Lines:  []string{"ADD rootfs.tar / # buildkit", "RUN /bin/sh -c npm ci # buildkit"},
	}
}

func deb(name, source, version string) string {
	s := "Package: " + name + "\nStatus: install ok installed\nMaintainer: M\nArchitecture: amd64\nVersion: " + version + "\n"
	if source != "" {
		s += "Source: " + source + "\n"
	}
	return s + "Description: d\n\n"
}

const (
	criticalVector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
	lowVector      = "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"
)

// record is an OSV record about one package; fixed may be empty.
func record(id, cve, ecosystem, name, fixed, vector string) *fstest.MapFile {
	events := `{"introduced":"0"}`
	if fixed != "" {
		events += `,{"fixed":"` + fixed + `"}`
	}
	alias := ""
	if cve != "" {
		alias = `"aliases":["` + cve + `"],`
	}
	return &fstest.MapFile{Data: []byte(`{"id":"` + id + `","modified":"2026-11-20T00:00:00Z","published":"2026-01-02T00:00:00Z",` + alias +
		`"summary":"about ` + name + `","severity":[{"type":"CVSS_V3","score":"` + vector + `"}],"affected":[{"package":{"ecosystem":"` +
		ecosystem + `","name":"` + name + `"},"ranges":[{"type":"ECOSYSTEM","events":[` + events + `]}]}]}`)}
}

// both has advisories for both ecosystems of debian.
func both() fstest.MapFS {
	return fstest.MapFS{
		"Debian/1.json": record("DEBIAN-CVE-2026-0001", "CVE-2026-0001", "Debian:11", "openssl", "1.1.1n-0+deb11u1", lowVector),
		"npm/1.json":    record("GHSA-aaaa-bbbb-cccc", "CVE-2026-0002", "npm", "lodash", "4.17.21", criticalVector),
	}
}

func paths(list []registrytest.Request) []string {
	var all []string
	for _, r := range list {
		all = append(all, r.String())
	}
	return all
}

// isBlob reports whether a request is for the content.
func isBlob(r *http.Request, content []byte) bool {
	return strings.HasSuffix(r.URL.Path, "/blobs/"+string(image.DigestOf(content)))
}

func refuse(w http.ResponseWriter, status int, code string) bool {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"told to"}]}`, code)
	return true
}

type layerDigest = image.Digest

func digestOf(b []byte) image.Digest { return image.DigestOf(b) }

func descriptors(list ...image.Descriptor) []image.Descriptor { return list }
