package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integrationfile"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/yamldoc"
)

// aloneLibrary are the policies of the data directory, and those at a path that was given, which come before them.
func (p *program) aloneLibrary(data, given string) (*policy.Library, error) {
	data, err := p.dataDir(data)
	if err != nil {
		return nil, err
	}
	store := givenPolicies{Directory: policy.Directory(filepath.Join(data, "policies"))}
	if given != "" {
		read, err := p.readPolicies([]string{given})
		if err != nil {
			return nil, err
		}
		if read.broken() {
			return nil, fault.New(fault.Invalid, "read policies", "%s", read.problems())
		}
		for _, f := range read.Files {
			for _, one := range f.policies {
				store.given = append(store.given, policy.Stored{ID: one.ID, Document: policy.Format(one), By: f.Path})
			}
		}
	}
	return policy.NewLibrary(store, time.Now), nil
}

// givenPolicies are a directory's and others that replace them.
type givenPolicies struct {
	policy.Directory
	given []policy.Stored
}

func (g givenPolicies) ListPolicies(ctx context.Context) ([]policy.Stored, error) {
	stored, err := g.Directory.ListPolicies(ctx)
	stored = slices.DeleteFunc(stored, func(s policy.Stored) bool {
		return slices.ContainsFunc(g.given, func(o policy.Stored) bool { return o.ID == s.ID })
	})
	return append(stored, g.given...), err
}

// aloneKeeper keeps a library's policies.
type aloneKeeper struct{ *policy.Library }

func (k aloneKeeper) Document(ctx context.Context, id string) ([]byte, error) {
	e, err := k.Entry(ctx, id)
	return e.Document, err
}

func (k aloneKeeper) Apply(ctx context.Context, documents []byte) ([]policy.Entry, error) {
	return k.Library.Apply(ctx, documents, "")
}

func (k aloneKeeper) Turn(ctx context.Context, id string, s policy.Switch) error {
	_, err := k.Library.Turn(ctx, id, s, "")
	return err
}

func policiesAreForWorkingAlone(op string) error {
	return fault.New(fault.Invalid, op, "--policies is for working alone").
		WithFix("Leave it out: a server judges by its own policies. Send it others with landwaiter policy apply FILE --server URL.")
}

// policyFiles are what was read of files, for the JSON of validate too.
type policyFiles struct {
	Files []policyFile `json:"files"`
}

type policyFile struct {
	Path     string          `json:"file"`
	Policies []string        `json:"policies"`
	Problems policy.Problems `json:"problems"`

	policies []policy.Policy
	data     []byte
}

// readPolicies reads files, directories of them, and standard input as -. Mistakes in them are in the answer.
func (p *program) readPolicies(paths []string) (read policyFiles, err error) {
	const op = "read policies"
	seen := map[string]string{}
	for _, path := range paths {
		files := []integrationfile.File{{Path: "standard input"}}
		if path == "-" {
			if files[0].Data, err = io.ReadAll(io.LimitReader(p.in, yamldoc.MaxBytes+1)); err != nil {
				return read, fault.Wrap(fault.Invalid, op, "", err)
			}
		} else if files, err = integrationfile.Read(op, path); err != nil {
			return read, err
		}
		if len(files) == 0 {
			return read, fault.New(fault.Invalid, op, "there is no file of policies in %s", path).WithFix("Their names end in .yaml, .yml or .json.")
		}
		for _, f := range files {
			if f.Err != nil {
				return read, fault.Wrap(fault.Invalid, op, f.Path, f.Err)
			}
			if f.Path != path && path != "-" {
				f.Path = filepath.Join(path, f.Path)
			}
			file := policyFile{Path: f.Path, Policies: []string{}, Problems: policy.Problems{}, data: f.Data}
			if file.policies, err = policy.Parse(f.Data); err != nil && !errors.As(err, &file.Problems) {
				return read, err
			}
			for _, one := range file.policies {
				file.Policies = append(file.Policies, one.ID)
				if other := seen[one.ID]; other != "" {
					file.Problems = append(file.Problems, policy.Problem{Policy: one.ID, Field: "metadata.name", Message: fmt.Sprintf("%s has a policy of the name %q, too", other, one.ID)})
				}
				seen[one.ID] = f.Path
			}
			read.Files = append(read.Files, file)
		}
	}
	return read, nil
}

