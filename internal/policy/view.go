package policy

import (
	"fmt"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// view gives names their values while one image is judged. It belongs to one evaluation.
type view struct {
	in       *Input
	site     site
	settings []Setting
	lists    map[string][]any // made when first asked for
	data     ref.Val
	itemName string
	item     any
}

// newView makes the input say one thing only of a date that is not known.
func newView(in *Input) *view {
	if in.Image.HasCreated = in.Image.HasCreated && !in.Image.Created.IsZero(); !in.Image.HasCreated {
		in.Image.Created = time.Time{}
	}
	return &view{in: in, site: in.site(), settings: in.settings(), lists: map[string][]any{}}
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
	if itemOf(name) == "" {
		return nil, false
	}
	list, ok := v.lists[name]
	if !ok {
		for i := range v.length(name) {
			list = append(list, v.element(name, i))
		}
		v.lists[name] = list
	}
	return list, true
}

// container names the container that the view is of, if it is of one.
func (v *view) container() string {
	if v.in.Container == nil {
		return ""
	}
	return v.in.Container.Name
}

func (v *view) Parent() cel.Activation { return nil }

func (v *view) length(collection string) int {
	switch collection {
	case "components":
		return len(v.in.Components)
	case "vulnerabilities":
		return len(v.in.Vulnerabilities)
	case "layers":
		return len(v.in.Layers)
	case "settings":
		return len(v.settings)
	}
	return 0
}

func (v *view) element(collection string, i int) any {
	switch collection {
	case "components":
		return &v.in.Components[i]
	case "vulnerabilities":
		return &v.in.Vulnerabilities[i]
	case "layers":
		return &v.in.Layers[i]
	case "settings":
		return &v.settings[i]
	}
	return nil
}

// items is how often a policy is asked: once per item, or once.
func (v *view) items(forEach string) int {
	if forEach == "" {
		return 1
	}
	return v.length(forEach)
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
