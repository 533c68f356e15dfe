package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/distribution"
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
var now = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// server is what `serve --demo` puts around the demo, over a data directory.
type server struct {
	Options
	t       *testing.T
	db      *store.Store
	address string
	stop    func()
	log     *bytes.Buffer // to be read when all is assessed
}

// prepare makes what a demo needs.
func prepare(t *testing.T, data string) *server {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(data, "test.db"), Key: [32]byte{1}, Now: clock, Rand: rand.Reader})
	must(t, err)
	types, err := integration.NewTypes(integrations.All()...)
	must(t, err)
	client := distribution.New(distribution.Options{Now: clock, Addresses: distribution.Addresses{Loopback: true}})
	connections := integration.NewService(integration.ServiceOptions{
		Store: db, Types: types, Tester: diagnosis.New(diagnosis.Options{Client: client, Types: types, Now: clock, NewID: uuid.NewString}), Deps: integration.Deps{Now: clock}, NewID: uuid.NewString, Now: clock,
	})
	dir := filepath.Join(data, "advisories")
	live, err := vuln.OpenLive(dir)
	must(t, err)
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	t.Cleanup(func() { live.Close(); db.Close() })
	return &server{t: t, db: db, log: &out, Options: Options{
		Integrations: connections, Assessments: db, AdvisoriesDir: dir, Password: secret.New("demo-password-" + uuid.NewString()), Now: clock, Log: log,
		Assess: assess.New(assess.Options{
			Sources: connections, Client: client, Scanner: scan.New(scan.Options{Cache: db}), Advisories: live, Policies: policy.Fixed(policy.BuiltinSet()),
			Store: db, Now: clock, NewID: uuid.NewString, Log: log,
		}),
	}}
}

// start starts the demo and waits until all is assessed.
func (s *server) start() *server {
	s.t.Helper()
	ctx, stop := context.WithCancel(s.t.Context())
	s.t.Cleanup(stop)
	address, assessed, err := Start(ctx, s.Options)
	must(s.t, err)
	<-assessed
	s.address, s.stop = address, stop
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *server) list() []assess.Summary {
	s.t.Helper()
	list, next, err := s.db.Assessments(s.t.Context(), "", 100, "")
	must(s.t, err)
	if next != "" {
		s.t.Fatal("more than a page")
	}
	return list
}

func (s *server) assessment(name string) assess.Assessment {
	return s.assessmentFor(name, "linux/amd64")
}

func (s *server) assessmentFor(name, platform string) assess.Assessment {
	s.t.Helper()
	list, err := s.db.SummariesOf(s.t.Context(), s.address+"/"+name)
	must(s.t, err)
	for _, i := range list {
		if i.Platform == platform {
			a, err := s.db.Assessment(s.t.Context(), i.ID)
			must(s.t, err)
			return a
		}
	}
	s.t.Fatalf("%s was not assessed for %s", name, platform)
	return assess.Assessment{}
}

// occupy makes sure that nobody gets the demo's usual address.
func occupy(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", Address)
	if err == nil {
		t.Cleanup(func() { l.Close() })
	}
}

func violations(a assess.Assessment, enforced bool) []string {
	var ids []string
	for _, v := range a.Policy.Violations {
		if v.Enforced == enforced {
			ids = append(ids, v.PolicyID)
		}
	}
	slices.Sort(ids)
	return ids
}