func (f policyFiles) broken() bool {
	return slices.ContainsFunc(f.Files, func(f policyFile) bool { return len(f.Problems) > 0 })
}

// problems are one mistake a line, each with its place and what stands there.
func (f policyFiles) problems() string {
	var b strings.Builder
	for _, file := range f.Files {
		for _, problem := range file.Problems {
			b.WriteString(file.Path)
			if problem.Line > 0 {
				fmt.Fprintf(&b, ":%d", problem.Line)
			}
			if problem.Line > 0 && problem.Column > 0 {
				fmt.Fprintf(&b, ":%d", problem.Column)
			}
			b.WriteString(": ")
			if problem.Field != "" {
				b.WriteString(problem.Field + ": ")
			}
			b.WriteString(problem.Message + "\n")
			for line := range strings.SplitSeq(problem.Excerpt, "\n") {
				if problem.Excerpt != "" {
					b.WriteString("    " + line + "\n")
				}
			}
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// joined is the text of all files.
func (f policyFiles) joined() []byte {
	var texts [][]byte
	for _, file := range f.Files {
		texts = append(texts, bytes.TrimRight(file.data, "\n"))
	}
	return append(bytes.Join(texts, []byte("\n---\n")), '\n')
}

func (p *program) policyValidateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate FILE|DIRECTORY|-…",
		Short: "Check documents without storing them: every mistake with its line and column",
		Long: `Validate checks policies as apply would. It needs no server.

Exit status: 0 there is no mistake; 1 there are some; 2 a file cannot be read.`,
		Example: "  landwaiter policy validate policies/\n  landwaiter policy validate - < policy.yaml",
		Args:    someArgs("one or more files of policies, directories, or - for standard input"),
	}
	output := outputFlag(cmd.Flags())
	cmd.RunE = func(_ *cobra.Command, paths []string) error {
		read, err := p.readPolicies(paths)
		if err != nil {
			return err
		}
		if read.broken() {
			p.status = exitDiffers
		}
		return p.print(*output, read, func() error { return renderValidated(p.out, read) })
	}
	return cmd
}

func renderValidated(w io.Writer, read policyFiles) error {
	r := &renderer{w: w}
	mistakes := 0
	for line := range strings.SplitSeq(read.problems(), "\n") {
		if line != "" {
			r.printf("%s\n", printable(strings.ReplaceAll(line, "\t", "    ")))
		}
	}
	for _, f := range read.Files {
		mistakes += len(f.Problems)
		if len(f.Problems) == 0 {
			r.printf("%s: %s, no mistake\n", printable(f.Path), plural(len(f.Policies), "policy"))
		}
	}
	if mistakes > 0 {
		r.printf("\n%s.\n", plural(mistakes, "mistake"))
	}
	return r.err
}

func (p *program) policyApplyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "apply FILE|DIRECTORY|-…",
		Short: "Store policies: new ones, and others in place of those of the same names",
		Long: `Apply stores all policies of the files or, if there is a mistake in one, none. A policy of the name of a built-in one replaces it.
Stored images of a server are judged again within seconds.`,
		Example: "  landwaiter policy apply policies/\n  landwaiter policy export --server https://old.example | landwaiter policy apply - --server https://new.example",
		Args:    someArgs("one or more files of policies, directories, or - for standard input"),
	}
	fs := cmd.Flags()
	remote, data, output := newRemoteFlags(fs), text(fs, settingData), outputFlag(fs)
	cmd.RunE = func(cmd *cobra.Command, paths []string) error {
		read, err := p.readPolicies(paths)
		if err != nil {
			return err
		}
		if read.broken() {
			return fault.New(fault.Invalid, cmd.CommandPath(), "nothing was stored:\n%s", read.problems()).WithFix("Mend the mistakes; `landwaiter policy validate` lists them, too.")
		}
		keeper, err := p.policyKeeper(remote, *data, "")
		if err != nil {
			return err
		}
		entries, err := keeper.Apply(cmd.Context(), read.joined())
		if err != nil {
			return err
		}
		return p.print(*output, entries, func() error { return renderPolicies(p.out, entries) })
	}
	return cmd
}
