package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// outputFormat is the flag's value; it refuses others before any work is done.
type outputFormat struct {
	name  string
	known []string
}

func (f *outputFormat) String() string { return f.name }
func (f *outputFormat) Type() string   { return strings.Join(f.known, "|") }

func (f *outputFormat) Set(s string) error {
	if !slices.Contains(f.known, s) {
		return fmt.Errorf("it is none of %s", strings.Join(f.known, ", "))
	}
	f.name = s
	return nil
}

// outputFlag takes table and json, and more where a command has more.
func outputFlag(fs *pflag.FlagSet, more ...string) *outputFormat {
	f := outputFormat{"table", append([]string{"table", "json"}, more...)}
	fs.VarP(&f, "output", "o", "output format")
	return &f
}

// print writes v as JSON, or calls table.
func (p *program) print(format outputFormat, v any, table func() error) error {
	if format.name != "json" {
		return table()
	}
	e := json.NewEncoder(p.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// exactArgs is cobra.ExactArgs with a message that says what is wanted.
func exactArgs(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return fault.New(fault.Invalid, cmd.CommandPath(), "%s given, wanted %d", plural(len(args), "argument"), n).
			WithFix("Give %s; see `%s --help`.", what, cmd.CommandPath())
	}
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, cmd.CommandPath(), "it takes no argument such as %q", args[0])
}

// writeTable prints rows of cells, the first row being the heading.
func writeTable(w io.Writer, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = printable(cell)
		}
		fmt.Fprintln(t, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	}
	return t.Flush()
}

// printable keeps words from outside from moving the cursor, breaking a table, or changing the direction of writing.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, s)
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
