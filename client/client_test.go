package client_test

import (
	"archive/zip"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/client"
	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// connect starts the API and a client of it.
func connect(t *testing.T, role auth.Role) (*apitest.Fixture, *client.Client) {
	t.Helper()
	f := apitest.Start(t, nil)
	srv := httptest.NewServer(f.API)
	t.Cleanup(srv.Close)
	return f, open(t, client.Options{URL: srv.URL, Token: secret.New(f.Token(role))})
}

func open(t *testing.T, o client.Options) *client.Client {
	t.Helper()
	c, err := client.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v (%s; fix: %s)", err, fault.CodeOf(err), fault.FixOf(err))
	}
}

func wants(t *testing.T, err error, code fault.Code, texts ...string) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != code {
		t.Fatalf("got %v (%s), want %s", err, fault.CodeOf(err), code)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error()+" "+fault.FixOf(err), text) {
			t.Errorf("%q with fix %q lacks %q", err, fault.FixOf(err), text)
		}
	}
}

func docker(f *apitest.Fixture, name string) client.Integration {
	var in client.Integration
	if err := json.Unmarshal([]byte(f.Docker(name, apitest.Marked)), &in); err != nil {
		panic(err)
	}
	return in
}

func TestIntegrations(t *testing.T) {
	f, c := connect(t, auth.Administrator)
	ctx := t.Context()

	must(t, c.TestIntegration(ctx, docker(f, "first")))
	made, err := c.CreateIntegration(ctx, docker(f, "first"))
	must(t, err)
	if made.Text("id") == "" || made.Settings("docker")["password"] != secret.Mask {
		t.Errorf("created %v", made)
	}
	_, err = c.CreateIntegration(ctx, docker(f, "first"))
	wants(t, err, fault.Conflict, "already exists", "Choose another name")

	read, err := c.Integration(ctx, made.Text("id"))
	must(t, err)
	if !reflect.DeepEqual(read, made) {
		t.Errorf("read %v, created %v", read, made)
	}
	must(t, c.ReplaceIntegration(ctx, read.Text("id"), read)) // what was read can be sent back
	read["name"] = "second"
	must(t, c.TestUpdatedIntegration(ctx, read, false))
	must(t, c.PatchIntegration(ctx, read.Text("id"), read, false))
	found, err := c.Integrations(ctx, "second")
	must(t, err)
	if len(found) != 1 {
		t.Errorf("found %v", found)
	}
	stored, err := f.Integrations.Get(ctx, made.Text("id"))
	must(t, err)
	if stored.Config.Secret("password").Reveal() != apitest.Marked {
		t.Error("the password was not kept")
	}
	read.Settings("docker")["endpoint"] = "elsewhere.example"
	wants(t, c.PatchIntegration(ctx, read.Text("id"), read, false), fault.Invalid, "credentials required")

	owned := f.OwnedByFile(t, "owned", "team.yaml")
	wants(t, c.DeleteIntegration(ctx, owned), fault.Conflict, "described by the file team.yaml")
	must(t, c.ReleaseIntegration(ctx, owned))
	must(t, c.DeleteIntegration(ctx, owned))
	wants(t, c.ReleaseIntegration(ctx, owned), fault.NotFound)
	files, err := c.IntegrationFiles(ctx)
	if err != nil || files.Directory != "" || len(files.Files) != 0 {
		t.Error(files, err)
	}

	must(t, c.DeleteIntegration(ctx, read.Text("id")))
	wants(t, c.DeleteIntegration(ctx, read.Text("id")), fault.NotFound)
	wants(t, c.DeleteIntegration(ctx, "../apitokens"), fault.NotFound)
	if found, err := c.Integrations(ctx, ""); err != nil || len(found) != 0 {
		t.Error(found, err)
	}

	types, err := c.IntegrationTypes(ctx)
	must(t, err)
	if len(types) == 0 || types[0].ID != "docker" || len(types[0].Fields) == 0 || types[0].Fields[0].Name != "endpoint" {
		t.Errorf("types %+v", types)
	}
}

