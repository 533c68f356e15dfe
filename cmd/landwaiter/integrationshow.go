package main

import (
	"fmt"

	"github.com/landwaiter/landwaiter/client"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// settingsOf is nil for a type that this program does not know, as a newer server may have.
func (p *program) settingsOf(in client.Integration) map[string]any {
	typ, err := typeOf(p.types, in.Text("type"))
	if err != nil {
		return nil
	}
	return in.Settings(typ.ConfigKey)
}

func (p *program) renderIntegration(in client.Integration) error {
	r := &renderer{w: p.out}
	r.field("name", in.Text("name"))
	r.field("id", in.Text("id"))
	r.field("type", in.Text("type"))
	r.field("owner", in.Text("owner"))
	r.field("categories", words(in["categories"]))
	if typ, err := typeOf(p.types, in.Text("type")); err == nil {
		settings := in.Settings(typ.ConfigKey)
		for _, f := range typ.Fields {
			value := word(get(settings, f.Name))
			if f.Kind == integration.Certificates {
				value = integration.CertificateNames(value)
			}
			r.field(f.Name, value)
		}
	}
	return r.err
}

// word prints a JSON value in a table: nothing for absent and 0, yes for true.
func word(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		return yes(v)
	case float64:
		if v == 0 {
			return ""
		}
	}
	return fmt.Sprint(v)
}

func words(v any) string {
	list, _ := v.([]any)
	var s string
	for i, one := range list {
		if i > 0 {
			s += ", "
		}
		s += word(one)
	}
	return s
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}
