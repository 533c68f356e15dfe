package main

import (
	"fmt"
)

func settingsOf(in client.Integration) map[string]any {
	typ, err := typeOf(in.Text("type"))
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
	settings := settingsOf(in)
	if typ, err := typeOf(in.Text("type")); err == nil {
		for _, f := range typ.Fields {
			value := settings
			outer, inner, nested := strings.Cut(f.Name, ".")
			if nested {
				value, _ = settings[outer].(map[string]any)
				outer = inner
			}
			r.field(f.Name, word(value[outer]))
		}
	}
	return r.err
}

// word prints a JSON value in a table: nothing for absent, yes for true.
func word(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		return yes(v)
	}
	return fmt.Sprint(v)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}
