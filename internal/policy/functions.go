package policy

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// functions are those that conditions have beyond CEL's own and its strings extension.
func functions() []cel.EnvOption {
	return []cel.EnvOption{
		cel.Function("severityAtLeast", cel.Overload("severity_at_least",
			[]*cel.Type{cel.StringType, cel.StringType}, cel.BoolType,
			cel.BinaryBinding(func(severity, least ref.Val) ref.Val {
				ok, err := severityAtLeast(string(severity.(types.String)), string(least.(types.String)))
				if err != nil {
					return types.WrapErr(err)
				}
				return types.Bool(ok)
			}))),
		cel.Function("glob", cel.Overload("glob_string_string",
			[]*cel.Type{cel.StringType, cel.StringType}, cel.BoolType,
			cel.BinaryBinding(func(pattern, text ref.Val) ref.Val {
				ok, err := glob(string(pattern.(types.String)), string(text.(types.String)))
				if err != nil {
					return types.WrapErr(err)
				}
				return types.Bool(ok)
			}))),
		cel.Function("days", cel.Overload("days_int",
			[]*cel.Type{cel.IntType}, cel.DurationType,
			cel.UnaryBinding(func(n ref.Val) ref.Val {
				d := int64(n.(types.Int))
				if d < -maxDays || d > maxDays {
					return types.NewErr("days(%d): at most %d days either way", d, maxDays)
				}
				return types.Duration{Duration: time.Duration(d) * 24 * time.Hour}
			}))),
	}
}

const maxDays = 100_000

// severityAtLeast ranks vulnerability severities. Unknown is below every other, and at least only itself.
func severityAtLeast(severity, least string) (bool, error) {
	want := slices.Index(vulnerabilitySeverities, least)
	if want < 0 {
		return false, fmt.Errorf("severityAtLeast: there is no severity %q", least)
	}
	got := slices.Index(vulnerabilitySeverities, severity)
	return got >= 0 && got <= want, nil
}

const (
	maxGlob     = 256
	maxGlobText = 4096
)

// glob matches a whole text: * stands for any characters but "/", ** for any characters, ? for one but "/".
func glob(pattern, text string) (bool, error) {
	if utf8.RuneCountInString(pattern) > maxGlob || utf8.RuneCountInString(text) > maxGlobText {
		return false, fmt.Errorf("glob: a pattern may have %d characters and a text %d", maxGlob, maxGlobText)
	}
	runes := []rune(text)
	// reached[i] says whether the pattern so far matches the first i characters.
	reached := make([]bool, len(runes)+1)
	reached[0] = true
	p := []rune(pattern)
	for i := 0; i < len(p); i++ {
		switch {
		case p[i] == '*':
			deep := i+1 < len(p) && p[i+1] == '*'
			if deep {
				i++
			}
			for j, r := range runes {
				reached[j+1] = reached[j+1] || reached[j] && (deep || r != '/')
			}
		default:
			for j := len(runes); j > 0; j-- {
				r := runes[j-1]
				reached[j] = reached[j-1] && (r == p[i] || p[i] == '?' && r != '/')
			}
			reached[0] = false
		}
	}
	return reached[len(runes)], nil
}
