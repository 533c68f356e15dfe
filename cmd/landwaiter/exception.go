package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/exception"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/yamldoc"
)

// exceptions are those of the data directory, or of a server.
type exceptions interface {
	List(ctx context.Context) ([]exception.Listed, error)
	Get(ctx context.Context, id string) (exception.Listed, error)
	Create(ctx context.Context, e exception.Exception) (exception.Listed, error)
	Put(ctx context.Context, e exception.Exception) (exception.Listed, error)
	Revoke(ctx context.Context, id string) (exception.Listed, error)
}

// aloneLedger knows who decides.
type aloneLedger struct {
	*exception.Ledger
	author string
}

func (l aloneLedger) Revoke(ctx context.Context, id string) (exception.Listed, error) {
	if l.author == "" {
		return exception.Listed{}, fault.New(fault.Invalid, "revoke exception", "nobody is named who revokes it").WithFix("Give --author NAME or set LANDWAITER_AUTHOR.")
	}
	return l.Ledger.Revoke(ctx, id, l.author)
}

func (l aloneLedger) Create(ctx context.Context, e exception.Exception) (exception.Listed, error) {
	e.Author = cmp.Or(e.Author, l.author)
	return l.Ledger.Create(ctx, e)
}

func newExceptionID() string { return strings.ReplaceAll(uuid.NewString(), "-", "")[:12] }

func exceptionsDir(data string) string { return filepath.Join(data, "exceptions") }

// heldExceptions do not change while a command runs.
type heldExceptions struct{ set *exception.Set }

func (h heldExceptions) Current(context.Context) (*exception.Set, error) { return h.set, nil }

// aloneExceptions are those of the data directory, and those at a path that was given.
func aloneExceptions(data, path string) (assess.Exceptions, error) {
	list, err := exception.Dir(exceptionsDir(data)).Exceptions(context.Background())
	if err == nil && path != "" {
		var more []exception.Exception
		more, err = exception.ReadPath(path)
		list = append(list, more...)
	}
	return heldExceptions{exception.NewSet(list, time.Now())}, err
}

func (p *program) exceptionCommand() *cobra.Command {
	return group("exception", "Set vulnerabilities aside that somebody deferred, accepted, or knows not to matter",
		`An exception says of vulnerabilities that they do not count for some images for some time: deferred until a date or until there is
a fix, accepted until a date, or a false positive; with the name of who decided, and why. What it sets aside is still listed and
counted as set aside, but counts for no policy and in no other number. One that is expired or revoked hides nothing, and stays
listed as history.

Without --server, exceptions are documents in the data directory's folder exceptions, for the image commands that work alone; they
take those of --exceptions FILE|DIR, too. A server has its own, which count for every image that it keeps: they are judged again
within seconds.`,
		p.exceptionListCommand(), p.exceptionShowCommand(), p.exceptionAddCommand(), p.exceptionImportCommand(), p.exceptionExportCommand(), p.exceptionRevokeCommand())
}

// exceptionSubcommand does something with exceptions and shows some.
func (p *program) exceptionSubcommand(cmd *cobra.Command, do func(context.Context, exceptions, []string) ([]exception.Listed, error)) *cobra.Command {
	fs := cmd.Flags()
	remote, data, author, output := newRemoteFlags(fs), text(fs, settingData), text(fs, settingAuthor), outputFlag(fs, "yaml")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		all, err := p.exceptions(remote, *data, *author)
		if err != nil {
			return err
		}
		list, err := do(cmd.Context(), all, args)
		if err != nil {
			return err
		}
		if output.name == "yaml" {
			return writeExceptions(p.out, list)
		}
		return p.print(*output, list, func() error { return renderExceptions(p.out, list) })
	}
	return cmd
}

func (p *program) exceptions(remote *remoteFlags, data, author string) (exceptions, error) {
	if !remote.given() {
		dir, err := p.dataDir(data)
		if err != nil {
			return nil, err
		}
		return aloneLedger{exception.NewLedger(exception.Dir(exceptionsDir(dir)), time.Now, newExceptionID), author}, nil
	}
	if author != "" {
		p.warn(fault.New(fault.Invalid, "name the author", "a server takes whoever signs in, not %q", author))
	}
	c, err := p.client(remote)
	if err != nil {
		return nil, err
	}
	return c.Exceptions(), nil
}

func (p *program) exceptionListCommand() *cobra.Command {
	return p.exceptionSubcommand(&cobra.Command{
		Use:     "list",
		Short:   "List exceptions, those in force first, then what is expired or revoked",
		Example: "  landwaiter exception list\n  landwaiter exception list --server https://landwaiter.example -o json",
		Args:    noArgs,
	}, func(ctx context.Context, all exceptions, _ []string) ([]exception.Listed, error) {
		return all.List(ctx)
	})
}

func (p *program) exceptionShowCommand() *cobra.Command {
	return p.exceptionSubcommand(&cobra.Command{
		Use:     "show NAME",
		Short:   "Show an exception",
		Example: "  landwaiter exception show openssl-in-base -o yaml",
		Args:    exactArgs(1, "the name of an exception, as `landwaiter exception list` shows it"),
	}, func(ctx context.Context, all exceptions, args []string) ([]exception.Listed, error) {
		return one(all.Get(ctx, args[0]))
	})
}

func (p *program) exceptionRevokeCommand() *cobra.Command {
	return p.exceptionSubcommand(&cobra.Command{
		Use:     "revoke NAME",
		Short:   "End an exception now: what it set aside counts again",
		Example: "  landwaiter exception revoke openssl-in-base --server https://landwaiter.example",
		Args:    exactArgs(1, "the name of an exception, as `landwaiter exception list` shows it"),
	}, func(ctx context.Context, all exceptions, args []string) ([]exception.Listed, error) {
		return one(all.Revoke(ctx, args[0]))
	})
}

