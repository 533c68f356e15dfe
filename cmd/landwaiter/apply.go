package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/client"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integrationfile"
	"github.com/landwaiter/landwaiter/internal/yamldoc"
)

// applied is what apply did, or with --dry-run would do.
type applied struct {
	DryRun   bool                      `json:"dryRun"`
	Actions  []integration.Action      `json:"actions"`
	Problems []integrationfile.Problem `json:"problems"` // of the files
}

func (p *program) applyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "apply -f FILE|DIRECTORY|-",
		Short: "Create and change integrations as files describe them",
		Long: `Apply creates the integrations that YAML documents describe, or changes those of the same names; nothing is deleted. Each is
tested first, unless its document has skipTest or --skip-test is given. What is wrong or fails is told, and does not stop the
rest. The answer of RHACS to GET /v1/imageintegrations is read too; it holds no secrets.

A secret written as ****** keeps the one that is stored. One that is given is sent every time, since what is stored is not
shown and cannot be compared.

Exit status: 0 done; 2 something could not be applied. With --dry-run --exit-code: 1 something would be changed.`,
		Example: `  landwaiter apply -f integrations.yaml --dry-run
  landwaiter apply -f integrations/
  landwaiter integration export | landwaiter apply -f - --dry-run --exit-code`,
		Args: noArgs,
	}
	remote, output := newRemoteFlags(cmd.Flags()), outputFlag(cmd.Flags())
	var paths []string
	cmd.Flags().StringArrayVarP(&paths, "filename", "f", nil, "file, directory of files, or - for standard input; may be given again")
	dryRun := cmd.Flags().Bool("dry-run", false, "change nothing: show what would be done")
	exitCode := cmd.Flags().Bool("exit-code", false, "with --dry-run: exit with 1 when something would be changed")
	skipTest := cmd.Flags().Bool("skip-test", false, "save without testing the connections, as if every document had skipTest")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if len(paths) == 0 {
			return fault.New(fault.Invalid, cmd.CommandPath(), "no file was named").WithFix("Give -f FILE, a directory, or - for standard input.")
		}
		if *exitCode && !*dryRun {
			return fault.New(fault.Invalid, cmd.CommandPath(), "--exit-code is for --dry-run")
		}
		documents, problems, err := p.readDocuments(paths)
		if err != nil {
			return err
		}
		result := applied{DryRun: *dryRun, Actions: []integration.Action{}, Problems: append([]integrationfile.Problem{}, problems...)}
		if len(documents) > 0 {
			c, err := p.client(remote)
			if err != nil {
				return err
			}
			if result.Actions, err = p.plan(cmd.Context(), c, documents, *skipTest); err != nil {
				return err
			}
			if !*dryRun {
				p.carryOut(cmd.Context(), c, result.Actions)
			}
		}
		p.status = result.status(*exitCode)
		return p.print(*output, result, func() error { return renderApplied(p.out, result) })
	}
	return cmd
}

func (p *program) readDocuments(paths []string) ([]integrationfile.Document, []integrationfile.Problem, error) {
	var files []integrationfile.File
	for _, path := range paths {
		if path == "-" {
			data, err := io.ReadAll(io.LimitReader(p.in, yamldoc.MaxBytes+1))
			if err != nil {
				return nil, nil, fault.Wrap(fault.Invalid, "read standard input", "", err)
			}
			files = append(files, integrationfile.File{Path: "standard input", Data: data})
			continue
		}
		read, err := integrationfile.Read("read integrations", path)
		if err != nil {
			return nil, nil, err
		}
		for _, f := range read {
			if f.Path != path {
				f.Path = filepath.Join(path, f.Path)
			}
			files = append(files, f)
		}
	}
	documents, problems := integrationfile.ParseAll(p.types, files)
	for _, f := range files {
		if exposed := f.Exposed(documents); exposed != "" {
			p.warn(errors.New(exposed))
		}
	}
	if len(documents)+len(problems) == 0 {
		return nil, nil, fault.New(fault.Invalid, "read integrations", "there is no integration in %s", strings.Join(paths, ", "))
	}
	return documents, problems, nil
}

