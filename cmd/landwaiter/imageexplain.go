package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/image"
)

func (p *program) imageExplainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain IMAGE",
		Short: "Say who would be asked for an image, in which order and why, and how that went the last time",
		Long: `Explain asks no registry. It shows the reference as it is understood and the integrations that would be asked for it, in
their order, each with the reasons for its place and the address of the registry's API. The first one that serves the image
ends the search.

A server also knows from the latest check of the reference which one served, and how those before it failed. Working alone,
the credential of the Docker config file is looked up as for the other commands: a credential helper named there is run.`,
		Example: "  landwaiter image explain nginx\n  landwaiter image explain --server https://landwaiter.example quay.io/org/app:1.2",
		Args:    exactArgs(1, "an image, e.g. nginx:1.27 or registry.example/team/app@sha256:…"),
	}
	fs := cmd.Flags()
	remote := newRemoteFlags(fs)
	output := outputFlag(fs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		e, err := p.explain(cmd.Context(), remote, args[0])
		if err != nil {
			return err
		}
		return p.print(*output, e, func() error { return renderExplanation(p.out, e) })
	}
	return cmd
}

func (p *program) explain(ctx context.Context, remote *remoteFlags, name string) (*assess.Explanation, error) {
	ref, err := image.ParseReference(name)
	if err != nil {
		return nil, err
	}
	if remote.given() {
		c, err := p.client(remote)
		if err != nil {
			return nil, err
		}
		return c.Explain(ctx, ref.String())
	}
	sources, err := p.aloneSources(ctx, imageFlags{}, ref, "https")
	if err != nil {
		return nil, err
	}
	if image.OnLoopback(ref.Registry) {
		for i := range sources {
			sources[i].Reasons = append(sources[i].Reasons, "plain HTTP if its port does not speak TLS, because the host is this machine")
		}
	}
	return assess.New(assess.Options{Sources: sources, Now: time.Now, Log: slog.New(slog.DiscardHandler)}).Explain(ctx, ref)
}

func renderExplanation(w io.Writer, e *assess.Explanation) error {
	r := &renderer{w: w}
	r.printf("%s\n", e.Reference)
	r.field("registry", e.Registry)
	r.field("repository", e.Repository)
	r.field("tag", e.Tag)
	r.field("digest", string(e.Digest))
	if e.Anonymous {
		r.field("note", "no integration is for "+e.Registry+": it would be asked without credentials")
	}
	rows := [][]string{{"ORDER", "INTEGRATION", "TYPE", "ENDPOINT", "BECAUSE"}}
	for i, c := range e.Candidates {
		rows = append(rows, []string{fmt.Sprint(i + 1), c.Source.Name, c.Source.Type, c.Endpoint, strings.Join(c.Reasons, ", ")})
	}
	r.printf("\n")
	r.table(rows)
	r.printf("\n")
	if e.Last == nil {
		r.field("last time", "no check of this reference is stored")
		return r.err
	}
	r.field("last time", fmt.Sprintf("%s for %s, served by %s", when(e.Last.AssessedAt), e.Last.Platform, e.Last.Source.Name))
	for i, c := range e.Candidates {
		switch {
		case c.Last != nil:
			r.lastAttempt(fmt.Sprintf("%d. %s", i+1, c.Source.Name), c.ChangedSince, c.Last)
		case c.Source.ID != "":
			r.printf("  %d. %s: was not asked\n", i+1, printable(c.Source.Name))
		}
	}
	for _, a := range e.Last.Gone {
		r.lastAttempt(a.Source.Name+" (would not be asked now)", false, &a)
	}
	return r.err
}

func (r *renderer) lastAttempt(who string, changed bool, a *assess.Attempt) {
	how := "served"
	if a.Code != "" {
		how = a.Error
	}
	if changed {
		how += " (it was changed since)"
	}
	r.printf("  %s: %s\n", printable(who), printable(how))
	if a.Fix != "" {
		r.printf("    what to do: %s\n", printable(a.Fix))
	}
}

// renderConsequences ends with what was done, which is nothing.
func (r *renderer) consequences(name string, c *assess.Consequences, done string) error {
	if len(c.Images) == 0 {
		seen := "No stored check was"
		if !c.Complete {
			seen = "None of the latest checks was"
		}
		r.printf("%s served by %s: no image that is known would lose its source. %s\n", seen, printable(name), done)
		return r.err
	}
	rows := [][]string{{"IMAGE", "PLATFORM", "ASKED INSTEAD"}}
	for _, i := range c.Images {
		instead := "no integration: the registry, without credentials"
		if len(i.Remaining) > 0 {
			var names []string
			for _, s := range i.Remaining {
				instead := s.Source.Name
				if instead == name { // it has changed
					instead += " at " + s.Endpoint
				}
				names = append(names, instead)
			}
			instead = strings.Join(names, ", ")
		}
		rows = append(rows, []string{i.Reference, i.Platform, instead})
	}
	r.table(rows)
	more := ""
	if !c.Complete {
		more = " There may be more than are shown."
	}
	r.printf("\n%s would lose %s as the source.%s Whether others would serve is not known before they are asked. %s\n",
		plural(len(c.Images), "image"), printable(name), more, done)
	return r.err
}
