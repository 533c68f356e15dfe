package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/landwaiter/landwaiter/internal/attestation/attestationtest"
	"github.com/landwaiter/landwaiter/internal/auth/authtest"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integrations/quay/quaytest"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"landwaiter": main})
}

// marked is the one password of the tests. It must not show up anywhere but where a script puts it.
const marked = "Marked-password-4711"

// TestScript runs the scripts of testdata/script against real registries, which are the same for all of them:
//
//	OPEN    anonymous, plain HTTP: team/app:1 (two platforms), team/alpine:3, team/secret:1 (breaks an enforced policy),
//	        team/slimmed:1 (line 2 removes a component of line 1), team/chart:1 (no image), team/signed:1 (has a signed bill of materials, which the
//	        signer rule in the file RULES accepts)
//	BASIC   user robot and PASSWORD: team/app:1
//	TOKEN   user robot and PASSWORD, or the identity token IDENTITY; public/app:1 for everybody, team/app:1 for robot
//	TLS     anonymous, with a certificate that only CERT vouches for: team/app:1
//	QUAY    a Quay with a scanner, robot org+robot with the password robot-password, or the OAuth token quay-oauth-token:
//	        team/alpine:3, and team/alpine:new, which its scanner has not heard of
//	BROKEN  anonymous: team/app:1, whose layer cannot be had
//
// OSV is a mirror of OSV's bulk archives with Alpine/all.zip, Alpine/modified_id.csv and the data about exploitation; it wants
// the user mirror and PASSWORD.
// ISSUER is an OpenID Connect issuer, and IDENTITYTOKEN a token of it for the repository org/app and the audience
// https://landwaiter.example.
// OLD is a data directory with advisories for team/alpine:3 that were imported ten days ago.
//
// Besides testscript's own commands there are:
//
//	lw STATUS ARG...   runs landwaiter, wants the exit status, and that nothing printed holds the password
//	server ARG...      runs `landwaiter serve ARG...` on a free port, with the data directory "data", until the script ends or starts
//	                   another; sets SERVER, and LANDWAITER_ADMIN_PASSWORD unless it is set
//	sealed PATH...     wants that no file below holds the password
//	until REGEXP ARG...  runs landwaiter until what it prints has a match, for ten seconds
//	logged REGEXP      wants a match in what the server has written
//	mask FILE          replaces the registry's port, digests, times and ages in a file, or in the last standard output (stdout)
//	json REGEXP        wants that the last standard output is one JSON value with a match
func TestScript(t *testing.T) {
	env := registries(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.Getenv("WORK"))
			e.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector's second of waiting at the end of each command
			for name, value := range env {
				e.Setenv(name, value)
			}
			e.Values[serverKey{}] = new(*running)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"lw": lw, "server": startServer, "sealed": sealed, "json": wantJSON, "until": until, "logged": logged, "mask": mask,
		},
	})
}

