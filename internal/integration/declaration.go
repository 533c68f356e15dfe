package integration

import "github.com/landwaiter/landwaiter/internal/image"

// A Type declares one kind of integration. Validation, the API schema, the portal's form and table, the CLI's flags and
// the reference page are all drawn from it.
type Type struct {
	ID         string     // "type" in the REST API; lower-case letters and digits
	Label      string     // shown to people
	Summary    string     // one sentence: which registries this is for
	Categories []Category // what an integration of this type may be used for
	ConfigKey  string     // JSON object that holds the settings; several types may share one
	Fields     []Field    // in the order of the form

	// LegacyConfigKey is another name under which older clients send the settings object; "" if there is none. What it
	// holds is read as under ConfigKey, and members that the type does not declare are ignored.
	LegacyConfigKey string

	// Settle drops what other settings make meaningless, before anything is checked; it may be nil.
	Settle func(Config) Config
	// Check finds what no single field's declaration can say; it may be nil. It sees trimmed settings and must not do I/O.
	// What it says about a field that is found wrong without it is left out.
	Check func(Config, []Category) []Problem
	// Detect fills the settings that a registry host gives away; nil or false when the host says nothing about the type.
	Detect func(host string) (Config, bool)
	// HostLabels are words that hosts of own installations often have between dots and hyphens, such as "harbor". They make a
	// guess where no type detects the host.
	HostLabels []string
	// Grants are the ways to sign in with settings as Detect fills them, the one to be proposed first. ref is the image that
	// access is wanted to, or has an empty repository when only the host is known. It may be nil.
	Grants func(c Config, ref image.Reference) []Grant
	// Advice says what to do about a finding of the connection test where registries of this type need something special, by
	// the finding's name. It may be nil.
	Advice map[string]string
	// Open makes a registry of checked settings. It does no I/O.
	Open func(Config, Deps) (Registry, error)

	Retired string // what to use instead, shown next to the type; it can still be created
}

// A Kind says what a field holds and how it is entered.
type Kind string

const (
	Text     Kind = "text"
	Endpoint Kind = "endpoint" // where a registry is, as distribution.ParseEndpoint reads it
	Secret   Kind = "secret"
	Toggle   Kind = "toggle"
	Choice   Kind = "choice" // one of Options
	JSON     Kind = "json"   // a secret that is a JSON document, such as a service account key
	Number   Kind = "number" // kept as it is written; 0 and empty are the same

	Certificates Kind = "certificates" // PEM; public
	PrivateKey   Kind = "privateKey"   // a secret in PEM
)

// A Field declares one setting.
type Field struct {
	// Name is the JSON key inside the type's settings object. One dot makes a nested object:
	// "registryRobotCredentials.username". A nested object is null when all its fields are empty.
	Name    string
	Label   string
	Help    string
	Example string
	Kind    Kind
	Options []string // of a Choice
	// Min and Max are of a Number.
	Min, Max float64
	// Default is what an absent key means and what a form starts with: a bool for a Toggle, else a string. A key that is
	// sent empty stays empty. Secrets have none.
	Default  any
	Required string // the message when empty; "" if optional

	// When hides the field, DisabledWhen greys it out. A field that does not apply is not required.
	When, DisabledWhen *Condition

	// BindsSecret: stored secrets are only kept while this field stays as it is. It must be set on every field that
	// decides where the secrets are sent or whose they are.
	BindsSecret bool
	Column      bool // shown in the list of integrations
	// AsMachine: with this Toggle on, the integration signs in with the identity of the machine.
	AsMachine bool
}

// IsSecret reports whether the value is kept sealed and shown masked.
func (f Field) IsSecret() bool { return f.Kind == Secret || f.Kind == JSON || f.Kind == PrivateKey }

// InFile reports whether what a field of the kind holds comes in files, since it is secret or has many lines.
func (k Kind) InFile() bool { return Field{Kind: k}.IsSecret() || k == Certificates }

// Applies reports whether the field means anything under the settings.
func (f Field) Applies(c Config) bool {
	return (f.When == nil || f.When.holds(c)) && (f.DisabledWhen == nil || !f.DisabledWhen.holds(c))
}

// A Condition holds when a Toggle of the same type has a value.
type Condition struct {
	Field string
	Value bool
}

// On holds when the toggle is on.
func On(field string) *Condition { return &Condition{field, true} }

// Off holds when the toggle is off.
func Off(field string) *Condition { return &Condition{field, false} }

func (c *Condition) holds(cfg Config) bool { return cfg.On(c.Field) == c.Value }

// A Problem is one thing wrong with a draft; Field is the declared name, or a top-level JSON key, or "" when it concerns
// several. Fix says what to do where the message does not.
type Problem struct{ Field, Message, Fix string }

// Defaults are the settings a form starts with.
func (t Type) Defaults() Config {
	values := map[string]any{}
	for _, f := range t.Fields {
		if f.Default != nil {
			values[f.Name] = f.Default
		}
	}
	return NewConfig(values, nil)
}
