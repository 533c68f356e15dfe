package main

import (
	"fmt"
)

// draftFlags describe an integration. There is one flag for each setting that any type declares.
type draftFlags struct {
	typ        string
	name       string
	categories []string
	skipTest   bool
	texts      map[string]*string // by declared name
	toggles    map[string]*bool
	secrets    map[string]*string // names of files
}

func newDraftFlags(fs *pflag.FlagSet) *draftFlags {
	d := &draftFlags{texts: map[string]*string{}, toggles: map[string]*bool{}, secrets: map[string]*string{}}
	fs.StringVar(&d.typ, "type", "docker", "type of the integration; see `landwaiter integration types`")
	fs.StringVar(&d.name, "name", "", "name of the integration")
	fs.StringSliceVar(&d.categories, "category", nil, "what it is for: REGISTRY, SCANNER (default: REGISTRY)")
	fs.BoolVar(&d.skipTest, "skip-test", false, "save without testing the connection")
	for _, t := range integrations.All() {
		for _, f := range t.Fields {
			flag, help := flagName(f.Name), fmt.Sprintf("%s (%s)", f.Label, strings.Join(typesWith(f.Name), ", "))
			switch {
			case f.IsSecret() && d.secrets[f.Name] == nil:
				d.secrets[f.Name] = fs.String(flag+"-file", "", "file that holds: "+help+"; - is standard input")
			case f.Kind == integration.Toggle && d.toggles[f.Name] == nil:
				d.toggles[f.Name] = fs.Bool(flag, false, help)
			case !f.IsSecret() && f.Kind != integration.Toggle && d.texts[f.Name] == nil:
				d.texts[f.Name] = fs.String(flag, "", help)
			}
		}
	}
	return d
}

// onto writes the flags that were given over an integration, and reports whether there are secrets among them.
func (d *draftFlags) onto(p *program, fs *pflag.FlagSet, in client.Integration) (client.Integration, bool, error) {
	if in.Text("type") == "" || fs.Changed("type") {
		in["type"] = d.typ
	}
	typ, err := typeOf(in.Text("type"))
	if err != nil {
		return nil, false, err
	}
	if fs.Changed("name") {
		in["name"] = d.name
	}
	if len(d.categories) > 0 {
		in["categories"] = d.categories
	} else if in["categories"] == nil {
		in["categories"] = []string{string(integration.CategoryRegistry)}
	}
	if fs.Changed("skip-test") || in["skipTestIntegration"] == nil {
		in["skipTestIntegration"] = d.skipTest
	}
	settings := in.Settings(typ.ConfigKey)
	if settings == nil {
		settings = map[string]any{}
		in[typ.ConfigKey] = settings
	}
	haveSecrets := false
	for name, value := range d.texts {
		if fs.Changed(flagName(name)) {
			put(settings, name, *value)
		}
	}
	for name, value := range d.toggles {
		if fs.Changed(flagName(name)) {
			put(settings, name, *value)
		}
	}
	for name, file := range d.secrets {
		if fs.Changed(flagName(name) + "-file") {
			value, err := p.readSecret(*file)
			if err != nil {
				return nil, false, err
			}
			put(settings, name, value.Reveal())
			haveSecrets = true
		}
	}
	return in, haveSecrets, d.belong(fs, typ)
}

// belong refuses flags that the type does not declare.
func (d *draftFlags) belong(fs *pflag.FlagSet, typ integration.Type) error {
	declared := func(name string) bool {
		return slices.ContainsFunc(typ.Fields, func(f integration.Field) bool { return f.Name == name })
	}
	var wrong []string
	fs.Visit(func(f *pflag.Flag) {
		for _, t := range integrations.All() {
			for _, field := range t.Fields {
				flag := flagName(field.Name)
				if (f.Name == flag || f.Name == flag+"-file") && !declared(field.Name) && !slices.Contains(wrong, "--"+f.Name) {
					wrong = append(wrong, "--"+f.Name)
				}
			}
		}
	})
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "read flags", "%s: not a setting of the type %s", strings.Join(wrong, ", "), typ.ID).
		WithFix("see `landwaiter integration types`")
}

// secretLimit bounds a secret read from a file: service account keys are the largest.
const secretLimit = 64 << 10

func (p *program) readSecret(path string) (secret.Text, error) {
	var r io.Reader = p.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return secret.Text{}, fault.Wrap(fault.Invalid, "read secret", path, err)
		}
		defer f.Close()
		r = f
	}
	b, err := io.ReadAll(io.LimitReader(r, secretLimit+1))
	if err != nil {
		return secret.Text{}, fault.Wrap(fault.Invalid, "read secret", path, err)
	}
	if len(b) > secretLimit {
		return secret.Text{}, fault.New(fault.Invalid, "read secret", "%s holds more than %d bytes", path, secretLimit)
	}
	return secret.New(strings.TrimRight(string(b), "\r\n")), nil
}

func typeOf(id string) (integration.Type, error) {
	var ids []string
	for _, t := range integrations.All() {
		if t.ID == id {
			return t, nil
		}
		ids = append(ids, t.ID)
	}
	return integration.Type{}, fault.New(fault.Invalid, "read flags", "there is no type %q", id).WithFix("use one of %s", strings.Join(ids, ", "))
}

func typesWith(field string) []string {
	var ids []string
	for _, t := range integrations.All() {
		if slices.ContainsFunc(t.Fields, func(f integration.Field) bool { return f.Name == field }) {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

// flagName is a declared name as a flag: registryRobotCredentials.username is --registry-robot-credentials-username.
func flagName(field string) string {
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
	return b.String()
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

