package image

import (
	"regexp"
	"slices"
	"strings"
)

var keywords = []string{
	"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD", "RUN", "SHELL",
	"STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
}

// A lineReader turns created_by texts into Dockerfile lines, oldest first: SHELL and ARG lines tell how to read later ones.
type lineReader struct {
	shell    string              // in effect, as history texts begin with it; "" when the default is
	fallback []string            // the final SHELL and the system's default
	declared map[string][]string // build arguments, with the values that their ARG line may state
}

type line struct {
	keyword, value string
	arguments      []string
	unsplit        bool // arguments are one text
}

func newLineReader(os string, finalShell []string) *lineReader {
	r := &lineReader{declared: map[string][]string{}}
	if s := strings.Join(finalShell, " "); s != "" && len(s) <= maxShell {
		r.fallback = append(r.fallback, s)
	}
	if os == "windows" {
		r.fallback = append(r.fallback, "cmd /S /C")
	} else {
		r.fallback = append(r.fallback, "/bin/sh -c")
	}
	return r
}

func (r *lineReader) read(entry historyEntry) line {
	text, marked := cutBuildKitMark(entry.createdBy)
	if text == "" {
		return line{value: strings.TrimSpace(entry.comment)}
	}
	buildKit := marked || strings.HasPrefix(entry.comment, "buildkit.")
	l := r.readText(text, buildKit, entry.author == "kaniko")
	switch l.keyword {
	case "SHELL":
		r.shell = shellText(l.value)
	case "ARG":
		r.declare(l.value)
	case "EXPOSE", "VOLUME":
		l.value = listedSet(l.value)
	}
	return l
}

func (r *lineReader) readText(text string, buildKit, anyCase bool) line {
	if metadata, ok := r.cutNop(text); ok {
		metadata = cutBuildahMarks(metadata)
		if keyword, value, ok := cutKeyword(metadata, true); ok {
			return line{keyword: keyword, value: value}
		}
		return line{value: metadata}
	}
	if keyword, value, ok := cutKeyword(text, anyCase); ok {
		if keyword != "RUN" {
			return line{keyword: keyword, value: value}
		}
		return r.readRun(value, buildKit)
	}
	if strings.HasPrefix(text, "|") {
		if arguments, command, split, ok := r.cutArguments(text); ok {
			if _, nop := r.cutNop(command); nop {
				l := r.readText(command, buildKit, anyCase)
				l.arguments, l.unsplit = arguments, !split
				return l
			}
			command, _ = r.cutShell(command)
			return line{keyword: "RUN", value: cutBuildahMarks(command), arguments: arguments, unsplit: !split}
		}
	}
	if command, ok := r.cutShell(text); ok {
		return line{keyword: "RUN", value: cutBuildahMarks(command)}
	}
	if path, arguments, found := strings.Cut(text, " "); found && len(path) > 1 && path[0] == '/' && strings.TrimSpace(arguments) != "" {
		return line{keyword: "RUN", value: text}
	}
	return line{value: text}
}

// readRun reads what follows RUN. BuildKit writes the shell out; other tools repeat the Dockerfile's line, in which a shell
// is part of the command unless the rest could not be its argument.
func (r *lineReader) readRun(value string, buildKit bool) line {
	l := line{keyword: "RUN", value: value}
	if strings.HasPrefix(value, "|") {
		if arguments, command, split, ok := r.cutArguments(value); ok {
			l.arguments, l.value, l.unsplit, buildKit = arguments, command, !split, true
		}
	}
	if command, ok := r.cutShell(l.value); ok && (buildKit || !strings.HasPrefix(command, `"`) && !strings.HasPrefix(command, "'")) {
		l.value = command
	}
	return l
}

func cutBuildKitMark(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if before, found := strings.CutSuffix(text, "# buildkit"); found && (before == "" || strings.ContainsAny(before[len(before)-1:], " \t\r\n")) {
		return strings.TrimSpace(before), true
	}
	return text, false
}

// cutNop returns what the classic builder and Buildah write behind "#(nop)" for lines that run nothing.
func (r *lineReader) cutNop(text string) (string, bool) {
	before, after, found := strings.Cut(text, "#(nop)")
	if !found {
		return "", false
	}
	before = strings.TrimSpace(before)
	if before != "" {
		if rest, isShell := r.cutShell(before); !isShell || rest != "" {
			return "", false
		}
	}
	return strings.TrimSpace(after), true
}

// buildahMarks are options that Buildah appends to a line because they change the layer.
var buildahMarks = regexp.MustCompile(`(?:\s*\|(?:unsetLabel=\S*|unsetAnnotation=\S*|inheritLabels=false|inheritAnnotations=false|(?:force|clamp)-mtime=\d+))+\s*$`)

func cutBuildahMarks(text string) string {
	const longest = 4096 // the marks are at the end
	start := max(0, len(text)-longest)
	if i := buildahMarks.FindStringIndex(text[start:]); i != nil {
		text = text[:start+i[0]]
	}
	return strings.TrimSpace(text)
}

func cutKeyword(text string, anyCase bool) (keyword, value string, ok bool) {
	end := strings.IndexAny(text, " \t\r\n")
	if end < 0 {
		end = len(text)
	}
	keyword = text[:end]
	if anyCase {
		keyword = strings.ToUpper(keyword)
	}
	if !slices.Contains(keywords, keyword) {
		return "", "", false
	}
	return keyword, strings.TrimSpace(text[end:]), true
}

// listedSet turns Go's notations of sets, map[80/tcp:{} 443/tcp:{}] and [/data], into the words of a Dockerfile.
func listedSet(value string) string {
	if inner, found := strings.CutPrefix(value, "map["); found && strings.HasSuffix(inner, "]") {
		return strings.ReplaceAll(strings.TrimSuffix(inner, "]"), ":{}", "")
	}
	if inner, found := strings.CutPrefix(value, "["); found && strings.HasSuffix(inner, "]") && !strings.ContainsAny(inner, `"'`) {
		return strings.TrimSuffix(inner, "]")
	}
	return value
}