func TestStart(t *testing.T) {
	s := prepare(t, t.TempDir()).start()
	if s.log.Len() > 0 {
		t.Errorf("complaints: %s", s.log)
	}

	t.Run("every_image_is_scanned_and_checked", func(t *testing.T) {
		list := s.list()
		if len(list) != 5 { // one of the four for two platforms
			t.Errorf("%d images", len(list))
		}
		for _, i := range list {
			if i.ScanStatus != string(scan.Complete) || i.CheckStatus != assess.Checked || i.Components == 0 || i.Source.Name != integrationName || i.Created == nil {
				t.Errorf("%+v", i)
			}
		}
	})

	t.Run("assistant_fails_with_two_enforced_violations", func(t *testing.T) {
		a := s.assessment("shop/assistant:2.3")
		if got := violations(a, true); a.Verdict != assess.Fail || !slices.Equal(got, []string{"fixable-critical-vulnerability", "secret-in-image"}) {
			t.Errorf("%s, enforced %q", a.Verdict, got)
		}
		for _, id := range []string{"runs-as-root", "remote-login-server", "download-piped-to-shell", "end-of-life-distribution"} {
			if !slices.Contains(violations(a, false), id) {
				t.Errorf("%s is missing", id)
			}
		}
		lines := map[string]int{}
		for _, f := range a.Findings {
			lines[f.Type] = max(lines[f.Type], f.Line)
		}
		if lines["deb"] != 5 || lines["pypi"] != 6 || !strings.HasPrefix(a.Facts.LineText(5), "RUN apt-get update") {
			t.Errorf("lines %v, line 5 is %q", lines, a.Facts.LineText(5))
		}
	})

	t.Run("edge_has_Alpine_findings", func(t *testing.T) {
		a := s.assessment("shop/edge:1.16")
		if a.Verdict != assess.Violations || a.Scan.OS == nil || a.Scan.OS.ID != "alpine" || len(a.Findings) == 0 {
			t.Errorf("%s, %+v, %d findings", a.Verdict, a.Scan.OS, len(a.Findings))
		}
		found := map[string]bool{}
		for _, f := range a.Findings {
			if f.Type != "apk" || f.CVE == "" || f.FixedVersion == "" {
				t.Errorf("%+v", f)
			}
			found[f.Component] = true
		}
		for _, name := range []string{"musl", "busybox", "libssl1.1", "libcurl"} {
			if !found[name] {
				t.Errorf("nothing about %s", name)
			}
		}
	})

	t.Run("web_does_not_list_what_a_later_layer_deletes", func(t *testing.T) {
		a := s.assessment("shop/web:latest")
		var names []string
		for _, c := range a.Scan.Components {
			names = append(names, c.Name)
		}
		for _, name := range []string{"express", "lodash", "handlebars", "shop-web"} {
			if !slices.Contains(names, name) {
				t.Errorf("%s is missing in %q", name, names)
			}
		}
		if slices.Contains(names, "jquery") {
			t.Errorf("jquery is in %q", names)
		}
		if a.Verdict != assess.Violations || !slices.Contains(violations(a, false), "latest-tag") || len(a.Findings) == 0 {
			t.Errorf("%s, %q, %d findings", a.Verdict, violations(a, false), len(a.Findings))
		}
	})

	t.Run("ledger_has_vulnerabilities_on_the_other_platform", func(t *testing.T) {
		if a := s.assessmentFor("shop/ledger:1.4.0", "linux/arm64"); len(a.Findings) == 0 || a.Facts.Platform.Architecture != "arm64" {
			t.Errorf("%s, %+v", a.Facts.Platform, a.Findings)
		}
	})

	t.Run("ledger_has_no_vulnerability", func(t *testing.T) {
		a := s.assessment("shop/ledger:1.4.0")
		if len(a.Findings) != 0 || a.Verdict == assess.Fail || a.Verdict == assess.Undecided || a.Check.Checked < 4 {
			t.Errorf("%s, %+v, %+v", a.Verdict, a.Findings, a.Check)
		}
		for _, id := range violations(a, false) {
			if id != "stale-advisory-data" { // of the selection that comes with the demo, not of the image
				t.Errorf("violates %s", id)
			}
		}
	})

	t.Run("the_registry_wants_the_password", func(t *testing.T) {
		for _, tt := range []struct {
			user, password string
			want           int
		}{{"", "", 401}, {"demo", "", 401}, {"demo", "demo", 401}, {"other", s.Password.Reveal(), 401}, {"demo", s.Password.Reveal(), 200}} {
			r, err := http.NewRequest(http.MethodGet, "http://"+s.address+"/v2/shop/web/manifests/latest", nil)
			must(t, err)
			if tt.user != "" {
				r.SetBasicAuth(tt.user, tt.password)
			}
			answer, err := http.DefaultClient.Do(r)
			must(t, err)
			answer.Body.Close()
			if answer.StatusCode != tt.want || (tt.want == 401) != (answer.Header.Get("WWW-Authenticate") != "") {
				t.Errorf("%s: %s", tt.user, answer.Status)
			}
		}
	})

	t.Run("the_end_of_the_context_stops_the_registry", func(t *testing.T) {
		s.stop()
		deadline := time.Now().Add(5 * time.Second)
		for {
			c, err := net.Dial("tcp", s.address)
			if err != nil {
				return
			}
			c.Close()
			if time.Now().After(deadline) {
				t.Fatal("it still listens")
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
}

func TestStart_again(t *testing.T) {
	occupy(t)
	data := t.TempDir()
	first := prepare(t, data).start()
	if first.address == Address {
		t.Fatalf("%s is taken", Address)
	}
	before := first.list()
	// What a person checked elsewhere, or with a registry of their own on this machine, stays.
	for _, own := range []assess.Assessment{
		{ID: "a", Reference: "127.0.0.1:1/app:1", Platform: "linux/amd64", AssessedAt: now, Source: assess.Source{Name: "mine"}},
		{ID: "b", Reference: "docker.io/library/nginx:1", Platform: "linux/amd64", AssessedAt: now, Source: assess.Source{Name: integrationName}},
	} {
		must(t, first.db.PutAssessment(t.Context(), own, assess.Matching{}, nil))
	}
	first.stop()

	second := prepare(t, data).start()
	if second.address == first.address {
		t.Skip("the system gave out the same port twice")
	}
	var kept []string
	for _, i := range second.list() {
		switch {
		case i.ID == "a" || i.ID == "b":
			kept = append(kept, i.ID)
		case !strings.HasPrefix(i.Reference, second.address+"/"):
			t.Errorf("%s is left over", i.Reference)
		}
	}
	if got := len(second.list()) - len(kept); got != len(before) || len(kept) != 2 {
		t.Errorf("%d images, %d before; of others %q", got, len(before), kept)
	}
	list, err := second.Integrations.List(t.Context(), "", "")
	must(t, err)
	if len(list) != 1 || list[0].Config.Text("endpoint") != "http://"+second.address || !list[0].Config.Secret("password").Equal(second.Password) {
		t.Errorf("%v", list)
	}
	if second.log.Len() > 0 {
		t.Errorf("complaints: %s", second.log)
	}
}

func TestStart_leaves_alone_what_a_person_made(t *testing.T) {
	t.Run("advisories", func(t *testing.T) {
		s := prepare(t, t.TempDir())
		record := &fstest.MapFile{Data: []byte(`{"id":"MINE-1","modified":"2026-11-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"x"},` +
			`"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}`)}
		imported, err := vuln.ImportFS(t.Context(), s.AdvisoriesDir, fstest.MapFS{"npm/1.json": record}, vuln.ImportOptions{Now: now.Add(-time.Hour)})
		must(t, err)
		s.start()
		index, err := vuln.Open(s.AdvisoriesDir)
		must(t, err)
		defer index.Close()
		if got := index.Status(); got.Records != 1 || !got.Imported.Equal(imported.Status.Imported) {
			t.Errorf("%+v", got)
		}
		if a := s.assessment("shop/edge:1.16"); a.Check.Status != assess.NotChecked || len(a.Findings) != 0 {
			t.Errorf("%+v", a.Check)
		}
	})

	t.Run("an_integration_of_the_same_name", func(t *testing.T) {
		s := prepare(t, t.TempDir())
		mine, err := s.Integrations.Create(t.Context(), integration.Draft{Integration: integration.Integration{
			Name: integrationName, Type: "docker", Categories: []integration.Category{integration.CategoryRegistry}, SkipTest: true,
			Config: integration.NewConfig(map[string]any{"endpoint": "https://registry.example", "username": "me"}, nil),
		}})
		must(t, err)
		s.start()
		now, err := s.Integrations.Get(t.Context(), mine.ID)
		must(t, err)
		if now.Revision != mine.Revision || now.Config.Text("endpoint") != mine.Config.Text("endpoint") {
			t.Errorf("%v", now.Config)
		}
		if !strings.Contains(s.log.String(), "not the demo's") {
			t.Errorf("log: %q", s.log)
		}
	})
}
