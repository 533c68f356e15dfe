package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

func (p *program) doctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor --replay FILE",
		Short: "Judge a saved connection test again",
		Long: `Doctor reads what ` + "`landwaiter integration test --bundle FILE`" + ` (or -o json) saved and judges it again with the rules of this version,
without asking anybody. The file holds no secret, so that it can be sent to whoever helps.`,
		Example: "  landwaiter doctor --replay team.json",
		Args:    noArgs,
	}
	output := outputFlag(cmd.Flags())
	replay := cmd.Flags().String("replay", "", "the saved connection test; - is standard input")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *replay == "" {
			return fault.New(fault.Invalid, cmd.CommandPath(), "there is nothing to judge").
				WithFix("Give a file with --replay; `landwaiter integration test NAME --bundle FILE` saves one.")
		}
		in := p.in
		if *replay != "-" {
			f, err := os.Open(*replay)
			if err != nil {
				return fault.Wrap(fault.Invalid, "read bundle", "", err).WithFix("Give a file that `landwaiter integration test NAME --bundle FILE` saved.")
			}
			defer f.Close()
			in = f
		}
		saved, err := diagnosis.Read(in)
		if err != nil {
			return err
		}
		d := diagnosis.Replay(saved, p.types)
		r := &renderer{w: p.out}
		return p.print(*output, d, func() error {
			r.subject(d)
			show := r.steps()
			for _, s := range d.Steps {
				show(s)
			}
			r.printf("\n%s\n", printable(d.Summary))
			r.field("what to do", d.Fix())
			return r.err
		})
	}
	return cmd
}

func (r *renderer) subject(d *diagnosis.Diagnosis) {
	r.field("integration", d.Subject.Name)
	r.field("type", d.Subject.Type)
	r.field("endpoint", d.Subject.Endpoint)
	r.field("user", d.Subject.Username)
	r.field("image", d.Subject.Image)
	r.field("tested", when(d.Started))
	r.field("by", d.Program)
	r.printf("\n")
}
