package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/landwaiter/landwaiter/client"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/secretref"
)

// draftFlags describe an integration. There is one flag for each setting that any type declares.
type draftFlags struct {
	flags      *pflag.FlagSet
	types      *integration.Types
	typ        string
	name       string
	categories []string
	skipTest   bool
	texts      map[string]*string // by declared name
	toggles    map[string]*bool
	files      map[string]*string // names of files, of what is not secret
	secrets    map[string]*string // names of files
	references map[string]*string // to secrets that the server keeps elsewhere
}

func newDraftFlags(fs *pflag.FlagSet, types *integration.Types) *draftFlags {
	d := &draftFlags{
		flags: fs, types: types,
		texts: map[string]*string{}, toggles: map[string]*bool{}, files: map[string]*string{}, secrets: map[string]*string{}, references: map[string]*string{},
	}
	fs.StringVar(&d.name, "name", "", "name of the integration")
	fs.StringSliceVar(&d.categories, "category", nil, "what it is for: REGISTRY, SCANNER (default: REGISTRY)")
	for _, t := range types.All() {
		for _, f := range t.Fields {
			flag, help := flagOf(f.Name, f.Kind.InFile()), fmt.Sprintf("%s (%s)", f.Label, typesWith(types, f.Name))
			switch {
			case fs.Lookup(flag) != nil: // another type declares it too
			case f.IsSecret():
				d.secrets[f.Name] = fs.String(flag, "", "file that holds: "+help+"; - is standard input")
				d.references[f.Name] = fs.String(referenceFlagOf(f.Name), "", "reference to: "+help+"; env:NAME, file:/PATH or kubernetes:NAMESPACE/NAME/KEY")
			case f.Kind.InFile():
				d.files[f.Name] = fs.String(flag, "", "file that holds: "+help)
			case f.Kind == integration.Toggle:
				d.toggles[f.Name] = fs.Bool(flag, false, help)
			default:
				d.texts[f.Name] = fs.String(flag, "", help)
			}
		}
	}
	return d
}

func (d *draftFlags) withType() *draftFlags {
	d.flags.StringVar(&d.typ, "type", "docker", "type of the integration; \"landwaiter integration types\" lists them")
	return d
}

func (d *draftFlags) withSkipTest() *draftFlags {
	d.flags.BoolVar(&d.skipTest, "skip-test", false, "save without testing the connection")
	return d
}

// onto writes the flags that were given over an integration, and reports whether there are secrets among them.
func (d *draftFlags) onto(p *program, in client.Integration) (secrets bool, err error) {
	if in.Text("type") == "" {
		in["type"] = d.typ
	}
	typ, err := typeOf(d.types, in.Text("type"))
	if err != nil {
		return false, err
	}
	if err := d.belong(typ); err != nil {
		return false, err
	}
	if d.flags.Changed("name") {
		in["name"] = d.name
	}
	if len(d.categories) > 0 {
		in["categories"] = d.categories
	} else if in["categories"] == nil {
		in["categories"] = []string{string(integration.CategoryRegistry)}
	}
	in["skipTestIntegration"] = d.skipTest
	settings := in.Settings(typ.ConfigKey)
	if settings == nil {
		settings = map[string]any{}
		in[typ.ConfigKey] = settings
	}
	for name, value := range d.texts {
		if d.flags.Changed(flagOf(name, false)) {
			put(settings, name, *value)
		}
	}
	for name, value := range d.toggles {
		if d.flags.Changed(flagOf(name, false)) {
			put(settings, name, *value)
		}
	}
	for name, file := range d.files {
		if d.flags.Changed(flagOf(name, true)) {
			value, err := p.readFile(*file)
			if err != nil {
				return false, err
			}
			put(settings, name, value.Reveal())
		}
	}
	for name, file := range d.secrets {
		if d.flags.Changed(flagOf(name, true)) {
			value, err := p.readFile(*file)
			if err != nil {
				return false, err
			}
			put(settings, name, secretref.Literal(value).Reveal())
			secrets = true
		}
	}
	for name, text := range d.references {
		if d.flags.Changed(referenceFlagOf(name)) {
			if d.flags.Changed(flagOf(name, true)) {
				return false, fault.New(fault.Invalid, "read flags", "--%s and --%s are both given", flagOf(name, true), referenceFlagOf(name))
			}
			if ref, _, err := secretref.Parse(secret.New(*text)); err != nil || !ref.IsSet() {
				return false, fault.New(fault.Invalid, "read flags", "--%s is no reference to a secret", referenceFlagOf(name)).
					WithFix("Write env:NAME, file:/absolute/path or kubernetes:NAMESPACE/NAME/KEY. For the secret itself there is --%s.", flagOf(name, true))
			}
			put(settings, name, *text)
			secrets = true
		}
	}
	return secrets, nil
}

