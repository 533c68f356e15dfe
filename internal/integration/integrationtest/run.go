// Package integrationtest holds the conformance suites that every registry type and every store of integrations passes,
// and a network of fakes for the types that sign in to clouds.
package integrationtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// A Case is what the suite needs to know about a type besides its declaration.
type Case struct {
	// Settings of an integration that signs in, by declared field name: strings, secrets included, and bools.
	Settings map[string]any
	// Anonymous are settings without credentials; nil if the type always needs some.
	Anonymous  map[string]any
	Categories []integration.Category // nil for a registry
	Image      string                 // a reference that Settings serves
	Endpoint   string                 // scheme://host of the API that serves it
	Username   string                 // what Settings signs in with, if that takes no network
	Password   string
}

// Run checks a type against the rules all types share.
func Run(t *testing.T, typ integration.Type, c Case) {
	t.Helper()
	if c.Categories == nil {
		c.Categories = []integration.Category{integration.CategoryRegistry}
	}
	types, err := integration.NewTypes(typ)
	if err != nil {
		t.Fatalf("the declaration is wrong: %v", err)
	}
	c.Settings = withConnection(t, typ, c.Settings)
	s := suite{typ: types.All()[0], types: types, c: c}
	t.Run("valid settings survive the wire in both spellings", s.wire)
	t.Run("declared fields are all encoded, empty ones too", s.zeroValues)
	t.Run("required fields say so", s.required)
	t.Run("settings of another kind are refused", s.otherKind)
	t.Run("secrets are never shown", s.masked)
	t.Run("what was read can be sent back", s.keep)
	t.Run("a secret may be kept elsewhere", s.keptElsewhere)
	t.Run("bound fields ask for the secrets again", s.bound)
	t.Run("the description is the declaration", s.described)
	t.Run("only its own host is served", s.hosts)
	t.Run("the credential is the configured one", s.credential)
	t.Run("the connection is made as the settings say", s.connection)
	t.Run("a detected host is served", s.detected)
}

type suite struct {
	typ   integration.Type
	types *integration.Types
	c     Case
}

// body is the JSON a client would send.
func (s suite) body(settings map[string]any, spell func(string) string) []byte {
	object := map[string]any{}
	for name, v := range settings {
		at := object
		parent, leaf, nested := strings.Cut(name, ".")
		if nested {
			inner, ok := object[spell(parent)].(map[string]any)
			if !ok {
				inner = map[string]any{}
				object[spell(parent)] = inner
			}
			at, name = inner, leaf
		}
		at[spell(name)] = v
	}
	raw, err := json.Marshal(map[string]any{
		"name": "an integration", "type": s.typ.ID, "categories": s.c.Categories, spell(s.typ.ConfigKey): object,
	})
	if err != nil {
		panic(err)
	}
	return raw
}

func camel(key string) string { return key }

func snake(key string) string {
	var b strings.Builder
	for _, r := range key {
		if 'A' <= r && r <= 'Z' {
			b.WriteString("_")
		}
		b.WriteString(strings.ToLower(string(r)))
	}
	return b.String()
}

func (s suite) decode(t *testing.T, raw []byte) integration.Draft {
	t.Helper()
	d, err := s.types.Decode(raw)
	if err != nil {
		t.Fatalf("Decode(%s): %v", raw, err)
	}
	return d
}

func (s suite) valid(t *testing.T, settings map[string]any) integration.Integration {
	t.Helper()
	d, err := s.types.Validate(s.decode(t, s.body(settings, camel)))
	if err != nil {
		t.Fatalf("the case's settings are refused: %v", err)
	}
	return d.Integration
}

func (s suite) open(t *testing.T, settings map[string]any) integration.Candidate {
	t.Helper()
	c, err := s.types.Open(s.valid(t, settings), integration.Deps{
		Now: func() time.Time { return time.Unix(1e9, 0) }, HTTP: nobody{t},
	})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return c
}

// nobody is the network of those who have no reason to ask.
type nobody struct{ t *testing.T }

