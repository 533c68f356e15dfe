package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/vuln"
	"github.com/landwaiter/landwaiter/internal/vuln/feed"
)

// feedFlags say where advisories are fetched from.
type feedFlags struct{ source, epss, exploited *string }

func newFeedFlags(fs *pflag.FlagSet, source setting) feedFlags {
	return feedFlags{text(fs, source), text(fs, settingEPSSSource), text(fs, settingExploitedSource)}
}

// updater makes what updates the data in a data directory. way finds the registry of an artifact.
func (p *program) updater(f feedFlags, data string, client *distribution.Client, o feed.Options, way func(context.Context, image.Reference) (distribution.Source, error)) (func(context.Context) (feed.Result, error), error) {
	o.Dir = advisoriesDir(data)
	if isOCI(*f.source) {
		if _, err := ociReference(*f.source); err != nil {
			return nil, err
		}
		if len(o.Ecosystems) > 0 || o.All || *f.epss+*f.exploited != "" {
			return nil, fault.New(fault.Invalid, "read flags", "%s has all advisory data, so nothing can be chosen beside it", *f.source).
				WithFix("Leave out the ecosystems and the sources of EPSS and of known exploited vulnerabilities.")
		}
		return func(ctx context.Context) (feed.Result, error) {
			return pullAdvisories(ctx, o.Dir, *f.source, client, way)
		}, nil
	}
	o.Source, o.EPSS, o.Exploited, o.UserAgent, o.Now = *f.source, *f.epss, *f.exploited, userAgent(), time.Now
	o.Authorization = authorization(p.secret(secretAdvisoryCredential))
	source, err := feed.ParseSource(o.Source)
	if err != nil {
		return nil, err
	}
	home, err := distribution.ParseEndpoint(source.Scheme+"://"+source.Host, false)
	if err != nil {
		return nil, err
	}
	o.Transport = client.Files(home)
	return func(ctx context.Context) (feed.Result, error) { return feed.Update(ctx, o) }, nil
}

// authorization is the header for a credential: user name and password with a colon in between, or a token.
func authorization(credential secret.Text) secret.Text {
	text := credential.Reveal()
	switch {
	case text == "":
		return secret.Text{}
	case strings.Contains(text, ":"):
		return secret.New("Basic " + base64.StdEncoding.EncodeToString([]byte(text)))
	}
	return secret.New("Bearer " + text)
}

func (p *program) vulnUpdateCommand() *cobra.Command {
	var f feedFlags
	var data *string
	var ecosystems []string
	var all bool
	var output *outputFormat
	var maxAge *time.Duration
	var registry registryFlags
	cmd := &cobra.Command{
		Use:   "update",
		Short: "Fetch the advisories that have changed",
		Long: `Update brings the advisories in the data directory up to date from OSV's public bulk archives, or from a mirror of them. Only
what has changed is fetched; a transfer that broke off is continued by the next update.

Without --ecosystem and --all it updates the ecosystems that there are data of. A server updates itself with
serve --advisory-interval; this command is for the machine that it runs on.

A credential for the source comes from LANDWAITER_ADVISORY_CREDENTIAL, as USER:PASSWORD or a bearer token. It is sent to the
source's own host only. A source oci://HOST/REPOSITORY:TAG is what landwaiter vuln export pushed; it has the credentials of the
Docker config file.

Exit status: 0 everything is up to date; 2 a source could not be fetched, and its data are as they were.`,
		Example: "  landwaiter vuln update --ecosystem Debian --ecosystem npm\n  landwaiter vuln update --source https://mirror.example/osv --all",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := p.dataDir(*data)
			if err != nil {
				return err
			}
			if all && len(ecosystems) > 0 {
				return fault.New(fault.Invalid, "read flags", "--all and --ecosystem are given").WithFix("Leave one of them out.")
			}
			if err := checkMaxAge(*maxAge); err != nil {
				return err
			}
			client, bars := p.aloneClient(), p.progress()
			update, err := p.updater(f, dir, client, feed.Options{Ecosystems: ecosystems, All: all, Progress: bars.fetching},
				func(ctx context.Context, ref image.Reference) (distribution.Source, error) {
					return p.aloneSource(ctx, registry, ref)
				})
			if err != nil {
				return err
			}
			res, err := update(cmd.Context())
			bars.close()
			if err != nil {
				return err
			}
			res.Status = res.Status.At(time.Now(), *maxAge)
			if res.Failed() {
				p.status = exitFailed
			}
			return p.print(*output, res, func() error { return p.renderUpdate(res) })
		},
	}
	fs := cmd.Flags()
	f = newFeedFlags(fs, settingSource)
	data, output = text(fs, settingData), outputFlag(fs)
	maxAge = duration(fs, settingAdvisoryMaxAge)
	registry.add(fs)
	fs.StringSliceVar(&ecosystems, "ecosystem", nil, "an ecosystem to fetch, as OSV names it, e.g. Debian, npm; may be repeated")
	fs.BoolVar(&all, "all", false, "fetch every ecosystem of the source that can be matched: more than a gigabyte the first time")
	return cmd
}

