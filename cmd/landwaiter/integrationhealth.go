package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration/health"
)

func (p *program) integrationHealthCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "health [NAME|ID]",
		Short: "Show whether integrations work, since when, and what of them ends soon",
		Long: `Health shows what the server found when it last looked at each integration, whatever images were asked for. With a name it
shows every side of one integration, and its history.`,
		Example: "  landwaiter integration health\n  landwaiter integration health team --now",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return exactArgs(1, nameOrID)(cmd, args)
		},
	}
	remote, output := newRemoteFlags(cmd.Flags()), outputFlag(cmd.Flags())
	now := cmd.Flags().Bool("now", false, "look at the integration now")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		if len(args) == 0 {
			if *now {
				return fault.New(fault.Invalid, "read flags", "--now is for one integration").WithFix("Give %s.", nameOrID)
			}
			c, err := p.client(remote)
			if err != nil {
				return err
			}
			reports, err := c.Health(ctx)
			if err != nil {
				return err
			}
			return p.print(*output, reports, func() error { return writeTable(p.out, healthRows(reports)) })
		}
		c, in, err := p.stored(ctx, remote, args[0])
		if err != nil {
			return err
		}
		ask := c.IntegrationHealth
		if *now {
			ask = c.CheckIntegrationHealth
		}
		report, err := ask(ctx, in.Text("id"))
		if err != nil {
			return err
		}
		return p.print(*output, report, func() error { return p.renderHealth(report) })
	}
	return cmd
}

func healthRows(reports []health.Report) [][]string {
	rows := [][]string{{"NAME", "STATUS", "SINCE", "FINDING", "EXPIRES"}}
	for _, r := range reports {
		since, finding, expires := "-", "-", "-"
		if !r.Since.IsZero() {
			since = when(r.Since)
		}
		if r.Problem != nil {
			finding = r.Problem.Name
		}
		if r.Doubt != nil {
			finding = doubt(r.Doubt)
		}
		if len(r.Expiries) > 0 {
			expires = r.Expiries[0].At.Format(time.DateOnly) + " " + r.Expiries[0].What
		}
		rows = append(rows, []string{r.Name, string(r.Status), since, finding, expires})
	}
	return rows
}

func doubt(d *health.Doubt) string {
	text := fmt.Sprintf("failing since %s, %d of %d", when(d.Since), d.Results, d.Needed)
	if d.Problem != nil {
		text += ": " + d.Problem.Name
	}
	return text
}

func (p *program) renderHealth(h health.Report) error {
	r := &renderer{w: p.out}
	status := string(h.Status)
	if !h.Since.IsZero() {
		status += " since " + when(h.Since)
	}
	r.field("name", h.Name)
	r.field("status", status)
	r.field("summary", h.Summary)
	if h.Problem != nil {
		r.field("finding", h.Problem.Name)
		r.field("what to do", h.Problem.Fix)
	}
	if h.Doubt != nil {
		r.field("doubt", doubt(h.Doubt))
	}
	if !h.LastCheck.IsZero() {
		r.field("looked at", when(h.LastCheck)+", next "+when(h.NextCheck))
	}
	if h.LatencyMs > 0 {
		r.field("latency", fmt.Sprintf("%.0f ms", h.LatencyMs))
	}
	if len(h.Axes) > 0 {
		rows := [][]string{{"SIDE", "VERDICT", "WHAT WAS FOUND"}}
		for _, a := range h.Axes {
			rows = append(rows, []string{a.Name, string(a.Verdict), a.Summary})
		}
		r.printf("\n")
		r.table(rows)
	}
	if len(h.Expiries) > 0 {
		rows := [][]string{{"ENDS", "WHAT", "FROM"}}
		for _, e := range h.Expiries {
			rows = append(rows, []string{when(e.At), e.What, e.Source})
		}
		r.printf("\n")
		r.table(rows)
	}
	if len(h.History) > 0 {
		rows := [][]string{{"AT", "CHANGE", "WHAT WAS FOUND"}}
		for _, e := range h.History {
			change := e.Kind
			if e.Kind == "status" {
				change = string(e.From) + " to " + string(e.To)
			}
			rows = append(rows, []string{when(e.At), change, e.Summary})
		}
		r.printf("\n")
		r.table(rows)
	}
	return r.err
}
