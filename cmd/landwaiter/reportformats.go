package main

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/report"
)

// reportFlags are those of commands that judge.
type reportFlags struct {
	failOn     string
	dockerfile string
	annotate   *bool
}

func (f *reportFlags) declare(fs *pflag.FlagSet) {
	fs.StringVar(&f.failOn, "fail-on", "", "fail on this, too: a severity of vulnerabilities (critical, high, medium, low), fixable, exploited, violation, or both as in fixable-critical; several with commas between them")
	f.annotate = toggle(fs, settingAnnotate)
}

// declareDockerfile is for images; workloads have files of their own.
func (f *reportFlags) declareDockerfile(fs *pflag.FlagSet) {
	fs.StringVar(&f.dockerfile, "dockerfile", "", "the Dockerfile that the images were built from, as the repository names it: reports point at its lines")
}

// isReport reports whether internal/report writes a format.
func isReport(format string) bool { return slices.Contains(report.Formats(), format) }

// reportOptions are reportFlags that were understood.
type reportOptions struct {
	failOn     report.FailOn
	dockerfile *report.Dockerfile
	annotate   bool
}

func (f reportFlags) read() (o reportOptions, err error) {
	o.annotate = *f.annotate
	if o.failOn, err = report.ParseFailOn(f.failOn); err != nil || f.dockerfile == "" {
		return o, err
	}
	file, err := os.Open(f.dockerfile)
	if err != nil {
		return o, fault.Wrap(fault.Invalid, "read Dockerfile", "", err)
	}
	defer file.Close()
	o.dockerfile, err = report.ReadDockerfile(filepath.ToSlash(filepath.Clean(f.dockerfile)), file)
	return o, err
}

// conclude writes a report, or has others write it, and sets the exit status. What --fail-on said, and images that could not be
// had, are told on standard error where the output is for machines.
func (p *program) conclude(output outputFormat, o reportOptions, r *report.Report, otherwise func() error) error {
	p.status = r.Verdict().ExitStatus()
	if o.dockerfile != nil {
		r.Locate(o.dockerfile)
	}
	for _, s := range r.Subjects {
		for _, text := range slices.Concat(s.Failed, s.Unknown) {
			p.complain("landwaiter: %s: %s", s.Title(), text)
		}
	}
	if o.annotate && p.getenv("GITHUB_ACTIONS") == "true" {
		if err := p.annotate(output, r); err != nil {
			p.warn(err) // the answer itself does not depend on it
		}
	}
	if !isReport(output.name) {
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

// annotate tells GitHub Actions. The runner reads workflow commands from standard error, too, where they spoil no output.
func (p *program) annotate(output outputFormat, r *report.Report) error {
	if output.name != "github" {
		if err := r.Write(p.err, "github"); err != nil {
			return err
		}
	}
	path := p.getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return nil
	}
	failed := func(err error) error {
		return fault.Wrap(fault.Unavailable, "append to the step's summary", "", err).WithFix("Nothing else is lost by it; --annotate=false leaves it out.")
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return failed(err)
	}
	defer file.Close()
	written, err := file.Stat()
	if err != nil {
		return failed(err)
	}
	// GitHub drops the whole summary of a step that wrote too much.
	room := report.SummaryLimit - int(written.Size())
	if room < 1000 {
		return failed(fault.New(fault.Limited, "", "what this step has written before leaves no room"))
	}
	if _, err = file.WriteString(r.Markdown(room)); err != nil {
		return failed(err)
	}
	return nil
}
