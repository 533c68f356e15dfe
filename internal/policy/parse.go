package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/landwaiter/landwaiter/internal/fault"
)

const (
	maxDocument = 1 << 20 // bytes of one call's documents
	maxPolicies = 1000    // in one call
)

// Parse reads YAML documents, one policy each, and checks them as Compile would. The error is a fault.Invalid whose cause
// is Problems: every mistake, with its line and column.
func Parse(document []byte) ([]Policy, error) {
	policies, problems := read(document)
	_, more := compileAll(policies)
	problems = append(problems, more...)
	if len(problems) > 0 {
		problems.sort()
		return nil, fault.Wrap(fault.Invalid, "read policies", "", problems)
	}
	return policies, nil
}

// read takes the documents apart. It reports what has the wrong shape, and returns what could be read.
func read(document []byte) ([]Policy, Problems) {
	if len(document) > maxDocument {
		return nil, Problems{{Message: fmt.Sprintf("the document has %d bytes; at most %d are read", len(document), maxDocument)}}
	}
	lines := strings.Split(string(document), "\n")
	decoder := yaml.NewDecoder(bytes.NewReader(document))
	var policies []Policy
	var problems Problems
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return policies, append(problems, syntaxProblem(err))
		}
		if len(node.Content) == 0 || node.Content[0].ShortTag() == "!!null" {
			continue
		}
		if len(policies) == maxPolicies {
			return policies, append(problems, Problem{Line: node.Line, Message: fmt.Sprintf("more than %d policies", maxPolicies)})
		}
		r := reader{lines: lines, policy: Policy{positions: positions{}}}
		r.document(node.Content[0])
		policies, problems = append(policies, r.policy), append(problems, r.problems...)
	}
	if len(policies) == 0 && len(problems) == 0 {
		problems = Problems{{Line: 1, Message: "there is no policy in the document"}}
	}
	return policies, problems
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

func syntaxProblem(err error) Problem {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	p := Problem{Message: "not YAML: " + text}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		p.Line, _ = strconv.Atoi(m[1])
		p.Message = "not YAML: " + m[2]
	}
	return p
}

// reader reads one document.
type reader struct {
	lines    []string
	policy   Policy
	problems Problems
}

func (r *reader) problem(n *yaml.Node, path, format string, args ...any) {
	r.problems = append(r.problems, Problem{
		Policy: r.policy.ID, Field: path, Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...),
	})
}

// misshapen reports a value that cannot be read at all.
func (r *reader) misshapen(n *yaml.Node, path, format string, args ...any) {
	r.policy.positions.breaks(path)
	r.problem(n, path, format, args...)
}

// fields reads the values of a mapping, by key.
type fields map[string]func(n *yaml.Node, path string)

func (r *reader) document(n *yaml.Node) {
	p := &r.policy
	var version, what string
	r.mapping(n, "", fields{
		"apiVersion": r.text(&version),
		"kind":       r.text(&what),
		"metadata": func(n *yaml.Node, path string) {
			r.mapping(n, path, fields{"name": r.text(&p.ID)})
		},
		"spec": func(n *yaml.Node, path string) {
			r.mapping(n, path, fields{
				"title":       r.text(&p.Title),
				"description": r.text(&p.Description),
				"rationale":   r.text(&p.Rationale),
				"remediation": r.text(&p.Remediation),
				"severity":    r.text((*string)(&p.Severity)),
				"categories":  r.texts(&p.Categories),
				"references":  r.texts(&p.References),
				"stages":      r.stages(&p.Stages),
				"enforce":     r.stages(&p.Enforce),
				"disabled":    r.toggle(&p.Disabled),
				"data":        r.table(&p.Data),
				"forEach":     r.text(&p.ForEach),
				"condition":   r.text(&p.Condition),
				"message":     r.text(&p.Message),
			})
		},
	})
	for _, f := range []struct{ path, got, want string }{
		{"apiVersion", version, apiVersion}, {"kind", what, kind},
	} {
		if f.got != f.want && n.Kind == yaml.MappingNode {
			r.problems = append(r.problems, p.problem(f.path, "must be %s, not %q", f.want, f.got))
		}
	}
}

