package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/rhacspolicy"
)

func (p *program) policyImportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import FILE…",
		Short: "Import policies of RHACS",
		Long: `Import takes policies as RHACS exports them (JSON), or SecurityPolicy resources (YAML), and applies what says the same here. A
policy of which something cannot be said is refused, unless --partial is given; what that is, and whether the policy then is
broken by more or by less than in RHACS, is told. One that was imported before is replaced. - reads standard input.

With -o yaml the policies are written as documents, for landwaiter policy apply, and not applied.

Exit status: 0 policies were imported, or would be; 2 a file could not be read, or every policy was refused.`,
		Example: `  landwaiter policy import rhacs-policies.json --dry-run
  landwaiter policy import rhacs-policies.json -o yaml >policies.yaml
  landwaiter policy import security-policy.yaml --cluster 1a4e1e5a-0000-4000-8000-000000000001=prod-1 --server https://landwaiter.example`,
		Args: someArgs("one or more files, or - for standard input"),
	}
	fs := cmd.Flags()
	remote, data, output := newRemoteFlags(fs), text(fs, settingData), outputFlag(fs, "yaml")
	try := fs.Bool("dry-run", false, "change nothing: show what would become of the policies")
	partial := fs.Bool("partial", false, "take policies without what cannot be translated, instead of refusing them")
	clusters := fs.StringArray("cluster", nil, "ID=NAME: the name here of the cluster with that ID in RHACS; may be given again")
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		options := rhacspolicy.Options{Partial: *partial, Clusters: map[string]string{}}
		for _, c := range *clusters {
			id, name, ok := strings.Cut(c, "=")
			if !ok {
				return fault.New(fault.Invalid, cmd.CommandPath(), "--cluster %s is not of the form ID=NAME", c)
			}
			options.Clusters[id] = name
		}
		importer, err := p.policyImporter(remote, *data)
		if err != nil {
			return err
		}
		written := output.name == "yaml"
		all, err := p.importPolicies(files, func(document []byte) (*rhacspolicy.Imported, error) {
			return importer(cmd.Context(), document, options, *try || written)
		})
		if err != nil {
			return err
		}
		if !all.Importable() {
			p.status = exitFailed
		}
		if written {
			for _, t := range all.Policies {
				if t.Outcome != rhacspolicy.Whole {
					p.warn(fmt.Errorf("%s: %s: %s", t.Name, t.Outcome, t.Losses[0]))
				}
			}
			_, err := p.out.Write(rhacspolicy.Documents(all.Policies))
			return err
		}
		return p.print(*output, all, func() error { return renderImported(p.out, all, *partial) })
	}
	return cmd
}

func (p *program) importPolicies(files []string, importer func([]byte) (*rhacspolicy.Imported, error)) (*rhacspolicy.Imported, error) {
	all := &rhacspolicy.Imported{}
	for _, file := range files {
		document, err := p.readRHACS(file)
		if err != nil {
			return nil, err
		}
		imported, err := importer(document)
		if err != nil {
			return nil, fault.Wrap(fault.CodeOf(err), "import", file, err)
		}
		all.Policies = append(all.Policies, imported.Policies...)
		all.Applied = all.Applied || imported.Applied
	}
	return all, nil
}

type policyImporter func(ctx context.Context, document []byte, o rhacspolicy.Options, try bool) (*rhacspolicy.Imported, error)

func (p *program) policyImporter(remote *remoteFlags, data string) (policyImporter, error) {
	if remote.given() {
		c, err := p.client(remote)
		if err != nil {
			return nil, err
		}
		return c.Policies().Import, nil
	}
	library, err := p.aloneLibrary(data, "")
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, document []byte, o rhacspolicy.Options, try bool) (*rhacspolicy.Imported, error) {
		return rhacspolicy.Import(ctx, library, document, o, "", try)
	}, nil
}

func (p *program) readRHACS(file string) ([]byte, error) {
	from := p.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, "import", "", err)
		}
		defer f.Close()
		from = f
	}
	document, err := io.ReadAll(io.LimitReader(from, rhacspolicy.MaxBytes+1)) // one more than may be, so that it is refused
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "import", "", err)
	}
	return document, nil
}

func renderImported(w io.Writer, all *rhacspolicy.Imported, partial bool) error {
	r := &renderer{w: w}
	count := map[string]int{}
	for _, t := range all.Policies {
		count[t.Outcome]++
		r.printf("%s: %s", printable(t.Name), t.Outcome)
		if t.Policy != nil {
			r.printf(" as %s", t.Policy.ID)
		}
		if t.Replaces {
			r.printf(", in place of the one that was imported before")
		}
		r.printf("\n")
		var fields []string
		for _, c := range t.Criteria {
			if c.Translated {
				fields = append(fields, c.Field)
			}
		}
		if len(fields) > 0 {
			r.printf("      criteria: %s\n", printable(strings.Join(fields, ", ")))
		}
		for _, l := range t.Losses {
			r.printf("      %s\n", printable(l.String()))
		}
		for _, n := range t.Notes {
			r.printf("      note: %s\n", printable(n))
		}
	}
	done, inPart := "imported", ""
	if !all.Applied {
		done = "can be imported"
	}
	if n := count[rhacspolicy.Partial]; n > 0 {
		inPart = fmt.Sprintf(" (%d in part)", n)
	}
	r.printf("\n%d of %s %s%s, %d refused.\n", len(all.Policies)-count[rhacspolicy.Refused], plural(len(all.Policies), "policy"), done, inPart, count[rhacspolicy.Refused])
	if count[rhacspolicy.Refused] > 0 && !partial {
		r.printf("What of the refused ones can be said is taken with --partial.\n")
	}
	return r.err
}