func TestAssessments(t *testing.T) {
	f, c := connect(t, auth.Administrator)
	ctx := t.Context()
	_, err := c.CreateIntegration(ctx, docker(f, "first"))
	must(t, err)

	inspected, err := c.Assess(ctx, f.Image, "linux/amd64", assess.Inspect)
	must(t, err)
	if inspected.Reference != f.Image || inspected.Facts.User != "app" || inspected.Facts.Platform.OS != "linux" || inspected.Source.Name != "first" {
		t.Errorf("%+v", inspected)
	}
	checked, err := c.Assess(ctx, f.Image, "", assess.Judge)
	must(t, err)
	read, err := c.Assessment(ctx, checked.ID)
	must(t, err)
	if read.Verdict == "" || read.Verdict != checked.Verdict || read.Check.Status != assess.NotChecked {
		t.Errorf("%+v", read)
	}
	lost, err := c.Consequences(ctx, checked.Source.ID)
	must(t, err)
	if len(lost.Images) != 1 || lost.Images[0].ID != checked.ID || !lost.Complete {
		t.Errorf("%+v", lost)
	}
	moved := docker(f, "first")
	moved.Settings("docker")["endpoint"] = "moved.example"
	lost, err = c.ChangeConsequences(ctx, checked.Source.ID, moved, true)
	must(t, err)
	if len(lost.Images) != 1 || len(lost.Images[0].Remaining) != 0 || !lost.Complete {
		t.Errorf("%+v", lost)
	}
	_, err = c.ChangeConsequences(ctx, "nope", moved, true)
	wants(t, err, fault.NotFound)
	_, err = c.Consequences(ctx, "nope")
	wants(t, err, fault.NotFound)
	explained, err := c.Explain(ctx, f.Image)
	must(t, err)
	if len(explained.Candidates) != 1 || explained.Candidates[0].Last == nil || explained.Last.ID != checked.ID || explained.Repository != "team/app" {
		t.Errorf("%+v", explained)
	}
	list, next, err := c.Assessments(ctx, "app", 5, "")
	must(t, err)
	if len(list) != 1 || next != "" || list[0].ID != checked.ID {
		t.Error(list, next)
	}
	must(t, c.DeleteAssessment(ctx, checked.ID))
	_, err = c.Assessment(ctx, checked.ID)
	wants(t, err, fault.NotFound)
	_, err = c.Assess(ctx, "UPPER::", "", assess.Judge)
	wants(t, err, fault.Invalid)
}

// What a person sees is the same whether the flow ran in their process or on a server.
func TestUnservedIsAsInProcess(t *testing.T) {
	f, c := connect(t, auth.Administrator)
	for _, name := range []string{"first", "second"} {
		in := docker(f, name)
		if name == "second" {
			in.Settings("docker")["password"] = "wrong"
		}
		_, err := c.CreateIntegration(t.Context(), in)
		must(t, err)
	}
	for _, reference := range []string{f.Registry + "/team/other:1", "127.0.0.1:1/a/b:c"} {
		ref, err := image.ParseReference(reference)
		must(t, err)
		_, remote := c.Assess(t.Context(), ref.String(), "", assess.Inspect)
		_, local := f.Assess.Assess(t.Context(), assess.Request{Reference: ref, Depth: assess.Inspect}, assess.Progress{})
		var r, l *assess.Unserved
		if !errors.As(remote, &r) || !errors.As(local, &l) {
			t.Fatalf("remote %v, local %v", remote, local)
		}
		if remote.Error() != local.Error() || fault.CodeOf(remote) != fault.CodeOf(local) || fault.FixOf(remote) != fault.FixOf(local) {
			t.Errorf("remote %v (%s, %s)\nlocal %v (%s, %s)", remote, fault.CodeOf(remote), fault.FixOf(remote), local, fault.CodeOf(local), fault.FixOf(local))
		}
		if !reflect.DeepEqual(r.Attempts, l.Attempts) || r.Reference != l.Reference {
			t.Errorf("remote %+v\nlocal %+v", r, l)
		}
	}
}

