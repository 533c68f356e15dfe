package image

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// An object is a JSON object read field by field, so that one field of a strange type does not lose the others. What it
// cannot take as it is becomes a note. Names are found as encoding/json finds them, whatever their case.
type object struct {
	where  string // "config.", for notes
	fields map[string]json.RawMessage
	notes  *[]string
}

// maxNotes and maxNote bound the notes of one image; documents with more oddities have told enough.
const (
	maxNotes = 50
	maxNote  = 500
)

func note(notes *[]string, format string, args ...any) {
	if len(*notes) >= maxNotes {
		return
	}
	text := fmt.Sprintf(format, args...)
	if len(text) > maxNote {
		text = strings.ToValidUTF8(text[:maxNote], "") + "..."
	}
	*notes = append(*notes, text)
}

func newObject(where string, raw json.RawMessage, notes *[]string) object {
	o := object{where: where, fields: map[string]json.RawMessage{}, notes: notes}
	if isNull(raw) {
		return o
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		note(notes, "The image config's %q is %s instead of an object; it is left out.", strings.TrimSuffix(where, "."), kindOf(raw))
		return o
	}
	for name, value := range fields {
		o.fields[fold(name)] = value
	}
	return o
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

func kindOf(raw json.RawMessage) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a text"
	case 't', 'f':
		return "true or false"
	}
	return "a number"
}

func (o object) odd(name string, raw json.RawMessage, wanted, outcome string) {
	note(o.notes, "The image config's %q is %s instead of %s; %s.", o.where+name, kindOf(raw), wanted, outcome)
}

func (o object) raw(name string) json.RawMessage { return o.fields[fold(name)] }

func (o object) object(name string) object {
	return newObject(o.where+name+".", o.raw(name), o.notes)
}

func (o object) text(name string) string {
	raw := o.raw(name)
	if isNull(raw) {
		return ""
	}
	if s, ok := scalar(raw); ok {
		if raw[0] != '"' {
			o.odd(name, raw, "a text", "it is read as "+shown(s))
		}
		return s
	}
	o.odd(name, raw, "a text", "it is left out")
	return ""
}

// scalar is the text of a JSON text, number or truth value.
func scalar(raw json.RawMessage) (string, bool) {
	switch raw[0] {
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err == nil
	case '{', '[', 'n':
		return "", false
	}
	return string(raw), true
}

func (o object) flag(name string) bool {
	raw := o.raw(name)
	if isNull(raw) {
		return false
	}
	s, ok := scalar(raw)
	if !ok || raw[0] == '"' {
		o.odd(name, raw, "true or false", "it is read as "+fmt.Sprint(ok && s == "true"))
	}
	return ok && s == "true"
}

func (o object) number(name string) int {
	raw := o.raw(name)
	if isNull(raw) {
		return 0
	}
	var n int
	if err := json.Unmarshal(raw, &n); err != nil {
		o.odd(name, raw, "a whole number", "it is left out")
	}
	return n
}

// duration reads nanoseconds, or a text such as "30s".
func (o object) duration(name string) time.Duration {
	raw := o.raw(name)
	if isNull(raw) {
		return 0
	}
	var n int64
	if json.Unmarshal(raw, &n) == nil {
		return time.Duration(n)
	}
	if s, ok := scalar(raw); ok {
		if d, err := time.ParseDuration(s); err == nil {
			o.odd(name, raw, "a number of nanoseconds", "it is read as "+d.String())
			return d
		}
	}
	o.odd(name, raw, "a number of nanoseconds", "it is left out")
	return 0
}

// time reads an RFC 3339 time. The year 1, which Go programs write for "none", is none; the Unix epoch, which
// reproducible builds write, is kept.
func (o object) time(name string) *time.Time {
	s := o.text(name)
	if s == "" {
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		note(o.notes, "The image config's %q is %s, which is no time; it is left out.", o.where+name, shown(s))
		return nil
	}
	if t = t.UTC(); t.Year() <= 1 || t.Year() > 9999 {
		return nil
	}
	return &t
}

// texts reads a list of texts. A single text is a list of one, as Docker reads it.
func (o object) texts(name string) []string {
	raw := o.raw(name)
	if isNull(raw) {
		return nil
	}
	switch raw[0] {
	case '[':
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil {
			return nil
		}
		out := make([]string, 0, len(items))
		for i, item := range items {
			s, ok := scalar(item)
			if !ok || item[0] != '"' {
				note(o.notes, "The image config's %q has %s at position %d instead of a text.", o.where+name, kindOrNull(item), i+1)
			}
			if ok {
				out = append(out, s)
			}
		}
		return out
	case '{':
		var out []string
		for key, value := range o.pairs(name) {
			out = append(out, key+"="+value)
		}
		slices.Sort(out)
		o.odd(name, raw, "a list", "it is read as NAME=value")
		return out
	}
	s, _ := scalar(raw)
	o.odd(name, raw, "a list", "it is read as a list of one")
	return []string{s}
}

func kindOrNull(raw json.RawMessage) string {
	if isNull(raw) {
		return "nothing"
	}
	return kindOf(raw)
}

// pairs reads an object of texts; other values than texts, numbers and truth values are left out.
func (o object) pairs(name string) map[string]string {
	raw := o.raw(name)
	if isNull(raw) {
		return nil
	}
	if raw[0] == '[' {
		out := map[string]string{}
		for _, s := range o.texts(name) {
			key, value, _ := strings.Cut(s, "=")
			out[key] = value
		}
		if len(out) == 0 {
			return nil
		}
		o.odd(name, raw, "an object", "its items are read as name=value")
		return out
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		o.odd(name, raw, "an object", "it is left out")
		return nil
	}
	if len(fields) == 0 {
		return nil
	}
	out := make(map[string]string, len(fields))
	for key, value := range fields {
		if isNull(value) {
			out[key] = ""
			continue
		}
		s, ok := scalar(value)
		if !ok {
			note(o.notes, "The image config's %q has %s for %s instead of a text; it is left out.", o.where+name, kindOf(value), shown(key))
			continue
		}
		out[key] = s
	}
	return out
}

// names reads the sorted keys of an object, which is how configs write sets; old tools wrote lists.
func (o object) names(name string) []string {
	raw := o.raw(name)
	if isNull(raw) {
		return nil
	}
	var out []string
	if raw[0] == '{' {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(raw, &fields); err != nil {
			return nil
		}
		for key := range fields {
			out = append(out, key)
		}
	} else {
		out = o.texts(name)
		if raw[0] == '[' && len(out) > 0 {
			o.odd(name, raw, "an object", "its items are taken")
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
