package rhacspolicy

import (
	"regexp/syntax"
	"slices"
	"strings"
)

const maxGlobs = 50

// globs says the same as a regular expression over a whole name, in the words of our patterns, or that they have none for it.
// Names hold no slashes and, where RHACS compares them, no capital letters.
func globs(expression string) ([]string, bool) {
	if len(expression) > maxValue {
		return nil, false
	}
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil, false
	}
	list, ok := globsOf(parsed)
	for _, g := range list {
		ok = ok && g != "" && len(g) <= 256
	}
	return slices.Compact(list), ok && len(list) > 0
}

func globsOf(r *syntax.Regexp) ([]string, bool) {
	switch r.Op {
	case syntax.OpLiteral:
		text := strings.ToLower(string(r.Rune))
		return []string{text}, !strings.ContainsAny(text, "*?/")
	case syntax.OpEmptyMatch, syntax.OpBeginText, syntax.OpEndText, syntax.OpBeginLine, syntax.OpEndLine:
		return []string{""}, true
	case syntax.OpAnyCharNotNL, syntax.OpAnyChar:
		return []string{"?"}, true
	case syntax.OpCapture:
		return globsOf(r.Sub[0])
	case syntax.OpStar, syntax.OpPlus:
		if inner, ok := globsOf(r.Sub[0]); !ok || !slices.Equal(inner, []string{"?"}) {
			return nil, false
		}
		return []string{map[syntax.Op]string{syntax.OpStar: "*", syntax.OpPlus: "?*"}[r.Op]}, true
	case syntax.OpQuest:
		inner, ok := globsOf(r.Sub[0])
		return append([]string{""}, inner...), ok
	case syntax.OpCharClass:
		var list []string
		for i := 0; i+1 < len(r.Rune); i += 2 {
			for c := r.Rune[i]; c <= r.Rune[i+1]; c++ {
				if list = append(list, strings.ToLower(string(c))); len(list) > maxGlobs {
					return nil, false
				}
			}
		}
		return slices.Compact(list), !slices.ContainsFunc(list, func(s string) bool { return strings.ContainsAny(s, "*?/") })
	case syntax.OpAlternate:
		var list []string
		for _, sub := range r.Sub {
			inner, ok := globsOf(sub)
			if list = append(list, inner...); !ok || len(list) > maxGlobs {
				return nil, false
			}
		}
		return list, true
	case syntax.OpConcat:
		list := []string{""}
		for _, sub := range r.Sub {
			inner, ok := globsOf(sub)
			if !ok || len(list)*len(inner) > maxGlobs {
				return nil, false
			}
			var next []string
			for _, a := range list {
				for _, b := range inner {
					next = append(next, a+b)
				}
			}
			list = next
		}
		return list, true
	}
	return nil, false
}
