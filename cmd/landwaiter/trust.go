package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/client"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
)

func (p *program) trustCommand() *cobra.Command {
	return group("trust", "Let pipelines in with identity tokens instead of stored secrets",
		`A server can trust an OpenID Connect issuer, such as that of GitHub's workflows, of a GitLab or of a Kubernetes cluster. Its identity
tokens are then exchanged for API tokens that are valid for a short time, with the role of the first claim that matches.`,
		p.trustListCommand(), p.trustAddCommand(), p.trustDeleteCommand(), p.trustExchangeCommand())
}

func (p *program) trustListCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the issuers that the server trusts", Example: "  landwaiter trust list", Args: noArgs}
	output := outputFlag(cmd.Flags())
	return p.askServer(cmd, func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := c.Trusts(ctx)
		if err != nil {
			return err
		}
		return p.print(*output, list, func() error { return renderTrusts(p.out, list) })
	})
}

func (p *program) trustAddCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "add ISSUER",
		Short: "Trust an issuer",
		Long: `Add trusts the OpenID Connect issuer of a URL, or github for that of GitHub's workflows. Each --claim lets tokens in that have it; the
expression, RE2, has to match the whole value. Several claims are alternatives, not conditions: write what must hold together
into one claim, such as sub.

Without --audience, GitHub's tokens must be made for the owner of their repository, as they are unless a workflow asks for another
audience. Other issuers need one: a token that was made for another service must not let in here.`,
		Example: `  landwaiter trust add github --claim repository=org/app --claim 'repository=org/lib-.*'
  landwaiter trust add https://gitlab.example --audience https://landwaiter.example --claim project_path=team/app`,
		Args: exactArgs(1, "an issuer, e.g. github or https://gitlab.example"),
	}
	fs := cmd.Flags()
	output := outputFlag(fs)
	var t client.Trust
	fs.StringVar(&t.Audience, "audience", "", "what the tokens must be made for, e.g. the server's URL")
	fs.StringVar(&t.Lifetime, "lifetime", "1h", "how long the API tokens are valid, from 1m to 24h")
	role := fs.String("role", "Continuous Integration", "role of the API tokens")
	claims := fs.StringArray("claim", nil, "CLAIM=EXPRESSION that lets a token in; may be repeated")
	return p.askServer(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		if t.Type, t.Issuer = "GENERIC", args[0]; args[0] == "github" {
			t.Type, t.Issuer = "GITHUB_ACTIONS", ""
		}
		for _, c := range *claims {
			key, expression, ok := strings.Cut(c, "=")
			if !ok {
				return fault.New(fault.Invalid, cmd.CommandPath(), "--claim %s has no '='", printable(c)).WithFix("Write it as --claim repository=org/app.")
			}
			t.Mappings = append(t.Mappings, client.TrustMapping{Key: key, Expression: expression, Role: *role})
		}
		added, err := c.AddTrust(ctx, t)
		if err != nil {
			return err
		}
		return p.print(*output, added, func() error { return renderTrusts(p.out, []client.Trust{added}) })
	})
}

func (p *program) trustDeleteCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "delete ISSUER|ID",
		Short:   "Trust an issuer no longer; the API tokens that came of it end at once",
		Example: "  landwaiter trust delete https://gitlab.example",
		Args:    exactArgs(1, "an issuer or its ID, as `landwaiter trust list` shows them"),
	}
	return p.askServer(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		list, err := c.Trusts(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(t client.Trust) bool { return t.ID == args[0] || t.Issuer == args[0] })
		if i < 0 {
			return fault.New(fault.NotFound, cmd.CommandPath(), "%s is not trusted", printable(args[0])).WithFix("See which issuers are: landwaiter trust list.")
		}
		if err := c.DeleteTrust(ctx, list[i].ID); err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.out, "%s is trusted no longer.\n", printable(list[i].Issuer))
		return err
	})
}

func (p *program) trustExchangeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "exchange FILE",
		Short: "Print an API token for an identity token",
		Long: `Exchange reads an identity token of a trusted issuer from a file, or from standard input if that is -, and prints an API token that is
valid for a short time. Nothing else signs in, so no secret has to be stored.`,
		Example: `  export LANDWAITER_TOKEN=$(landwaiter trust exchange /var/run/secrets/tokens/landwaiter)
  export LANDWAITER_TOKEN=$(echo "$ID_TOKEN" | landwaiter trust exchange -)`,
		Args: exactArgs(1, "the file with the identity token, or -"),
	}
	remote := newRemoteFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		idToken, err := p.readIDToken(args[0])
		if err != nil {
			return err
		}
		o, err := p.clientOptions(remote)
		if err != nil {
			return err
		}
		o.Token = idToken // which must not cross the network in plain text either
		c, err := client.New(o)
		if err != nil {
			return err
		}
		access, err := c.Exchange(cmd.Context(), idToken)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(p.out, access.Reveal())
		return err
	}
	return cmd
}

func (p *program) readIDToken(file string) (secret.Text, error) {
	in := p.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return secret.Text{}, fault.Wrap(fault.Invalid, "read identity token", "", err)
		}
		defer f.Close()
		in = f
	}
	content, err := io.ReadAll(io.LimitReader(in, 1<<20))
	if err != nil {
		return secret.Text{}, fault.Wrap(fault.Invalid, "read identity token", "", err)
	}
	token := strings.TrimSpace(string(content))
	if token == "" {
		return secret.Text{}, fault.New(fault.Invalid, "read identity token", "%s is empty", printable(file)).
			WithFix("Have the pipeline ask its platform for an identity token: see docs/ci-trust.md.")
	}
	return secret.New(token), nil
}

func renderTrusts(w io.Writer, list []client.Trust) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "No issuer is trusted.")
		return err
	}
	rows := [][]string{{"ISSUER", "AUDIENCE", "CLAIM", "EXPRESSION", "ROLE", "VALID FOR", "ID"}}
	for _, t := range list {
		for _, m := range t.Mappings {
			rows = append(rows, []string{t.Issuer, cmp.Or(t.Audience, "the repository's owner"), m.Key, m.Expression, m.Role, t.Lifetime, t.ID})
		}
	}
	return writeTable(w, rows)
}
