package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/vuln/bundle"
	"github.com/landwaiter/landwaiter/internal/vuln/feed"
)

// ociScheme begins the names of artifacts in registries.
const ociScheme = "oci://"

func isOCI(name string) bool { return strings.HasPrefix(name, ociScheme) }

func ociReference(name string) (image.Reference, error) {
	ref, err := image.ParseReference(strings.TrimPrefix(name, ociScheme))
	if err == nil && ref.Digest == "" && ref.Tag == "" {
		err = fault.New(fault.Invalid, "parse reference", "%s has neither a tag nor a digest", name)
	}
	return ref, err
}

// registryFlags say how an artifact's registry is reached.
type registryFlags struct{ plainHTTP, insecure bool }

func (f *registryFlags) add(fs *pflag.FlagSet) {
	fs.BoolVar(&f.plainHTTP, "plain-http", false, "speak plain HTTP with the registry of an "+ociScheme+" address")
	fs.BoolVar(&f.insecure, "insecure", false, "do not verify the certificate of the registry of an "+ociScheme+" address")
}

// aloneSource is the way to an artifact as the image commands go it.
func (p *program) aloneSource(ctx context.Context, f registryFlags, ref image.Reference) (distribution.Source, error) {
	flags := imageFlags{plainHTTP: f.plainHTTP, insecure: f.insecure}
	candidates, err := p.aloneSources(ctx, flags, ref, aloneScheme(ctx, flags, ref.Registry))
	if err != nil {
		return distribution.Source{}, err
	}
	return candidates[0].Source(ctx, ref), nil
}

// exported is what an export answers.
type exported struct {
	Target string       `json:"target"`
	Digest image.Digest `json:"digest"`
}

func (p *program) vulnExportCommand() *cobra.Command {
	var data *string
	var output *outputFormat
	var registry registryFlags
	cmd := &cobra.Command{
		Use:   "export FILE|oci://HOST/REPOSITORY:TAG",
		Short: "Write the advisory data to a file or a registry, for another site",
		Long: `Export writes all advisory data of the data directory, with the EPSS scores and the known exploited vulnerabilities, as one OCI
artifact: into a registry, with the credentials of the Docker config file, or into a file, which is an OCI image layout in a
tar archive. The other site imports it with landwaiter vuln import, or follows it with serve --advisory-source.

The age of the data stays what it is: importing them elsewhere makes them no newer.`,
		Example: "  landwaiter vuln export advisories.tar\n  landwaiter vuln export oci://registry.example/security/advisories:latest",
		Args:    exactArgs(1, "one file or oci:// address"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := p.dataDir(*data)
			if err != nil {
				return err
			}
			bars := p.progress()
			bars.step("Exporting to " + args[0])
			done, err := p.exportAdvisories(cmd.Context(), advisoriesDir(dir), args[0], registry)
			bars.close()
			if err != nil {
				return err
			}
			return p.print(*output, done, func() error {
				_, err := fmt.Fprintf(p.out, "Exported to %s\ndigest       %s\n", printable(done.Target), done.Digest)
				return err
			})
		},
	}
	data, output = text(cmd.Flags(), settingData), outputFlag(cmd.Flags())
	registry.add(cmd.Flags())
	return cmd
}

func (p *program) exportAdvisories(ctx context.Context, dir, target string, registry registryFlags) (done exported, err error) {
	done.Target = target
	if !isOCI(target) {
		done.Digest, err = bundle.Write(ctx, dir, target)
		return done, err
	}
	ref, err := ociReference(target)
	if err != nil {
		return done, err
	}
	to, err := p.aloneSource(ctx, registry, ref)
	if err != nil {
		return done, err
	}
	done.Digest, err = bundle.Push(ctx, dir, p.aloneClient(), to, ref)
	return done, err
}

// pullAdvisories brings the data in dir to the state of an artifact.
func pullAdvisories(ctx context.Context, dir, name string, client *distribution.Client, way func(context.Context, image.Reference) (distribution.Source, error)) (feed.Result, error) {
	res := feed.Result{Sources: []feed.SourceResult{{Name: name, How: feed.Archive}}}
	ref, err := ociReference(name)
	if err != nil {
		return res, err
	}
	from, err := way(ctx, ref)
	if err != nil {
		return res, err
	}
	st, unchanged, err := bundle.Pull(ctx, dir, client, from, ref)
	if unchanged {
		res.Sources[0].How = feed.Unchanged
	}
	res.Status, res.Sources[0].Changed = st, st.Records
	return res, err
}

// isBundle reports whether a file was made by an export.
func isBundle(name string) bool {
	st, err := os.Stat(name)
	return err == nil && st.Mode().IsRegular() && bundle.Is(name)
}
