package policy

import (
	"fmt"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// view gives names their values while one policy is asked about one image.
type view struct {
	*known
	data     ref.Val
	itemName string
	item     any
}

func (p *compiled) view(k *known) *view {
	return &view{known: k, data: p.data, itemName: itemOf(p.ForEach)}
}

// known is what the policies see alike. It may be looked at concurrently.
type known struct {
	in       *Input
	site     site
	settings []Setting
	lists    map[string]func() []any // made when first asked for
}

// look makes the input say one thing only of a date that is not known.
func look(in *Input) *known {
	if in.Image.HasCreated = in.Image.HasCreated && !in.Image.Created.IsZero(); !in.Image.HasCreated {
		in.Image.Created = time.Time{}
	}
	k := &known{in: in, site: in.site(), settings: in.settings(), lists: map[string]func() []any{}}
	for _, c := range collections {
		k.lists[c.name] = sync.OnceValue(func() []any {
			list := make([]any, k.length(c.name))
			for i := range list {
				list[i] = k.element(c.name, i)
			}
			return list
		})
	}
	return k
}

func (v *view) ResolveName(name string) (any, bool) {
	switch name {
	case "":
		return nil, false
	case v.itemName:
		return v.item, true
	case "image":
		return &v.in.Image, true
	case "integration":
		return &v.in.Integration, true
	case "scan":
		return &v.in.Scan, true
	case "now":
		return types.Timestamp{Time: v.in.Now}, true
	case "data":
		return v.data, true
	case "workload":
		return v.in.Workload, true
	case "container":
		return v.in.Container, true
	case "cluster":
		return &v.in.Cluster, true
	}
	if list := v.lists[name]; list != nil {
		return list(), true
	}
	return nil, false
}

// container names the container that the view is of, if it is of one.
func (k *known) container() string {
	if k.in.Container == nil {
		return ""
	}
	return k.in.Container.Name
}

func (v *view) Parent() cel.Activation { return nil }

func (k *known) length(collection string) int {
	switch collection {
	case "components":
		return len(k.in.Components)
	case "vulnerabilities":
		return len(k.in.Vulnerabilities)
	case "layers":
		return len(k.in.Layers)
	case "settings":
		return len(k.settings)
	}
	return 0
}

func (k *known) element(collection string, i int) any {
	switch collection {
	case "components":
		return &k.in.Components[i]
	case "vulnerabilities":
		return &k.in.Vulnerabilities[i]
	case "layers":
		return &k.in.Layers[i]
	case "settings":
		return &k.settings[i]
	}
	return nil
}

// items is how often a policy is asked: once per item, or once.
func (k *known) items(forEach string) int {
	if forEach == "" {
		return 1
	}
	return k.length(forEach)
}

// choose makes an item the one that the item variable stands for.
func (v *view) choose(forEach string, i int) subject {
	if forEach == "" {
		return subject{}
	}
	v.item = v.element(forEach, i)
	return subject{v.item}
}

// subject is the item a policy is asked about, nil for the image as a whole.
type subject struct{ item any }

// about begins a sentence about the item.
func (s subject) about() string {
	if m := s.message(); m.Text != "" {
		return m.Text + ": "
	}
	return ""
}

// message is what is said of the item when the policy has no words of its own.
func (s subject) message() Message {
	switch x := s.item.(type) {
	case *Component:
		return Message{Text: x.title(), Component: x.title(), Line: x.Line}
	case *Vulnerability:
		name := x.CVE
		if name == "" {
			name = x.ID
		}
		fix := "no fixed version is known"
		if x.FixedVersion != "" {
			fix = "fixed in " + x.FixedVersion
		}
		return Message{
			Text:      fmt.Sprintf("%s has %s (%s, %s)", x.Component.title(), name, x.Severity, fix),
			Component: x.Component.title(), CVE: name, Line: x.Component.Line,
		}
	case *Layer:
		return Message{Text: x.Keyword + " " + x.Value, Line: x.Line}
	case *Setting:
		return Message{Text: x.Kind + " " + x.Name, Line: x.Line}
	}
	return Message{}
}

func (c *Component) title() string {
	if c.Version == "" {
		return c.Name
	}
	return c.Name + " " + c.Version
}