func (n nobody) RoundTrip(r *http.Request) (*http.Response, error) {
	n.t.Errorf("%s is asked without need", r.URL.Host)
	return nil, errors.New("nobody is there")
}

func (s suite) wire(t *testing.T) {
	in := s.valid(t, s.c.Settings)
	for name, want := range s.c.Settings {
		var got any
		switch f := s.field(t, name); {
		case f.IsSecret():
			got = in.Config.Secret(name).Reveal()
		case f.Kind == integration.Toggle:
			got = in.Config.On(name)
		case f.Kind == integration.Number:
			got = in.Config.Number(name)
		default:
			got = in.Config.Text(name)
		}
		if got != want {
			t.Errorf("%s reads as %v, sent %v", name, got, want)
		}
	}
	other := s.decode(t, s.body(s.c.Settings, snake))
	if !sameConfig(in.Config, other.Config) {
		t.Errorf("snake_case keys read as %v, lowerCamelCase ones as %v", other.Config, in.Config)
	}
}

func (s suite) field(t *testing.T, name string) integration.Field {
	t.Helper()
	i := slices.IndexFunc(s.typ.Fields, func(f integration.Field) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("the case sets %q, which is not declared", name)
	}
	return s.typ.Fields[i]
}

func (s suite) zeroValues(t *testing.T) {
	settings, _ := s.types.Encode(integration.Integration{Type: s.typ.ID})[s.typ.ConfigKey].(map[string]any)
	for _, f := range s.typ.Fields {
		want := any("")
		if f.Kind == integration.Toggle {
			want = false
		}
		name, _, nested := strings.Cut(f.Name, ".")
		if nested {
			want = nil
		}
		if got, ok := settings[name]; !ok || got != want {
			t.Errorf("empty %s encodes as %v (there: %t), want %v", name, got, ok, want)
		}
	}
}

func (s suite) required(t *testing.T) {
	for _, f := range s.typ.Fields {
		if f.Required == "" {
			continue
		}
		for _, empty := range []string{"", " \t"} {
			settings := maps.Clone(s.c.Settings)
			settings[f.Name] = empty
			if f.When != nil {
				settings[f.When.Field] = f.When.Value
			}
			if f.DisabledWhen != nil {
				settings[f.DisabledWhen.Field] = !f.DisabledWhen.Value
			}
			_, err := s.types.Validate(s.decode(t, s.body(settings, camel)))
			var problems integration.Problems
			if !errors.As(err, &problems) || !slices.Contains(problems, integration.Problem{Field: f.Name, Message: f.Required}) {
				t.Errorf("%s %q gives %v, want %q", f.Name, empty, err, f.Required)
			}
			if fault.CodeOf(err) != fault.Invalid {
				t.Errorf("%s %q gives code %s", f.Name, empty, fault.CodeOf(err))
			}
		}
	}
}

func (s suite) otherKind(t *testing.T) {
	d := s.decode(t, s.body(s.c.Settings, camel))
	d.KindsSent = []string{"another"}
	if _, err := s.types.Validate(d); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "configuration required") {
		t.Errorf("settings of another kind give %v", err)
	}
	missing := fmt.Sprintf(`{"name":"n","type":%q,"categories":["REGISTRY"]}`, s.typ.ID)
	if _, err := s.types.Validate(s.decode(t, []byte(missing))); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "configuration required") {
		t.Errorf("no settings give %v", err)
	}
}

func (s suite) described(t *testing.T) {
	raw, err := json.Marshal(s.typ.Describe())
	if err != nil {
		t.Fatal(err)
	}
	var d integration.Description
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	if d.ID != s.typ.ID || len(d.Fields) != len(s.typ.Fields) {
		t.Fatalf("described as %s", raw)
	}
	for i, f := range s.typ.Fields {
		if got := d.Fields[i]; got.Name != f.Name || got.Secret != f.IsSecret() || got.Required != f.Required || got.BindsSecret != f.BindsSecret {
			t.Errorf("%s is described as %+v", f.Name, got)
		}
	}
}

