package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

func (p *program) imageHistoryCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "history IMAGE",
		Short: "Show what changed for an image: findings that came and went, severities, fixes, the verdict",
		Long: `History shows what a server recorded of an image: what new advisories, VEX documents, another scan or another image under
the same reference altered, newest first. No registry is asked.`,
		Example: "  landwaiter image history --server https://landwaiter.example quay.io/org/app:1.2",
		Args:    exactArgs(1, "an image, e.g. nginx:1.27 or registry.example/team/app@sha256:…"),
	}
	fs := cmd.Flags()
	remote := newRemoteFlags(fs)
	output := outputFlag(fs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ref, err := image.ParseReference(args[0])
		if err != nil {
			return err
		}
		if !remote.given() {
			return fault.New(fault.Invalid, "image history", "only a server keeps what changed").WithFix("Name one with --server URL.")
		}
		c, err := p.client(remote)
		if err != nil {
			return err
		}
		list, err := c.History(cmd.Context(), ref.String())
		if err != nil {
			return err
		}
		return p.print(*output, list, func() error { return renderHistory(p.out, list) })
	}
	return cmd
}

func renderHistory(w io.Writer, list []assess.History) error {
	r := &renderer{w: w}
	for i, h := range list {
		if i > 0 {
			r.printf("\n")
		}
		r.printf("%s\n", h.Reference)
		r.field("platform", h.Platform)
		r.field("digest", string(h.Digest))
		r.field("verdict", string(h.Verdict))
		if h.Outdated {
			r.field("", "about to be judged by newer advisories, or other VEX documents, exceptions or policies")
		}
		if len(h.Changes) == 0 {
			r.printf("\nNothing changed since the first check.\n")
		}
		for _, c := range h.Changes {
			r.change(c)
		}
	}
	return r.err
}

func (r *renderer) change(c assess.Change) {
	r.printf("\n%s  %s", when(c.At), strings.Join(c.Because, ", "))
	if c.DataFrom != nil {
		r.printf(", advisories of %s", when(*c.DataFrom))
	}
	if c.Before != c.After {
		r.printf(": %s, was %s", c.After, c.Before)
	}
	r.printf("\n")
	var rows [][]string
	for _, d := range c.Differences {
		severity, fix := string(d.Severity), cmp.Or(d.FixedVersion, "-")
		if d.What == assess.Changed {
			severity, fix = moved(d.WasSeverity, d.Severity), moved(cmp.Or(d.WasFixedVersion, "-"), fix)
		}
		rows = append(rows, []string{"  " + d.What, cmp.Or(d.CVE, d.ID), severity, d.Component, d.Version, fix})
	}
	if len(rows) > 0 {
		r.table(append([][]string{{"  WHAT", "VULNERABILITY", "SEVERITY", "COMPONENT", "VERSION", "FIXED IN"}}, rows...))
	}
	if c.More > 0 {
		r.printf("  and %d more\n", c.More)
	}
}

// moved shows what a value was if it is another one now.
func moved[T ~string](was, is T) string {
	if was == is {
		return string(is)
	}
	return fmt.Sprintf("%s > %s", was, is)
}
