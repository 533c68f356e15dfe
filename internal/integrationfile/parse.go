// Package integrationfile keeps integrations as YAML documents: it reads them strictly, writes them, and holds what is stored
// to what a directory of them says.
package integrationfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/yamldoc"
)

const (
	apiVersion   = "landwaiter.dev/v1"
	kind         = "Integration"
	maxDocuments = 1000 // in one file
)

// A Problem is one mistake in a file. It never repeats the value of a setting.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"` // 1-based; 0 when unknown
	Column  int    `json:"column,omitempty"`
	Field   string `json:"field,omitempty"` // e.g. spec.docker.endpoint
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"`
}

func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	for _, n := range []int{p.Line, p.Column} {
		if n > 0 {
			fmt.Fprintf(&b, ":%d", n)
		}
	}
	b.WriteString(": ")
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// A Document is one integration as a file describes it.
type Document struct {
	integration.Declared
	File string
	Line int
}

// Parse reads the documents of a file. A document with a mistake is left out; the others are valid, but that a secret may be
// masked. A list of integrations as RHACS answers it is read too, without those that were generated.
func Parse(types *integration.Types, file string, data []byte) ([]Document, []Problem) {
	f := &fileReader{types: types, file: file}
	roots, problems := yamldoc.Documents(data, maxDocuments)
	f.add(problems...)
	for _, root := range roots {
		if list := value(root, "integrations"); list != nil {
			f.rhacs(list)
		} else {
			f.document(root)
		}
	}
	slices.SortStableFunc(f.problems, func(a, b Problem) int { return a.Line - b.Line })
	return f.documents, f.problems
}

func (d Document) problem(field, message, fix string) Problem {
	return Problem{File: d.File, Line: d.Line, Field: field, Message: message, Fix: fix}
}

// ParseAll reads the documents of files. Of those with the same name the first one counts.
func ParseAll(types *integration.Types, files []File) ([]Document, []Problem) {
	var all []Document
	var problems []Problem
	origins := map[string]string{}
	for _, f := range files {
		if f.Err != nil {
			problems = append(problems, Problem{File: f.Path, Message: f.Err.Error(), Fix: fault.FixOf(f.Err)})
			continue
		}
		documents, found := Parse(types, f.Path, f.Data)
		problems = append(problems, found...)
		for _, d := range documents {
			if first, twice := origins[d.Name]; twice {
				problems = append(problems, d.problem("metadata.name", fmt.Sprintf("%q is described twice, first at %s", d.Name, first), "Keep one of the documents."))
				continue
			}
			origins[d.Name] = d.Origin
			all = append(all, d)
		}
	}
	return all, problems
}

type fileReader struct {
	types     *integration.Types
	file      string
	documents []Document
	problems  []Problem
}

func (f *fileReader) add(problems ...yamldoc.Problem) {
	for _, p := range problems {
		f.problems = append(f.problems, Problem{File: f.file, Line: p.Line, Column: p.Column, Field: p.Field, Message: p.Message})
	}
}

// keep takes a draft unless problems were found since there were so many.
func (f *fileReader) keep(d integration.Draft, line, before int, adopt bool) {
	if len(f.problems) == before {
		f.documents = append(f.documents, Document{
			Declared: integration.Declared{Draft: d, Origin: fmt.Sprintf("%s:%d", f.file, line), Adopt: adopt}, File: f.file, Line: line,
		})
	}
}

func (f *fileReader) document(root *yaml.Node) {
	before := len(f.problems)
	r := newDocumentReader(f.types)
	r.read(root)
	f.add(r.Problems...)
	d, err := f.types.ValidateMasked(r.draft)
	var found integration.Problems
	if !errors.As(err, &found) && err != nil && r.known {
		found = integration.Problems{{Message: err.Error(), Fix: fault.FixOf(err)}}
	}
	for _, p := range found {
		path := r.pathOf(p.Field)
		_, given := r.places[path]
		// What is missing may be so because of what could not be read.
		if !r.isBroken(path) && (given || len(r.broken) == 0) {
			line, column := r.place(path)
			f.problems = append(f.problems, Problem{File: f.file, Line: line, Column: column, Field: path, Message: p.Message, Fix: p.Fix})
		}
	}
	f.keep(d, root.Line, before, r.adopt)
}

// A documentReader reads one document into a draft.
type documentReader struct {
	yamldoc.Reader
	types  *integration.Types
	typ    integration.Type
	known  bool // the type
	draft  integration.Draft
	adopt  bool
	places map[string][2]int // line and column, by path
	broken map[string]bool
}

func newDocumentReader(types *integration.Types) *documentReader {
	r := &documentReader{types: types, places: map[string][2]int{}, broken: map[string]bool{}}
	r.Placed = func(n *yaml.Node, path string) { r.places[path] = [2]int{n.Line, n.Column} }
	r.Broken = func(path string) { r.broken[path] = true }
	return r
}

func (r *documentReader) read(root *yaml.Node) {
	r.draft.Categories = []integration.Category{integration.CategoryRegistry}
	r.Mapping(root, "", yamldoc.Fields{
		"apiVersion": r.constant(apiVersion),
		"kind":       r.constant(kind),
		"metadata": func(n *yaml.Node, path string) {
			r.Mapping(n, path, yamldoc.Fields{"name": r.Text(&r.draft.Name), "adopt": r.Toggle(&r.adopt)})
		},
		"spec": r.spec,
	})
	for _, needed := range []string{"apiVersion", "kind", "spec"} {
		if root.Kind == yaml.MappingNode && value(root, needed) == nil && !r.broken[needed] {
			r.Problem(root, needed, "must be given")
		}
	}
}

