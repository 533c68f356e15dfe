// Command landwaiter connects to container registries, reads what is inside images, and says with reasons whether they
// may be built or run. It is the server, the command line and everything between in one binary.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Exit statuses of every command: 0 done (or passed), 1 an enforced policy is violated, 2 it could not be decided or done.
const exitFailed = 2

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
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
	status int // exit status when a command ends without an error
}

// run executes one command line and returns the exit status.
func run(ctx context.Context, args []string, s streams, getenv func(string) string) int {
	p := &program{streams: s, getenv: getenv}
	root := p.root()
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	if err := root.ExecuteContext(ctx); err != nil {
		p.report(err)
		return exitFailed
	}
	return p.status
}

// report prints an error and what to do about it.
func (p *program) report(err error) {
	fmt.Fprintf(p.err, "landwaiter: %v\n", err)
	if fix := fault.FixOf(err); fix != "" {
		fmt.Fprintf(p.err, "  what to do: %s\n", fix)
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(p.err, "  interrupted")
	}
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "landwaiter",
		Short: "Says, with reasons, whether container images may be built or run",
		Long: `Landwaiter connects to container registries, reads what is inside the images that are used, and says with
reasons whether they may be built or run.

Exit status of every command: 0 done, or the image passes; 1 an enforced policy is violated; 2 it could not be done or
decided (bad reference, registry unreachable, not authorised).`,
		Example: `  landwaiter image check nginx:1.27
  landwaiter serve --demo
  landwaiter image check --server https://landwaiter.example quay.io/org/app:1.2`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.AddCommand(p.serveCommand(), p.imageCommand(), p.integrationCommand(), p.vulnCommand(), p.versionCommand())
	return root
}
