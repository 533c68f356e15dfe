package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
)

// report prints an error and what to do about it. Of an image that several integrations were asked for, each attempt has a
// line and advice of its own.
func (p *program) report(cmd *cobra.Command, err error) {
	var unserved *assess.Unserved
	if errors.As(err, &unserved) && len(unserved.Attempts) > 1 {
		p.complain("landwaiter: %s could not be had; %d ways were tried", unserved.Reference, len(unserved.Attempts))
		for _, a := range unserved.Attempts {
			p.complain("  %s: %s", a.Source.Name, a.Error)
			p.advise("    ", a.Fix)
		}
		return
	}
	text, fix := err.Error(), fault.FixOf(err)
	if unserved != nil {
		fix = unserved.Attempts[0].Fix
	}
	switch missing := new(fs.PathError); {
	case fix != "":
	case errors.As(err, &missing) && errors.Is(missing, fs.ErrNotExist):
		fix = "Check the path: it is looked for from the folder that the command runs in."
	case fault.CodeOf(err) == fault.Invalid:
		fix = "See `" + cmd.CommandPath() + " --help`."
	}
	p.complain("landwaiter: %s", strings.TrimPrefix(strings.TrimPrefix(text, "landwaiter: "), "landwaiter "))
	p.advise("  ", fix)
}

func (p *program) complain(format string, args ...any) {
	lines := strings.Split(fmt.Sprintf(format, args...), "\n")
	for i, line := range lines {
		lines[i] = printable(strings.ReplaceAll(line, "\t", "  "))
	}
	p.complaining.Lock()
	defer p.complaining.Unlock()
	fmt.Fprintln(p.err, strings.Join(lines, "\n"))
}

func (p *program) advise(indent, fix string) {
	if fix != "" {
		p.complain("%swhat to do: %s", indent, fix)
	}
}

// warn tells of something that does not end the command.
func (p *program) warn(err error) {
	p.complain("landwaiter: warning: %s", err)
	p.advise("  ", fault.FixOf(err))
}
