package integration_test

import (
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func TestNewTypes_refuses_wrong_declarations(t *testing.T) {
	field := func(change func(f *integration.Field)) func(*integration.Type) {
		return func(typ *integration.Type) {
			f := integration.Field{Name: "extra", Label: "Extra", Kind: integration.Text}
			change(&f)
			typ.Fields = append(typ.Fields, f)
		}
	}
	for _, test := range []struct {
		name, want string
		change     func(*integration.Type)
	}{
		{"ID", "lower-case letters and digits", func(typ *integration.Type) { typ.ID = "Plain Type" }},
		{"label", "a label and a summary", func(typ *integration.Type) { typ.Label = "" }},
		{"Open", "Open is missing", func(typ *integration.Type) { typ.Open = nil }},
		{"config key", "config key", func(typ *integration.Type) { typ.ConfigKey = "name" }},
		{"legacy config key", "legacy config key", func(typ *integration.Type) { typ.LegacyConfigKey = "source" }},
		{"legacy config key in use", "legacy config key", func(typ *integration.Type) { typ.LegacyConfigKey = "plain" }},
		{"no category", "no category", func(typ *integration.Type) { typ.Categories = nil }},
		{"unknown category", "unknown or offered twice", func(typ *integration.Type) { typ.Categories = []integration.Category{"X"} }},
		{"no fields", "no fields", func(typ *integration.Type) { typ.Fields = nil }},
		{"field twice", `field "username" is declared twice`, field(func(f *integration.Field) { f.Name = "username" })},
		{"field name", "lowerCamelCase", field(func(f *integration.Field) { f.Name = "a.b.c" })},
		{"field label", "a label is needed", field(func(f *integration.Field) { f.Label = "" })},
		{"field kind", `kind "colour" is unknown`, field(func(f *integration.Field) { f.Kind = "colour" })},
		{"number without bounds", "a number has bounds", field(func(f *integration.Field) { f.Kind = integration.Number })},
		{"text with bounds", "a number has bounds", field(func(f *integration.Field) { f.Max = 1 })},
		{"machine's identity by text", "only a toggle", field(func(f *integration.Field) { f.AsMachine = true })},
		{"choice without options", "a choice has options", field(func(f *integration.Field) { f.Kind = integration.Choice })},
		{"text with options", "a choice has options", field(func(f *integration.Field) { f.Options = []string{"a"} })},
		{"default not an option", "not an option", field(func(f *integration.Field) {
			f.Kind, f.Options, f.Default = integration.Choice, []string{"a"}, "b"
		})},
		{"default of another kind", "boolean default", field(func(f *integration.Field) { f.Default = true })},
		{"default number", "a string or a bool", field(func(f *integration.Field) { f.Default = 5 })},
		{"secret with default", "no text default", field(func(f *integration.Field) { f.Kind, f.Default = integration.Secret, "x" })},
		{"secret column", "cannot be a column", field(func(f *integration.Field) { f.Kind, f.Column = integration.Secret, true })},
		{"binding secret", "cannot bind", field(func(f *integration.Field) { f.Kind, f.BindsSecret = integration.JSON, true })},
		{"required toggle", "cannot be required", field(func(f *integration.Field) { f.Kind, f.Required = integration.Toggle, "x" })},
		{"condition on nothing", "must refer to another field", field(func(f *integration.Field) { f.When = integration.On("nothing") })},
		{"condition on text", "must refer to another field", field(func(f *integration.Field) { f.DisabledWhen = integration.Off("username") })},
		{"condition on itself", "must refer to another field", field(func(f *integration.Field) {
			f.Kind, f.When = integration.Toggle, integration.On("extra")
		})},
		{"setting and object", "a nested object at once", field(func(f *integration.Field) { f.Name = "username.first" })},
		{"loose endpoint", "must bind the secrets", field(func(f *integration.Field) { f.Kind = integration.Endpoint })},
	} {
		t.Run(test.name, func(t *testing.T) {
			typ := plain()
			test.change(&typ)
			_, err := integration.NewTypes(typ)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	t.Run("type twice", func(t *testing.T) {
		if _, err := integration.NewTypes(plain(), plain()); err == nil || !strings.Contains(err.Error(), "declared twice") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("types that share a config key disagree", func(t *testing.T) {
		other := plain()
		other.ID = "other"
		other.Fields[1].Kind = integration.Secret
		other.Fields[1].BindsSecret = false
		if _, err := integration.NewTypes(plain(), other); err == nil || !strings.Contains(err.Error(), "in another type") {
			t.Errorf("got %v", err)
		}
	})
}

func TestNewType_needs_only_its_declaration(t *testing.T) {
	toy := integration.Type{
		ID: "toy", Label: "Toy", Summary: "A registry of toys.", ConfigKey: "toy",
		Categories: []integration.Category{integration.CategoryRegistry},
		Fields: []integration.Field{
			{Name: "endpoint", Label: "Endpoint", Kind: integration.Endpoint, Required: "Where are the toys?", BindsSecret: true},
			{Name: "password", Label: "Magic word", Kind: integration.Secret},
		},
		Open: integration.OpenBasic,
	}
	b := newService(t, plain(), toy)
	d, err := b.types.Decode([]byte(`{"name":"toys","type":"toy","categories":["REGISTRY"],"skipTestIntegration":true,
		"toy":{"endpoint":"toys.example","password":"please"}}`))
	if err != nil {
		t.Fatal(err)
	}
	in, err := b.Create(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	settings := b.types.Encode(in)["toy"].(map[string]any)
	if settings["endpoint"] != "toys.example" || settings["password"] != "******" {
		t.Errorf("encoded as %v", settings)
	}
	found, err := b.Candidates(t.Context(), image.Reference{Registry: "toys.example", Repository: "bear", Tag: "1"})
	if err != nil || len(found) != 1 || found[0].Integration.ID != in.ID {
		t.Errorf("candidates are %v, %v", found, err)
	}
	if got := b.types.All()[1].Describe(); got.Label != "Toy" || got.Fields[1].Label != "Magic word" || !got.Fields[1].Secret {
		t.Errorf("described as %+v", got)
	}
	d.Config = d.Config.With("endpoint", "")
	if _, err := b.types.Validate(d); err == nil || !strings.Contains(err.Error(), "Where are the toys?") {
		t.Errorf("got %v", err)
	}
}
