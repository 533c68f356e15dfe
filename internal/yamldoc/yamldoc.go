// Package yamldoc reads YAML documents strictly, whatever they describe: it finds every mistake in one reading, each with its
// place. JSON is read as the YAML that it is.
package yamldoc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxBytes bounds what Documents reads.
const MaxBytes = 1 << 20

// A Problem is one mistake in a document. It never repeats a value.
type Problem struct {
	Field   string // e.g. spec.condition
	Line    int    // 1-based; 0 when unknown
	Column  int
	Message string
}

// Documents takes YAML apart into the roots of its documents, up to max of them; empty ones are left out. What is returned
// beside a problem is what stands before it.
func Documents(data []byte, max int) ([]*yaml.Node, []Problem) {
	if len(data) > MaxBytes {
		return nil, []Problem{{Message: fmt.Sprintf("it has %d bytes; at most %d are read", len(data), MaxBytes)}}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var roots []*yaml.Node
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return roots, nil
		}
		if err != nil {
			return roots, []Problem{syntaxProblem(err)}
		}
		if len(node.Content) == 0 || node.Content[0].ShortTag() == "!!null" {
			continue
		}
		if len(roots) == max {
			return roots, []Problem{{Line: node.Line, Message: fmt.Sprintf("it has more than %d documents", max)}}
		}
		roots = append(roots, node.Content[0])
	}
}

var (
	yamlLine      = regexp.MustCompile(`line (\d+): (.*)`)
	unknownAnchor = regexp.MustCompile(`(?s)unknown anchor '.*' referenced`)
)

func syntaxProblem(err error) Problem {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	p := Problem{Line: 1} // of which the library says nothing
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		p.Line, _ = strconv.Atoi(m[1])
		text = m[2]
	}
	// The name may be a password that begins with an asterisk.
	if unknownAnchor.MatchString(text) {
		p.Line, text = 0, "text that begins with * must be in quotes"
	}
	p.Message = "not YAML: " + text
	return p
}
