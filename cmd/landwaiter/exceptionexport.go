package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/exception"
	"github.com/landwaiter/landwaiter/internal/fault"
)

func (p *program) exceptionExportCommand() *cobra.Command {
	format := outputFormat{"yaml", []string{"yaml", "openvex"}}
	var author string
	cmd := &cobra.Command{
		Use:   "export [ASSESSMENT…]",
		Short: "Write exceptions as documents, or those in force as OpenVEX",
		Long: `Export writes what import reads, or OpenVEX for others: false positives as not_affected, what is accepted or deferred as affected with
what was decided.

OpenVEX names products. Exact names of images are written as they are; patterns, and components, are resolved with the images that
the server keeps, or, without --server, with assessments in files, as landwaiter image check -o json writes them. What such a
document cannot say is named on standard error.`,
		Example: "  landwaiter exception export > exceptions.yaml\n  landwaiter exception export -o openvex --server https://landwaiter.example > exceptions.openvex.json",
	}
	fs := cmd.Flags()
	fs.VarP(&format, "output", "o", "output format")
	fs.StringVar(&author, "vex-author", "Landwaiter", "author of the OpenVEX document, when working alone")
	remote, data := newRemoteFlags(fs), text(fs, settingData)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		all, err := p.exceptions(remote, *data, "")
		if err != nil {
			return err
		}
		if format.name == "yaml" {
			list, err := all.List(ctx)
			if err != nil {
				return err
			}
			return writeExceptions(p.out, list)
		}
		var document []byte
		var left []exception.LeftOut
		if remote.given() {
			if len(args) > 0 {
				return fault.New(fault.Invalid, cmd.CommandPath(), "a server knows images itself, and takes no files").WithFix("Leave out the files, or --server.")
			}
			c, err := p.client(remote)
			if err != nil {
				return err
			}
			document, left, err = c.Exceptions().OpenVEX(ctx)
			if err != nil {
				return err
			}
		} else if document, left, err = aloneOpenVEX(ctx, all, args, author); err != nil {
			return err
		}
		for _, l := range left {
			p.warn(fault.New(fault.Invalid, "write OpenVEX", "the exception %s is left out: %s", l.ID, l.Because))
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, document, "", "  "); err != nil {
			return fault.Wrap(fault.Internal, "write OpenVEX", "", err)
		}
		_, err = indented.WriteTo(p.out)
		return err
	}
	return cmd
}

func aloneOpenVEX(ctx context.Context, all exceptions, files []string, author string) ([]byte, []exception.LeftOut, error) {
	listed, err := all.List(ctx)
	if err != nil {
		return nil, nil, err
	}
	var list []exception.Exception
	for _, e := range listed {
		list = append(list, e.Exception)
	}
	var known []exception.Known
	for _, file := range files {
		a, err := readAssessment(file)
		if err != nil {
			return nil, nil, err
		}
		known = append(known, a.Known())
	}
	return exception.OpenVEX(list, known, author, time.Now())
}

// maxAssessmentFile is larger than any assessment is.
const maxAssessmentFile = 256 << 20

func readAssessment(file string) (*assess.Assessment, error) {
	const op = "read assessment"
	f, err := os.Open(file)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, "", err)
	}
	defer f.Close()
	var a assess.Assessment
	if err := json.NewDecoder(io.LimitReader(f, maxAssessmentFile)).Decode(&a); err != nil || a.Reference == "" {
		return nil, fault.New(fault.Invalid, op, "%s is no assessment", file).WithFix("Give what `landwaiter image check -o json` writes.")
	}
	return &a, nil
}
