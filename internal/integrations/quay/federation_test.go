package quay

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/integrations/quay/quaytest"
)

var keyless = map[string]any{endpoint: quaytest.Host, robotUsername: quaytest.Robot, useFederation: true}

// machine is one with a token for a host.
func machine(t *testing.T, host, token string) integrationtest.Machine {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, host), []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	return integrationtest.Machine{tokenFolder: folder}
}

func credential(t *testing.T, c integration.Candidate) (distribution.Credential, error) {
	t.Helper()
	return c.Source(t.Context(), integrationtest.Reference(t, quaytest.Host+"/org/app:1")).Credential(t.Context())
}

func TestFederation_pulls(t *testing.T) {
	q := quaytest.New(t)
	pushed := registrytest.Push(t, q.Registry, "org/app", "1", registrytest.Image{})
	token := quaytest.Token(nil)
	candidate := q.Open(Type(), keyless, machine(t, quaytest.Host, token))
	client, ref := q.Client(), integrationtest.Reference(t, quaytest.Host+"/org/app:1")
	resolve := func() {
		t.Helper()
		got, err := client.Resolve(t.Context(), candidate.Source(t.Context(), ref), ref)
		if err != nil || got.Digest != pushed.Digest {
			t.Errorf("resolved %v: %v (%s)", got, err, fault.FixOf(err))
		}
	}
	exchanges := func() int {
		n := 0
		for _, r := range q.Requests() {
			if r.Path == "/oauth2/federation/robot/token" {
				n++
			}
			if strings.Contains(r.Dump, token) {
				t.Errorf("the token was sent as it is: %s", r.Dump)
			}
		}
		return n
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(resolve)
	}
	wg.Wait()
	if n := exchanges(); n != 1 {
		t.Errorf("%d exchanges for callers at once", n)
	}
	q.Sealing = func() string { return "another" } // what it gave before is refused
	resolve()
	if n := exchanges(); n != 1 {
		t.Errorf("%d exchanges after a refusal, want one more", n)
	}
}

func TestFederation_reads_the_renewed_token(t *testing.T) {
	q := quaytest.New(t)
	q.Life = 90 * time.Minute
	m := machine(t, quaytest.Host, quaytest.Token(func(c *integrationtest.Claims) { c.Expires = 1 }))
	candidate := q.Open(Type(), keyless, m)
	if _, err := credential(t, candidate); err == nil {
		t.Fatal("signed in with a token that has ended")
	}
	m[tokenFolder] = machine(t, quaytest.Host, quaytest.Token(nil))[tokenFolder]
	got, err := credential(t, candidate)
	if err != nil || got.Username != quaytest.Robot {
		t.Fatalf("signs in as %q: %v", got.Username, err)
	}
	if left := time.Until(got.Expires); left < 89*time.Minute || left > 91*time.Minute {
		t.Errorf("ends in %s", left)
	}
}

func TestFederation_shows_a_token_to_its_host_only(t *testing.T) {
	q := quaytest.New(t)
	q.Add("evil.example", http.NotFoundHandler())
	m := machine(t, quaytest.Host, quaytest.Token(nil))
	for _, at := range []string{"evil.example", "evil.example/" + quaytest.Host, quaytest.Host + ".evil.example", quaytest.Host + ":8443"} {
		candidate := q.Open(Type(), map[string]any{endpoint: at, robotUsername: quaytest.Robot, useFederation: true}, m)
		_, err := credential(t, candidate)
		if fault.CodeOf(err) != fault.Unauthenticated || !strings.Contains(fault.FixOf(err), "Whoever runs this program") {
			t.Errorf("%s: %v (%s)", at, err, fault.FixOf(err))
		}
	}
	q.Add(quaytest.Host, http.RedirectHandler("https://evil.example/", http.StatusTemporaryRedirect))
	if _, err := credential(t, q.Open(Type(), keyless, m)); !strings.Contains(fault.FixOf(err), "does not redirect") {
		t.Errorf("a redirect gives %v", err)
	}
	for _, r := range q.Requests() {
		if r.Host != quaytest.Host {
			t.Errorf("%s was asked: %s", r.Host, r.Dump)
		}
	}
}

