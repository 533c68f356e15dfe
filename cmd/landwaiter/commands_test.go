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
		begins, inside := true, false
		for _, word := range shellWord.FindAllString(line, -1) {
			bare := strings.TrimRight(word, ";)")
			switch {
			case slices.Contains([]string{"|", "&&", "||", "&"}, word):
				begins, inside = true, false
				continue
			case slices.Contains([]string{">", "2>", "<<END"}, word):
				inside = false
			case begins && (word == "landwaiter" || word == "bin/landwaiter"):
				inside = true
				list = append(list, nil)
			case inside:
				list[len(list)-1] = append(list[len(list)-1], strings.Trim(bare, `'"`))
				inside = bare == word
			}
			begins = bare != word
		}
	}
	return list
}

// shellBlock is a block of shell in a document, also in a list.
var shellBlock = regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```$")

// understood fails the test unless a command line names a command that can be run, with flags and arguments that it takes.
func understood(t *testing.T, where string, args []string) {
	t.Helper()
	p := &program{getenv: func(string) string { return "" }, types: registryTypes(t)}
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
	p := &program{getenv: func(string) string { return "" }, types: registryTypes(t)}
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
	documents := []string{"../../README.md", "../../CONTRIBUTING.md"}
	for _, folder := range []string{"../../docs", registryPages} {
		pages, err := filepath.Glob(filepath.Join(folder, "*.md"))
		if err != nil || len(pages) == 0 {
			t.Fatal(folder, pages, err)
		}
		documents = append(documents, pages...)
	}
	total := 0
	for _, path := range documents {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range shellBlock.FindAllStringSubmatch(string(b), -1) {
			for _, args := range commandLines(block[1]) {
				understood(t, filepath.Base(path), args)
				total++
			}
		}
	}
	if total < 60 {
		t.Errorf("only %d commands were found in the documents", total)
	}
}