func one(e exception.Listed, err error) ([]exception.Listed, error) {
	return []exception.Listed{e}, err
}

func (p *program) exceptionAddCommand() *cobra.Command {
	var e exception.Exception
	var from, until string
	cmd := p.exceptionSubcommand(&cobra.Command{
		Use:   "add",
		Short: "Add an exception",
		Long: `Add an exception. Patterns are globs: * stands for any characters but "/", ** for any characters, ? for one. Images are matched by
registry and repository, with or without tag or digest, or by digest; --image "**" is all images. Components are matched by name, or
by NAME@VERSION, of the package or of the source package that it was built from.`,
		Example: `  landwaiter exception add --kind accepted --cve CVE-2026-1234 --image "registry.example/team/**" --until 2027-01-31 --reason "Only reached from inside."
  landwaiter exception add --kind deferred --cve CVE-2026-1234 --component "openssl@3.0.*" --image "**" --until-fixable --reason "No fix yet."
  landwaiter exception add --kind false-positive --cve CVE-2026-1234 --image registry.example/team/app --justification component_not_present --reason "The module is not built."`,
		Args: noArgs,
	}, func(ctx context.Context, all exceptions, _ []string) ([]exception.Listed, error) {
		for _, d := range []struct {
			flag, text string
			parse      func(string) (time.Time, error)
			to         **time.Time
		}{{"from", from, yamldoc.ParseFrom, &e.From}, {"until", until, yamldoc.ParseUntil, &e.Until}} {
			if d.text == "" {
				continue
			}
			t, err := d.parse(d.text)
			if err != nil {
				return nil, fault.Wrap(fault.Invalid, "read flags", "--"+d.flag, err)
			}
			*d.to = &t
		}
		return one(all.Create(ctx, e))
	})
	fs := cmd.Flags()
	fs.StringVar(&e.ID, "name", "", "name of the exception (default: one is made)")
	fs.StringVar((*string)(&e.Kind), "kind", "", "deferred, accepted or false-positive")
	fs.StringSliceVar(&e.CVEs, "cve", nil, "CVE or advisory, repeatable; * for all of the components")
	fs.StringSliceVar(&e.Components, "component", nil, "pattern of components, NAME or NAME@VERSION, repeatable (default: all)")
	fs.StringSliceVar(&e.Images, "image", nil, "pattern of images, repeatable; ** for all")
	fs.StringVar(&from, "from", "", "date or time from which on it is in force")
	fs.StringVar(&until, "until", "", "last day, such as 2027-01-31, or time at which it ends")
	fs.BoolVar(&e.UntilFixable, "until-fixable", false, "only as long as no version fixes the vulnerability")
	fs.StringVar(&e.Reason, "reason", "", "why")
	fs.StringVar(&e.Justification, "justification", "", "OpenVEX's justification of a false positive")
	fs.StringVar(&e.Ticket, "ticket", "", "URL to read on")
	return cmd
}

func (p *program) exceptionImportCommand() *cobra.Command {
	return p.exceptionSubcommand(&cobra.Command{
		Use:   "import FILE|DIR…",
		Short: "Take in exceptions from YAML documents",
		Long: `Import takes documents of the kind VulnerabilityException. One whose name is there changes it; one that says the same leaves it; one that
was revoked is refused. Nothing is taken in unless every document can be read.

OpenVEX documents are not exceptions: landwaiter vex import takes them in, as what their authors say.`,
		Example: "  landwaiter exception import exceptions/ --server https://landwaiter.example",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return nil
			}
			return fault.New(fault.Invalid, cmd.CommandPath(), "no file is named").WithFix("Give files or directories of exceptions; see `%s --help`.", cmd.CommandPath())
		},
	}, func(ctx context.Context, all exceptions, paths []string) ([]exception.Listed, error) {
		var list []exception.Exception
		for _, path := range paths {
			read, err := exception.ReadPath(path)
			if err != nil {
				return nil, err
			}
			list = append(list, read...)
		}
		imported := []exception.Listed{}
		for _, e := range list {
			put, err := all.Put(ctx, e)
			if err != nil {
				return nil, fault.Wrap(fault.CodeOf(err), "import exception", fmt.Sprintf("%s, after %d of %d", e.ID, len(imported), len(list)), err)
			}
			imported = append(imported, put)
		}
		return imported, nil
	})
}

func writeExceptions(w io.Writer, list []exception.Listed) error {
	for i, e := range list {
		if i > 0 {
			if _, err := io.WriteString(w, "---\n"); err != nil {
				return err
			}
		}
		if _, err := w.Write(exception.Format(e.Exception)); err != nil {
			return err
		}
	}
	return nil
}

func renderExceptions(w io.Writer, list []exception.Listed) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "There are no exceptions.")
		return err
	}
	rows := [][]string{{"NAME", "STATE", "KIND", "UNTIL", "VULNERABILITIES", "COMPONENTS", "IMAGES", "AUTHOR", "REASON"}}
	for _, e := range list {
		state, author := string(e.State), e.Author
		if e.RevokedBy != "" {
			state += " by " + e.RevokedBy
		}
		rows = append(rows, []string{
			e.ID, state, e.Kind.Words(), e.End(), few(e.CVEs), cmp.Or(few(e.Components), "all"), few(e.Images), author, clip(e.Reason, 60),
		})
	}
	return writeTable(w, rows)
}

// few shortens a list to what fits a cell.
func few(list []string) string {
	if len(list) <= 2 {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s, and %d more", list[0], len(list)-1)
}
