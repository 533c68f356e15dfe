package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/landwaiter/landwaiter/client"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integrations"
	"github.com/landwaiter/landwaiter/internal/secret"
)

func (p *program) integrationCommand() *cobra.Command {
	return group("integration", "Connect registries",
		`The integration commands speak to a server: give --server, or set LANDWAITER_SERVER; sign in with LANDWAITER_TOKEN or, as
the administrator, with LANDWAITER_ADMIN_PASSWORD. Secrets are read from files or standard input, never from the command
line, which others on the machine can read.`,
		p.integrationTypesCommand(), p.integrationListCommand(), p.integrationGetCommand(), p.integrationCreateCommand(),
		p.integrationUpdateCommand(), p.integrationDeleteCommand(), p.integrationTestCommand(),
	)
}

func (p *program) integrationTypesCommand() *cobra.Command {
	var output *outputFormat
	cmd := &cobra.Command{
		Use:   "types",
		Short: "List the types of integrations and their settings",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			var list []integration.Description
			for _, t := range integrations.All() {
				list = append(list, t.Describe())
			}
			return p.print(*output, list, func() error {
				rows := [][]string{{"TYPE", "LABEL", "FLAG", "NEEDED", "HELP"}}
				for _, t := range list {
					rows = append(rows, []string{t.ID, t.Label, "", "", t.Summary})
					for _, f := range t.Fields {
						rows = append(rows, []string{"", "", "--" + flagOf(f.Name, f.IsSecret()), yes(f.Required != ""), cmp.Or(f.Help, f.Label)})
					}
				}
				return writeTable(p.out, rows)
			})
		},
	}
	output = outputFlag(cmd.Flags())
	return cmd
}

func (p *program) integrationListCommand() *cobra.Command {
	var remote *remoteFlags
	var output *outputFormat
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the integrations",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.client(remote)
			if err != nil {
				return err
			}
			list, err := c.Integrations(cmd.Context(), "")
			if err != nil {
				return err
			}
			return p.print(*output, list, func() error {
				rows := [][]string{{"NAME", "TYPE", "ENDPOINT", "USER", "ID"}}
				for _, in := range list {
					settings := settingsOf(in)
					rows = append(rows, []string{in.Text("name"), in.Text("type"), word(settings["endpoint"]), word(settings["username"]), in.Text("id")})
				}
				return writeTable(p.out, rows)
			})
		},
	}
	remote, output = newRemoteFlags(cmd.Flags()), outputFlag(cmd.Flags())
	return cmd
}

func (p *program) integrationGetCommand() *cobra.Command {
	var remote *remoteFlags
	var output *outputFormat
	cmd := &cobra.Command{
		Use:   "get NAME|ID",
		Short: "Show one integration; secrets are masked",
		Args:  exactArgs(1, "the name or ID of one integration"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.client(remote)
			if err != nil {
				return err
			}
			in, err := find(cmd, c, args[0])
			if err != nil {
				return err
			}
			return p.print(*output, in, func() error { return p.renderIntegration(in) })
		},
	}
	remote, output = newRemoteFlags(cmd.Flags()), outputFlag(cmd.Flags())
	return cmd
}

func (p *program) integrationCreateCommand() *cobra.Command {
	var remote *remoteFlags
	var draft *draftFlags
	var output *outputFormat
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Create an integration; it is tested first unless --skip-test is given",
		Example: `  landwaiter integration create --name team --endpoint registry.example --username robot --password-file robot.txt
  landwaiter integration create --type quay --name quay --endpoint quay.io
  echo "$TOKEN" | landwaiter integration create --type ghcr --name github --username me --password-file -`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.client(remote)
			if err != nil {
				return err
			}
			in, _, err := draft.onto(p, cmd.Flags(), client.Integration{})
			if err != nil {
				return err
			}
			created, err := c.CreateIntegration(cmd.Context(), in)
			if err != nil {
				return err
			}
			return p.print(*output, created, func() error { return p.renderIntegration(created) })
		},
	}
	remote, output, draft = newRemoteFlags(cmd.Flags()), outputFlag(cmd.Flags()), newDraftFlags(cmd.Flags())
	return cmd
}