// fetching shows what an update does.
func (b *bars) fetching(what string, done, total int64) {
	if total > 0 {
		what += fmt.Sprintf(": %s of %s", image.SizeText(done), image.SizeText(total))
	}
	b.step(what)
}

func (p *program) renderUpdate(res feed.Result) error {
	rows := [][]string{{"SOURCE", "UPDATE", "CHANGED", "REMOVED", "FETCHED"}}
	for _, s := range res.Sources {
		switch s.How {
		case feed.Failed:
			rows = append(rows, []string{s.Name, "FAILED"})
		case feed.Unchanged:
			rows = append(rows, []string{s.Name, string(s.How)})
		default:
			rows = append(rows, []string{s.Name, string(s.How), fmt.Sprint(s.Changed), fmt.Sprint(s.Removed), image.SizeText(s.Bytes)})
		}
	}
	if err := writeTable(p.out, rows); err != nil {
		return err
	}
	for _, s := range res.Sources {
		if s.How == feed.Failed {
			fmt.Fprintf(p.out, "\n%s: %s\n  what to do: %s\n", s.Name, printable(s.Error), printable(s.Fix))
		}
	}
	if res.Imported != nil {
		for _, problem := range res.Imported.Problems {
			fmt.Fprintf(p.out, "  skipped: %s\n", printable(problem))
		}
	}
	fmt.Fprintln(p.out)
	return p.renderAdvisories(res.Status)
}

// followAdvisories updates the server's advisories until stop is called, if that was asked for.
func (p *program) followAdvisories(ctx context.Context, f serveFlags, data string, client *distribution.Client, integrations assess.Sources, inUse func(context.Context) ([]string, error), log *slog.Logger) (stop func(), err error) {
	every := *f.advisoryInterval
	if every == 0 {
		return func() {}, nil
	}
	if every < time.Minute {
		return nil, fault.New(fault.Invalid, "read flags", "--%s cannot be %s", settingAdvisoryInterval.Name, every).
			WithFix("Give a minute or more, e.g. 6h, or 0 to fetch nothing.")
	}
	o := feed.Options{InUse: inUse}
	for name := range strings.SplitSeq(*f.advisoryEcosystems, ",") {
		switch name = strings.TrimSpace(name); name {
		case "":
		case "all":
			o.All = true
		default:
			if _, known := vuln.Ecosystem(name); !known {
				return nil, fault.New(fault.Invalid, "read flags", "--%s: %q is no ecosystem of OSV whose versions can be compared", settingAdvisoryEcosystems.Name, name).
					WithFix("Write it as OSV does, e.g. Debian,Alpine,npm, or write all.")
			}
			o.Ecosystems = append(o.Ecosystems, name)
		}
	}
	update, err := p.updater(f.feed, data, client, o, func(ctx context.Context, ref image.Reference) (distribution.Source, error) {
		return integrationFor(ctx, integrations, ref)
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var updating sync.WaitGroup
	updating.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for ctx.Err() == nil {
			updateOnce(ctx, update, log)
			select {
			case <-ticker.C:
			case <-ctx.Done():
			}
		}
	})
	return func() { cancel(); updating.Wait() }, nil
}

// integrationFor is the way to an artifact by the first integration that serves it, else as nobody.
func integrationFor(ctx context.Context, integrations assess.Sources, ref image.Reference) (distribution.Source, error) {
	list, err := integrations.Candidates(ctx, ref)
	if err != nil {
		return distribution.Source{}, err
	}
	if len(list) > 0 {
		return list[0].Source(ctx, ref), nil
	}
	endpoint, err := distribution.ParseEndpoint(ref.Registry, false)
	return distribution.Source{Endpoint: endpoint}, err
}

func updateOnce(ctx context.Context, update func(context.Context) (feed.Result, error), log *slog.Logger) {
	res, err := update(ctx)
	switch {
	case ctx.Err() != nil:
		return
	case fault.CodeOf(err) == fault.Conflict:
		log.Info("advisories are being updated by another process")
		return
	case err != nil:
		log.Error("advisories could not be updated", "error", err, "fix", fault.FixOf(err))
		return
	}
	for _, s := range res.Sources {
		if s.How == feed.Failed {
			log.Error("advisories could not be updated", "source", s.Name, "error", s.Error, "fix", s.Fix)
			continue
		}
		log.Info("advisories are up to date", "source", s.Name, "how", s.How, "changed", s.Changed, "removed", s.Removed, "bytes", s.Bytes)
	}
}
