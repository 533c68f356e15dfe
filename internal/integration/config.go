package integration

import (
	"fmt"
	"maps"
	"strconv"

	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/secretref"
)

// A Config holds one integration's settings by declared field name, secrets apart from plain values. It is immutable. An
// absent setting and an empty one are the same.
//
// What is stored and sent holds secrets as they are written, as secretref.Parse reads them. A type's Check and Open get them
// read.
type Config struct {
	values  map[string]any
	secrets map[string]secret.Text
	unread  map[string]bool
}

// NewConfig copies the settings. Plain values are strings and bools; others are left out.
func NewConfig(values map[string]any, secrets map[string]secret.Text) Config {
	c := Config{values: make(map[string]any, len(values)), secrets: make(map[string]secret.Text, len(secrets))}
	for name, v := range values {
		switch v := v.(type) {
		case string:
			if v != "" {
				c.values[name] = v
			}
		case bool:
			if v {
				c.values[name] = v
			}
		}
	}
	for name, v := range secrets {
		if v.IsSet() {
			c.secrets[name] = v
		}
	}
	return c
}

// Text is the value of a Text, Endpoint, Choice or Certificates, and a Number as it is written.
func (c Config) Text(name string) string {
	s, _ := c.values[name].(string)
	return s
}

// Number is the value of a Number, 0 if it is none.
func (c Config) Number(name string) float64 {
	n, _ := strconv.ParseFloat(c.Text(name), 64)
	return n
}

// On is the value of a Toggle.
func (c Config) On(name string) bool {
	b, _ := c.values[name].(bool)
	return b
}

// Secret is the value of a field that is secret.
func (c Config) Secret(name string) secret.Text { return c.secrets[name] }

// Unread reports whether a secret is a reference to one that has not been looked up: it is there, and what it holds is not
// known.
func (c Config) Unread(name string) bool { return c.unread[name] }

// With returns a copy with one setting changed. v is a string, a bool or a secret.Text; anything else panics.
func (c Config) With(name string, v any) Config {
	next := Config{values: maps.Clone(c.values), secrets: maps.Clone(c.secrets), unread: maps.Clone(c.unread)}
	if next.values == nil {
		next.values = map[string]any{}
	}
	if next.secrets == nil {
		next.secrets = map[string]secret.Text{}
	}
	delete(next.values, name)
	delete(next.secrets, name)
	delete(next.unread, name)
	switch v := v.(type) {
	case string:
		if v != "" {
			next.values[name] = v
		}
	case bool:
		if v {
			next.values[name] = v
		}
	case secret.Text:
		if v.IsSet() {
			next.secrets[name] = v
		}
	default:
		panic(fmt.Sprintf("integration: setting %q cannot be a %T", name, v))
	}
	return next
}

// Values are the plain values that are not empty, for the store.
func (c Config) Values() map[string]any {
	values := make(map[string]any, len(c.values))
	maps.Copy(values, c.values)
	return values
}

// Secrets are the secrets that are set, for the store.
func (c Config) Secrets() map[string]secret.Text {
	secrets := make(map[string]secret.Text, len(c.secrets))
	maps.Copy(secrets, c.secrets)
	return secrets
}

// String shows the settings with secrets masked.
func (c Config) String() string {
	all := c.Values()
	for name, s := range c.secrets {
		all[name] = s.String()
	}
	return fmt.Sprint(all)
}

// GoString masks too.
func (c Config) GoString() string { return "integration.Config(" + c.String() + ")" }

func (c Config) empty() bool { return len(c.values) == 0 && len(c.secrets) == 0 }

// equal compares secrets as they are written.
func (c Config) equal(other Config) bool {
	return maps.Equal(c.values, other.values) && maps.EqualFunc(c.secrets, other.secrets, secret.Text.Equal)
}

// reference is what a secret is a reference to, if it is written as one.
func (c Config) reference(name string) (secretref.Reference, bool) {
	ref, _, err := secretref.Parse(c.secrets[name])
	return ref, err == nil && ref.IsSet()
}

// Shown is a secret as people may see it: masked, but for references.
func (c Config) Shown(name string) string {
	if ref, ok := c.reference(name); ok {
		return ref.String()
	}
	return c.secrets[name].String()
}

// read returns the settings with the secrets themselves in place of how they are written. Those of references are taken from
// known; the others are unread.
func (c Config) read(known map[string]secret.Text) Config {
	next := Config{values: c.values, secrets: make(map[string]secret.Text, len(c.secrets)), unread: map[string]bool{}}
	for name, written := range c.secrets {
		ref, plain, err := secretref.Parse(written)
		if err != nil || ref.IsSet() {
			looked, ok := known[name]
			if !ok {
				next.secrets[name], next.unread[name] = written, true
				continue
			}
			plain = looked
		}
		if plain.IsSet() {
			next.secrets[name] = plain
		}
	}
	return next
}
