package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/client"
	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func (p *program) integrationCommand() *cobra.Command {
	return group("integration", "Connect registries",
		`The integration commands speak to a server: give --server, or set LANDWAITER_SERVER; sign in with LANDWAITER_TOKEN or, as
the administrator, with LANDWAITER_ADMIN_PASSWORD. Secrets are read from files or standard input, never from the command
line, which others on the machine can read.`,
		p.integrationTypesCommand(), p.integrationSuggestCommand(), p.integrationListCommand(), p.integrationGetCommand(), p.integrationCreateCommand(),
		p.integrationUpdateCommand(), p.integrationDeleteCommand(), p.integrationTestCommand(), p.integrationHealthCommand(), p.integrationReleaseCommand(),
		p.integrationExportCommand(), p.integrationFilesCommand(),
	)
}

func (p *program) integrationTypesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "types",
		Short:   "List the types of integrations, and the flags of their settings",
		Example: "  landwaiter integration types\n  landwaiter integration types -o json",
		Args:    noArgs,
	}
	output := outputFlag(cmd.Flags())
	cmd.RunE = func(*cobra.Command, []string) error {
		var list []integration.Description
		for _, t := range p.types.All() {
			list = append(list, t.Describe())
		}
		return p.print(*output, list, func() error {
			rows := [][]string{{"TYPE", "FLAG", "NEEDED", "HELP"}}
			var everywhere [][]string
			for _, t := range list {
				rows = append(rows, []string{t.ID, "", "", t.Summary})
				everywhere = [][]string{{"(every type)", "", "", "What all have besides: how the connection is made."}}
				for _, f := range t.Fields {
					row := []string{"", "--" + flagOf(f.Name, f.Kind.InFile()), yes(f.Required != ""), cmp.Or(f.Help, f.Label)}
					if integration.OfConnection(f.Name) {
						everywhere = append(everywhere, row)
					} else {
						rows = append(rows, row)
					}
				}
			}
			return writeTable(p.out, append(rows, everywhere...))
		})
	}
	return cmd
}

func (p *program) integrationListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the integrations",
		Example: "  landwaiter integration list\n  landwaiter integration list --server https://landwaiter.example -o json",
		Args:    noArgs,
	}
	remote, output := newRemoteFlags(cmd.Flags()), outputFlag(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := p.client(remote)
		if err != nil {
			return err
		}
		list, err := c.Integrations(cmd.Context(), "")
		if err != nil {
			return err
		}
		return p.print(*output, list, func() error {
			rows := [][]string{{"NAME", "TYPE", "ENDPOINT", "USER", "OWNER", "ID"}}
			for _, in := range list {
				settings := p.settingsOf(in)
				rows = append(rows, []string{in.Text("name"), in.Text("type"), word(settings["endpoint"]), word(settings["username"]), in.Text("owner"), in.Text("id")})
			}
			return writeTable(p.out, rows)
		})
	}
	return cmd
}

func (p *program) integrationGetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "get NAME|ID",
		Short:   "Show one integration; secrets are masked",
		Example: "  landwaiter integration get team\n  landwaiter integration get team -o json",
		Args:    exactArgs(1, nameOrID),
	}
	remote, output := newRemoteFlags(cmd.Flags()), outputFlag(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		_, in, err := p.stored(cmd.Context(), remote, args[0])
		if err != nil {
			return err
		}
		return p.print(*output, in, func() error { return p.renderIntegration(in) })
	}
	return cmd
}

func (p *program) integrationCreateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Create an integration; it is tested first unless --skip-test is given",
		Example: `  landwaiter integration create --name team --endpoint registry.example --username robot --password-file robot.txt
  landwaiter integration create --type quay --name quay --endpoint quay.io
  echo "$TOKEN" | landwaiter integration create --type ghcr --name github --endpoint ghcr.io --username me --password-file -`,
		Args: noArgs,
	}
	remote, output := newRemoteFlags(cmd.Flags()), outputFlag(cmd.Flags())
	draft := newDraftFlags(cmd.Flags(), p.types).withType().withSkipTest()
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := p.client(remote)
		if err != nil {
			return err
		}
		in := client.Integration{}
		if _, err := draft.onto(p, in); err != nil {
			return err
		}
		created, err := c.CreateIntegration(cmd.Context(), in)
		if err != nil {
			return err
		}
		return p.print(*output, created, func() error { return p.renderIntegration(created) })
	}
	return cmd
}

