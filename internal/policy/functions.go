package policy

import (
	"fmt"
	"slices"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/landwaiter/landwaiter/internal/glob"
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
				ok, err := glob.Match(string(pattern.(types.String)), string(text.(types.String)))
				if err != nil {
					return types.WrapErr(err)
				}
				return types.Bool(ok)
			}))),
		cel.Function("looksSecret", cel.Overload("looks_secret_string_string",
			[]*cel.Type{cel.StringType, cel.StringType}, cel.BoolType,
			cel.BinaryBinding(func(name, value ref.Val) ref.Val {
				return types.Bool(looksSecret(string(name.(types.String)), string(value.(types.String))))
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
