package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/client"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func (p *program) integrationSuggestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "suggest IMAGE|HOST",
		Short: "Propose how to connect the registry of an image, and the least permission to ask for",
		Long: `Suggest reads an image reference, a registry's host or address, or a key of a pull secret, and proposes the type of
integration, its settings, how to sign in, and the permission to ask the registry's owner for, as a policy or commands that
are ready to paste. Nothing is asked on the network, and no server is needed. What is in capital letters is to be replaced.`,
		Example: `  landwaiter integration suggest 123456789012.dkr.ecr.us-east-1.amazonaws.com/team/app:1.2
  landwaiter integration suggest quay.io --all
  landwaiter integration suggest https://index.docker.io/v1/ -o json`,
		Args: exactArgs(1, "one image or host"),
	}
	output := outputFlag(cmd.Flags())
	all := cmd.Flags().Bool("all", false, "show the alternatives in full, too")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		s, err := p.types.Suggest(args[0])
		if err != nil {
			return err
		}
		return p.print(*output, s, func() error {
			r := &renderer{w: p.out}
			r.suggestion(p.types, s, *all)
			return r.err
		})
	}
	return cmd
}

func (r *renderer) suggestion(types *integration.Types, s integration.Suggestion, all bool) {
	r.field("WARNING", s.Warning)
	r.proposal(types, s.Proposal)
	if len(s.Alternatives) == 0 {
		return
	}
	if all {
		for _, p := range s.Alternatives {
			r.printf("\nALTERNATIVE\n")
			r.proposal(types, p)
		}
		return
	}
	rows := [][]string{{"ALTERNATIVE", "METHOD", "PERMISSION"}}
	for _, p := range s.Alternatives {
		rows = append(rows, []string{p.Type, cmp.Or(p.Grant.Method, "-"), p.Grant.Summary})
	}
	r.printf("\n")
	r.table(rows)
	r.printf("\n--all shows them in full.\n")
}

func (r *renderer) proposal(types *integration.Types, p integration.Proposal) {
	r.field("type", fmt.Sprintf("%s (%s)", p.Type, p.Label))
	r.field("method", p.Grant.Method)
	for i, reason := range p.Reasons {
		r.field([]string{"because", " "}[min(i, 1)], reason)
	}
	r.field("permission", p.Grant.Summary)
	for i, step := range p.Grant.Steps {
		r.printf("%*d. %s\n", 4, i+1, printable(step))
	}
	for _, d := range p.Grant.Documents {
		r.printf("\n%s:\n", printable(d.Title))
		for line := range strings.Lines(d.Text) {
			r.printf("%s\n", printable(strings.TrimSuffix(line, "\n")))
		}
	}
	typ, err := typeOf(types, p.Type)
	if err != nil {
		r.err = cmp.Or(r.err, err)
		return
	}
	r.printf("\nThen:\n  %s\n", createCommand(typ, p))
	for _, blank := range p.Missing {
		flag := "--" + flagOf(blank.Name, blank.Secret)
		if !blank.Required {
			flag = "[" + flag + "]"
		}
		r.printf("    %s: %s\n", flag, printable(strings.TrimSpace(blank.Label+". "+blank.Help)))
	}
}

// createCommand is the command line that makes what is proposed.
func createCommand(typ integration.Type, p integration.Proposal) string {
	in := client.Integration(p.Integration)
	words := []string{"landwaiter integration create", "--type", typ.ID, "--name", quoteForShell(in.Text("name"))}
	required := map[string]bool{}
	for _, blank := range p.Missing {
		required[blank.Name] = blank.Required
	}
	for _, f := range typ.Fields {
		flag := "--" + flagOf(f.Name, f.Kind.InFile())
		switch value := get(in.Settings(typ.ConfigKey), f.Name).(type) {
		case bool:
			if value {
				words = append(words, flag)
			}
			continue
		case string:
			if value != "" {
				words = append(words, flag, quoteForShell(value))
				continue
			}
		}
		switch {
		case required[f.Name] && f.IsSecret():
			words = append(words, flag, "FILE")
		case required[f.Name]:
			words = append(words, flag, strings.ToUpper(flagOf(f.Name, false)))
		}
	}
	return strings.Join(words, " ")
}

// quoteForShell quotes what a shell would change.
func quoteForShell(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@+=,%") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