func registries(t *testing.T) map[string]string {
	t.Helper()
	users := map[string]string{"robot": marked}
	open := registrytest.Start(t, registrytest.Options{})
	basic := registrytest.Start(t, registrytest.Options{Users: users})
	token := registrytest.Start(t, registrytest.Options{Users: users, Tokens: true})
	token.Tokens.Closed = false
	token.Tokens.Refresh = map[string]string{marked + "-identity": "robot"}
	token.Tokens.May = func(user, repository string) bool { return user == "robot" || strings.HasPrefix(repository, "public/") }
	private := registrytest.Start(t, registrytest.Options{TLS: registrytest.NewAuthority(t)})
	broken := registrytest.NewFake(t, nil, registrytest.Quirks{})

	app := registrytest.Image{Lines: []string{"COPY app / # buildkit"}}
	arm := app
	arm.Platform = image.Platform{OS: "linux", Architecture: "arm64"}
	registrytest.PushIndex(t, open, "team/app", "1",
		registrytest.Push(t, open, "team/app", "", app), registrytest.Push(t, open, "team/app", "", arm))
	var children []image.Descriptor
	for architecture, version := range map[string]string{"amd64": "4.17.15", "arm64": "4.17.21"} {
		children = append(children, registrytest.Push(t, open, "team/node", "", registrytest.Image{
			Platform: image.Platform{OS: "linux", Architecture: architecture},
			Layers:   [][]byte{registrytest.Layer(map[string]string{"app/node_modules/lodash/package.json": `{"name":"lodash","version":"` + version + `"}`})},
		}))
	}
	registrytest.PushIndex(t, open, "team/node", "1", children...)
	alpine := registrytest.Image{Layers: [][]byte{registrytest.Layer(map[string]string{
		"etc/os-release":       "ID=alpine\nVERSION_ID=3.18.2\nPRETTY_NAME=\"Alpine Linux v3.18\"\n",
		"lib/apk/db/installed": "P:busybox\nV:1.36.1-r0\nA:x86_64\nL:GPL-2.0-only\no:busybox\n\n",
	})}}
	registrytest.Push(t, open, "team/alpine", "3", alpine)
	registrytest.Push(t, open, "team/slimmed", "1", registrytest.Image{
		Lines: []string{"COPY app /", "RUN npm prune"},
		Layers: [][]byte{
			registrytest.Layer(map[string]string{"app/node_modules/moment/package.json": `{"name":"moment","version":"2.29.1"}`}),
			registrytest.Layer(map[string]string{"app/node_modules/.wh.moment": ""}),
		},
	})
	config := []byte(`{"os":"linux","architecture":"amd64","config":{"Env":["DATABASE_PASSWORD=hunter2hunter2"]},"rootfs":{"type":"layers","diff_ids":[]},"history":[]}`)
	registrytest.Push(t, open, "team/secret", "1", registrytest.Image{Layers: [][]byte{}, Config: config})
	chart := open.PutBlob(t, "team/chart", "application/vnd.cncf.helm.config.v1+json", []byte(`{"name":"chart"}`))
	content := open.PutBlob(t, "team/chart", "application/vnd.cncf.helm.chart.content.v1.tar+gzip", []byte("chart"))
	open.PutManifest(t, "team/chart", "1", image.MediaTypeOCIManifest, registrytest.Manifest(image.MediaTypeOCIManifest, chart, []image.Descriptor{content}))
	registrytest.Push(t, basic, "team/app", "1", app)
	registrytest.Push(t, token, "team/app", "1", app)
	registrytest.Push(t, token, "public/app", "1", app)
	registrytest.Push(t, private, "team/app", "1", app)
	signer := attestationtest.New(t)
	signed := registrytest.Push(t, open, "team/signed", "1", app)
	attestationtest.Attach(t, open, "team/signed", signed.Digest, signer.Envelope(signed.Digest, time.Now().UTC().Format(time.RFC3339), "pkg:npm/left@1.0.0"))
	layer := registrytest.Layer(map[string]string{"etc/motd": "hello"})
	registrytest.Push(t, broken, "team/app", "1", registrytest.Image{Layers: [][]byte{layer}})
	broken.Corrupt(image.DigestOf(layer), layer[:len(layer)/2])

	issuer := authtest.Start(t)
	return map[string]string{
		"ISSUER": issuer.URL, "IDENTITYTOKEN": issuer.Token(t, time.Now(), nil).Reveal(),
		"OPEN": open.Host, "BASIC": basic.Host, "TOKEN": token.Host, "TLS": private.Host, "BROKEN": broken.Host,
		"QUAY": quay(t, alpine), "CERT": certificate(t, private.Host), "PASSWORD": marked, "IDENTITY": marked + "-identity", "OLD": oldData(t), "OSV": mirror(t),
		"RULES": kept(t, "rules.yaml", signer.Rule(open.Host+"/team/*")),
	}
}

// busyboxRecord is an advisory for team/alpine:3.
const busyboxRecord = `{"id":"ALPINE-CVE-2023-0001","modified":"2026-01-01T00:00:00Z","upstream":["CVE-2023-0001"],"affected":[{"package":{"ecosystem":"Alpine:v3.18","name":"busybox"},
	"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.36.1-r5"}]}]}]}`

