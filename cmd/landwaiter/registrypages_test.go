package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integrationfile"
	"github.com/landwaiter/landwaiter/internal/integrations"
	"github.com/landwaiter/landwaiter/internal/secret"
)

//go:generate go test -run TestRegistryPages -update .

var update = flag.Bool("update", false, "write what is generated in the documents anew")

const registryPages = "../../docs/registries"

// What is between such lines in a page is generated from the declarations.
const generatedBegin, generatedEnd = "<!-- generated: go generate ./cmd/landwaiter -->\n", "<!-- end -->\n"

func TestRegistryPages_show_the_declarations(t *testing.T) {
	own := integrations.All()
	pages := map[string]string{"README.md": registryIndex(own) + commonSettings(own[0], registryTypes(t).All()[0])}
	for _, typ := range own {
		pages[typ.ID+".md"] = settingsSection(t, typ)
		if _, problems := integrationfile.Parse(registryTypes(t), typ.ID, []byte(exampleFile(t, typ))); len(problems) > 0 {
			t.Errorf("the example cannot be applied: %v", problems)
		}
	}
	for name, want := range pages {
		path := filepath.Join(registryPages, name)
		page, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("a type has no page: %v", err)
			continue
		}
		before, rest, begins := strings.Cut(string(page), generatedBegin)
		_, after, ends := strings.Cut(rest, generatedEnd)
		fresh := before + generatedBegin + want + generatedEnd + after
		switch {
		case !begins || !ends:
			t.Errorf("%s has no place for what is generated: write the lines\n%s%s", name, generatedBegin, generatedEnd)
		case fresh != string(page) && *update:
			if err := os.WriteFile(path, []byte(fresh), 0o644); err != nil {
				t.Error(err)
			}
		case fresh != string(page):
			t.Errorf("%s is stale: run go generate ./cmd/landwaiter", name)
		}
	}
	files, err := filepath.Glob(filepath.Join(registryPages, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if _, ok := pages[filepath.Base(path)]; !ok {
			t.Errorf("%s is the page of no type", path)
		}
	}
}

func registryIndex(list []integration.Type) string {
	var b strings.Builder
	b.WriteString("\n| type | name | for |\n|---|---|---|\n")
	for _, typ := range list {
		fmt.Fprintf(&b, "| [`%s`](%s.md) | %s | %s |\n", typ.ID, typ.ID, cell(typ.Label), cell(typ.Summary))
	}
	return b.String() + "\n"
}

func registryTypes(t *testing.T) *integration.Types {
	t.Helper()
	types, err := integration.NewTypes(integrations.All()...)
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// commonSettings are those that every type has besides its own.
func commonSettings(own, all integration.Type) string {
	var common []integration.Field
	for _, f := range all.Fields {
		if !slices.ContainsFunc(own.Fields, func(g integration.Field) bool { return g.Name == f.Name }) {
			common = append(common, f)
		}
	}
	if len(common) == 0 {
		return ""
	}
	return "Every type has these settings besides its own:\n\n" + settingsTable(common) + "\n"
}

// settingsSection is a page's own part.
func settingsSection(t *testing.T, typ integration.Type) string {
	t.Helper()
	return "\n" + settingsTable(typ.Fields) + "\n" + bound(typ) +
		"The names are those inside the object `" + typ.ConfigKey + "`. In a [file](README.md#files):\n\n```yaml\n" + exampleFile(t, typ) + "```\n\n"
}

func settingsTable(fields []integration.Field) string {
	var b strings.Builder
	b.WriteString("| setting | name | flag | kind | needed | |\n|---|---|---|---|---|---|\n")
	for _, f := range fields {
		kind := string(f.Kind)
		if len(f.Options) > 0 {
			kind += ": " + strings.Join(f.Options, ", ")
		}
		help := cell(f.Help)
		if f.Default != nil && f.Default != false {
			help = strings.TrimSpace(help + fmt.Sprintf(" Default: `%v`.", f.Default))
		}
		fmt.Fprintf(&b, "| %s | `%s` | `--%s` | %s | %s | %s |\n", cell(f.Label), f.Name, flagOf(f.Name, f.Kind.InFile()), kind, needed(f), help)
	}
	return b.String()
}

func needed(f integration.Field) string {
	text := "no"
	if f.Required != "" {
		text = "yes"
	}
	for _, c := range []struct {
		when    *integration.Condition
		applies bool
	}{{f.When, true}, {f.DisabledWhen, false}} {
		switch {
		case c.when == nil:
		case c.when.Value == c.applies:
			text += ", only with `" + c.when.Field + "`"
		default:
			text += ", not with `" + c.when.Field + "`"
		}
	}
	return text
}

// bound says which settings cannot be changed without giving the secrets again.
func bound(typ integration.Type) string {
	var labels []string
	for _, f := range typ.Fields {
		if f.BindsSecret {
			labels = append(labels, f.Label)
		}
	}
	if len(labels) == 0 || !slices.ContainsFunc(typ.Fields, integration.Field.IsSecret) {
		return ""
	}
	return "Changing one of these asks for the secrets again: " + strings.Join(labels, ", ") + ".\n\n"
}

// exampleFile is an integration that signs in by the way that the type proposes first.
func exampleFile(t *testing.T, typ integration.Type) string {
	t.Helper()
	config, ref := typ.Defaults(), image.Reference{}
	for _, f := range typ.Fields {
		if f.Required != "" && f.Applies(config) && f.Example != "" && !f.IsSecret() {
			config = config.With(f.Name, f.Example)
		}
	}
	if at, err := distribution.ParseEndpoint(config.Text("endpoint"), false); err == nil {
		ref.Registry = at.RegistryHost()
	}
	fill := []string{"username", "password"}
	if typ.Grants != nil {
		if grants := typ.Grants(config, ref); len(grants) > 0 {
			fill = grants[0].Fill
			for name, value := range grants[0].Settings {
				config = config.With(name, value)
			}
		}
	}
	for _, f := range typ.Fields {
		switch {
		case !slices.Contains(fill, f.Name) || config.Text(f.Name) != "":
		case f.IsSecret():
			config = config.With(f.Name, secret.New("file:/run/secrets/landwaiter/"+strings.TrimSuffix(flagOf(f.Name, true), "-file")))
		default:
			config = config.With(f.Name, cmp.Or(f.Example, "USERNAME"))
		}
	}
	types, err := integration.NewTypes(typ)
	if err != nil {
		t.Fatal(err)
	}
	data, err := integrationfile.Write(types, []integration.Integration{{
		Name: "NAME", Type: typ.ID, Categories: []integration.Category{integration.CategoryRegistry}, Config: config,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// cell is text in a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
