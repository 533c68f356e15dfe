package integration_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

// plain is a type of data only.
func plain() integration.Type {
	return integration.Type{
		ID: "plain", Label: "Plain", Summary: "Any registry.", ConfigKey: "plain",
		Categories: []integration.Category{integration.CategoryRegistry},
		Fields: []integration.Field{
			{Name: "endpoint", Label: "Endpoint", Kind: integration.Endpoint, Required: "An endpoint is required", BindsSecret: true},
			{Name: "username", Label: "Username", Kind: integration.Text, BindsSecret: true},
			{Name: "password", Label: "Password", Kind: integration.Secret},
			{Name: "insecure", Label: "Insecure", Kind: integration.Toggle},
		},
		Open: integration.OpenBasic,
	}
}

// fancy has one field of every kind, conditions, nested objects and a host of its own making.
func fancy() integration.Type {
	return integration.Type{
		ID: "fancy", Label: "Fancy", Summary: "A cloud's registry.", ConfigKey: "fancyCloud", Retired: "plain",
		Categories: []integration.Category{integration.CategoryScanner, integration.CategoryRegistry},
		Fields: []integration.Field{
			{Name: "accountId", Label: "Account", Kind: integration.Text, Required: "An account is required", BindsSecret: true},
			{Name: "region", Label: "Region", Kind: integration.Choice, Options: []string{"north", "south"}, Default: "north",
				Required: "A region is required", BindsSecret: true},
			{Name: "useIdentity", Label: "Use identity", Kind: integration.Toggle, Default: true},
			{Name: "serviceKey", Label: "service key", Kind: integration.JSON, Required: "A service key is required",
				DisabledWhen: integration.On("useIdentity")},
			{Name: "robotAccount.name", Label: "Robot", Kind: integration.Text},
			{Name: "robotAccount.token", Label: "Token", Kind: integration.Secret, Required: "A token is required",
				When: integration.Off("useIdentity")},
		},
		Check: func(c integration.Config, _ []integration.Category) []integration.Problem {
			if c.Text("accountId") == "forbidden" {
				return []integration.Problem{{Field: "accountId", Message: "This account is closed"}}
			}
			return nil
		},
		Detect: func(host string) (integration.Config, bool) {
			account, ok := strings.CutSuffix(host, ".north.fancy.example")
			if !ok || account == "" || strings.ContainsAny(account, ".-") {
				return integration.Config{}, false
			}
			return integration.NewConfig(map[string]any{"accountId": account, "region": "north"}, nil), true
		},
		Open: func(c integration.Config, d integration.Deps) (integration.Registry, error) {
			return fancyRegistry{c, d}, nil
		},
	}
}

type fancyRegistry struct {
	config integration.Config
	deps   integration.Deps
}

func (r fancyRegistry) host() string {
	return r.config.Text("accountId") + "." + r.config.Text("region") + ".fancy.example"
}

func (r fancyRegistry) Serves(ref image.Reference) bool {
	return strings.EqualFold(strings.TrimSuffix(ref.Registry, ":443"), r.host())
}

func (r fancyRegistry) Endpoint(image.Reference) distribution.Endpoint {
	return distribution.Endpoint{Scheme: "https", Host: r.host()}
}

func (r fancyRegistry) Credential(context.Context, image.Reference) (distribution.Credential, error) {
	return distribution.Credential{
		Username: "robot", Password: r.config.Secret("robotAccount.token"), Expires: r.deps.Now().Add(time.Hour),
	}, nil
}

func TestTypes_conform(t *testing.T) {
	t.Run("plain", func(t *testing.T) {
		integrationtest.Run(t, plain(), integrationtest.Case{
			Settings:  map[string]any{"endpoint": "http://registry.example/team", "username": "jane", "password": "correct-horse"},
			Anonymous: map[string]any{"endpoint": "http://registry.example"},
			Image:     "registry.example/team/app:1", Endpoint: "http://registry.example",
			Username: "jane", Password: "correct-horse",
		})
	})
	t.Run("fancy", func(t *testing.T) {
		integrationtest.Run(t, fancy(), integrationtest.Case{
			Settings: map[string]any{
				"accountId": "a1", "region": "north", "useIdentity": false, "serviceKey": `{"key":"x1y2"}`,
				"robotAccount.name": "robbie", "robotAccount.token": "robot-token",
			},
			Image: "a1.north.fancy.example/app:1", Endpoint: "https://a1.north.fancy.example",
			Username: "robot", Password: "robot-token",
		})
	})
}

func newTypes(t testing.TB, list ...integration.Type) *integration.Types {
	t.Helper()
	if list == nil {
		list = []integration.Type{plain(), fancy()}
	}
	types, err := integration.NewTypes(list...)
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// registry is an HTTP server that only knows /v2/ and asks for jane's password, or for nothing when there is none.
type registry struct {
	*httptest.Server
	asked atomic.Int32
}

func newRegistry(t testing.TB, password string) *registry {
	r := &registry{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.asked.Add(1)
		w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
		user, got, _ := req.BasicAuth()
		if password != "" && (user != "jane" || got != password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte("{}"))
	}))
	t.Cleanup(r.Close)
	return r
}

type harness struct {
	*integration.Service
	types *integration.Types
	store *memory
	clock *atomic.Int64 // seconds
}

func newService(t testing.TB, list ...integration.Type) harness {
	t.Helper()
	return newServiceWith(t, integration.Deps{}, list...)
}

func newServiceWith(t testing.TB, deps integration.Deps, list ...integration.Type) harness {
	t.Helper()
	b := harness{types: newTypes(t, list...), store: newMemory(), clock: &atomic.Int64{}}
	b.clock.Store(1_700_000_000)
	ids := 0
	newID := func() string { ids++; return integrationtest.ID(ids) }
	deps.Now = b.now
	b.Service = integration.NewService(integration.ServiceOptions{
		Store: b.store, Types: b.types, Deps: deps, Now: b.now, NewID: newID,
		Tester: diagnosis.New(diagnosis.Options{
			Client: distribution.New(distribution.Options{Now: b.now, Addresses: distribution.Addresses{Loopback: true}}), Types: b.types, Now: b.now, NewID: newID,
		}),
	})
	return b
}

func (b harness) now() time.Time { return time.Unix(b.clock.Load(), 0) }

// body is an integration of type plain; changes replace members, or settings when the key starts with "plain.".
func body(changes map[string]any) []byte {
	settings := map[string]any{"endpoint": "registry.example", "username": "jane", "password": "correct-horse"}
	b := map[string]any{"name": "one", "type": "plain", "categories": []string{"REGISTRY"}, "skipTestIntegration": true, "plain": settings}
	for key, v := range changes {
		if setting, ok := strings.CutPrefix(key, "plain."); ok {
			settings[setting] = v
		} else {
			b[key] = v
		}
	}
	raw, err := json.Marshal(b)
	if err != nil {
		panic(err)
	}
	return raw
}

func (b harness) draft(t testing.TB, changes map[string]any) integration.Draft {
	t.Helper()
	d, err := b.types.Decode(body(changes))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (b harness) create(t testing.TB, changes map[string]any) integration.Integration {
	t.Helper()
	in, err := b.Create(t.Context(), b.draft(t, changes))
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func (b harness) stored(t testing.TB, id string) integration.Integration {
	t.Helper()
	in, err := b.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func wantError(t testing.TB, err error, code fault.Code, text string) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != code || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v (%s), want %s: %q", err, fault.CodeOf(err), code, text)
	}
}