func (r *documentReader) constant(want string) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		var got string
		if r.Text(&got)(n, path); got != want {
			r.Problem(n, path, "must be %s", want)
		}
	}
}

func (r *documentReader) spec(n *yaml.Node, path string) {
	fields := yamldoc.Fields{
		"type":      r.Text(&r.draft.Type),
		"skipTest":  r.Toggle(&r.draft.SkipTest),
		"clusterId": r.Text(&r.draft.ClusterID),
		"categories": func(n *yaml.Node, path string) {
			r.draft.Categories = nil
			yamldoc.Texts(&r.Reader, &r.draft.Categories)(n, path)
		},
	}
	// The type says what the settings are, wherever it stands.
	if id := value(n, "type"); id != nil {
		if r.typ, r.known = r.types.Get(id.Value); !r.known {
			r.unknownType(id, path+".type")
		}
	} else if n.Kind == yaml.MappingNode {
		r.Problem(n, path+".type", "must be given: one of %s", strings.Join(r.typeIDs(), ", "))
	}
	if r.known {
		fields[r.typ.ConfigKey] = r.settings
	} else {
		for _, t := range r.types.All() {
			fields[t.ConfigKey] = func(*yaml.Node, string) {}
		}
	}
	r.Mapping(n, path, fields)
}

func (r *documentReader) unknownType(n *yaml.Node, path string) {
	if near := yamldoc.Nearest(n.Value, r.typeIDs()); near != "" {
		r.Problem(n, path, "there is no such type; did you mean %s?", near)
		return
	}
	r.Problem(n, path, "there is no such type; there are %s", strings.Join(r.typeIDs(), ", "))
}

func (r *documentReader) typeIDs() []string {
	var ids []string
	for _, t := range r.types.All() {
		ids = append(ids, t.ID)
	}
	return ids
}

func (r *documentReader) settings(n *yaml.Node, path string) {
	r.draft.KindsSent = []string{r.typ.ConfigKey}
	r.draft.Config = r.typ.Defaults()
	fields := yamldoc.Fields{}
	nested := map[string]yamldoc.Fields{}
	for _, field := range r.typ.Fields {
		in, key := fields, field.Name
		if outer, inner, below := strings.Cut(field.Name, "."); below {
			if nested[outer] == nil {
				nested[outer] = yamldoc.Fields{}
				fields[outer] = func(n *yaml.Node, path string) { r.Mapping(n, path, nested[outer]) }
			}
			in, key = nested[outer], inner
		}
		in[key] = func(n *yaml.Node, path string) {
			var text string
			var on bool
			switch {
			case field.Kind == integration.Toggle:
				r.Toggle(&on)(n, path)
				r.draft.Config = r.draft.Config.With(field.Name, on)
			case field.IsSecret():
				r.Text(&text)(n, path)
				r.draft.Config = r.draft.Config.With(field.Name, secret.New(text))
			case field.Kind == integration.Number:
				r.Number(&text)(n, path)
				r.draft.Config = r.draft.Config.With(field.Name, text)
			default:
				r.Text(&text)(n, path)
				r.draft.Config = r.draft.Config.With(field.Name, text)
			}
		}
	}
	r.Mapping(n, path, fields)
}

// pathOf is where a document has what a problem of a draft is about.
func (r *documentReader) pathOf(field string) string {
	switch field {
	case "":
		return ""
	case "name":
		return "metadata.name"
	case "categories", "clusterId", r.typ.ConfigKey:
		return "spec." + field
	}
	return "spec." + r.typ.ConfigKey + "." + field
}

// place is where a value stands, or else the nearest thing around it.
func (r *documentReader) place(path string) (line, column int) {
	for {
		if at, ok := r.places[path]; ok || path == "" {
			return at[0], at[1]
		}
		path = parent(path)
	}
}

// isBroken reports whether a value, or something around it, could not be read.
func (r *documentReader) isBroken(path string) bool {
	for ; path != ""; path = parent(path) {
		if r.broken[path] {
			return true
		}
	}
	return r.broken[""]
}

func parent(path string) string { return path[:max(0, strings.LastIndexByte(path, '.'))] }

// value is that of a mapping's key; nil when there is none.
func value(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// rhacs reads the integrations of an answer of RHACS's. Those that were generated are made anew by what made them.
func (f *fileReader) rhacs(list *yaml.Node) {
	r := yamldoc.Reader{}
	r.Items(list, "integrations", func(n *yaml.Node, path string) {
		before := len(f.problems)
		d, err := f.rhacsDraft(n)
		if err == nil && d.Autogenerated {
			return
		}
		if err == nil {
			d, err = f.types.ValidateMasked(d)
		}
		if err != nil {
			f.problems = append(f.problems, Problem{File: f.file, Line: n.Line, Column: n.Column, Field: path, Message: err.Error(), Fix: fault.FixOf(err)})
		}
		f.keep(d, n.Line, before, false)
	})
	f.add(r.Problems...)
}

func (f *fileReader) rhacsDraft(n *yaml.Node) (integration.Draft, error) {
	if hasAnchors(n) {
		return integration.Draft{}, errors.New("anchors and aliases are not supported")
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return integration.Draft{}, errors.New("it cannot be read as JSON")
	}
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(v); err != nil {
		return integration.Draft{}, errors.New("it cannot be read as JSON")
	}
	d, err := f.types.Decode(body.Bytes())
	d.ID = ""
	return d, err
}

// hasAnchors reports whether reading the node could multiply it.
func hasAnchors(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || n.Anchor != "" || slices.ContainsFunc(n.Content, hasAnchors)
}
