package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integrations"
)

// toyType is all that a type of registry needs: one folder's worth of declaration.
func toyType() integration.Type {
	return integration.Type{
		ID: "toy", Label: "Toy Registry", Summary: "Registries of the toy works.", ConfigKey: "toy",
		Categories: []integration.Category{integration.CategoryRegistry},
		Fields: []integration.Field{
			{Name: "endpoint", Label: "Endpoint", Kind: integration.Endpoint, Example: "registry.toy.example", Required: "A toy needs an endpoint", BindsSecret: true, Column: true},
			{Name: "wheelCount", Label: "Wheels", Kind: integration.Choice, Options: []string{"three", "four"}, Default: "four", Column: true},
			{Name: "username", Label: "Owner", Kind: integration.Text, Required: "A toy needs an owner", BindsSecret: true},
			{Name: "password", Label: "Key", Kind: integration.Secret, Help: "The key that winds it up."},
		},
		Detect: integration.DetectHost(`registry\.toy\.example`),
		Grants: func(integration.Config, image.Reference) []integration.Grant {
			return []integration.Grant{{Method: "Wind-up key", Fill: []string{"username", "password"}, Summary: "A key that turns one way.", Steps: []string{"Turn it."}}}
		},
		Open: integration.OpenBasic,
	}
}

// A type is one folder and one line in a list. Everything else reads the declaration.
func TestToyType_needs_one_declaration_and_one_line(t *testing.T) {
	types, err := integration.NewTypes(append(integrations.All(),
		toyType(),
	)...)
	if err != nil {
		t.Fatal(err)
	}
	registry := registrytest.Start(t, registrytest.Options{Users: map[string]string{"jane": marked}})
	registrytest.Push(t, registry, "team/app", "1", registrytest.Image{})
	folder := t.TempDir()
	key := filepath.Join(folder, "key")
	if err := os.WriteFile(key, []byte(marked+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{"LANDWAITER_ADMIN_PASSWORD": marked, "LANDWAITER_DATA": folder, "LANDWAITER_LISTEN": "127.0.0.1:0", "LANDWAITER_ALLOW_ADDRESSES": "loopback"}
	getenv := func(name string) string { return environment[name] }
	server, err := start(func(ctx context.Context, s streams) int {
		return (&program{streams: s, getenv: getenv, types: types}).run(ctx, []string{"serve"})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.stop(); err != nil {
			t.Error(err)
		}
	})
	environment["LANDWAITER_SERVER"] = server.url

	// lw runs a command, and wants its status and what it prints.
	lw := func(status int, command string, want ...string) {
		t.Helper()
		var printed bytes.Buffer
		p := &program{streams: streams{strings.NewReader(""), &printed, &printed}, getenv: getenv, types: types}
		got := p.run(t.Context(), strings.Fields(command))
		if got != status {
			t.Errorf("%s: status %d, want %d:\n%s", command, got, status, &printed)
		}
		for _, text := range want {
			if !strings.Contains(printed.String(), text) {
				t.Errorf("%s does not print %q:\n%s", command, text, &printed)
			}
		}
		if strings.Contains(printed.String(), marked) {
			t.Errorf("%s prints the secret", command)
		}
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	get := func(path string, want ...string) {
		t.Helper()
		request, err := http.NewRequest(http.MethodGet, server.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth("admin", marked)
		answer, err := browser.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range want {
			if !strings.Contains(string(body), text) {
				t.Errorf("%s answers %d without %q: %.2000s", path, answer.StatusCode, text, body)
			}
		}
	}

	lw(0, "integration types", "Registries of the toy works.", "--wheel-count", "The key that winds it up.")
	lw(0, "integration suggest registry.toy.example/team/app:1", "toy (Toy Registry)", "Wind-up key", "--type toy --name registry.toy.example --endpoint registry.toy.example --wheel-count four --username USERNAME --password-file FILE")
	lw(0, "integration suggest registry.toy.example.evil.example", "WARNING", "Toy Registry")
	lw(2, "integration create --type toy --name toy --username jane", "A toy needs an endpoint")
	lw(2, "integration create --type toy --name toy --endpoint "+registry.URL+" --username jane --wheel-count five", "'toy.wheelCount' must be one of: three, four")
	lw(2, "integration create --type ghcr --name toy --wheel-count four", "not for integrations of the type ghcr")
	lw(2, "integration create --type toy --name toy --endpoint "+registry.URL+" --username john --password-file "+key, "401")
	lw(0, "integration create --type toy --name toy --endpoint "+registry.URL+" --username jane --password-file "+key, "toy", "******")
	lw(2, "integration update toy --username john", "--password-file")
	lw(0, "integration test toy", "successful")
	lw(0, "integration list", "toy", registry.URL)
	lw(0, "image explain "+registry.Host+"/team/app:1", "toy")
	lw(0, "image inspect "+registry.Host+"/team/app:1", "sha256:")
	get("/v1/integrationtypes", `"id":"toy"`, `"wheelCount"`, `"A toy needs an owner"`)
	get("/v1/imageintegrations", `"toy":{`, `"wheelCount":"four"`, `"password":"******"`)
	get("/openapi.json", `"toy"`, `"wheelCount"`)
	signIn := url.Values{"user": {"admin"}, "password": {marked}, "to": {"/integrations"}}
	answer, err := browser.PostForm(server.url+"/signin", signIn)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	get("/integrations", "Toy Registry", "Wheels", "four")

	page := settingsSection(t, toyType())
	for _, text := range []string{"| Wheels | `wheelCount` | `--wheel-count` | choice: three, four | no | Default: `four`. |", "  toy:\n    endpoint: registry.toy.example", "password: file:"} {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q:\n%s", text, page)
		}
	}
}
