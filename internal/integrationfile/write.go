package integrationfile

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
)

const maskComment = "kept as it is stored; for a new integration, give the secret"

// Write renders integrations as documents that Parse reads, with the settings that are not as they would be without them. A
// secret is the mask, with a comment that says what it means; a reference to one is itself.
func Write(types *integration.Types, list []integration.Integration) ([]byte, error) {
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	for _, in := range list {
		typ, ok := types.Get(in.Type)
		if !ok {
			return nil, fault.New(fault.Invalid, "write integration", "%s has the type %q, which is not known here", in.Name, in.Type)
		}
		if err := e.Encode(document(typ, in)); err != nil {
			return nil, fault.Wrap(fault.Internal, "write integration", in.Name, err)
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	if err := e.Close(); err != nil {
		return nil, fault.Wrap(fault.Internal, "write integrations", "", err)
	}
	return out.Bytes(), nil
}

func document(typ integration.Type, in integration.Integration) *yaml.Node {
	spec := mapping("type", text(in.Type))
	categories := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, c := range in.Categories {
		categories.Content = append(categories.Content, text(string(c)))
	}
	if len(in.Categories) != 1 || in.Categories[0] != integration.CategoryRegistry {
		add(spec, "categories", categories)
	}
	if in.SkipTest {
		add(spec, "skipTest", toggle(true))
	}
	if in.ClusterID != "" {
		add(spec, "clusterId", text(in.ClusterID))
	}
	add(spec, typ.ConfigKey, settings(typ, in.Config))
	return mapping(
		"apiVersion", text(apiVersion),
		"kind", text(kind),
		"metadata", mapping("name", text(in.Name)),
		"spec", spec,
	)
}

func settings(typ integration.Type, c integration.Config) *yaml.Node {
	all := mapping()
	nested := map[string]*yaml.Node{}
	defaults := typ.Defaults()
	for _, f := range typ.Fields {
		var v *yaml.Node
		switch {
		case f.IsSecret():
			if !c.Secret(f.Name).IsSet() {
				continue
			}
			v = text(c.Shown(f.Name))
			if v.Value == secret.Mask {
				v.LineComment = maskComment
			}
		case f.Kind == integration.Toggle:
			if c.On(f.Name) == defaults.On(f.Name) {
				continue
			}
			v = toggle(c.On(f.Name))
		default:
			if c.Text(f.Name) == defaults.Text(f.Name) {
				continue
			}
			v = text(c.Text(f.Name))
			if f.Kind == integration.Number {
				v.Tag = "" // that of a number
			}
		}
		in, key := all, f.Name
		if outer, inner, below := strings.Cut(f.Name, "."); below {
			if nested[outer] == nil {
				nested[outer] = mapping()
				add(all, outer, nested[outer])
			}
			in, key = nested[outer], inner
		}
		add(in, key, v)
	}
	return all
}

// mapping takes keys, each followed by its value.
func mapping(pairs ...any) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode}
	for i := 0; i < len(pairs); i += 2 {
		add(m, pairs[i].(string), pairs[i+1].(*yaml.Node))
	}
	return m
}

func add(m *yaml.Node, key string, v *yaml.Node) { m.Content = append(m.Content, text(key), v) }

func text(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

func toggle(on bool) *yaml.Node {
	v := "false"
	if on {
		v = "true"
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: v}
}
