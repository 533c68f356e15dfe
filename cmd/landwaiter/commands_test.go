package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// shellWord finds the words of a line as a shell does, as far as the documents need it.
var shellWord = regexp.MustCompile(`'[^']*'|"[^"]*"|[^\s]+`)

// commandLines are the landwaiter commands in lines of shell: without what stands before, redirections and comments.
func commandLines(text string) [][]string {
	var list [][]string
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		line, _, _ = strings.Cut(line, " #")
		inside := false
		for _, word := range shellWord.FindAllString(line, -1) {
			bare := strings.TrimRight(word, ";)")
			switch {
			case slices.Contains([]string{"|", "&&", "||", ">", "2>", "&"}, word):
				inside = false
			case !inside && (word == "landwaiter" || word == "bin/landwaiter"):
				inside = true
				list = append(list, nil)
			case inside:
				list[len(list)-1] = append(list[len(list)-1], strings.Trim(bare, `'"`))
				inside = bare == word
			}
		}
	}
	return list
}

// understood fails the test unless a command line names a command that can be run, with flags and arguments that it takes.
func understood(t *testing.T, where string, args []string) {
	t.Helper()
	p := &program{getenv: func(string) string { return "" }}
	cmd, rest, err := p.root().Find(args)
	switch {
	case err != nil:
		t.Errorf("%s: landwaiter %q: %v", where, args, err)
		return
	case cmd.HasSubCommands():
		t.Errorf("%s: landwaiter %q names no command", where, args)
		return
	}
	if err := cmd.ParseFlags(rest); err != nil && err != pflag.ErrHelp {
		t.Errorf("%s: landwaiter %q: %v", where, args, err)
		return
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		t.Errorf("%s: landwaiter %q: %v", where, args, err)
	}
}

func TestHelp(t *testing.T) {
	p := &program{getenv: func(string) string { return "" }}
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, child := range cmd.Commands() {
			visit(child)
		}
		path := cmd.CommandPath()
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: Short is %q", path, cmd.Short)
		}
		if !cmd.HasSubCommands() && cmd.Example == "" {
			t.Errorf("%s has no example", path)
		}
		lines := commandLines(cmd.Example)
		if cmd.Example != "" && len(lines) == 0 {
			t.Errorf("%s: the example shows no command", path)
		}
		for _, args := range lines {
			understood(t, path, args)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s: --%s has no help", path, f.Name)
			}
		})
	}
	visit(p.root())
}

func TestDocuments_show_commands_that_exist(t *testing.T) {
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, path := range append(documents, "../../README.md", "../../CONTRIBUTING.md") {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, part := range strings.Split(string(b), "\n```") {
			code, isShell := strings.CutPrefix(part, "sh\n")
			if i%2 == 0 || !isShell {
				continue
			}
			for _, args := range commandLines(code) {
				understood(t, filepath.Base(path), args)
				total++
			}
		}
	}
	if total < 10 {
		t.Errorf("only %d commands were found in the documents", total)
	}
}
