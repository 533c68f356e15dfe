package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/report"
	"github.com/landwaiter/landwaiter/internal/sbom"
)

const (
	// imagesAtOnce are under way at the same time; how many of them are scanned at once is up to who scans.
	imagesAtOnce = 4
	maxImages    = 10_000
)

func (p *program) imageCheckCommand() *cobra.Command {
	f := checkFlags{}
	cmd := &cobra.Command{
		Use:   "check IMAGE…",
		Short: "Judge images by the policies of the build stage",
		Long: `Check scans images and asks the policies of the build stage. Each image has an answer of its own: one that cannot be had does
not stop the others.

Exit status: 0 every image passes, or violates only policies that are not enforced; 1 one violates an enforced policy, or
fails by --fail-on; 2 none does, but one could not be decided: it cannot be had or read. When both happen it is 1, since a
violation stays one whatever else is not known. Without advisory data an image can pass; the verdict then says that it was not
checked for vulnerabilities. With --fail-on about vulnerabilities, it is undecided instead.`,
		Example: `  landwaiter image check registry.example/team/app:1.2
  landwaiter image check --images-from images.txt -o junit > landwaiter.xml
  landwaiter image check --fail-on fixable-critical -o sarif --dockerfile Dockerfile registry.example/team/app:1.2`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.sbom != "" && f.from != "":
				return fault.New(fault.Invalid, cmd.CommandPath(), "--sbom and --images-from exclude each other")
			case f.sbom != "" && len(f.categories) > 0:
				return fault.New(fault.Invalid, cmd.CommandPath(), "--categories is about images, --sbom reads a document").WithFix("Leave out --categories.")
			case f.sbom != "":
				return noArgs(cmd, args)
			case len(args) == 0 && f.from == "":
				return fault.New(fault.Invalid, cmd.CommandPath(), "no image is named").
					WithFix("Give images, e.g. nginx:1.27 or registry.example/team/app@sha256:…, or --images-from FILE.")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return p.check(cmd.Context(), f, args) },
	}
	fs := cmd.Flags()
	f.declare(fs, assess.Judge, report.Formats()...)
	f.declareCategories(fs)
	f.report.declare(fs)
	f.report.declareDockerfile(fs)
	fs.StringVar(&f.from, "images-from", "", "file with an image on each line, besides those named; # begins a comment; - is standard input")
	return cmd
}

type checkFlags struct {
	imageFlags
	from   string
	report reportFlags
}

// A checkedImage is the answer about one image, or the reason why there is none.
type checkedImage struct {
	Reference string         `json:"reference"` // as it was asked for
	Verdict   assess.Verdict `json:"verdict"`
	imageAnswer
	Error    string     `json:"error,omitempty"`
	Fix      string     `json:"fix,omitempty"`
	Code     fault.Code `json:"code,omitempty"`
	FailedOn []string   `json:"failedOn,omitempty"` // conditions of --fail-on that hold
	err      error
	subjects []report.Subject // one for each platform
}

// checkedImages is what -o json writes when several images were asked for.
type checkedImages struct {
	Images  []checkedImage `json:"images"`
	Verdict assess.Verdict `json:"verdict"` // the worst
}

