package scan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"sync"
)

const (
	maxManifest = 16 << 20 // of manifests that are read whole
	maxValue    = 64 << 10 // of a member that is taken apart; decoding multiplies its size
)

// members calls visit with each member of a JSON object, and ends when visit returns false. What comes before a mistake is
// visited.
func members(r io.Reader, visit func(name string, value json.RawMessage) bool) error {
	start := make([]byte, 3)
	n, _ := io.ReadFull(r, start)
	d := json.NewDecoder(io.MultiReader(bytes.NewReader(bytes.TrimPrefix(start[:n], []byte("\xef\xbb\xbf"))), r))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		if !visit(name.(string), value) {
			return nil
		}
	}
	return nil
}

// expression is compiled when it is first used, so that a process which scans nothing, or nothing of its kind, pays nothing.
func expression(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// ignoreEnd takes the end of the input for no error.
func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// notJSON reports whether an error means that the input is no JSON, rather than that it could not be read.
func notJSON(err error) bool {
	var syntax *json.SyntaxError
	return errors.As(err, &syntax) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// elements calls visit with each element of the list that the JSON object's member holds, one at a time.
func elements(r io.Reader, member string, visit func(json.RawMessage) bool) error {
	d := json.NewDecoder(r)
	start, err := d.Token()
	if err == nil && start == json.Delim('{') {
		start, err = enterMember(d, member)
	}
	if err != nil {
		return err
	}
	if start != json.Delim('[') {
		return nil
	}
	for d.More() {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		if !visit(raw) {
			return nil
		}
	}
	return nil
}

// enterMember reads an object up to the first token of a member's value; nil when there is no such member.
func enterMember(d *json.Decoder, name string) (json.Token, error) {
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		if key == name {
			return d.Token()
		}
		var skipped json.RawMessage
		if err := d.Decode(&skipped); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// maxPackage bounds one package's entry of a list.
const maxPackage = 1 << 20

// object takes one package's entry of a list apart; nil for anything else and for what is absurdly large.
func object(raw json.RawMessage) map[string]json.RawMessage {
	var o map[string]json.RawMessage
	if len(raw) > maxPackage || raw[0] != '{' || json.Unmarshal(raw, &o) != nil {
		return nil
	}
	return o
}

// text is a JSON string, or a number as it is written, or "".
func text(value json.RawMessage) string {
	var s string
	var n json.Number
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	if json.Unmarshal(value, &n) == nil {
		return n.String()
	}
	return ""
}

// linePackage reads a file that describes one package in lines of name, version and license.
func linePackage(kind, separator string) func(context.Context, *content, *found) error {
	return func(_ context.Context, c *content, f *found) error {
		values, err := newLineReader(c.reader()).assignments(separator, "name", "version", "license")
		if err == nil && values["version"] != "" {
			f.add(Component{Type: kind, Name: values["name"], Version: values["version"], Licenses: licenses(values["license"])})
		}
		return err
	}
}

// assignments reads all lines of a key, a separator and a value that are not indented, and returns the first value of each
// key without quotes. A line that begins with a bracket, as in TOML, ends it.
func (l *lineReader) assignments(separator string, keys ...string) (map[string]string, error) {
	values := map[string]string{}
	for {
		line, err := l.next()
		if errors.Is(err, io.EOF) || strings.HasPrefix(line, "[") {
			return values, nil
		}
		if err != nil {
			return nil, err
		}
		key, value, ok := strings.Cut(line, separator)
		if !ok {
			continue
		}
		for _, k := range keys {
			if strings.TrimRight(key, " \t") == k && values[k] == "" {
				values[k] = unquote(value)
			}
		}
	}
}
