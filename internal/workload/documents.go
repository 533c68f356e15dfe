package workload

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/landwaiter/landwaiter/internal/fault"
)

const (
	// maxValues bounds the lines and items of one document, which the memory to parse it is in proportion to, and maxAllValues those of
	// all, which the time is.
	maxValues    = 500_000
	maxAllValues = 2_000_000
	// maxExpanded bounds the bytes of all values once aliases stand for what they name.
	maxExpanded = 64 << 20
	maxDepth    = 200
)

// A document is one of a file's, as text.
type document struct {
	text string
	line int // of the file, before the document's first
}

// documents splits at the lines that begin with "---", as kubectl does, so that a malformed one does not hide the others.
func documents(content string) []document {
	var list []document
	start, startLine, line, said := 0, 0, 0, false
	for at := 0; at < len(content); line++ {
		end := at + strings.IndexByte(content[at:], '\n') + 1
		if end == at {
			end = len(content)
		}
		text := strings.TrimRight(content[at:end], " \t\r\n")
		switch marker, rest, _ := strings.Cut(text, " "); {
		case text == "---" || marker == "---":
			if said {
				list = append(list, document{content[start:at], startLine})
				start, startLine = at, line
			}
			said = rest != "" && rest[0] != '#'
		case text != "" && text[0] != '#' && text[0] != '%':
			said = true
		}
		at = end
	}
	if said {
		list = append(list, document{content[start:], startLine})
	}
	return list
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)

func (r *reader) read(content string) {
	content = strings.TrimPrefix(content, "\ufeff")
	for _, d := range documents(content) {
		r.line = d.line
		n := values(d.text)
		if n > maxValues {
			r.problem(1, "the document has more than %d lines and items", maxValues)
			continue
		}
		if r.values += n; r.values > maxAllValues {
			r.problem(1, "up to here there are more than %d lines and items", maxAllValues)
			return
		}
		decoder := yaml.NewDecoder(strings.NewReader(d.text))
		for {
			var n yaml.Node
			err := decoder.Decode(&n)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				line, text := 1, err.Error()
				if m := yamlLine.FindStringSubmatch(text); m != nil {
					line, _ = strconv.Atoi(m[1])
					text = text[len(m[0]):]
				}
				r.malformed(d.text, line, "%s", strings.TrimPrefix(text, "yaml: "))
				break
			}
			if len(n.Content) == 0 || n.Content[0].ShortTag() == "!!null" {
				continue
			}
			root := n.Content[0]
			if line, err := r.expansion.tidy(root, 0); err != nil {
				r.malformed(d.text, line, "%s", err)
				break
			}
			r.object(root, typeOf{})
		}
	}
}

// values counts what may become a value of a document: what stands between breaks of lines, those of other scripts
// included, and commas and brackets.
func values(text string) int {
	n := 0
	for i := range len(text) {
		switch text[i] {
		case '\n', '\r', ',', '[', '{', 0x85, 0xa8, 0xa9:
			n++
		}
	}
	return n
}

func (r *reader) problem(line int, format string, args ...any) {
	r.problems = append(r.problems, fault.New(fault.Invalid, r.place(r.line+line), format, args...))
}

func (r *reader) place(line int) string {
	if r.file == "" {
		return fmt.Sprintf("line %d", line)
	}
	return fmt.Sprintf("%s:%d", r.file, line)
}

// malformed reports what is no YAML; a template is the usual reason.
func (r *reader) malformed(text string, line int, format string, args ...any) {
	r.problem(line, "not YAML: "+format, args...)
	if strings.Contains(text, "{{") {
		last := len(r.problems) - 1
		r.problems[last] = r.problems[last].(*fault.Error).
			WithFix("It looks like a template. Check what it renders, e.g. helm template . | landwaiter deployment check -f -")
	}
}

// An expansion has the bytes that may still be read.
type expansion struct{ left int }

var (
	yes = []string{"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"}
	no  = []string{"n", "N", "no", "No", "NO", "off", "Off", "OFF"}
)

// tidy makes the node decode to what Kubernetes reads: keys are text, "yes" and the like are true, dates are text, and of
// a key that is given twice the last one counts. It fails on what grows too large or deep when aliases are followed.
func (e *expansion) tidy(n *yaml.Node, depth int) (line int, err error) {
	if e.left -= 16 + len(n.Value); e.left < 0 {
		return n.Line, fmt.Errorf("its values have more than %d MiB once aliases are followed", maxExpanded>>20)
	}
	if depth > maxDepth {
		return n.Line, fmt.Errorf("it is nested more than %d deep", maxDepth)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return e.tidy(n.Alias, depth+1)
	case yaml.ScalarNode:
		switch plain := n.Style == 0 && n.ShortTag() == "!!str"; {
		case n.ShortTag() == "!!timestamp":
			n.Tag = "!!str"
		case plain && slices.Contains(yes, n.Value):
			n.Tag, n.Value = "!!bool", "true"
		case plain && slices.Contains(no, n.Value):
			n.Tag, n.Value = "!!bool", "false"
		}
	case yaml.MappingNode:
		if line, err := tidyKeys(n); err != nil {
			return line, err
		}
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			e.left -= len(child.Value)
			continue
		}
		if line, err := e.tidy(child, depth+1); err != nil {
			return line, err
		}
	}
	return 0, nil
}

func tidyKeys(n *yaml.Node) (line int, err error) {
	seen := make(map[string]bool, len(n.Content)/2)
	kept := len(n.Content)
	for i := len(n.Content) - 2; i >= 0; i -= 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return key.Line, errors.New("a key is no text")
		}
		merge := key.ShortTag() == "!!merge"
		if !merge && seen[key.Value] {
			continue
		}
		if !merge {
			seen[key.Value], key.Tag = true, "!!str"
		}
		kept -= 2
		n.Content[kept], n.Content[kept+1] = key, value
	}
	n.Content = n.Content[kept:]
	return 0, nil
}