func (r *reader) mapping(n *yaml.Node, path string, known fields) {
	if !r.plain(n, path) {
		return
	}
	r.policy.positions[path] = locate(n, r.lines)
	if n.Kind != yaml.MappingNode {
		r.misshapen(n, path, "must be a mapping of %s", names(known))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := strings.TrimPrefix(path+"."+key.Value, ".")
		if first, twice := seen[key.Value]; twice {
			r.problem(key, at, "given twice, first on line %d", first)
			continue
		}
		seen[key.Value] = key.Line
		read, ok := known[key.Value]
		if !ok || key.Kind != yaml.ScalarNode {
			r.problem(key, path, "unknown key %q; known are %s", key.Value, names(known))
			continue
		}
		read(value, at)
	}
}

func names(known fields) string { return strings.Join(slices.Sorted(maps.Keys(known)), ", ") }

// plain refuses anchors and aliases, which a policy has no use for.
func (r *reader) plain(n *yaml.Node, path string) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		r.misshapen(n, path, "anchors and aliases are not supported")
		return false
	}
	return true
}

// scalar notes where the value stands and reports whether it is a scalar.
func (r *reader) scalar(n *yaml.Node, path string) bool {
	if !r.plain(n, path) {
		return false
	}
	r.policy.positions[path] = locate(n, r.lines)
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		r.misshapen(n, path, "must be text")
		return false
	}
	return true
}

func (r *reader) text(to *string) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		if !r.scalar(n, path) {
			return
		}
		if n.ShortTag() != "!!str" {
			r.misshapen(n, path, "must be text; put it in quotes")
			return
		}
		*to = strings.TrimSpace(n.Value)
		if !strings.HasPrefix(n.Value, *to) {
			pos := r.policy.positions[path]
			pos.lines = nil
			r.policy.positions[path] = pos
		}
	}
}

func (r *reader) items(n *yaml.Node, path string, each func(n *yaml.Node, path string)) {
	if !r.plain(n, path) {
		return
	}
	r.policy.positions[path] = locate(n, r.lines)
	if n.Kind != yaml.SequenceNode {
		r.misshapen(n, path, "must be a list")
		return
	}
	for i, item := range n.Content {
		each(item, fmt.Sprintf("%s[%d]", path, i))
	}
}

func (r *reader) texts(to *[]string) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		r.items(n, path, func(n *yaml.Node, path string) {
			var s string
			r.text(&s)(n, path)
			*to = append(*to, s)
		})
	}
}

func (r *reader) stages(to *[]Stage) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		r.items(n, path, func(n *yaml.Node, path string) {
			var s string
			r.text(&s)(n, path)
			*to = append(*to, Stage(s))
		})
	}
}

func (r *reader) toggle(to *bool) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		if !r.scalar(n, path) {
			return
		}
		if n.ShortTag() != "!!bool" || n.Decode(to) != nil {
			r.misshapen(n, path, "must be true or false")
		}
	}
}

// table reads scalars of any kind as the text they are written as, so that dates and numbers need no quotes.
func (r *reader) table(to *map[string]string) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		if !r.plain(n, path) {
			return
		}
		r.policy.positions[path] = locate(n, r.lines)
		if n.Kind != yaml.MappingNode {
			r.misshapen(n, path, "must be a mapping of names to text")
			return
		}
		*to = map[string]string{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			at := path + "." + key.Value
			if !r.scalar(key, at) || !r.scalar(value, at) {
				continue
			}
			if _, twice := (*to)[key.Value]; twice {
				r.problem(key, at, "given twice")
				continue
			}
			(*to)[key.Value] = value.Value
		}
	}
}
