package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/policy"
)

func (p *program) policyCommand() *cobra.Command {
	return group("policy", "Write, try and keep policies",
		`Policies say what images and workloads must not be. Those that are built in count from the start; documents of your own join
them, and one of the name of a built-in policy replaces it.

Without --server, documents are kept in the data directory, for the commands that work alone. A server has its own, which
count for everything that it judges.`,
		p.policyListCommand(), p.policyGetCommand(), p.policyValidateCommand(), p.policyTestCommand(), p.policyDryRunCommand(),
		p.policyApplyCommand(), p.policyDeleteCommand(), p.policyExportCommand(), p.policyImportCommand(),
		p.policySwitchCommand("enable ID…", "Switch policies on", func([]policy.Stage) policy.Switch { return policy.Switch{Disabled: new(bool)} }),
		p.policySwitchCommand("disable ID…", "Switch policies off", func([]policy.Stage) policy.Switch { off := true; return policy.Switch{Disabled: &off} }),
		p.policySwitchCommand("enforce ID…", "Have violations of policies fail builds or refuse workloads", func(stages []policy.Stage) policy.Switch {
			return policy.Switch{Enforce: &stages}
		}),
		p.policySwitchCommand("unenforce ID…", "Have violations of policies reported only", func([]policy.Stage) policy.Switch { return policy.Switch{Enforce: &[]policy.Stage{}} }))
}

// policyKeeper keeps the policies of the data directory, or of a server.
type policyKeeper interface {
	Entries(ctx context.Context) ([]policy.Entry, error)
	Document(ctx context.Context, id string) ([]byte, error)
	Apply(ctx context.Context, documents []byte) ([]policy.Entry, error)
	Turn(ctx context.Context, id string, s policy.Switch) error
	Delete(ctx context.Context, id string) error
}

func (p *program) policyKeeper(remote *remoteFlags, data, given string) (policyKeeper, error) {
	if !remote.given() {
		library, err := p.aloneLibrary(data, given)
		return aloneKeeper{library}, err
	}
	if given != "" {
		return nil, policiesAreForWorkingAlone("policy")
	}
	c, err := p.client(remote)
	if err != nil {
		return nil, err
	}
	return c.Policies(), nil
}

func (p *program) policyListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the policies that count",
		Example: "  landwaiter policy list\n  landwaiter policy list --server https://landwaiter.example -o json",
		Args:    noArgs,
	}
	fs := cmd.Flags()
	remote, data, given, output := newRemoteFlags(fs), text(fs, settingData), text(fs, settingPolicies), outputFlag(fs)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		keeper, err := p.policyKeeper(remote, *data, *given)
		if err != nil {
			return err
		}
		entries, err := keeper.Entries(cmd.Context())
		if err != nil {
			return err
		}
		return p.print(*output, entries, func() error { return renderPolicies(p.out, entries) })
	}
	return cmd
}

func renderPolicies(w io.Writer, entries []policy.Entry) error {
	rows := [][]string{{"POLICY", "SEVERITY", "STAGES", "ENFORCED AT", "SOURCE", "STATE", "TITLE"}}
	for _, e := range entries {
		state := "on"
		switch {
		case e.Broken != "":
			state = "BROKEN"
		case e.Disabled:
			state = "off"
		}
		rows = append(rows, []string{e.ID, string(e.Severity), stageNames(e.Stages), stageNames(e.Enforce), string(e.Source), state, e.Title})
	}
	if err := writeTable(w, rows); err != nil {
		return err
	}
	for _, e := range entries {
		if e.Broken != "" {
			if _, err := fmt.Fprintf(w, "\n%s cannot be evaluated: %s\n", e.ID, printable(e.Broken)); err != nil {
				return err
			}
		}
	}
	return nil
}

func stageNames(stages []policy.Stage) string {
	if len(stages) == 0 {
		return "-"
	}
	names := make([]string, len(stages))
	for i, s := range stages {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}

func (p *program) policyGetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "get ID",
		Short:   "Show a policy's document, as it was written",
		Example: "  landwaiter policy get latest-tag > latest-tag.yaml\n  landwaiter policy get latest-tag -o json",
		Args:    exactArgs(1, "the name of a policy, as `landwaiter policy list` shows it"),
	}
	fs := cmd.Flags()
	remote, data, given := newRemoteFlags(fs), text(fs, settingData), text(fs, settingPolicies)
	output := outputFormat{"yaml", []string{"yaml", "json"}}
	fs.VarP(&output, "output", "o", "output format")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		keeper, err := p.policyKeeper(remote, *data, *given)
		if err != nil {
			return err
		}
		document, err := keeper.Document(cmd.Context(), args[0])
		if err == nil && output.name == "json" {
			document, err = policy.Entry{Policy: policy.Policy{ID: args[0]}, Document: document}.JSON()
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(p.out, strings.TrimRight(string(document), "\n"))
		return err
	}
	return cmd
}

