package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/client"
	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/sbom"
)

func (p *program) imageCommand() *cobra.Command {
	return group("image", "Inspect, scan and check images, and explain where they come from",
		`The image commands work alone, in this process, with the public registries and the credentials of the Docker config
file (its credential helpers included); or, when --server is given, against a server, with its integrations.

Working alone, a registry on this machine may speak plain HTTP, as with Docker; for others there is --plain-http. A
registry whose certificate is signed by a private authority works with SSL_CERT_FILE set to the authority's certificate.`,
		p.imageDepthCommand(assess.Inspect, "inspect", "Show what an image says of itself: digest, platform, Dockerfile lines",
			"Inspect reads the manifest and the config of an image, and none of its layers.",
			"  landwaiter image inspect nginx\n  landwaiter image inspect --platform linux/arm64 -o json ghcr.io/org/app:1.2"),
		p.imageDepthCommand(assess.ScanIt, "scan", "List an image's components and their known vulnerabilities",
			"Scan reads an image's layers. Vulnerabilities are known from the advisories that `landwaiter vuln update` or `landwaiter vuln import` brought.",
			"  landwaiter image scan debian:12\n  landwaiter image scan --server https://landwaiter.example quay.io/org/app@sha256:…"),
		p.imageDepthCommand(assess.Judge, "check", "Judge an image by the policies of the build stage",
			`Check scans an image and asks the policies of the build stage.

Exit status: 0 the image passes, or violates only policies that are not enforced; 1 it violates an enforced one; 2 it could
not be decided: the image cannot be had or read. Without advisory data an image can pass; the verdict then says that it was
not checked for vulnerabilities.`,
			"  landwaiter image check registry.example/team/app:1.2\n  landwaiter image check -o json nginx > verdict.json"),
		p.imageExplainCommand(),
		p.imageHistoryCommand(),
	)
}

// imageFlags are the flags of the three image commands.
type imageFlags struct {
	remote    *remoteFlags
	data      *string
	platform  *string
	output    *outputFormat
	plainHTTP bool
	insecure  bool
	noCache   bool
	removed   bool
	maxAge    *time.Duration
	sbom      string

	libraryGzip bool
	signerRules *string
}

func (p *program) imageDepthCommand(depth assess.Depth, use, short, long, example string) *cobra.Command {
	var f imageFlags
	cmd := &cobra.Command{
		Use:     use + " IMAGE",
		Short:   short,
		Long:    long,
		Example: example,
		Args: func(cmd *cobra.Command, args []string) error {
			if f.sbom != "" {
				return noArgs(cmd, args)
			}
			return exactArgs(1, "an image, e.g. nginx:1.27 or registry.example/team/app@sha256:…")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if want, err := assess.ParseSelection(*f.platform); err != nil {
				return err
			} else if _, one := want.One(); !one {
				return p.runPlatforms(cmd.Context(), f, args, depth)
			}
			a, err := p.assess(cmd.Context(), f, strings.Join(args, ""), depth)
			if err != nil {
				return err
			}
			if depth == assess.Judge {
				p.status = a.Verdict.ExitStatus()
			}
			if format, err := sbom.ParseFormat(f.output.name); err == nil {
				return p.writeSBOM(a, format)
			}
			return p.print(*f.output, a, func() error { return renderAssessment(p.out, a, depth, f.removed) })
		},
	}
	fs := cmd.Flags()
	var documents []string
	if depth != assess.Inspect {
		fs.StringVar(&f.sbom, "sbom", "", "take components from this CycloneDX or SPDX document (JSON) instead of an image's layers; - is standard input")
		for _, format := range sbom.Formats() {
			documents = append(documents, string(format))
		}
	}
	f.remote = newRemoteFlags(fs)
	f.data = text(fs, settingData)
	f.platform = text(fs, settingPlatforms)
	f.maxAge = duration(fs, settingAdvisoryMaxAge)
	f.signerRules = text(fs, settingSignerRules)
	f.output = outputFlag(fs, documents...)
	fs.BoolVar(&f.plainHTTP, "plain-http", false, "speak plain HTTP with the image's registry (working alone)")
	fs.BoolVar(&f.insecure, "insecure", false, "do not verify the certificate of the image's registry (working alone)")
	if depth == assess.ScanIt {
		fs.BoolVar(&f.removed, "removed", false, "list what later layers removed, too; -o json always does")
	}
	fs.BoolVar(&f.noCache, "no-cache", false, "read every layer again (working alone)")
	fs.BoolVar(&f.libraryGzip, "library-gzip", false, "unpack gzip with a general library (working alone)")
	return cmd
}

func (p *program) assess(ctx context.Context, f imageFlags, name string, depth assess.Depth) (*assess.Assessment, error) {
	if f.sbom != "" {
		return p.assessSBOM(ctx, f, depth)
	}
	ref, err := image.ParseReference(name)
	if err != nil {
		return nil, err
	}
	platform, err := image.ParsePlatform(*f.platform)
	if err != nil {
		return nil, err
	}
	var a *assess.Assessment
	err = p.flow(ctx, f, ref, depth, func(c *client.Client) error {
		a, err = c.Assess(ctx, ref.String(), platform.String(), depth)
		return err
	}, func(s *assess.Service, progress assess.Progress) error {
		a, err = s.Assess(ctx, assess.Request{Reference: ref, Platform: platform, Depth: depth}, progress)
		return err
	})
	return a, err
}

// flow asks the server if there is one, else works in this process.
func (p *program) flow(ctx context.Context, f imageFlags, ref image.Reference, depth assess.Depth,
	remote func(*client.Client) error, alone func(*assess.Service, assess.Progress) error,
) error {
	if !f.remote.given() {
		return p.alone(ctx, f, ref, depth, alone)
	}
	if f.plainHTTP || f.insecure || f.noCache || f.libraryGzip || *f.signerRules != "" {
		return fault.New(fault.Invalid, "image "+depth.String(), "--plain-http, --insecure, --no-cache, --library-gzip and --signer-rules are for working alone").
			WithFix(`Leave them out, or work alone with --server "". On a server, an integration says how its registry is reached.`)
	}
	c, err := p.client(f.remote)
	if err != nil {
		return err
	}
	bars := p.progress()
	defer bars.close()
	bars.step("Asking " + f.remote.server())
	return remote(c)
}