func (p *program) integrationUpdateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "update NAME|ID",
		Short: "Change what is given of an integration; it is tested first unless --skip-test is given",
		Long: `Update changes what flags say and keeps everything else, stored secrets included. Where an integration points and whose
its secrets are cannot be changed without giving the secrets again.`,
		Example: `  landwaiter integration update team --insecure
  landwaiter integration update team --username robot2 --password-file robot2.txt
  landwaiter integration update team --endpoint registry.example/team --password-file robot.txt --dry-run`,
		Args: exactArgs(1, nameOrID),
	}
	remote, output := newRemoteFlags(cmd.Flags()), outputFlag(cmd.Flags())
	draft := newDraftFlags(cmd.Flags(), p.types).withSkipTest()
	dryRun := cmd.Flags().Bool("dry-run", false, "change nothing: show what would differ, the images that would lose their source, and who would be asked instead")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, in, err := p.stored(cmd.Context(), remote, args[0])
		if err != nil {
			return err
		}
		before, err := p.decoded(in)
		if err != nil {
			return err
		}
		if !draft.changesAnything() {
			return fault.New(fault.Invalid, cmd.CommandPath(), "no flag says what to change")
		}
		id := in.Text("id")
		secrets, err := draft.onto(p, in)
		if err != nil {
			return err
		}
		if *dryRun {
			return p.previewUpdate(cmd.Context(), c, before, in, secrets, *output)
		}
		if err := c.PatchIntegration(cmd.Context(), id, in, secrets); err != nil {
			return p.adviseSecrets(err, in)
		}
		updated, err := c.Integration(cmd.Context(), id)
		if err != nil {
			return err
		}
		return p.print(*output, updated, func() error { return p.renderIntegration(updated) })
	}
	return cmd
}

// preview is what an update would do.
type preview struct {
	Changes []integration.Change `json:"changes"`
	*assess.Consequences
}

func (p *program) previewUpdate(ctx context.Context, c *client.Client, before integration.Integration, changed client.Integration, secrets bool, output outputFormat) error {
	lost, err := c.ChangeConsequences(ctx, before.ID, changed, secrets)
	if err != nil {
		return p.adviseSecrets(err, changed)
	}
	after, err := p.decoded(changed)
	if err != nil {
		return err
	}
	result := preview{p.types.Changes(before, after), lost}
	return p.print(output, result, func() error {
		r := &renderer{w: p.out}
		r.changes(integration.Action{Verb: integration.Update, Changes: result.Changes})
		return r.consequences(before.Name, lost, "Nothing was changed.")
	})
}

func (p *program) integrationDeleteCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "delete NAME|ID",
		Short:   "Delete an integration and its stored secrets",
		Example: "  landwaiter integration delete team\n  landwaiter integration delete --dry-run team",
		Args:    exactArgs(1, nameOrID),
	}
	remote := newRemoteFlags(cmd.Flags())
	dryRun := cmd.Flags().Bool("dry-run", false, "delete nothing: show the images that would lose their source, and who would be asked instead")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, in, err := p.stored(cmd.Context(), remote, args[0])
		if err != nil {
			return err
		}
		if *dryRun {
			lost, err := c.Consequences(cmd.Context(), in.Text("id"))
			if err != nil {
				return err
			}
			return (&renderer{w: p.out}).consequences(in.Text("name"), lost, "Nothing was deleted.")
		}
		if err := c.DeleteIntegration(cmd.Context(), in.Text("id")); err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.out, "Deleted %s.\n", printable(in.Text("name")))
		return err
	}
	return cmd
}

const nameOrID = "the name or ID of one integration"

// stored looks an integration up by name, then by ID.
func (p *program) stored(ctx context.Context, remote *remoteFlags, what string) (*client.Client, client.Integration, error) {
	c, err := p.client(remote)
	if err != nil {
		return nil, nil, err
	}
	unknown := noSuchIntegration(what)
	if what == "" {
		return nil, nil, unknown
	}
	list, err := c.Integrations(ctx, what)
	if err != nil {
		return nil, nil, err
	}
	if len(list) == 1 {
		return c, list[0], nil
	}
	in, err := c.Integration(ctx, what)
	if fault.CodeOf(err) == fault.NotFound {
		return nil, nil, unknown
	}
	return c, in, err
}

func noSuchIntegration(what string) error {
	return fault.New(fault.NotFound, "find integration", "there is none with the name or ID %q", what).
		WithFix("`landwaiter integration list` shows those there are.")
}