func TestAdvisories(t *testing.T) {
	_, c := connect(t, auth.Administrator)
	ctx := t.Context()
	status, err := c.AdvisoryStatus(ctx)
	must(t, err)
	if status.Records != 0 || !status.Imported.IsZero() {
		t.Errorf("%+v", status)
	}
	record := func(id string) string {
		return fmt.Sprintf(`{"schema_version":"1.6.0","id":%q,"modified":"2024-02-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"left"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.0"}]}]}]}`, id)
	}
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "npm"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "npm", "CVE-2024-0001.json"), []byte(record("CVE-2024-0001")), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "README.txt"), []byte("no record"), 0o600))
	all := filepath.Join(dir, "all.zip")
	file, err := os.Create(all)
	must(t, err)
	z := zip.NewWriter(file)
	w, err := z.Create("CVE-2024-0002.json")
	must(t, err)
	fmt.Fprint(w, record("CVE-2024-0002"))
	must(t, errors.Join(z.Close(), file.Close()))

	for _, s := range []struct {
		source  string
		records int
	}{{dir, 2}, {all, 1}, {filepath.Join(dir, "npm", "CVE-2024-0001.json"), 1}} {
		t.Run(filepath.Base(s.source), func(t *testing.T) {
			var done, total int64
			result, err := c.ImportAdvisories(ctx, s.source, func(d, n int64) { done, total = d, n })
			must(t, err)
			if result.Records != s.records || result.Status.Records != s.records || result.Skipped != 0 {
				t.Errorf("%+v", result)
			}
			if done == 0 || done > total {
				t.Errorf("progress %d of %d", done, total)
			}
		})
	}
	status, err = c.AdvisoryStatus(ctx)
	must(t, err)
	if status.Records == 0 || status.Imported.IsZero() || status.Ecosystems[0].Name != "npm" {
		t.Errorf("%+v", status)
	}

	_, err = c.ImportAdvisories(ctx, filepath.Join(dir, "nowhere"), nil)
	wants(t, err, fault.Invalid, "nowhere")
	_, err = c.ImportAdvisories(ctx, t.TempDir(), nil)
	wants(t, err, fault.Invalid, "no JSON files")
	_, err = c.UploadAdvisories(ctx, strings.NewReader("no zip"), -1)
	wants(t, err, fault.Invalid, "not a zip archive")

	_, viewer := connect(t, auth.Viewer)
	_, err = viewer.ImportAdvisories(ctx, dir, nil)
	wants(t, err, fault.Forbidden)
}

func TestTokensAndSystem(t *testing.T) {
	f, c := connect(t, auth.Administrator)
	ctx := t.Context()
	must(t, c.Ping(ctx))
	if m, err := c.Metadata(ctx); err != nil || m.Version != "1.2.3-test" {
		t.Error(m, err)
	}
	if list, err := c.Policies().Entries(ctx); err != nil || len(list) < 10 || list[0].Title == "" {
		t.Error(len(list), err)
	}
	token, value, err := c.CreateToken(ctx, "robot", string(auth.Viewer), time.Now().Add(time.Hour))
	must(t, err)
	if !value.IsSet() || token.Role != string(auth.Viewer) || token.Expiration == nil {
		t.Errorf("%+v", token)
	}
	if _, err := f.Auth.Bearer(ctx, value); err != nil {
		t.Error(err)
	}
	list, err := c.Tokens(ctx)
	must(t, err)
	if !strings.Contains(fmt.Sprint(list), "robot") {
		t.Error(list)
	}
	must(t, c.RevokeToken(ctx, token.ID))
	_, err = f.Auth.Bearer(ctx, value)
	wants(t, err, fault.Unauthenticated)
	_, _, err = c.CreateToken(ctx, "robot", "King", time.Time{})
	wants(t, err, fault.Invalid, "King", "Viewer")
}

func TestSignIn(t *testing.T) {
	f := apitest.Start(t, nil)
	f.EnsureAdmin(t)
	srv := httptest.NewServer(f.API)
	defer srv.Close()
	_, err := open(t, client.Options{URL: srv.URL + "/", Username: "admin", Password: secret.New(apitest.Password)}).Metadata(t.Context())
	must(t, err)
	_, err = open(t, client.Options{URL: srv.URL, Token: secret.New(" " + f.Token(auth.Viewer) + "\n")}).Metadata(t.Context())
	must(t, err)
	_, err = open(t, client.Options{URL: srv.URL}).Metadata(t.Context())
	wants(t, err, fault.Unauthenticated, "no credentials")
	_, err = open(t, client.Options{URL: srv.URL, Token: secret.New("lw_unknown")}).Metadata(t.Context())
	wants(t, err, fault.Unauthenticated)
	must(t, open(t, client.Options{URL: srv.URL}).Ping(t.Context()))
}

