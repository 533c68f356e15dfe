package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func (p *program) integrationFilesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "files",
		Short:   "Show what became of the files that describe integrations",
		Example: "  landwaiter integration files\n  landwaiter integration files -o json",
		Args:    noArgs,
	}
	remote, output := newRemoteFlags(cmd.Flags()), outputFlag(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := p.client(remote)
		if err != nil {
			return err
		}
		status, err := c.IntegrationFiles(cmd.Context())
		if err != nil {
			return err
		}
		return p.print(*output, status, func() error {
			if status.Directory == "" {
				_, err := fmt.Fprintln(p.out, "The server follows no files: it was started without --config-dir.")
				return err
			}
			r := &renderer{w: p.out}
			r.field("directory", status.Directory)
			r.field("problem", status.Problem)
			rows := [][]string{{"FILE", "APPLIED", "PROBLEMS", "INTEGRATIONS"}}
			for _, f := range status.Files {
				applied := "never"
				if f.LastApplied != nil {
					applied = when(*f.LastApplied)
				}
				rows = append(rows, []string{f.Path, applied, fmt.Sprint(len(f.Problems)), strings.Join(f.Integrations, ", ")})
			}
			r.table(rows)
			for _, f := range status.Files {
				r.field("warning", f.Warning)
				r.problems(f.Problems)
			}
			return r.err
		})
	}
	return cmd
}
