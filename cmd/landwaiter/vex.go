package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/vex"
)

// vexDocuments are those of the data directory, or of a server.
type vexDocuments interface {
	Import(ctx context.Context, document []byte) (vex.Info, error)
	List(ctx context.Context) ([]vex.Info, error)
	Delete(ctx context.Context, name string) error
}

func (p *program) vexCommand() *cobra.Command {
	return group("vex", "Import VEX documents, which say of vulnerabilities that they do not matter",
		`VEX documents say of a vulnerability whether it matters in a product: OpenVEX, CycloneDX and CSAF are read. Only what was
imported counts. Findings that a document calls not affected or fixed are set aside: they are still listed, with who says so,
but count for no policy. The newest statement counts.

Without --server, documents are kept in the data directory, for the image commands that work alone. A server has its own, which
count for every image that it keeps: they are judged again within seconds.`,
		p.vexImportCommand(), p.vexListCommand(), p.vexDeleteCommand())
}

func (p *program) vexImportCommand() *cobra.Command {
	return p.vexSubcommand(&cobra.Command{
		Use:   "import FILE…",
		Short: "Import OpenVEX, CycloneDX or CSAF VEX documents",
		Long: `Import takes documents in JSON. One with the ID of another that is there replaces it, unless it is older. Products are
matched by package URL, image reference or digest.`,
		Example: "  landwaiter vex import app.openvex.json\n  landwaiter vex import *.json --server https://landwaiter.example",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return nil
			}
			return fault.New(fault.Invalid, cmd.CommandPath(), "no file is named").WithFix("Give one or more VEX documents; see `%s --help`.", cmd.CommandPath())
		},
	}, func(ctx context.Context, documents vexDocuments, files []string) ([]vex.Info, error) {
		var imported []vex.Info
		for _, file := range files {
			body, err := readVEX(file)
			if err != nil {
				return nil, err
			}
			info, err := documents.Import(ctx, body)
			if err != nil {
				return nil, fault.Wrap(fault.CodeOf(err), "import", file, err)
			}
			imported = append(imported, info)
		}
		return imported, nil
	})
}

func readVEX(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "import", "", err)
	}
	defer f.Close()
	body, err := io.ReadAll(io.LimitReader(f, vex.MaxSize+1)) // one more than may be, so that it is refused
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "import", "", err)
	}
	return body, nil
}

func (p *program) vexListCommand() *cobra.Command {
	return p.vexSubcommand(&cobra.Command{
		Use:     "list",
		Short:   "List the documents that count",
		Example: "  landwaiter vex list\n  landwaiter vex list --server https://landwaiter.example -o json",
		Args:    noArgs,
	}, func(ctx context.Context, documents vexDocuments, _ []string) ([]vex.Info, error) {
		return documents.List(ctx)
	})
}

func (p *program) vexDeleteCommand() *cobra.Command {
	return p.vexSubcommand(&cobra.Command{
		Use:     "delete KEY",
		Short:   "Delete a document, by its key or ID; what it set aside counts again",
		Example: "  landwaiter vex delete 1f0c6e1c3a5b7d90",
		Args:    exactArgs(1, "the key of a document, as `landwaiter vex list` shows it"),
	}, func(ctx context.Context, documents vexDocuments, args []string) ([]vex.Info, error) {
		if err := documents.Delete(ctx, args[0]); err != nil {
			return nil, err
		}
		return documents.List(ctx)
	})
}

// vexSubcommand does something with documents and shows some.
func (p *program) vexSubcommand(cmd *cobra.Command, do func(context.Context, vexDocuments, []string) ([]vex.Info, error)) *cobra.Command {
	fs := cmd.Flags()
	remote, data, output := newRemoteFlags(fs), text(fs, settingData), outputFlag(fs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		documents, err := p.vexDocuments(remote, *data)
		if err != nil {
			return err
		}
		list, err := do(cmd.Context(), documents, args)
		if err != nil {
			return err
		}
		return p.print(*output, list, func() error { return renderVEX(p.out, list) })
	}
	return cmd
}

func (p *program) vexDocuments(remote *remoteFlags, data string) (vexDocuments, error) {
	if !remote.given() {
		dir, err := p.dataDir(data)
		if err != nil {
			return nil, err
		}
		return aloneVEX(dir), nil
	}
	c, err := p.client(remote)
	if err != nil {
		return nil, err
	}
	return c.VEX(), nil
}

// aloneVEX are the documents of a data directory.
func aloneVEX(data string) *vex.Shelf {
	return vex.NewShelf(vex.Dir(filepath.Join(data, "vex")), time.Now)
}

func renderVEX(w io.Writer, list []vex.Info) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "There are no VEX documents.")
		return err
	}
	rows := [][]string{{"KEY", "FORMAT", "AUTHOR", "OF", "STATEMENTS", "ID"}}
	for _, i := range list {
		statements := fmt.Sprint(i.Statements)
		if i.Unmatched > 0 {
			statements += fmt.Sprintf(" (%d more cannot be matched)", i.Unmatched)
		}
		rows = append(rows, []string{i.Key, i.Format, cmp.Or(i.Author, "-"), when(i.Timestamp), statements, i.ID})
	}
	return writeTable(w, rows)
}