func (p *program) integrationUpdateCommand() *cobra.Command {
	var remote *remoteFlags
	var draft *draftFlags
	cmd := &cobra.Command{
		Use:   "update NAME|ID",
		Short: "Change what is given of an integration; stored secrets are kept unless new ones are given",
		Example: `  landwaiter integration update team --insecure
  landwaiter integration update team --username robot2 --password-file robot2.txt`,
		Args: exactArgs(1, "the name or ID of one integration"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.client(remote)
			if err != nil {
				return err
			}
			in, err := find(cmd, c, args[0])
			if err != nil {
				return err
			}
			id := in.Text("id")
			changed, secrets, err := draft.onto(p, cmd.Flags(), in)
			if err != nil {
				return err
			}
			if err := c.PatchIntegration(cmd.Context(), id, changed, secrets); err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.out, "Updated %s.\n", changed.Text("name"))
			return err
		},
	}
	remote, draft = newRemoteFlags(cmd.Flags()), newDraftFlags(cmd.Flags())
	return cmd
}

func (p *program) integrationDeleteCommand() *cobra.Command {
	var remote *remoteFlags
	cmd := &cobra.Command{
		Use:   "delete NAME|ID",
		Short: "Delete an integration and its stored secrets",
		Args:  exactArgs(1, "the name or ID of one integration"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.client(remote)
			if err != nil {
				return err
			}
			in, err := find(cmd, c, args[0])
			if err != nil {
				return err
			}
			if err := c.DeleteIntegration(cmd.Context(), in.Text("id")); err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.out, "Deleted %s.\n", in.Text("name"))
			return err
		},
	}
	remote = newRemoteFlags(cmd.Flags())
	return cmd
}

func (p *program) integrationTestCommand() *cobra.Command {
	var remote *remoteFlags
	var draft *draftFlags
	cmd := &cobra.Command{
		Use:   "test [NAME|ID]",
		Short: "Test a stored integration, or one that is described by flags before it is created",
		Long: `Test asks the registry and signs in. With a name, the stored integration is tested, with the changes that flags
describe. Without one, flags describe the integration; no server is needed then.`,
		Example: "  landwaiter integration test team\n  landwaiter integration test --endpoint registry.example --username robot --password-file robot.txt",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.testIntegration(cmd, remote, draft, args); err != nil {
				return err
			}
			_, err := fmt.Fprintln(p.out, "The test was successful.")
			return err
		},
	}
	remote, draft = newRemoteFlags(cmd.Flags()), newDraftFlags(cmd.Flags())
	return cmd
}

func (p *program) testIntegration(cmd *cobra.Command, remote *remoteFlags, draft *draftFlags, args []string) error {
	if len(args) == 1 {
		c, err := p.client(remote)
		if err != nil {
			return err
		}
		in, err := find(cmd, c, args[0])
		if err != nil {
			return err
		}
		changed, secrets, err := draft.onto(p, cmd.Flags(), in)
		if err != nil {
			return err
		}
		return c.TestUpdatedIntegration(cmd.Context(), changed, secrets)
	}
	in, _, err := draft.onto(p, cmd.Flags(), client.Integration{"name": "test"})
	if err != nil {
		return err
	}
	if remote.given() {
		c, err := p.client(remote)
		if err != nil {
			return err
		}
		return c.TestIntegration(cmd.Context(), in)
	}
	types, err := integration.NewTypes(integrations.All()...)
	if err != nil {
		return err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	d, err := types.Decode(body)
	if err != nil {
		return err
	}
	return integration.NewService(integration.ServiceOptions{
		Types: types, Tester: p.registryClient(image.Platform{}), Deps: integration.Deps{Now: time.Now}, Now: time.Now,
	}).Test(cmd.Context(), d)
}