func TestOptions(t *testing.T) {
	token := secret.New("tok-3n")
	for _, c := range []struct {
		name string
		o    client.Options
		want string // in the error; "" for none
	}{
		{"https", client.Options{URL: "https://landwaiter.example", Token: token}, ""},
		{"a_path", client.Options{URL: "https://example.com/landwaiter/", Token: token}, ""},
		{"plain_http_on_loopback", client.Options{URL: "http://127.0.0.1:8080", Token: token}, ""},
		{"plain_http_on_loopback_IPv6", client.Options{URL: "http://[::1]:8080", Token: token}, ""},
		{"plain_http_elsewhere", client.Options{URL: "http://landwaiter.example", Token: token}, "plain text"},
		{"plain_http_elsewhere_with_password", client.Options{URL: "http://127.0.0.1.example", Username: "admin", Password: token}, "plain text"},
		{"plain_http_elsewhere_if_it_may", client.Options{URL: "http://landwaiter.example", Token: token, Insecure: true}, ""},
		{"plain_http_elsewhere_without_credentials", client.Options{URL: "http://landwaiter.example"}, ""},
		{"no_scheme", client.Options{URL: "landwaiter.example:8443"}, "http:// or https://"},
		{"empty", client.Options{}, "http:// or https://"},
		{"no_host", client.Options{URL: "https://:8443"}, "no host"},
		{"credentials_in_the_URL", client.Options{URL: "https://u:" + token.Reveal() + "@landwaiter.example"}, "credentials"},
		{"a_query", client.Options{URL: "https://landwaiter.example?x=" + token.Reveal()}, "path"},
		{"missing_CA_file", client.Options{URL: "https://landwaiter.example", CAFile: "/nowhere/ca.crt"}, "CA file"},
		{"empty_CA_file", client.Options{URL: "https://landwaiter.example", CAFile: os.DevNull}, "no PEM certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := client.New(c.o)
			if c.want == "" {
				must(t, err)
				return
			}
			wants(t, err, fault.Invalid, c.want)
			if strings.Contains(err.Error(), token.Reveal()) {
				t.Errorf("a secret is in %q", err)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	srv := httptest.NewTLSServer(apitest.Start(t, nil).API)
	defer srv.Close()
	ca := filepath.Join(t.TempDir(), "ca.crt")
	must(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600))
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())

	for name, o := range map[string]client.Options{
		"CA_file": {URL: srv.URL, CAFile: ca}, "pool": {URL: srv.URL, RootCAs: pool}, "insecure": {URL: srv.URL, Insecure: true},
		"own_client": {URL: srv.URL, HTTPClient: srv.Client()},
	} {
		t.Run(name, func(t *testing.T) { must(t, open(t, o).Ping(t.Context())) })
	}
	t.Run("unknown_CA", func(t *testing.T) {
		wants(t, open(t, client.Options{URL: srv.URL}).Ping(t.Context()), fault.Unavailable, "ca.crt")
	})
	t.Run("other_name", func(t *testing.T) {
		named := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
		wants(t, open(t, client.Options{URL: named, CAFile: ca}).Ping(t.Context()), fault.Unavailable, "name")
	})
	t.Run("http_to_https", func(t *testing.T) {
		plain := strings.Replace(srv.URL, "https", "http", 1)
		wants(t, open(t, client.Options{URL: plain}).Ping(t.Context()), fault.Invalid, "write https://")
	})
	t.Run("https_to_http", func(t *testing.T) {
		plain := httptest.NewServer(http.NotFoundHandler())
		defer plain.Close()
		secure := strings.Replace(plain.URL, "http", "https", 1)
		wants(t, open(t, client.Options{URL: secure}).Ping(t.Context()), fault.Unavailable, "write http://")
	})
}

func TestOddServers(t *testing.T) {
	token := secret.New("tok-3n-value")
	serve := func(t *testing.T, h http.HandlerFunc) *client.Client {
		srv := httptest.NewServer(h)
		t.Cleanup(srv.Close)
		return open(t, client.Options{URL: srv.URL, Token: token})
	}
	t.Run("credentials_do_not_follow_to_another_origin", func(t *testing.T) {
		elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			t.Errorf("it was followed: %s %v", r.URL, r.Header)
		}))
		defer elsewhere.Close()
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
		})
		wants(t, c.Ping(t.Context()), fault.Unavailable, elsewhere.URL)
		_, err := c.CreateIntegration(t.Context(), client.Integration{"name": "x"})
		wants(t, err, fault.Unavailable, elsewhere.URL)
	})
	t.Run("within_the_server_redirects_are_followed", func(t *testing.T) {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v1/ping" {
				http.Redirect(w, r, "/moved", http.StatusTemporaryRedirect)
				return
			}
			if r.Header.Get("Authorization") != "Bearer "+token.Reveal() {
				t.Error(r.Header)
			}
			io.WriteString(w, `{"status":"ok"}`)
		})
		must(t, c.Ping(t.Context()))
	})
	t.Run("in_circles", func(t *testing.T) {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) })
		wants(t, c.Ping(t.Context()), fault.Unavailable, "circles")
	})
	t.Run("not_Landwaiter", func(t *testing.T) {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>welcome") })
		wants(t, c.Ping(t.Context()), fault.Unavailable, "is a Landwaiter server")
		c = serve(t, func(w http.ResponseWriter, r *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) })
		wants(t, c.Ping(t.Context()), fault.Unavailable, "502")
	})
	t.Run("unreachable", func(t *testing.T) {
		srv := httptest.NewServer(http.NotFoundHandler())
		srv.Close()
		wants(t, open(t, client.Options{URL: srv.URL}).Ping(t.Context()), fault.Unavailable, srv.URL, "/healthz")
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := serve(t, func(w http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
		if err := c.Ping(ctx); !errors.Is(err, context.Canceled) || fault.CodeOf(err) != fault.Unavailable {
			t.Error(err)
		}
	})
	t.Run("endless_error", func(t *testing.T) {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		})
		wants(t, c.Ping(t.Context()), fault.Unavailable, "500")
	})
	t.Run("a_refusal_comes_before_a_large_body_is_sent", func(t *testing.T) {
		f := apitest.Start(t, nil)
		srv := httptest.NewServer(f.API)
		defer srv.Close()
		sent := &counter{}
		_, err := open(t, client.Options{URL: srv.URL, Token: token}).UploadAdvisories(t.Context(), sent, 1<<40)
		wants(t, err, fault.Unauthenticated)
		if sent.n > 0 {
			t.Errorf("%d bytes were sent", sent.n)
		}
	})
}

type counter struct{ n int64 }

func (c *counter) Read(b []byte) (int, error) { c.n += int64(len(b)); return len(b), nil }

func FuzzErrorBody(f *testing.F) {
	for _, seed := range []string{
		`{"code":3,"message":"m","error":"m","details":[{"fix":"f"}]}`, `{"code":14,"message":"m","details":[{"reference":"r","attempts":[{"integration":{"name":"a"},"error":"e"}]}]}`,
		`{}`, `[]`, `{"code":"x"}`, `{"code":-1,"message":"m","details":[{"attempts":[{},{}]}]}`, "\x00",
	} {
		f.Add(400, seed)
		f.Add(500, seed)
	}
	var status int
	var body string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); io.WriteString(w, body) }))
	f.Cleanup(srv.Close)
	c, err := client.New(client.Options{URL: srv.URL})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s int, b string) {
		status, body = 400+max(s, -s)%200, b
		err := c.Ping(t.Context())
		if err == nil || err.Error() == "" {
			t.Fatalf("%d %q: %v", status, b, err)
		}
		if code := fault.CodeOf(err); code.HTTPStatus() == 0 {
			t.Errorf("%d %q: no code in %v", status, b, err)
		}
		_ = fault.FixOf(err)
	})
}
