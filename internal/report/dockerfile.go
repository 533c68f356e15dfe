package report

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

// maxDockerfile is far more than anybody writes.
const maxDockerfile = 1 << 20

// A Dockerfile is the one that images were built from.
type Dockerfile struct {
	path   string
	stages []dockerfileStage
}

type dockerfileStage struct {
	name, from string
	line       int
	steps      []dockerfileStep
}

type dockerfileStep struct {
	keyword string
	line    int
}

// ReadDockerfile reads the one that a path of the repository names.
func ReadDockerfile(path string, in io.Reader) (*Dockerfile, error) {
	b, err := io.ReadAll(io.LimitReader(in, maxDockerfile+1))
	if err == nil && len(b) > maxDockerfile {
		err = fault.New(fault.Invalid, "", "it is larger than 1 MiB")
	}
	var parsed *parser.Result
	if err == nil {
		parsed, err = parser.Parse(bytes.NewReader(b))
	}
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "read Dockerfile", path, err).WithFix("Give the Dockerfile that the image was built from.")
	}
	d := &Dockerfile{path: path}
	for _, node := range parsed.AST.Children {
		keyword := strings.ToUpper(node.Value)
		if keyword != "FROM" {
			if len(d.stages) > 0 { // ARG may come before
				last := &d.stages[len(d.stages)-1]
				last.steps = append(last.steps, dockerfileStep{keyword, node.StartLine})
			}
			continue
		}
		stage := dockerfileStage{line: node.StartLine, name: strconv.Itoa(len(d.stages))}
		var words []string
		for n := node.Next; n != nil; n = n.Next {
			words = append(words, n.Value)
		}
		if len(words) > 0 {
			stage.from = words[0]
		}
		if len(words) == 3 && strings.EqualFold(words[1], "AS") {
			stage.name = words[2]
		}
		d.stages = append(d.stages, stage)
	}
	if len(d.stages) == 0 {
		return nil, fault.New(fault.Invalid, "read Dockerfile", "%s has no FROM line", path).WithFix("Give the Dockerfile that the image was built from.")
	}
	return d, nil
}

// steps are those of the last stage and of the stages that it is based on, latest first, and the line that names the image
// below them all.
func (d *Dockerfile) steps() (list []dockerfileStep, base int) {
	for i := len(d.stages) - 1; i >= 0; {
		stage := d.stages[i]
		for j := len(stage.steps) - 1; j >= 0; j-- {
			list = append(list, stage.steps[j])
		}
		base = stage.line
		below := i - 1
		for below >= 0 && !strings.EqualFold(d.stages[below].name, stage.from) {
			below--
		}
		i = below
	}
	return list, base
}

// linesOf says which line of the file made each line of an image's own Dockerfile. They are compared from the end: an image
// keeps every step but FROM. All that is below the file's own steps came with the image of the FROM line. From a step on that
// is not the file's, nothing is known.
func (d *Dockerfile) linesOf(f image.Facts) map[int]int {
	lines := map[int]int{}
	steps, base := d.steps()
	i := len(f.Instructions) - 1
	for _, step := range steps {
		if i < 0 || f.Instructions[i].Keyword != step.keyword {
			if step.keyword == "ARG" { // which only BuildKit keeps
				continue
			}
			return lines
		}
		lines[f.Instructions[i].Line] = step.line
		i--
	}
	for ; i >= 0; i-- {
		lines[f.Instructions[i].Line] = base
	}
	return lines
}

// Locate says of every image that it was built from a Dockerfile. What is about the image as a whole belongs to its FROM line.
func (r *Report) Locate(d *Dockerfile) {
	_, base := d.steps()
	for i := range r.Subjects {
		s := &r.Subjects[i]
		if s.Kind != KindImage {
			continue
		}
		s.File, s.lines = d.path, map[int]int{}
		if s.Image != nil {
			s.lines = d.linesOf(s.Image.Facts)
		}
		s.lines[0] = base
	}
}

// place is where in File something is that a line of the image's own Dockerfile brought, or what is about the subject as a
// whole (line 0). The line is 0 when that is not known.
func (s Subject) place(line int) (file string, at int) {
	if s.Kind != KindImage {
		return s.File, s.Line
	}
	return s.File, s.lines[line]
}
