package exception

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/yamldoc"
)

const (
	apiVersion   = "landwaiter.dev/v1"
	documentKind = "VulnerabilityException"
	maxDocuments = 10_000 // of one file, and files of one directory
)

// Parse reads YAML documents, one exception each. The error is a fault.Invalid whose cause is Problems: every mistake, with its
// place.
func Parse(document []byte) ([]Exception, error) {
	list, problems := read("", document)
	return list, problems.failed("read exceptions", "")
}

func read(file string, document []byte) (list []Exception, problems Problems) {
	roots, found := yamldoc.Documents(document, maxDocuments)
	add := func(found ...yamldoc.Problem) {
		for _, p := range found {
			problems = append(problems, Problem{File: file, Field: p.Field, Line: p.Line, Column: p.Column, Message: p.Message})
		}
	}
	add(found...)
	for _, root := range roots {
		e, found := readOne(root)
		list = append(list, e)
		add(found...)
	}
	if len(list)+len(problems) == 0 {
		add(yamldoc.Problem{Line: 1, Message: "there is no exception in the document"})
	}
	return list, problems
}

func readOne(root *yaml.Node) (e Exception, problems []yamldoc.Problem) {
	places, broken := map[string]*yaml.Node{}, map[string]bool{}
	r := &yamldoc.Reader{
		Placed: func(n *yaml.Node, path string) { places[path] = n },
		Broken: func(path string) { broken[path] = true },
	}
	var version, kind string
	var created *time.Time
	r.Mapping(root, "", yamldoc.Fields{
		"apiVersion": r.Text(&version),
		"kind":       r.Text(&kind),
		"metadata": func(n *yaml.Node, path string) {
			r.Mapping(n, path, yamldoc.Fields{"name": r.Text(&e.ID)})
		},
		"spec": func(n *yaml.Node, path string) {
			r.Mapping(n, path, yamldoc.Fields{
				"kind":          r.Text((*string)(&e.Kind)),
				"cves":          yamldoc.Texts(r, &e.CVEs),
				"components":    yamldoc.Texts(r, &e.Components),
				"images":        yamldoc.Texts(r, &e.Images),
				"from":          r.From(&e.From),
				"until":         r.Until(&e.Until),
				"untilFixable":  r.Toggle(&e.UntilFixable),
				"reason":        r.Text(&e.Reason),
				"justification": r.Text(&e.Justification),
				"ticket":        r.Text(&e.Ticket),
				"author":        r.Text(&e.Author),
				"created":       r.From(&created),
				"updated":       r.From(&e.Updated),
				"revoked":       r.From(&e.Revoked),
				"revokedBy":     r.Text(&e.RevokedBy),
			})
		},
	})
	if created != nil {
		e.Created = *created
	}
	if root.Kind != yaml.MappingNode {
		return e, r.Problems
	}
	problem := func(path, format string, args ...any) {
		for part := path; part != ""; part = part[:max(0, strings.LastIndexAny(part, ".["))] {
			if broken[part] {
				return // which was said
			}
		}
		n := root
		for part := path; part != ""; part = part[:max(0, strings.LastIndexAny(part, ".["))] {
			if there, ok := places[part]; ok {
				n = there
				break
			}
		}
		r.Problem(n, path, format, args...)
	}
	if version != apiVersion {
		problem("apiVersion", "must be %s", apiVersion)
	}
	if kind != documentKind {
		problem("kind", "must be %s", documentKind)
	}
	e.check(problem)
	return e, r.Problems
}

// A written exception is a document's.
type written struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name string `yaml:"name"`
	} `yaml:"metadata"`
	Spec struct {
		Kind          Kind     `yaml:"kind"`
		CVEs          []string `yaml:"cves,flow"`
		Components    []string `yaml:"components,flow,omitempty"`
		Images        []string `yaml:"images,flow"`
		From          string   `yaml:"from,omitempty"`
		Until         string   `yaml:"until,omitempty"`
		UntilFixable  bool     `yaml:"untilFixable,omitempty"`
		Reason        string   `yaml:"reason"`
		Justification string   `yaml:"justification,omitempty"`
		Ticket        string   `yaml:"ticket,omitempty"`
		Author        string   `yaml:"author"`
		Created       string   `yaml:"created,omitempty"`
		Updated       string   `yaml:"updated,omitempty"`
		Revoked       string   `yaml:"revoked,omitempty"`
		RevokedBy     string   `yaml:"revokedBy,omitempty"`
	} `yaml:"spec"`
}

// Format writes the document that Parse reads back.
func Format(e Exception) []byte {
	w := written{APIVersion: apiVersion, Kind: documentKind}
	w.Metadata.Name = e.ID
	s := &w.Spec
	s.Kind, s.CVEs, s.Components, s.Images, s.UntilFixable = e.Kind, e.CVEs, e.Components, e.Images, e.UntilFixable
	s.Reason, s.Justification, s.Ticket, s.Author, s.RevokedBy = e.Reason, e.Justification, e.Ticket, e.Author, e.RevokedBy
	instant := func(t *time.Time) string {
		if t == nil || t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339Nano)
	}
	s.From, s.Created, s.Updated, s.Revoked = instant(e.From), instant(&e.Created), instant(e.Updated), instant(e.Revoked)
	if e.Until != nil {
		s.Until = yamldoc.FormatUntil(*e.Until)
	}
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	_ = encoder.Encode(w) // it has nothing that cannot be encoded
	return text.Bytes()
}

// ReadPath reads a file of documents, or the .yaml, .yml and .json files of a directory and those below it. Every mistake of all
// of them is told.
func ReadPath(path string) ([]Exception, error) {
	const op = "read exceptions"
	var list []Exception
	var problems Problems
	first := map[string]string{}
	files := 0
	err := filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != path && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case d.IsDir() || file != path && !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(file)):
			return nil
		}
		if files++; files > maxDocuments {
			return fmt.Errorf("there are more than %d files", maxDocuments)
		}
		data, err := readFile(file)
		if err != nil {
			return err
		}
		found, wrong := read(file, data)
		for _, e := range found {
			if other, twice := first[e.ID]; twice && e.ID != "" {
				wrong = append(wrong, Problem{File: file, Field: "metadata.name", Message: fmt.Sprintf("%s is in %s, too", e.ID, other)})
			}
			first[e.ID] = file
		}
		list, problems = append(list, found...), append(problems, wrong...)
		return nil
	})
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, "", err).WithFix("Give a file or a directory of exceptions that can be read.")
	}
	return list, problems.failed(op, "")
}

func readFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, yamldoc.MaxBytes+1)) // one more than may be, so that it is refused
}
