package policy

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/yamldoc"
)

const maxPolicies = 1000 // in one call

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
	for i := range policies {
		policies[i].positions = nil // of use only while problems are placed
	}
	return policies, nil
}

// read takes the documents apart. It reports what has the wrong shape, and returns what could be read.
func read(document []byte) ([]Policy, Problems) {
	roots, found := yamldoc.Documents(document, maxPolicies)
	problems := problemsOf("", found)
	lines := strings.Split(string(document), "\n")
	var policies []Policy
	for _, root := range roots {
		p, more := readPolicy(root, lines)
		policies, problems = append(policies, p), append(problems, more...)
	}
	if len(policies) == 0 && len(problems) == 0 {
		problems = Problems{{Line: 1, Message: "there is no policy in the document"}}
	}
	return policies, problems
}

func problemsOf(policy string, found []yamldoc.Problem) Problems {
	var problems Problems
	for _, f := range found {
		problems = append(problems, Problem{Policy: policy, Field: f.Field, Line: f.Line, Column: f.Column, Message: f.Message})
	}
	return problems
}

func readPolicy(root *yaml.Node, lines []string) (Policy, Problems) {
	p := Policy{positions: positions{}}
	r := &yamldoc.Reader{
		Placed: func(n *yaml.Node, path string) { p.positions[path] = locate(n, lines) },
		Broken: p.positions.breaks,
	}
	text := func(to *string) func(*yaml.Node, string) {
		return func(n *yaml.Node, path string) {
			r.Text(to)(n, path)
			*to = strings.TrimSpace(*to)
			if !strings.HasPrefix(n.Value, *to) {
				pos := p.positions[path]
				pos.lines = nil
				p.positions[path] = pos
			}
		}
	}
	var version, what string
	r.Mapping(root, "", yamldoc.Fields{
		"apiVersion": text(&version),
		"kind":       text(&what),
		"metadata": func(n *yaml.Node, path string) {
			r.Mapping(n, path, yamldoc.Fields{"name": text(&p.ID)})
		},
		"spec": func(n *yaml.Node, path string) {
			r.Mapping(n, path, yamldoc.Fields{
				"title":       text(&p.Title),
				"description": text(&p.Description),
				"rationale":   text(&p.Rationale),
				"remediation": text(&p.Remediation),
				"severity":    text((*string)(&p.Severity)),
				"categories":  yamldoc.Texts(r, &p.Categories),
				"references":  yamldoc.Texts(r, &p.References),
				"stages":      yamldoc.Texts(r, &p.Stages),
				"enforce":     yamldoc.Texts(r, &p.Enforce),
				"disabled":    r.Toggle(&p.Disabled),
				"scope": func(n *yaml.Node, path string) {
					r.Items(n, path, func(n *yaml.Node, path string) {
						p.Scope = append(p.Scope, Scope{})
						r.Mapping(n, path, scopeFields(r, &p.Scope[len(p.Scope)-1]))
					})
				},
				"exclusions": func(n *yaml.Node, path string) {
					r.Items(n, path, func(n *yaml.Node, path string) {
						var e Exclusion
						fields := scopeFields(r, &e.Scope)
						fields["name"], fields["reason"] = text(&e.Name), text(&e.Reason)
						fields["workloads"], fields["until"] = yamldoc.Texts(r, &e.Workloads), r.Until(&e.Until)
						r.Mapping(n, path, fields)
						p.Exclusions = append(p.Exclusions, e)
					})
				},
				"data":      r.Table(&p.Data),
				"forEach":   text(&p.ForEach),
				"condition": text(&p.Condition),
				"message":   text(&p.Message),
			})
		},
	})
	problems := problemsOf(p.ID, r.Problems)
	for _, f := range []struct{ path, got, want string }{
		{"apiVersion", version, apiVersion}, {"kind", what, kind},
	} {
		if f.got != f.want && root.Kind == yaml.MappingNode {
			problems = append(problems, p.problem(f.path, "must be %s, not %q", f.want, f.got))
		}
	}
	return p, problems
}

func scopeFields(r *yamldoc.Reader, s *Scope) yamldoc.Fields {
	return yamldoc.Fields{
		"clusters":   yamldoc.Texts(r, &s.Clusters),
		"namespaces": yamldoc.Texts(r, &s.Namespaces),
		"images":     yamldoc.Texts(r, &s.Images),
		"labels":     r.Table(&s.Labels),
	}
}
