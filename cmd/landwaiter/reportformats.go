package main

import (
	"slices"

	"github.com/spf13/pflag"

	"github.com/landwaiter/landwaiter/internal/report"
)

// reportFlags are those of commands that judge.
type reportFlags struct {
	failOn string
}

func (f *reportFlags) declare(fs *pflag.FlagSet) {
	fs.StringVar(&f.failOn, "fail-on", "", "fail on this, too: a severity of vulnerabilities (critical, high, medium, low), fixable, exploited, violation, or both as in fixable-critical; several with commas between them")
}

// writes reports whether internal/report writes a format.
func (reportFlags) writes(format string) bool { return slices.Contains(report.Formats(), format) }

// reportOptions are reportFlags that were understood.
type reportOptions struct {
	failOn report.FailOn
}

func (f reportFlags) read() (o reportOptions, err error) {
	o.failOn, err = report.ParseFailOn(f.failOn)
	return o, err
}

// conclude writes a report, or has others write it, and sets the exit status. What --fail-on said, and images that could not be
// had, are told on standard error where the output is for machines.
func (p *program) conclude(output outputFormat, o reportOptions, r *report.Report, otherwise func() error) error {
	p.status = r.Verdict().ExitStatus()
	for _, s := range r.Subjects {
		for _, text := range slices.Concat(s.Failed, s.Unknown) {
			p.complain("landwaiter: %s: %s", s.Title(), text)
		}
	}
	if !slices.Contains(report.Formats(), output.name) {
		return otherwise()
	}
	for _, s := range r.Subjects {
		for _, problem := range s.Problems {
			p.complain("landwaiter: %s", problem.Text)
			p.advise("  ", problem.Fix)
		}
	}
	return r.Write(p.out, output.name)
}
