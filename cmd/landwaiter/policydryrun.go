package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/policy"
)

func (p *program) policyDryRunCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dry-run POLICY|FILE…",
		Short: "Show which stored images of a server policies would refuse, and since when",
		Long: `Dry-run tries policies, stored ones or those of files, on every image that the server has checked. No registry is asked and nothing
is stored. Each policy is tried at its first stage, disabled or not. The server knows which images it has checked, not which of
them run; policies about workloads cannot be decided from images alone.

"At least since" says that what was before is not kept.`,
		Example: "  landwaiter policy dry-run policy.yaml --server https://landwaiter.example\n  landwaiter policy dry-run latest-tag runs-as-root --query quay.io/org/",
		Args:    someArgs("names of policies, or files of them"),
	}
	fs := cmd.Flags()
	remote, output := newRemoteFlags(fs), outputFlag(fs)
	query := fs.String("query", "", "only images with this in their reference")
	limit := fs.Int("limit", 1000, "images listed; all are counted")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *limit < 1 || *limit > assess.MaxDryRunImages {
			return fault.New(fault.Invalid, cmd.CommandPath(), "--limit cannot be %d", *limit).WithFix("Give a number from 1 to %d.", assess.MaxDryRunImages)
		}
		if !remote.given() {
			return fault.New(fault.Invalid, cmd.CommandPath(), "only a server keeps what was checked").WithFix("Name one with --server URL.")
		}
		chosen, err := p.choosePolicies(args)
		if err != nil {
			return err
		}
		c, err := p.client(remote)
		if err != nil {
			return err
		}
		found, err := c.Policies().DryRun(cmd.Context(), chosen, *query, *limit)
		if err != nil {
			return err
		}
		return p.print(*output, found, func() error { return renderDryRun(p.out, found) })
	}
	return cmd
}

func renderDryRun(w io.Writer, found *assess.DryRun) error {
	r := &renderer{w: w}
	r.printf("%s looked at; which of them run is not known.\n", plural(found.Looked, "stored image"))
	if found.Outdated > 0 {
		r.printf("%d of them are about to be matched with newer advisories or VEX documents.\n", found.Outdated)
	}
	titles := map[string]string{}
	for _, d := range found.Policies {
		titles[d.PolicyID] = d.Policy
		enforced := "not enforced"
		if d.Enforced {
			enforced = "enforced"
		}
		var counts []string
		for _, o := range []policy.Outcome{policy.Broken, policy.NotBroken, policy.Unanswered, policy.Hidden, policy.NotAsked} {
			if n := d.Outcomes[o]; n > 0 || o == policy.Broken {
				counts = append(counts, fmt.Sprintf("%s by %d", outcomeWords[o], n))
			}
		}
		r.printf("\n%s: %s [%s, %s at %s]\n  %s\n", d.PolicyID, printable(d.Policy), d.Severity, enforced, d.Stage,
			strings.NewReplacer("UNDECIDED by", "UNDECIDED for", "excluded by", "excluded for", "not asked by", "not asked about").Replace(strings.Join(counts, ", ")))
		for _, why := range slices.Sorted(maps.Keys(d.Why)) {
			r.printf("  undecided for %d: %s\n", d.Why[why], printable(why))
		}
	}
	for _, i := range found.Images {
		r.printf("\n%s  %s\n", printable(i.Reference), i.Platform)
		for _, refusal := range i.Broken {
			since := "since"
			if refusal.Since.AtLeast {
				since = "at least since"
			}
			r.printf("  %s, %s %s: %s\n", printable(titles[refusal.PolicyID]), since, when(refusal.Since.At), printable(refusal.Since.Because))
			for _, m := range refusal.Messages {
				r.printf("      %s\n", printable(m.Text))
			}
			if refusal.More > 0 {
				r.printf("      … and %d more\n", refusal.More)
			}
		}
	}
	if found.More > 0 {
		r.printf("\n… and %s more (see --limit).\n", plural(found.More, "image"))
	}
	return r.err
}
