package main

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/client"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/secretref"
)

func (p *program) integrationTestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test [NAME|ID]",
		Short: "Test a stored integration, or one that is described by flags before it is created",
		Long: `Test looks at the way to a registry step by step: settings, name, connection, proxy, certificate, sign-in, whether the
credential is really the one that lets in, what it may do, what is left of quotas, and when it ends. With --image it also
gets that image's manifest, configuration and the first bytes of a layer. Nothing is changed anywhere. Each step is shown as
soon as it is judged, with the likely cause and what to do where something is wrong.

With a name, the stored integration is tested, with the changes that flags describe. Without one, flags describe the
integration; no server is needed then, and the test runs from this machine.

--bundle saves what was seen, without secrets, for whoever helps: ` + "`landwaiter doctor --replay FILE`" + ` shows it again.`,
		Example: `  landwaiter integration test team
  landwaiter integration test team --image registry.example/team/app:1.2 --bundle team.json
  landwaiter integration test --endpoint registry.example --username robot --password-file robot.txt`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return exactArgs(1, nameOrID)(cmd, args)
		},
	}
	fs := cmd.Flags()
	remote, output := newRemoteFlags(fs), outputFlag(fs)
	draft := newDraftFlags(fs, p.types).withType()
	imageName := fs.String("image", "", "also get this image")
	bundle := fs.String("bundle", "", "save what was seen in this file")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r := &renderer{w: p.out}
		show := r.steps()
		if output.name == "json" {
			show = func(diagnosis.Step) {}
		}
		test := p.testDraft
		if len(args) == 1 {
			test = func(ctx context.Context, remote *remoteFlags, draft *draftFlags, image string, show func(diagnosis.Step)) (*diagnosis.Diagnosis, error) {
				return p.testStored(ctx, remote, draft, args[0], image, show)
			}
		}
		d, err := test(cmd.Context(), remote, draft, *imageName, show)
		if err != nil {
			return err
		}
		if *bundle != "" {
			if err := saveBundle(*bundle, d); err != nil {
				return err
			}
		}
		return p.concludeTest(*output, r, d)
	}
	return cmd
}

// concludeTest prints the end of a diagnosis whose steps were shown, or all of it as JSON. A test that failed is an error.
func (p *program) concludeTest(output outputFormat, r *renderer, d *diagnosis.Diagnosis) error {
	err := p.print(output, d, func() error {
		if d.Verdict != diagnosis.Failed {
			r.printf("\nThe test was successful. %s\n", printable(d.Summary))
		}
		return r.err
	})
	if err == nil && d.Verdict == diagnosis.Failed {
		return fault.New(fault.Unavailable, "test integration", "%s", d.Summary).WithFix("%s", d.Fix())
	}
	return err
}

func (p *program) testStored(ctx context.Context, remote *remoteFlags, draft *draftFlags, what, image string, show func(diagnosis.Step)) (*diagnosis.Diagnosis, error) {
	c, in, err := p.stored(ctx, remote, what)
	if err != nil {
		return nil, err
	}
	if !draft.changesAnything() && !draft.flags.Changed("type") {
		return c.DiagnoseStoredIntegration(ctx, in.Text("id"), image, show)
	}
	secrets, err := draft.onto(p, in)
	if err != nil {
		return nil, err
	}
	d, err := c.DiagnoseIntegration(ctx, in, secrets, image, show)
	return d, p.adviseSecrets(err, in)
}

// testDraft asks the server to test, since it is the server that must reach the registry; without one, this process tests.
func (p *program) testDraft(ctx context.Context, remote *remoteFlags, draft *draftFlags, imageName string, show func(diagnosis.Step)) (*diagnosis.Diagnosis, error) {
	in := client.Integration{"name": "test"}
	if _, err := draft.onto(p, in); err != nil {
		return nil, err
	}
	if remote.given() {
		c, err := p.client(remote)
		if err != nil {
			return nil, err
		}
		return c.DiagnoseIntegration(ctx, in, true, imageName, show)
	}
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	d, err := p.types.Decode(body)
	if err != nil {
		return nil, err
	}
	registries := p.aloneClient()
	deps, references := p.deps(registries), secretref.New(secretref.Options{Env: p.getenv})
	deps.References = func(ctx context.Context, ref secretref.Reference, _ bool) (secret.Text, error) {
		return references.Resolve(ctx, ref, true) // whoever runs this process may read what it can read
	}
	c, err := integration.NewService(integration.ServiceOptions{Types: p.types, Deps: deps, Now: time.Now}).Opened(ctx, d, true)
	if err != nil {
		return nil, err
	}
	ref, err := diagnosis.ImageOf(c, imageName)
	if err != nil {
		return nil, err
	}
	return p.doctor(registries).Diagnose(ctx, c, ref, show), nil
}

func saveBundle(path string, d *diagnosis.Diagnosis) error {
	b, err := json.MarshalIndent(d, "", "  ")
	if err == nil {
		err = os.WriteFile(path, append(b, '\n'), 0o600)
	}
	if err != nil {
		return fault.Wrap(fault.Invalid, "save bundle", "", err).WithFix("Give the name of a file that can be written with --bundle.")
	}
	return nil
}

// steps prints one step after another: a line, and below it what was seen and what is wrong. What to do about the first failure
// is left for the end.
func (r *renderer) steps() func(diagnosis.Step) {
	failed := false
	return func(s diagnosis.Step) {
		word := string(s.Verdict)
		if s.Verdict == diagnosis.Warning || s.Verdict == diagnosis.Failed {
			word = strings.ToUpper(word)
		}
		lasted := s.Lasted()
		if lasted != "" {
			lasted = " (" + lasted + ")"
		}
		r.printf("%-8s %-27s %s%s\n", word, printable(s.Title), printable(s.Summary), lasted)
		for _, f := range s.Seen {
			r.printf("         %s: %s\n", printable(f.Name), printable(f.Value))
		}
		for _, f := range s.Findings {
			r.printf("         %s: %s\n", printable(f.Name), printable(f.Cause))
			first := f.Verdict == diagnosis.Failed && !failed
			failed = failed || first
			if f.Fix != "" && !first {
				r.printf("           what to do: %s\n", printable(f.Fix))
			}
		}
	}
}
