package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/landwaiter/landwaiter/internal/fault"
)

func outputFlag(fs *pflag.FlagSet) *string {
	return fs.StringP("output", "o", "table", "output format: table or json")
}

// print writes v as JSON, or calls table.
func (p *program) print(format string, v any, table func() error) error {
	switch format {
	case "json":
		e := json.NewEncoder(p.out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(v)
	case "table":
		return table()
	}
	return fault.New(fault.Invalid, "print", "output format %q", format).WithFix("use -o table or -o json")
}

// exactArgs is cobra.ExactArgs with a message that says what is wanted.
func exactArgs(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return fault.New(fault.Invalid, cmd.CommandPath(), "%d arguments given", len(args)).
			WithFix("give %s; see `%s --help`", what, cmd.CommandPath())
	}
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	if l := len(one) - 1; one[l] == 'y' {
		return fmt.Sprintf("%d %sies", n, one[:l])
	}
	return fmt.Sprintf("%d %ss", n, one)
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
