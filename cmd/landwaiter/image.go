package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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
		p.imageCheckCommand(),
		p.imageExplainCommand(),
		p.imageHistoryCommand(),
	)
}

// imageFlags are the flags of the three image commands.
type imageFlags struct {
	remote     *remoteFlags
	data       *string
	platform   *string
	output     *outputFormat
	plainHTTP  bool
	insecure   bool
	noCache    bool
	removed    bool
	maxAge     *time.Duration
	sbom       string
	categories []string

	libraryGzip bool
	signerRules *string
	exceptions  *string
	policies    *string
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
			found, err := p.assessOne(cmd.Context(), f, strings.Join(args, ""), depth)
			if err != nil {
				return err
			}
			if found.Platforms != nil {
				p.status = found.Platforms.ExitStatus(depth)
			}
			return p.printOne(f, found, depth)
		},
	}
	f.declare(cmd.Flags(), depth)
	if depth == assess.ScanIt {
		cmd.Flags().BoolVar(&f.removed, "removed", false, "list what later layers removed, too; -o json always does")
	}
	return cmd
}

// declare adds the flags that the image commands of a depth share.
func (f *imageFlags) declare(fs *pflag.FlagSet, depth assess.Depth, formats ...string) {
	if depth != assess.Inspect {
		fs.StringVar(&f.sbom, "sbom", "", "take components from this CycloneDX or SPDX document (JSON) instead of an image's layers; - is standard input")
		for _, format := range sbom.Formats() {
			formats = append(formats, string(format))
		}
	}
	f.platform = text(fs, settingPlatforms)
	f.declareFlow(fs, formats...)
}

// declareFlow adds the flags of everything that assesses images, alone or on a server.
func (f *imageFlags) declareFlow(fs *pflag.FlagSet, formats ...string) {
	f.remote = newRemoteFlags(fs)
	f.data = text(fs, settingData)
	f.maxAge = duration(fs, settingAdvisoryMaxAge)
	f.signerRules = text(fs, settingSignerRules)
	f.exceptions = text(fs, settingExceptions)
	f.policies = text(fs, settingPolicies)
	f.output = outputFlag(fs, formats...)
	fs.BoolVar(&f.plainHTTP, "plain-http", false, "speak plain HTTP with the image's registry (working alone)")
	fs.BoolVar(&f.insecure, "insecure", false, "do not verify the certificate of the image's registry (working alone)")
	fs.BoolVar(&f.noCache, "no-cache", false, "read every layer again (working alone)")
	fs.BoolVar(&f.libraryGzip, "library-gzip", false, "unpack gzip with a general library (working alone)")
}

// declareCategories is for commands that ask policies.
func (f *imageFlags) declareCategories(fs *pflag.FlagSet) {
	fs.StringSliceVarP(&f.categories, "categories", "c", nil, "ask only policies of these categories, e.g. \"Docker CIS\"; several with commas between them")
}

// An imageAnswer is what was found about one image: about one platform or several.
type imageAnswer struct {
	Assessment *assess.Assessment `json:"assessment,omitempty"`
	Platforms  *assess.Platforms  `json:"platforms,omitempty"`
}

// assessOne asks about one image, of one platform or several.
func (p *program) assessOne(ctx context.Context, f imageFlags, name string, depth assess.Depth) (found imageAnswer, err error) {
	if f.sbom != "" {
		if err := f.onePlatform(depth); err != nil {
			return found, err
		}
		found.Assessment, err = p.assessSBOM(ctx, f, depth)
		return found, err
	}
	err = p.flow(ctx, f, depth, func(ask asker) error {
		found, err = ask(ctx, name)
		return err
	})
	return found, err
}

// onePlatform refuses several platforms for what is about one.
func (f imageFlags) onePlatform(depth assess.Depth) error {
	want, err := assess.ParseSelection(*f.platform)
	if err != nil {
		return err
	}
	if _, one := want.One(); one {
		return nil
	}
	if f.sbom != "" {
		return fault.New(fault.Invalid, "image "+depth.String(), "a software bill of materials is about one platform").WithFix("Leave out --platform.")
	}
	return fault.New(fault.Invalid, "image "+depth.String(), "-o %s writes one platform", f.output.name).WithFix("Name one platform, or use -o json.")
}

// printOne prints what was found about one image in a format that is not of internal/report.
func (p *program) printOne(f imageFlags, found imageAnswer, depth assess.Depth) error {
	if found.Platforms != nil {
		return p.print(*f.output, found.Platforms, func() error { return renderPlatforms(p.out, found.Platforms, depth) })
	}
	if format, err := sbom.ParseFormat(f.output.name); err == nil {
		return p.writeSBOM(found.Assessment, format)
	}
	return p.print(*f.output, found.Assessment, func() error { return renderAssessment(p.out, found.Assessment, depth, f.removed) })
}

// An asker finds out about one image. It may be called for several at once.
type asker func(ctx context.Context, name string) (imageAnswer, error)

// flow hands do what asks the server, if there is one, else what works in this process.
func (p *program) flow(ctx context.Context, f imageFlags, depth assess.Depth, do func(asker) error) error {
	want, err := assess.ParseSelection(*f.platform)
	if err != nil {
		return err
	}
	if _, err := sbom.ParseFormat(f.output.name); err == nil {
		if err := f.onePlatform(depth); err != nil {
			return err
		}
	}
	platform, one := want.One()
	if !f.remote.given() {
		return p.alone(ctx, f, depth, func(s *assess.Service, progress assess.Progress) error {
			return do(func(ctx context.Context, name string) (found imageAnswer, err error) {
				ref, err := image.ParseReference(name)
				if err != nil {
					return found, err
				}
				req := assess.Request{Reference: ref, Platform: platform, Depth: depth, Categories: f.categories}
				if one {
					found.Assessment, err = s.Assess(ctx, req, progress)
				} else {
					found.Platforms, err = s.AssessPlatforms(ctx, req, want, progress)
				}
				return found, adviseAlone(err, ref.Registry)
			})
		})
	}
	return p.onServer(f, "image "+depth.String(), func(c *client.Client) error {
		return do(func(ctx context.Context, name string) (found imageAnswer, err error) {
			ref, err := image.ParseReference(name)
			switch {
			case err != nil:
			case one:
				found.Assessment, err = c.Assess(ctx, ref.String(), platform.String(), depth, f.categories...)
			default:
				found.Platforms, err = c.AssessPlatforms(ctx, ref.String(), *f.platform, depth, f.categories...)
			}
			return found, err
		})
	})
}

// onServer asks a server, after refusing the flags that mean nothing to it.
func (p *program) onServer(f imageFlags, op string, ask func(*client.Client) error) error {
	if f.plainHTTP || f.insecure || f.noCache || f.libraryGzip || *f.signerRules != "" {
		return fault.New(fault.Invalid, op, "--plain-http, --insecure, --no-cache, --library-gzip and --signer-rules are for working alone").
			WithFix(`Leave them out, or work alone with --server "". On a server, an integration says how its registry is reached.`)
	}
	if *f.policies != "" {
		return policiesAreForWorkingAlone(op)
	}
	c, err := p.client(f.remote)
	if err != nil {
		return err
	}
	bars := p.progress()
	defer bars.close()
	bars.step("Asking " + f.remote.server())
	return ask(c)
}
