package policy

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// positions tells where a policy's fields stand in its document, by path.
type positions map[string]position

type position struct {
	line, column int
	// lines holds, for each line of a text value, where its first character stands. It is nil when the document's form of
	// the text does not keep its lines, as with folded blocks.
	lines []place
	// broken says that the value could not be read, so that its absence is no news.
	broken bool
}

type place struct{ line, column int }

// at is the document's place of a character of the field's text: line is 1-based, column 0-based, both as CEL counts.
// Without a finer answer it is where the field begins.
func (p positions) at(field string, line, column int) (place, bool) {
	pos, ok := p[field]
	if !ok {
		return place{}, false
	}
	if line < 1 || line > len(pos.lines) {
		return place{pos.line, pos.column}, false
	}
	start := pos.lines[line-1]
	return place{start.line, start.column + column}, true
}

// breaks notes that a field, or a part of the document around many, could not be read.
func (p positions) breaks(path string) {
	pos := p[path]
	pos.broken = true
	p[path] = pos
}

func (p positions) broken(field string) bool {
	for path := field; ; path = parent(path) {
		if p[path].broken {
			return true
		}
		if path == "" {
			return false
		}
	}
}

// parent is the path of the mapping or list around a field.
func parent(path string) string { return path[:max(0, strings.LastIndexAny(path, ".["))] }

// locate finds where a scalar's lines stand. It believes only what it finds again in the document.
func locate(n *yaml.Node, document []string) position {
	pos := position{line: n.Line, column: n.Column}
	if n.Kind != yaml.ScalarNode || n.Line < 1 || n.Line > len(document) {
		return pos
	}
	value := strings.Split(strings.TrimRight(n.Value, "\n"), "\n")
	switch n.Style &^ yaml.TaggedStyle {
	case yaml.LiteralStyle:
		for i, text := range value {
			at := n.Line + i // the text begins on the line below the indicator
			if at >= len(document) {
				return pos
			}
			raw := strings.TrimRight(document[at], "\r")
			if !strings.HasSuffix(raw, text) {
				pos.lines = nil
				return pos
			}
			indent := utf8.RuneCountInString(raw[:len(raw)-len(text)])
			pos.lines = append(pos.lines, place{at + 1, indent + 1})
		}
	case 0, yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle:
		start := n.Column
		if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
			start++
		}
		if len(value) == 1 && strings.HasPrefix(afterRunes(document[n.Line-1], start-1), value[0]) {
			pos.lines = []place{{n.Line, start}}
		}
	}
	return pos
}

func afterRunes(s string, n int) string {
	for ; n > 0 && s != ""; n-- {
		_, size := utf8.DecodeRuneInString(s)
		s = s[size:]
	}
	return s
}
