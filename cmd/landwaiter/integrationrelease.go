package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (p *program) integrationReleaseCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "release NAME|ID",
		Short: "Hand an integration that a file owns over to people, as it is",
		Long: `An integration that a file in the server's --config-dir describes can only be changed in that file, and is deleted with its
document. After release it belongs to people: it can be changed here, and stays when the document goes.`,
		Example: "  landwaiter integration release team",
		Args:    exactArgs(1, nameOrID),
	}
	remote := newRemoteFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, in, err := p.stored(cmd.Context(), remote, args[0])
		if err != nil {
			return err
		}
		if err := c.ReleaseIntegration(cmd.Context(), in.Text("id")); err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.out, "%s can now be changed here.\n", printable(in.Text("name")))
		return err
	}
	return cmd
}