func (p *program) plan(ctx context.Context, c *client.Client, documents []integrationfile.Document, skipTest bool) ([]integration.Action, error) {
	list, err := c.Integrations(ctx, "")
	if err != nil {
		return nil, err
	}
	var current []integration.Integration
	for _, sent := range list {
		if _, known := p.types.Get(sent.Text("type")); !known {
			continue // of a newer server; no document can describe it
		}
		in, err := p.decoded(sent)
		if err != nil {
			return nil, err
		}
		current = append(current, in)
	}
	var declared []integration.Declared
	for _, d := range documents {
		d.SkipTest = d.SkipTest || skipTest
		declared = append(declared, d.Declared)
	}
	return p.types.Plan(declared, current, nil), nil
}

// carryOut does what it can; an action that fails says so afterwards.
func (p *program) carryOut(ctx context.Context, c *client.Client, actions []integration.Action) {
	for i, a := range actions {
		in := p.sendable(a.Declared.Draft)
		var err error
		switch a.Verb {
		case integration.Create:
			_, err = c.CreateIntegration(ctx, in)
		case integration.Update, integration.Resend:
			err = c.ReplaceIntegration(ctx, a.ID, in)
		}
		if err != nil {
			actions[i] = a.Failed(err)
		}
	}
}

// sendable is a draft in the API's form, with its secrets.
func (p *program) sendable(d integration.Draft) client.Integration {
	in := client.Integration(p.types.Encode(d.Integration))
	typ, _ := p.types.Get(d.Type)
	settings := in.Settings(typ.ConfigKey)
	for name, value := range d.Config.Secrets() {
		put(settings, name, value.Reveal())
	}
	return in
}

func (a applied) status(exitCode bool) int {
	status := 0
	for _, action := range a.Actions {
		if action.Verb == integration.Refuse {
			return exitFailed
		}
		if exitCode && action.Drift() {
			status = exitDiffers
		}
	}
	if len(a.Problems) > 0 {
		return exitFailed
	}
	return status
}

// verbs are the words for what would be done and for what was.
var verbs = map[integration.Verb][2]string{
	integration.Create:    {"would create", "created"},
	integration.Update:    {"would change", "changed"},
	integration.Resend:    {"would resend", "resent"},
	integration.Unchanged: {"unchanged", "unchanged"},
	integration.Refuse:    {"CANNOT APPLY", "NOT APPLIED"},
}

func renderApplied(w io.Writer, a applied) error {
	r := &renderer{w: w}
	tense := 1
	if a.DryRun {
		tense = 0
	}
	counts := map[integration.Verb]int{}
	for _, action := range a.Actions {
		counts[action.Verb]++
		r.printf("%-12s  %s (%s)", verbs[action.Verb][tense], printable(action.Name), printable(action.Type))
		if action.Verb == integration.Refuse {
			r.printf(", %s", printable(action.Origin))
		}
		r.printf("\n")
		if action.Verb != integration.Refuse {
			r.changes(action)
			continue
		}
		r.printf("    %s\n", printable(action.Problem))
		if action.Fix != "" {
			r.printf("    what to do: %s\n", printable(action.Fix))
		}
	}
	r.problems(a.Problems)
	var summary []string
	for _, verb := range []integration.Verb{integration.Create, integration.Update, integration.Resend, integration.Unchanged, integration.Refuse} {
		if n := counts[verb]; n > 0 {
			summary = append(summary, fmt.Sprintf("%d %s", n, strings.ToLower(verbs[verb][tense])))
		}
	}
	if n := len(a.Problems); n > 0 {
		summary = append(summary, plural(n, "problem")+" in the files")
	}
	r.printf("\n%s.\n", strings.Join(summary, ", "))
	return r.err
}

func (r *renderer) changes(a integration.Action) {
	for _, c := range a.Changes {
		switch {
		case c.Secret != "":
			r.printf("    %s: %s\n", c.Field, c.Secret)
		case a.Verb != integration.Create:
			r.printf("    %s: %s → %s\n", c.Field, cmp.Or(printable(c.From), "none"), cmp.Or(printable(c.To), "none"))
		case c.Field != "type": // which stands above
			r.printf("    %s: %s\n", c.Field, printable(c.To))
		}
	}
}

func (r *renderer) problems(problems []integrationfile.Problem) {
	for _, p := range problems {
		r.printf("%s\n", printable(p.String()))
		if p.Fix != "" {
			r.printf("  what to do: %s\n", printable(p.Fix))
		}
	}
}