func (p *program) check(ctx context.Context, f checkFlags, names []string) error {
	several := f.from != "" || len(names) > 1
	if _, err := sbom.ParseFormat(f.output.name); err == nil && several {
		return fault.New(fault.Invalid, "image check", "-o %s writes one image", f.output.name).WithFix("Name one image, or use -o json.")
	}
	names, err := p.imageNames(names, f.from)
	if err != nil {
		return err
	}
	options, err := f.report.read()
	if err != nil {
		return err
	}
	r := report.Report{Version: versionString(), Started: time.Now()}
	var all []checkedImage
	if several {
		all, err = p.checkAll(ctx, f.imageFlags, names)
	} else {
		one := checkedImage{Reference: strings.Join(names, "")}
		one.imageAnswer, one.err = p.assessOne(ctx, f.imageFlags, one.Reference, assess.Judge)
		if all = []checkedImage{one}; one.err != nil && (f.sbom != "" || !isReport(f.output.name)) {
			err = one.err
		}
	}
	if err != nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	r.Ended = time.Now()
	for i := range all {
		c := &all[i]
		part := report.Report{Subjects: c.inReport()}
		part.FailOn(options.failOn)
		for _, s := range part.Subjects {
			c.FailedOn = append(c.FailedOn, slices.Concat(s.Failed, s.Unknown)...)
		}
		c.Verdict, c.subjects = part.Verdict(), part.Subjects
		r.Subjects = append(r.Subjects, part.Subjects...)
	}
	return p.conclude(*f.output, options, &r, func() error {
		if several {
			return p.print(*f.output, checkedImages{all, r.Verdict()}, func() error { return renderChecked(p.out, all) })
		}
		return p.printOne(f.imageFlags, all[0].imageAnswer, assess.Judge)
	})
}

func (c *checkedImage) inReport() []report.Subject {
	switch {
	case c.err != nil:
		return []report.Subject{report.OfError(c.Reference, c.err)}
	case c.Platforms != nil:
		return report.OfPlatforms(c.Reference, c.Platforms)
	}
	return []report.Subject{report.OfImage(c.Reference, c.Assessment)}
}

// checkAll asks about images, several at once. It fails only if none can be asked for.
func (p *program) checkAll(ctx context.Context, f imageFlags, names []string) ([]checkedImage, error) {
	all := make([]checkedImage, len(names))
	err := p.flow(ctx, f, assess.Judge, func(ask asker) error {
		var group errgroup.Group
		group.SetLimit(imagesAtOnce)
		for i, name := range names {
			group.Go(func() error {
				c := checkedImage{Reference: name}
				if c.imageAnswer, c.err = ask(ctx, name); c.err != nil {
					c.Error, c.Fix, c.Code = c.err.Error(), fault.FixOf(c.err), fault.CodeOf(c.err)
				}
				all[i] = c
				return nil
			})
		}
		return group.Wait()
	})
	return all, err
}

// imageNames are those given and those in a file, each once.
func (p *program) imageNames(given []string, path string) ([]string, error) {
	if path == "" {
		return unique(given), nil
	}
	in, where := p.in, "standard input"
	if path != "-" {
		where = path
		file, err := os.Open(path)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, "read list of images", "", err)
		}
		defer file.Close()
		in = file
	}
	names, err := readImageNames(in)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "read list of images", where, err)
	}
	names = unique(slices.Concat(given, names))
	switch {
	case len(names) == 0:
		return nil, fault.New(fault.Invalid, "read list of images", "%s names no image", where).WithFix("Write one image on each line.")
	case len(names) > maxImages:
		return nil, fault.New(fault.Invalid, "read list of images", "%s names more than %d images", where, maxImages).WithFix("Ask for fewer at a time.")
	}
	return names, nil
}

// readImageNames reads one image per line. The bound is that of a list of references as long as they can be.
func readImageNames(in io.Reader) ([]string, error) {
	bounded := &io.LimitedReader{R: in, N: maxImages << 10}
	var names []string
	lines := bufio.NewScanner(bounded)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimPrefix(lines.Text(), "\ufeff")
		if i := strings.Index(line, "#"); i == 0 || i > 0 && strings.ContainsAny(line[i-1:i], " \t") {
			line = line[:i]
		}
		switch words := strings.Fields(line); len(words) {
		case 0:
		case 1:
			names = append(names, words[0])
		default:
			return nil, fault.New(fault.Invalid, "", "line %d holds more than one word", n).WithFix("Write one image on each line; # begins a comment.")
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) || bounded.N == 0 {
		return nil, fault.New(fault.Invalid, "", "it is too long to be a list of images").WithFix("Write one image on each line; # begins a comment.")
	}
	return names, lines.Err()
}

func unique(list []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}