func (p *program) policyDeleteCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "delete ID…",
		Short:   "Delete policies; a built-in policy that one of them replaced counts again",
		Example: "  landwaiter policy delete banned-components",
		Args:    someArgs("the name of a policy, as `landwaiter policy list` shows it"),
	}
	fs := cmd.Flags()
	remote, data := newRemoteFlags(fs), text(fs, settingData)
	cmd.RunE = func(cmd *cobra.Command, ids []string) error {
		keeper, err := p.policyKeeper(remote, *data, "")
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := keeper.Delete(cmd.Context(), id); err != nil {
				return err
			}
			fmt.Fprintf(p.out, "%s is deleted.\n", id)
		}
		return nil
	}
	return cmd
}

func (p *program) policySwitchCommand(use, short string, turn func([]policy.Stage) policy.Switch) *cobra.Command {
	verb, _, _ := strings.Cut(use, " ")
	cmd := &cobra.Command{
		Use:     use,
		Short:   short,
		Long:    short + ". The policy's document is written anew; of a built-in policy, a changed document is stored.",
		Example: "  landwaiter policy " + verb + " latest-tag",
		Args:    someArgs("the name of a policy, as `landwaiter policy list` shows it"),
	}
	fs := cmd.Flags()
	remote, data := newRemoteFlags(fs), text(fs, settingData)
	at := &[]string{string(policy.Build)}
	if verb == "enforce" {
		at = fs.StringSlice("stage", *at, "stages to enforce the policies at, with commas between them: build, deploy")
	}
	cmd.RunE = func(cmd *cobra.Command, ids []string) error {
		keeper, err := p.policyKeeper(remote, *data, "")
		if err != nil {
			return err
		}
		var stages []policy.Stage
		for _, s := range *at {
			stages = append(stages, policy.Stage(s))
		}
		for _, id := range ids {
			if err := keeper.Turn(cmd.Context(), id, turn(stages)); err != nil {
				return err
			}
		}
		entries, err := keeper.Entries(cmd.Context())
		if err != nil {
			return err
		}
		return renderPolicies(p.out, slices.DeleteFunc(entries, func(e policy.Entry) bool { return !slices.Contains(ids, e.ID) }))
	}
	return cmd
}

func (p *program) policyExportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export [ID…]",
		Short: "Write policies as one YAML file that apply reads",
		Long:  "Export writes the documents that are not built in, or those that are named, or all.",
		Example: `  landwaiter policy export --server https://landwaiter.example > policies.yaml
  landwaiter policy export --all -f policies.yaml`,
	}
	fs := cmd.Flags()
	remote, data := newRemoteFlags(fs), text(fs, settingData)
	file := fs.StringP("file", "f", "-", "file to write, or - for standard output")
	all := fs.Bool("all", false, "the built-in policies, too")
	cmd.RunE = func(cmd *cobra.Command, ids []string) error {
		keeper, err := p.policyKeeper(remote, *data, "")
		if err != nil {
			return err
		}
		entries, err := keeper.Entries(cmd.Context())
		if err != nil {
			return err
		}
		var chosen []policy.Entry
		for _, e := range entries {
			if slices.Contains(ids, e.ID) || len(ids) == 0 && (*all || e.Source != policy.SourceBuiltIn) {
				chosen = append(chosen, e)
			}
		}
		for _, id := range ids {
			if !slices.ContainsFunc(chosen, func(e policy.Entry) bool { return e.ID == id }) {
				return fault.New(fault.NotFound, cmd.CommandPath(), "there is no policy %q", id).WithFix("List the policies: landwaiter policy list")
			}
		}
		if len(chosen) == 0 {
			return fault.New(fault.NotFound, cmd.CommandPath(), "there are only built-in policies").WithFix("Export those with --all.")
		}
		for i := range chosen {
			if chosen[i].Document, err = keeper.Document(cmd.Context(), chosen[i].ID); err != nil {
				return err
			}
		}
		text := policy.Join(chosen)
		if *file == "-" {
			_, err = p.out.Write(text)
			return err
		}
		if err := os.WriteFile(*file, text, 0o644); err != nil {
			return fault.Wrap(fault.Invalid, cmd.CommandPath(), "", err)
		}
		return nil
	}
	return cmd
}

// someArgs wants at least one.
func someArgs(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		return fault.New(fault.Invalid, cmd.CommandPath(), "nothing is named").WithFix("Give %s; see `%s --help`.", what, cmd.CommandPath())
	}
}