func TestFederation_refusals_are_explained(t *testing.T) {
	answer := func(status int, body string) func(*quaytest.Quay) {
		return func(q *quaytest.Quay) {
			q.Add(quaytest.Host, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, body, status) }))
		}
	}
	for _, test := range []struct {
		name   string
		token  string
		robot  string
		change func(*quaytest.Quay)
		code   fault.Code
		fix    string
	}{
		{name: "not federated", change: func(q *quaytest.Quay) { q.Federated = false }, code: fault.Unauthenticated, fix: "add the issuer"},
		{name: "other issuer", token: quaytest.Token(func(c *integrationtest.Claims) { c.Issuer = "https://other.example" }), code: fault.Unauthenticated, fix: "add the issuer"},
		{name: "other subject", token: quaytest.Token(func(c *integrationtest.Claims) { c.Subject = "system:serviceaccount:default:default" }), code: fault.Unauthenticated, fix: "correct the subject"},
		{name: "expired", token: quaytest.Token(func(c *integrationtest.Claims) { c.Expires = 1 }), code: fault.Unauthenticated, fix: "clock"},
		{name: "wrong signature", token: integrationtest.Claims{Issuer: quaytest.Issuer}.Sign("another"), code: fault.Unauthenticated, fix: "public keys"},
		{name: "no web token", token: "password", code: fault.Unauthenticated, fix: "federation"},
		{name: "no robot", robot: "jane", code: fault.Unauthenticated, fix: "ORGANIZATION+ROBOT"},
		{name: "no such robot", robot: "org+nobody", code: fault.Unavailable, fix: "robot org+nobody exists"},
		{name: "old Quay", change: answer(404, "<html>"), code: fault.Unavailable, fix: "older than 3.13"},
		{name: "throttled", change: answer(429, "slow down"), code: fault.Limited, fix: "Try again later"},
		{name: "no token in the answer", change: answer(200, "<html>"), code: fault.Unavailable, fix: "the endpoint is that of a Quay"},
		{name: "out of reach", change: func(q *quaytest.Quay) { q.Add(quaytest.Host, nil) }, code: fault.Unavailable, fix: "reaches https://quay.example"},
		{name: "empty file", token: " ", code: fault.Internal, fix: "must hold a token"},
	} {
		t.Run(test.name, func(t *testing.T) {
			q := quaytest.New(t)
			if test.change != nil {
				test.change(q)
			}
			if test.token == "" {
				test.token = quaytest.Token(nil)
			}
			if test.robot == "" {
				test.robot = quaytest.Robot
			}
			candidate := q.Open(Type(), map[string]any{endpoint: quaytest.Host, robotUsername: test.robot, useFederation: true}, machine(t, quaytest.Host, test.token))
			_, err := credential(t, candidate)
			if fault.CodeOf(err) != test.code || !strings.Contains(fault.FixOf(err), test.fix) {
				t.Errorf("%v (%s), fix %q; want %s, %q", err, fault.CodeOf(err), fault.FixOf(err), test.code, test.fix)
			}
			if text := err.Error() + fault.FixOf(err); strings.Contains(text, "eyJ") || strings.Contains(text, "<html>") {
				t.Errorf("too much is shown: %s", text)
			}
		})
	}
	t.Run("no identity", func(t *testing.T) {
		_, err := credential(t, quaytest.New(t).Open(Type(), keyless, nil))
		if fault.CodeOf(err) != fault.Unauthenticated || !strings.Contains(err.Error(), tokenFolder) {
			t.Error(err)
		}
	})
}

func TestValidate_federation(t *testing.T) {
	types, err := integration.NewTypes(Type())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name     string
		settings map[string]any
		want     string // "" if it is allowed
	}{
		{"robot", keyless, ""},
		{"robot with a password, which is dropped", map[string]any{endpoint: "quay.io", robotUsername: "o+r", robotPassword: "p", useFederation: true}, ""},
		{"no robot", map[string]any{endpoint: "quay.io", useFederation: true}, "A robot username is required"},
		{"plain HTTP", map[string]any{endpoint: "http://quay.example", robotUsername: "o+r", useFederation: true}, "must use https"},
		{"unverified", map[string]any{endpoint: "quay.example", robotUsername: "o+r", useFederation: true, insecure: true}, "a certificate that can be validated"},
		{"beside an OAuth token", map[string]any{endpoint: "quay.io", robotUsername: "o+r", useFederation: true, oauthToken: "t"}, "not both"},
	} {
		d, err := types.Validate(integration.Draft{Integration: integration.Integration{
			Name: "n", Type: "quay", Categories: []integration.Category{integration.CategoryRegistry}, Config: integrationtest.Config(Type(), test.settings),
		}})
		switch {
		case test.want == "" && (err != nil || d.Config.Secret(robotPassword).IsSet()):
			t.Errorf("%s: %v, %v", test.name, d.Config, err)
		case test.want != "" && (fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s gives %v, want %q", test.name, err, test.want)
		}
	}
}