func mirror(t *testing.T) string {
	t.Helper()
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	e, err := w.Create("ALPINE-CVE-2023-0001.json")
	if err == nil {
		_, err = e.Write([]byte(busyboxRecord))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	files := http.FileServerFS(fstest.MapFS{
		"osv/ecosystems.txt":         {Data: []byte("Alpine\nGIT\n")},
		"osv/Alpine/all.zip":         {Data: archive.Bytes(), ModTime: time.Now().Add(-time.Hour)},
		"osv/Alpine/modified_id.csv": {Data: []byte("2026-01-01T00:00:00Z,ALPINE-CVE-2023-0001\n"), ModTime: time.Now().Add(-time.Hour)},
		"epss.csv":                   {Data: []byte("#model_version:v1,score_date:2026-05-18T00:00:00Z\ncve,epss,percentile\nCVE-2023-0001,0.5,0.9\n")},
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "mirror" || password != marked {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// quay has an image of which Clair knows a vulnerability that there is an advisory for, and one of a package that is not there.
func quay(t *testing.T, alpine registrytest.Image) string {
	q := quaytest.New(t)
	pushed := registrytest.Push(t, q.Registry, "team/alpine", "3", alpine)
	registrytest.Push(t, q.Registry, "team/alpine", "new", registrytest.Image{})
	q.Private, q.Scans = true, map[string]quaytest.Scan{string(pushed.Digest): {Status: "scanned", Features: []quaytest.Feature{
		{Name: "busybox", Version: "1.36.1-r0", Vulnerabilities: []quaytest.Vulnerability{{Name: "CVE-2023-0001", Severity: "Medium", FixedBy: "1.36.1-r5"}}},
		{Name: "openssl", Version: "3.1", Vulnerabilities: []quaytest.Vulnerability{{Name: "CVE-2026-0007", Severity: "High", FixedBy: "3.2"}}},
	}}}
	return q.Listen(t)
}

func oldData(t *testing.T) string {
	t.Helper()
	data := t.TempDir()
	_, err := vuln.ImportFS(t.Context(), advisoriesDir(data), fstest.MapFS{"Alpine/1.json": {Data: []byte(busyboxRecord)}}, vuln.ImportOptions{Now: time.Now().AddDate(0, 0, -10)})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// certificate is a file with the certificate that a server shows.
func certificate(t *testing.T, host string) string {
	t.Helper()
	conn, err := tls.Dial("tcp", host, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return kept(t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: conn.ConnectionState().PeerCertificates[0].Raw}))
}

// kept writes a file that stays until the test ends.
func kept(t *testing.T, name string, content []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func lw(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec("landwaiter", args[1:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
	holdsNoPassword(ts, ts.ReadFile("stdout")+ts.ReadFile("stderr"))
}

func until(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile("(?m)" + args[0])
	for deadline := time.Now().Add(10 * time.Second); ; {
		_ = ts.Exec("landwaiter", args[1:]...) // the status may be another each time
		printed := ts.ReadFile("stdout") + ts.ReadFile("stderr")
		holdsNoPassword(ts, printed)
		if want.MatchString(printed) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("no match for %s in\n%s", args[0], printed)
		}
	}
}

// changing is what differs from run to run.
var changing = []struct {
	found *regexp.Regexp
	mask  string
}{
	{regexp.MustCompile(`127\.0\.0\.1(:|%3A)[0-9]+`), "REGISTRY"},
	{regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z?`), "TIME"},
	{regexp.MustCompile(`sha256:[0-9a-f]{64}`), "DIGEST"},
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`[0-9a-f]{32}:1"`), `HASH:1"`},
	{regexp.MustCompile(`[0-9]+ days old`), "N days old"},
	{regexp.MustCompile(`[0-9]+ policies without`), "N policies without"},
	{regexp.MustCompile(`time="[0-9]+\.[0-9]+"`), `time="S"`},
	{regexp.MustCompile(`"version": "[^"]*(devel|\+dirty|v0\.0\.0-)[^"]*"`), `"version": "VERSION"`},
}

func mask(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	for _, c := range changing {
		text = c.found.ReplaceAllString(text, c.mask)
	}
	if args[0] == "stdout" {
		_, err := fmt.Fprint(ts.Stdout(), text)
		ts.Check(err)
		return
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

func logged(ts *testscript.TestScript, _ bool, args []string) {
	all := (*ts.Value(serverKey{}).(**running)).output.String()
	if !regexp.MustCompile(args[0]).MatchString(all) {
		ts.Fatalf("no match for %s in\n%s", args[0], all)
	}
}

func holdsNoPassword(ts *testscript.TestScript, printed string) {
	for _, form := range []string{marked, base64.StdEncoding.EncodeToString([]byte("robot:" + marked))} {
		if strings.Contains(printed, form) {
			ts.Fatalf("the password was printed")
		}
	}
}

type serverKey struct{}

func startServer(ts *testscript.TestScript, _ bool, args []string) {
	current := ts.Value(serverKey{}).(**running)
	stop := func() {
		if *current == nil {
			return
		}
		ts.Check((*current).stop())
		holdsNoPassword(ts, (*current).output.String())
		*current = nil
	}
	stop()
	if ts.Getenv("LANDWAITER_ADMIN_PASSWORD") == "" {
		ts.Setenv("LANDWAITER_ADMIN_PASSWORD", marked)
	}
	variables := map[string]string{"LANDWAITER_ALLOW_ADDRESSES": "loopback"}
	for _, name := range []string{"LANDWAITER_ADMIN_PASSWORD", "LANDWAITER_DATABASE_URL", "LANDWAITER_ADVISORY_CREDENTIAL"} {
		variables[name] = ts.Getenv(name)
	}
	args = append([]string{"--data", ts.MkAbs("data"), "--listen", "127.0.0.1:0"}, args...)
	s, err := serve(args, func(name string) string { return variables[name] })
	ts.Check(err)
	*current = s
	ts.Defer(stop)
	ts.Setenv("SERVER", s.url)
}

func sealed(ts *testscript.TestScript, _ bool, args []string) {
	for _, dir := range args {
		files := 0
		ts.Check(filepath.WalkDir(ts.MkAbs(dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			files++
			b, err := os.ReadFile(path)
			if bytes.Contains(b, []byte(marked)) {
				ts.Fatalf("%s holds the password", path)
			}
			return err
		}))
		if files == 0 {
			ts.Fatalf("%s holds no files", dir)
		}
	}
}

func wantJSON(ts *testscript.TestScript, _ bool, args []string) {
	out := ts.ReadFile("stdout")
	if !json.Valid([]byte(out)) {
		ts.Fatalf("standard output is not one JSON value:\n%s", out)
	}
	if !regexp.MustCompile(args[0]).MatchString(out) {
		ts.Fatalf("no match for %s in\n%s", args[0], out)
	}
}

// A running server of this process.
type running struct {
	url    string
	output *output
	cancel context.CancelFunc
	status chan int
}

// serve runs `landwaiter serve` until stop, and returns when it accepts connections.
func serve(args []string, getenv func(string) string) (*running, error) {
	return start(func(ctx context.Context, s streams) int {
		return run(ctx, append([]string{"serve"}, args...), s, getenv)
	})
}

func start(server func(context.Context, streams) int) (*running, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &running{output: &output{lines: make(chan string, 100)}, cancel: cancel, status: make(chan int, 1)}
	go func() { s.status <- server(ctx, streams{strings.NewReader(""), s.output, s.output}) }()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case line := <-s.output.lines:
			if _, url, ok := strings.Cut(line, "Landwaiter is at "); ok {
				s.url = strings.TrimSpace(url)
				return s, nil
			}
		case status := <-s.status:
			cancel()
			return nil, errors.New("it ended with status " + strconv.Itoa(status) + ": " + s.output.String())
		case <-timeout:
			cancel()
			return nil, errors.New("it does not listen: " + s.output.String())
		}
	}
}

func (s *running) stop() error {
	s.cancel()
	select {
	case status := <-s.status:
		if status != 0 {
			return errors.New("serve ended with status " + strconv.Itoa(status) + ": " + s.output.String())
		}
		return nil
	case <-time.After(20 * time.Second):
		return errors.New("serve does not end")
	}
}

// output keeps what is written, and hands out its first lines.
type output struct {
	mu    sync.Mutex
	all   bytes.Buffer
	lines chan string
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all.Write(b)
	for line := range strings.Lines(string(b)) {
		select {
		case o.lines <- line:
		default:
		}
	}
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}

func TestServe_PostgreSQL(t *testing.T) {
	url := storetest.PostgreSQL(t)
	data := t.TempDir()
	environment := map[string]string{"LANDWAITER_DATABASE_URL": url, "LANDWAITER_ADMIN_PASSWORD": marked}
	for range 2 { // the second start finds what the first one made
		s, err := serve([]string{"--data", data, "--listen", "127.0.0.1:0"}, func(name string) string { return environment[name] })
		if err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		client := map[string]string{"LANDWAITER_SERVER": s.url, "LANDWAITER_ADMIN_PASSWORD": marked}
		status := run(t.Context(), []string{"integration", "list"}, streams{strings.NewReader(""), &out, &errs}, func(name string) string { return client[name] })
		if status != 0 || strings.Count(out.String(), "registry-1.docker.io") != 1 {
			t.Errorf("status %d\n%s%s", status, &out, &errs)
		}
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(data, "landwaiter.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a SQLite database beside PostgreSQL: %v", err)
	}
}

func TestServe_is_ready_quickly(t *testing.T) {
	data := t.TempDir()
	start := time.Now()
	s, err := serve([]string{"--demo", "--data", data, "--listen", "127.0.0.1:0"}, func(string) string { return "" })
	took := time.Since(start)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if took > 2*time.Second { // without the race detector, a quarter of a second is usual
		t.Errorf("ready after %v", took)
	}
}
