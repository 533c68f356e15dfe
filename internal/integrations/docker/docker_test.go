package docker

import (
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

func TestType(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings: map[string]any{
			"endpoint": "Registry.Example:5000", "username": "jane", "password": "correct-horse", "insecure": true,
		},
		Anonymous: map[string]any{"endpoint": "registry.example:5000"},
		Image:     "registry.example:5000/team/app:1",
		Endpoint:  "https://registry.example:5000",
		Username:  "jane",
		Password:  "correct-horse",
	})
}

func TestType_Docker_Hub(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings: map[string]any{"endpoint": "docker.io", "username": "jane", "password": "correct-horse"},
		Image:    "docker.io/library/nginx:1",
		Endpoint: "https://registry-1.docker.io",
		Username: "jane",
		Password: "correct-horse",
	})
}

func TestIdentityToken(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{Tokens: true, Users: map[string]string{"jane": "correct-horse"}})
	r.Tokens.Refresh = map[string]string{"identity-token": "jane"}
	pushed := registrytest.Push(t, r, "team/app", "1", registrytest.Image{})
	ref := integrationtest.Reference(t, r.Host+"/team/app:1")
	client := distribution.New(distribution.Options{Now: time.Now, Addresses: distribution.Addresses{Loopback: true}})
	for token, want := range map[string]fault.Code{"identity-token": "", "another": fault.Unauthenticated} {
		c := integrationtest.Open(t, Type(), map[string]any{"endpoint": r.URL, "identityToken": token}, integration.Deps{Now: time.Now})
		got, err := client.Resolve(t.Context(), c.Source(t.Context(), ref), ref)
		if want == "" && (err != nil || got.Digest != pushed.Digest) {
			t.Errorf("resolved %v: %v", got, err)
		}
		if want != "" && fault.CodeOf(err) != want {
			t.Errorf("%s: %v", token, err)
		}
	}
}

func TestValidate_identity_token_or_password(t *testing.T) {
	types, err := integration.NewTypes(Type())
	if err != nil {
		t.Fatal(err)
	}
	for _, settings := range []map[string]any{
		{"endpoint": "registry.example", "identityToken": "t", "password": "p"},
		{"endpoint": "registry.example", "identityToken": "t", "username": "jane"},
	} {
		_, err := types.Validate(integration.Draft{Integration: integration.Integration{
			Name: "n", Type: "docker", Categories: []integration.Category{integration.CategoryRegistry}, Config: integrationtest.Config(Type(), settings),
		}})
		if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "not both") {
			t.Errorf("%v gives %v", settings, err)
		}
	}
}
