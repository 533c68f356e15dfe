package yamldoc

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Reader reads values out of the nodes of one document and keeps the problems. Paths are those of Problem.Field.
type Reader struct {
	Problems []Problem
	// Placed is told where every mapping, list and scalar stands, Broken what could not be read, so that its absence is no
	// news. Either may be nil.
	Placed func(n *yaml.Node, path string)
	Broken func(path string)
}

// Fields reads the values of a mapping, by key.
type Fields map[string]func(n *yaml.Node, path string)

// Problem reports a mistake.
func (r *Reader) Problem(n *yaml.Node, path, format string, args ...any) {
	r.Problems = append(r.Problems, Problem{Field: path, Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...)})
}

// Misshapen reports a value that cannot be read at all.
func (r *Reader) Misshapen(n *yaml.Node, path, format string, args ...any) {
	if r.Broken != nil {
		r.Broken(path)
	}
	r.Problem(n, path, format, args...)
}

// namelike is a key that can be repeated: one that is not may be a secret that lost its own key.
var namelike = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)

// Mapping reads a mapping of known keys.
func (r *Reader) Mapping(n *yaml.Node, path string, known Fields) {
	if !r.open(n, path, yaml.MappingNode, "must be a mapping of %s", names(known)) {
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := strings.TrimPrefix(path+"."+key.Value, ".")
		read, ok := known[key.Value]
		if !ok || key.Kind != yaml.ScalarNode {
			r.unknown(key, path, known)
			continue
		}
		if first, twice := seen[key.Value]; twice {
			r.Problem(key, at, "given twice, first on line %d", first)
			continue
		}
		seen[key.Value] = key.Line
		read(value, at)
	}
}

func (r *Reader) unknown(key *yaml.Node, path string, known Fields) {
	what := "unknown key"
	if key.Kind == yaml.ScalarNode && namelike.MatchString(key.Value) {
		what += fmt.Sprintf(" %q", key.Value)
	}
	if near := Nearest(key.Value, slices.Sorted(maps.Keys(known))); near != "" {
		r.Problem(key, path, "%s; did you mean %s?", what, near)
		if r.Broken != nil {
			r.Broken(strings.TrimPrefix(path+"."+near, "."))
		}
		return
	}
	r.Problem(key, path, "%s; known are %s", what, names(known))
}

func names(known Fields) string { return strings.Join(slices.Sorted(maps.Keys(known)), ", ") }

// open reports whether the node is of a kind; if not, it says what it must be.
func (r *Reader) open(n *yaml.Node, path string, kind yaml.Kind, format string, args ...any) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		r.Misshapen(n, path, "anchors and aliases are not supported")
		return false
	}
	if r.Placed != nil {
		r.Placed(n, path)
	}
	if n.Kind != kind {
		r.Misshapen(n, path, format, args...)
		return false
	}
	return true
}

// Scalar reports whether the node is a scalar that is not null.
func (r *Reader) Scalar(n *yaml.Node, path string) bool {
	if !r.open(n, path, yaml.ScalarNode, "must be text") {
		return false
	}
	if n.ShortTag() == "!!null" {
		r.Misshapen(n, path, "has no value; leave it out, or write \"\"")
		return false
	}
	return true
}

// Text reads a string.
func (r *Reader) Text(to *string) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		if !r.Scalar(n, path) {
			return
		}
		if n.ShortTag() != "!!str" {
			r.Misshapen(n, path, "must be text; put it in quotes")
			return
		}
		*to = n.Value
	}
}

// Number reads a number as it is written.
func (r *Reader) Number(to *string) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		if !r.Scalar(n, path) {
			return
		}
		if tag := n.ShortTag(); tag != "!!int" && tag != "!!float" && tag != "!!str" {
			r.Misshapen(n, path, "must be a number")
			return
		}
		*to = n.Value
	}
}

// Toggle reads true or false.
func (r *Reader) Toggle(to *bool) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		if !r.Scalar(n, path) {
			return
		}
		if n.ShortTag() != "!!bool" || n.Decode(to) != nil {
			r.Misshapen(n, path, "must be true or false")
		}
	}
}

// Items reads a list.
func (r *Reader) Items(n *yaml.Node, path string, each func(n *yaml.Node, path string)) {
	if !r.open(n, path, yaml.SequenceNode, "must be a list") {
		return
	}
	for i, item := range n.Content {
		each(item, fmt.Sprintf("%s[%d]", path, i))
	}
}

// Texts reads a list of strings.
func Texts[T ~string](r *Reader, to *[]T) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		r.Items(n, path, func(n *yaml.Node, path string) {
			var s string
			r.Text(&s)(n, path)
			*to = append(*to, T(s))
		})
	}
}

// Table reads scalars of any kind as the text they are written as, so that dates and numbers need no quotes.
func (r *Reader) Table(to *map[string]string) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		if !r.open(n, path, yaml.MappingNode, "must be a mapping of names to text") {
			return
		}
		*to = map[string]string{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			at := path + "." + key.Value
			if !r.Scalar(key, at) || !r.Scalar(value, at) {
				continue
			}
			if _, twice := (*to)[key.Value]; twice {
				r.Problem(key, at, "given twice")
				continue
			}
			(*to)[key.Value] = value.Value
		}
	}
}
