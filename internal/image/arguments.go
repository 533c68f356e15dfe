package image

import (
	"slices"
	"strconv"
	"strings"
)

// maxArguments and argumentReach bound the work on a "|N ..." prefix.
const (
	maxArguments  = 1_000
	argumentReach = 256 << 10
)

// cutArguments splits "|2 A=1 B=2 /bin/sh -c make". Values are not quoted and may hold spaces, so the ends are found with
// the values that ARG lines stated, else with the shell that follows, else by taking N words. split says whether the
// arguments could be told apart.
func (r *lineReader) cutArguments(text string) (arguments []string, command string, split, ok bool) {
	number, rest := cutWord(strings.TrimPrefix(text, "|"))
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n > maxArguments {
		return nil, "", false, false
	}
	if n == 0 {
		return nil, rest, true, true
	}
	if arguments, command, ok := r.cutDeclared(rest, n); ok {
		return arguments, command, true, true
	}
	for _, isShell := range []func(string) (string, bool){r.cutNamedShell, cutRootedShell} {
		if at := findShell(rest, n, isShell); at > 0 {
			arguments, split = r.splitArguments(rest[:at-1], n)
			return arguments, rest[at:], split, true
		}
	}
	for range n {
		var word string
		word, rest = cutWord(rest)
		if assigned(word) == "" {
			return nil, "", false, false
		}
		arguments = append(arguments, word)
	}
	return arguments, rest, true, true
}

// findShell is where a shell follows at least n words, or -1.
func findShell(text string, n int, isShell func(string) (string, bool)) int {
	for at, words := 0, 0; at < argumentReach; words++ {
		if words >= n && at < len(text) && text[at] != ' ' {
			if _, ok := isShell(text[at:]); ok {
				return at
			}
		}
		next := strings.IndexByte(text[at:], ' ')
		if next < 0 {
			break
		}
		at += next + 1
	}
	return -1
}

// cutDeclared succeeds if the arguments have exactly the values that ARG lines stated and a shell follows.
func (r *lineReader) cutDeclared(rest string, n int) (arguments []string, command string, ok bool) {
	for range n {
		name := assigned(rest)
		if name == "" {
			return nil, "", false
		}
		found := false
		for _, value := range r.declared[name] {
			if after, has := strings.CutPrefix(rest[len(name)+1:], value); has && strings.HasPrefix(after, " ") {
				arguments, rest, found = append(arguments, rest[:len(rest)-len(after)]), after[1:], true
				break
			}
		}
		if !found {
			return nil, "", false
		}
	}
	_, isShell := r.cutShell(rest)
	return arguments, rest, isShell
}

// splitArguments splits at every NAME= that begins a word, if that gives n arguments, or fewer: Buildah counts words. If
// it gives more, some are words of values: names that no ARG line declares and names that come again are dropped.
func (r *lineReader) splitArguments(region string, n int) ([]string, bool) {
	var starts []int
	for at := 0; at < len(region); {
		if assigned(region[at:]) != "" {
			starts = append(starts, at)
		}
		next := strings.IndexByte(region[at:], ' ')
		if next < 0 {
			break
		}
		at += next + 1
	}
	if len(starts) == 0 || starts[0] != 0 {
		return []string{region}, false
	}
	if len(starts) > n {
		seen := map[string]bool{}
		starts = slices.DeleteFunc(starts, func(at int) bool {
			name := assigned(region[at:])
			_, declared := r.declared[name]
			drop := at > 0 && (seen[name] || !declared && len(r.declared) > 0)
			seen[name] = true
			return drop
		})
		if len(starts) != n {
			return []string{region}, false
		}
	}
	var out []string
	for i, at := range starts {
		end := len(region)
		if i+1 < len(starts) {
			end = starts[i+1] - 1
		}
		out = append(out, region[at:end])
	}
	return out, true
}

// declare remembers the build arguments of an ARG line. "ARG A=1 B=2" may declare two arguments or one with a space in
// its value; both readings are kept, the second to be tried first.
func (r *lineReader) declare(value string) {
	arguments, split := r.splitArguments(value, maxArguments)
	if !split {
		arguments = strings.Fields(value[:min(len(value), argumentReach)])
	}
	for i, argument := range arguments {
		name, stated, _ := strings.Cut(argument, "=")
		if len(r.declared) >= maxArguments || assigned(name+"=") != name {
			return
		}
		r.declared[name] = []string{stated}
		if whole, found := strings.CutPrefix(value, name+"="); i == 0 && found && whole != stated {
			r.declared[name] = []string{whole, stated}
		}
	}
}

// assigned is the name of a text that begins with NAME=, or "".
func assigned(text string) string {
	const longest = 256
	for i := 0; i < len(text) && i < longest; i++ {
		switch c := text[i]; {
		case c == '_', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', i > 0 && '0' <= c && c <= '9':
		case c == '=' && i > 0:
			return text[:i]
		default:
			return ""
		}
	}
	return ""
}
