// Command landwaiter connects to container registries, reads what is inside images, and says with reasons whether they
// may be built or run. It is the server, the command line and everything between in one binary.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integrations"
)

// Exit statuses of every command: 0 done (or passed), 1 an enforced policy is violated or, where that was asked for, there
// are differences, 2 it could not be decided or done.
const (
	exitDiffers = 1
	exitFailed  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}, os.Getenv))
}

// streams are the process's standard streams, so that tests can run commands in process.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// program is what every command needs.
type program struct {
	streams
	getenv func(string) string
	types  *integration.Types
	status int // exit status when a command ends without an error

	complaining sync.Mutex // held while writing to err
}

// run executes one command line and returns the exit status.
func run(ctx context.Context, args []string, s streams, getenv func(string) string) int {
	types, err := integration.NewTypes(integrations.All()...)
	if err != nil {
		panic(err) // a declaration is wrong, which tests find
	}
	p := &program{streams: s, getenv: getenv, types: types}
	return p.run(ctx, args)
}

func (p *program) run(ctx context.Context, args []string) int {
	root := p.root()
	root.SetArgs(args)
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return p.status
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	p.report(cmd, err)
	return exitFailed
}

func (p *program) root() *cobra.Command {
	root := group("landwaiter", "Says, with reasons, whether container images may be built or run",
		`Landwaiter connects to container registries, reads what is inside the images that are used, and says with
reasons whether they may be built or run.

Exit status of every command: 0 done, or the image passes; 1 an enforced policy is violated, or apply --exit-code found
differences; 2 it could not be done or
decided (bad reference, registry unreachable, not authorised).`,
		p.serveCommand(), p.imageCommand(), p.deploymentCommand(), p.integrationCommand(), p.applyCommand(), p.vulnCommand(), p.vexCommand(), p.exceptionCommand(), p.policyCommand(), p.trustCommand(), p.watchCommand(), p.doctorCommand(), p.versionCommand())
	root.Example = `  landwaiter image check nginx:1.27
  landwaiter serve --demo
  landwaiter image check --server https://landwaiter.example quay.io/org/app:1.2`
	root.Version = versionString()
	root.SetVersionTemplate(versionLine() + "\n")
	root.SilenceUsage, root.SilenceErrors = true, true
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return p.fromEnvironment(cmd.Flags()) }
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fault.Wrap(fault.Invalid, cmd.CommandPath(), "", err)
	})
	return root
}

// group is a command that only has commands below it.
func group(use, short, long string, children ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			err := fault.New(fault.Invalid, cmd.CommandPath(), "there is no command %q", args[0])
			if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
				return err.WithFix("Did you mean `%s %s`?", cmd.CommandPath(), like[0])
			}
			return err
		},
		SuggestionsMinimumDistance: 2,
		DisableFlagsInUseLine:      true,
	}
	cmd.AddCommand(children...)
	return cmd
}