// belong refuses flags that the type does not declare.
func (d *draftFlags) belong(typ integration.Type) error {
	if d.flags.Changed("type") && d.typ != typ.ID {
		return fault.New(fault.Invalid, "read flags", "the integration is of the type %s, not %s", typ.ID, d.typ).
			WithFix("A type cannot be changed: leave --type out, or create another integration.")
	}
	var own, wrong []string
	for _, f := range typ.Fields {
		if !integration.OfConnection(f.Name) {
			own = append(own, flagsOf(f)...)
		}
	}
	for _, t := range d.types.All() {
		for _, f := range t.Fields {
			for _, flag := range flagsOf(f) {
				if d.flags.Changed(flag) && !integration.OfConnection(f.Name) && !slices.Contains(own, flag) && !slices.Contains(wrong, "--"+flag) {
					wrong = append(wrong, "--"+flag)
				}
			}
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "read flags", "%s: not for integrations of the type %s", strings.Join(wrong, ", "), typ.ID).
		WithFix("It has --%s; `landwaiter integration types` lists all.", strings.Join(own, ", --"))
}

// changesAnything reports whether any flag says what to change.
func (d *draftFlags) changesAnything() bool {
	changes := d.flags.Changed("name") || d.flags.Changed("category")
	for _, t := range d.types.All() {
		for _, f := range t.Fields {
			changes = changes || slices.ContainsFunc(flagsOf(f), d.flags.Changed)
		}
	}
	return changes
}

// adviseSecrets names the flags for the secrets that a changed setting is bound to.
func (p *program) adviseSecrets(err error, in client.Integration) error {
	typ, unknown := typeOf(p.types, in.Text("type"))
	if unknown != nil || fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "credentials required to update") {
		return err
	}
	var flags []string
	settings := in.Settings(typ.ConfigKey)
	for _, f := range typ.Fields {
		if f.IsSecret() && word(get(settings, f.Name)) != "" {
			flags = append(flags, "--"+strings.Join(flagsOf(f), " or --"))
		}
	}
	return fault.Wrap(fault.Invalid, "", "", err).
		WithFix("Stored secrets are not sent to another place or for another user: give them again with %s.", strings.Join(flags, " or "))
}

// fileLimit bounds a setting that is read from a file: bundles of certificates are the largest.
const fileLimit = 256 << 10

func (p *program) readFile(path string) (secret.Text, error) {
	failed := func(err error) (secret.Text, error) {
		return secret.Text{}, fault.Wrap(fault.Invalid, "read file", "", err).
			WithFix("Give the name of a file that holds the setting and nothing else, or - for standard input.")
	}
	r := p.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return failed(err)
		}
		defer f.Close()
		r = f
	}
	b, err := io.ReadAll(io.LimitReader(r, fileLimit+1))
	if err != nil {
		return failed(err)
	}
	if len(b) > fileLimit {
		return failed(fmt.Errorf("%s holds more than %d bytes", path, fileLimit))
	}
	return secret.New(strings.TrimRight(string(b), "\r\n")), nil
}

func typeOf(types *integration.Types, id string) (integration.Type, error) {
	if t, ok := types.Get(id); ok {
		return t, nil
	}
	var ids []string
	for _, t := range types.All() {
		ids = append(ids, t.ID)
	}
	return integration.Type{}, fault.New(fault.Invalid, "read flags", "there is no type %q", id).WithFix("Use one of %s.", strings.Join(ids, ", "))
}

func typesWith(types *integration.Types, field string) string {
	if integration.OfConnection(field) {
		return "every type"
	}
	var ids []string
	for _, t := range types.All() {
		if slices.ContainsFunc(t.Fields, func(f integration.Field) bool { return f.Name == field }) {
			ids = append(ids, t.ID)
		}
	}
	return strings.Join(ids, ", ")
}

// flagOf is the flag of a declared setting: registryRobotCredentials.username has --registry-robot-credentials-username. What is
// in a file has a flag that names it.
func flagOf(field string, inFile bool) string {
	var b strings.Builder
	for _, c := range field {
		switch {
		case c == '.':
			b.WriteByte('-')
		case c >= 'A' && c <= 'Z':
			b.WriteByte('-')
			b.WriteRune(c + 'a' - 'A')
		default:
			b.WriteRune(c)
		}
	}
	if inFile {
		b.WriteString("-file")
	}
	return b.String()
}

// referenceFlagOf is the flag for a reference to a secret.
func referenceFlagOf(field string) string { return flagOf(field, false) + "-from" }

// flagsOf are the flags of a declared setting.
func flagsOf(f integration.Field) []string {
	if f.IsSecret() {
		return []string{flagOf(f.Name, true), referenceFlagOf(f.Name)}
	}
	return []string{flagOf(f.Name, f.Kind.InFile())}
}

// put sets a setting whose name may have a dot, for a nested object.
func put(settings map[string]any, name string, value any) {
	outer, inner, nested := strings.Cut(name, ".")
	if !nested {
		settings[name] = value
		return
	}
	object, ok := settings[outer].(map[string]any)
	if !ok {
		object = map[string]any{}
		settings[outer] = object
	}
	object[inner] = value
}

// get is the value that put set.
func get(settings map[string]any, name string) any {
	outer, inner, nested := strings.Cut(name, ".")
	if !nested {
		return settings[name]
	}
	object, _ := settings[outer].(map[string]any)
	return object[inner]
}
