package integrationtest

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// A Machine is where the program runs: the variables that name its identity.
type Machine map[string]string

// Variable is one of them, as Deps ask for it.
func (m Machine) Variable(name string) string { return m[name] }

// File writes a file of the machine and returns its path.
func File(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Config makes the settings of a type from strings, secrets included, and bools by declared field name.
func Config(typ integration.Type, settings map[string]any) integration.Config {
	c := integration.NewConfig(nil, nil)
	for name, v := range settings {
		text, isText := v.(string)
		if isText && slices.ContainsFunc(typ.Fields, func(f integration.Field) bool { return f.Name == name && f.IsSecret() }) {
			v = secret.New(text)
		}
		c = c.With(name, v)
	}
	return c
}

// Open validates the settings of an integration and opens it on a machine in the network.
func (n *Internet) Open(typ integration.Type, settings map[string]any, m Machine) integration.Candidate {
	n.t.Helper()
	return Open(n.t, typ, settings, integration.Deps{Now: time.Now, HTTP: n.Transport(), Identity: m.Variable})
}

// Open validates the settings of an integration and opens it.
func Open(t testing.TB, typ integration.Type, settings map[string]any, deps integration.Deps) integration.Candidate {
	t.Helper()
	types, err := integration.NewTypes(typ)
	if err != nil {
		t.Fatal(err)
	}
	d, err := types.Validate(integration.Draft{Integration: integration.Integration{
		Name: "an integration", Type: typ.ID, Categories: []integration.Category{integration.CategoryRegistry}, Config: Config(typ, settings),
	}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := types.Open(d.Integration, deps)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Client is a client of registries in the network that tries everything once.
func (n *Internet) Client() *distribution.Client {
	return distribution.New(distribution.Options{Now: time.Now, Transport: n.Transport(), MaxAttempts: 1})
}

// Reference reads a reference.
func Reference(t testing.TB, text string) image.Reference {
	t.Helper()
	ref, err := image.ParseReference(text)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// Answer is a fake's answer.
func Answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