func (s suite) hosts(t *testing.T) {
	ref, err := image.ParseReference(s.c.Image)
	if err != nil {
		t.Fatal(err)
	}
	r := s.open(t, s.c.Settings).Registry
	endpoint := r.Endpoint(ref)
	if got := endpoint.Scheme + "://" + endpoint.Host; got != s.c.Endpoint {
		t.Errorf("%s is served at %s, want %s", ref, got, s.c.Endpoint)
	}
	at := func(host string) image.Reference {
		other := ref
		other.Registry = host
		return other
	}
	own := []string{ref.Registry, strings.ToUpper(ref.Registry)}
	if !strings.Contains(ref.Registry, ":") && endpoint.Scheme == "https" {
		own = append(own, ref.Registry+":443")
	}
	for _, host := range own {
		if !r.Serves(at(host)) {
			t.Errorf("%s is not served", at(host))
		}
	}
	for _, host := range []string{
		ref.Registry + ".evil.example", "evil-" + ref.Registry, "not" + ref.Registry, "evil.example", "",
		ref.Registry + ":4430", ref.Registry + ":444", "_" + ref.Registry[1:], "_" + ref.Registry[1:] + ":443",
		ref.Registry[1:], ref.Registry[:len(ref.Registry)-1],
	} {
		if r.Serves(at(host)) {
			t.Errorf("%s is served", at(host))
		}
	}
	if h, ok := r.(interface{ Host() string }); ok && !r.Serves(at(h.Host())) {
		t.Errorf("the registry names %s as its host and does not serve it", h.Host())
	}
}

func (s suite) credential(t *testing.T) {
	ref, err := image.ParseReference(s.c.Image)
	if err != nil {
		t.Fatal(err)
	}
	if s.c.Username != "" || s.c.Password != "" {
		c := s.open(t, s.c.Settings)
		got, err := c.Source(context.Background(), ref).Credential(context.Background())
		if err != nil || got.Username != s.c.Username || got.Password.Reveal() != s.c.Password {
			t.Errorf("signs in as %q with the right password %t: %v", got.Username, got.Password.Reveal() == s.c.Password, err)
		}
		if a, ok := c.Registry.(interface{ Anonymous() bool }); ok && a.Anonymous() {
			t.Error("says it is anonymous")
		}
	}
	if s.c.Anonymous == nil {
		return
	}
	c := s.open(t, withConnection(t, s.typ, s.c.Anonymous))
	if !c.Anonymous() {
		t.Error("the secrets of the connection are taken for a credential")
	}
	got, err := c.Source(context.Background(), ref).Credential(context.Background())
	if err != nil || !got.Anonymous() {
		t.Errorf("without credentials it signs in as %q: %v", got.Username, err)
	}
	if a, ok := c.Registry.(interface{ Anonymous() bool }); ok && !a.Anonymous() {
		t.Error("says it is not anonymous")
	}
}

// detected checks that what a host gives away leads to that very host, look-alikes included.
func (s suite) detected(t *testing.T) {
	if s.typ.Detect == nil {
		return
	}
	ref, err := image.ParseReference(s.c.Image)
	if err != nil {
		t.Fatal(err)
	}
	own := ref.Registry
	if _, ok := s.typ.Detect(own); !ok {
		t.Errorf("%s is not detected", own)
	}
	for _, host := range []string{own, own + ".evil.example", "evil-" + own, "not" + own, own + ":5000", "", "localhost"} {
		config, ok := s.typ.Detect(host)
		if !ok {
			continue
		}
		settings := maps.Clone(s.c.Settings)
		for name, v := range config.Values() {
			s.field(t, name)
			settings[name] = v
		}
		ref.Registry = host
		if !s.open(t, settings).Registry.Serves(ref) {
			t.Errorf("%s is detected as %v, which does not serve it", host, config)
		}
	}
}

// sameConfig compares settings, secrets by value.
func sameConfig(a, b integration.Config) bool {
	return reflect.DeepEqual(a.Values(), b.Values()) &&
		maps.EqualFunc(a.Secrets(), b.Secrets(), func(x, y secret.Text) bool { return x.Equal(y) })
}
