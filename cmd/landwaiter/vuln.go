package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/vuln"
	"github.com/landwaiter/landwaiter/internal/vuln/bundle"
)

func (p *program) vulnCommand() *cobra.Command {
	return group("vuln", "Import advisory data and see how fresh it is",
		`Advisory data are OSV records (https://ossf.github.io/osv-schema/). Without --server they are imported into the data
directory, where the image commands and a server with the same data directory find them.`,
		p.vulnUpdateCommand(), p.vulnImportCommand(), p.vulnExportCommand(), p.vulnStatusCommand())
}

func (p *program) vulnImportCommand() *cobra.Command {
	var remote *remoteFlags
	var data *string
	var output *outputFormat
	var maxAge *time.Duration
	var registry registryFlags
	cmd := &cobra.Command{
		Use:   "import PATH|oci://HOST/REPOSITORY:TAG",
		Short: "Import OSV records, EPSS scores, known exploited vulnerabilities, or what another site exported",
		Long: `Import reads OSV records: a directory (read recursively, zips in it included), one zip as the public bulk archives
are laid out (ECOSYSTEM/all.zip), or one JSON file. What it brings replaces, ecosystem by ecosystem, what was there.

It knows EPSS's scores (epss_scores-DATE.csv, .gz or not) and CISA's catalogue (known_exploited_vulnerabilities.json or .csv) by
their names, alone or among records.

What landwaiter vuln export made, a file or an artifact in a registry, replaces all advisory data. It is imported on the
machine with the data directory, not over --server.`,
		Example: "  landwaiter vuln import ./osv\n  landwaiter vuln import Debian/all.zip --server https://landwaiter.example\n  landwaiter vuln import oci://registry.example/security/advisories:latest",
		Args:    exactArgs(1, "one directory, zip, JSON file, exported file or oci:// address"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkMaxAge(*maxAge); err != nil {
				return err
			}
			bars := p.progress()
			if isOCI(args[0]) || isBundle(args[0]) {
				if remote.given() {
					return fault.New(fault.Invalid, "import advisories", "%s is not imported over a server", args[0]).
						WithFix("Import it on the server's machine, into its data directory, with --server \"\" if need be; or let the server follow an artifact: serve --advisory-source %sHOST/REPOSITORY:TAG.", ociScheme)
				}
				bars.step("Importing " + args[0])
				status, err := p.adoptAdvisories(cmd.Context(), *data, args[0], registry)
				bars.close()
				if err != nil {
					return err
				}
				status = status.At(time.Now(), *maxAge)
				return p.print(*output, vuln.ImportResult{Records: status.Records, Status: status}, func() error { return p.renderAdvisories(status) })
			}
			result, err := p.importAdvisories(cmd, remote, *data, args[0], bars)
			bars.close()
			if err != nil {
				return err
			}
			if !remote.given() { // a server has told by its own setting
				result.Status = result.Status.At(time.Now(), *maxAge)
			}
			return p.print(*output, result, func() error {
				for _, table := range result.Tables {
					fmt.Fprintf(p.out, "Imported the data about %s.\n", table)
				}
				if result.Records == 0 && len(result.Replaced) == 0 {
					return p.renderAdvisories(result.Status)
				}
				fmt.Fprintf(p.out, "Imported %s", plural(result.Records, "record"))
				if result.Withdrawn > 0 {
					fmt.Fprintf(p.out, ", %d withdrawn", result.Withdrawn)
				}
				if result.Unusable > 0 {
					fmt.Fprintf(p.out, ", %d of no use for images", result.Unusable)
				}
				if result.Skipped > 0 {
					fmt.Fprintf(p.out, ", %d could not be read", result.Skipped)
				}
				fmt.Fprintln(p.out, ".")
				for _, problem := range result.Problems {
					fmt.Fprintf(p.out, "  skipped: %s\n", printable(problem))
				}
				for _, reason := range slices.Sorted(maps.Keys(result.Reasons)) {
					fmt.Fprintf(p.out, "  of no use: %d %s\n", result.Reasons[reason], printable(reason))
				}
				if result.Rebuilt {
					fmt.Fprintln(p.out, "The advisories before were in an older format and are gone: import those of other ecosystems again.")
				}
				return p.renderAdvisories(result.Status)
			})
		},
	}
	maxAge = duration(cmd.Flags(), settingAdvisoryMaxAge)
	registry.add(cmd.Flags())
	remote, data, output = newRemoteFlags(cmd.Flags()), text(cmd.Flags(), settingData), outputFlag(cmd.Flags())
	return cmd
}

// adoptAdvisories imports what another site exported.
func (p *program) adoptAdvisories(ctx context.Context, data, source string, registry registryFlags) (vuln.Status, error) {
	dir, err := p.dataDir(data)
	if err != nil {
		return vuln.Status{}, err
	}
	if !isOCI(source) {
		return bundle.Read(ctx, advisoriesDir(dir), source)
	}
	res, err := pullAdvisories(ctx, advisoriesDir(dir), source, p.aloneClient(), func(ctx context.Context, ref image.Reference) (distribution.Source, error) {
		return p.aloneSource(ctx, registry, ref)
	})
	return res.Status, err
}

func (p *program) importAdvisories(cmd *cobra.Command, remote *remoteFlags, data, source string, bars *bars) (vuln.ImportResult, error) {
	if remote.given() {
		c, err := p.client(remote)
		if err != nil {
			return vuln.ImportResult{}, err
		}
		bars.step("Sending " + source + " to " + remote.server())
		return c.ImportAdvisories(cmd.Context(), source, bars.bytes("sent"))
	}
	dir, err := p.dataDir(data)
	if err != nil {
		return vuln.ImportResult{}, err
	}
	bars.step("Importing " + source)
	return vuln.Import(cmd.Context(), advisoriesDir(dir), source, vuln.ImportOptions{Now: time.Now(), Progress: bars.bytes("read")})
}

func (p *program) vulnStatusCommand() *cobra.Command {
	var remote *remoteFlags
	var data *string
	var output *outputFormat
	var maxAge *time.Duration
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "Show which advisory data there is, and its age",
		Example: "  landwaiter vuln status\n  landwaiter vuln status --server https://landwaiter.example -o json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkMaxAge(*maxAge); err != nil {
				return err
			}
			status, err := p.advisoryStatus(cmd, remote, *data, *maxAge)
			if err != nil {
				return err
			}
			return p.print(*output, status, func() error { return p.renderAdvisories(status) })
		},
	}
	maxAge = duration(cmd.Flags(), settingAdvisoryMaxAge)
	remote, data, output = newRemoteFlags(cmd.Flags()), text(cmd.Flags(), settingData), outputFlag(cmd.Flags())
	return cmd
}

// checkMaxAge refuses what would warn of all data, or never.
func checkMaxAge(d time.Duration) error {
	if d >= time.Hour {
		return nil
	}
	return fault.New(fault.Invalid, "read flags", "--%s cannot be %s", settingAdvisoryMaxAge.Name, d).
		WithFix("Give an hour or more, e.g. 168h for a week.")
}

func (p *program) advisoryStatus(cmd *cobra.Command, remote *remoteFlags, data string, maxAge time.Duration) (vuln.Status, error) {
	if remote.given() {
		c, err := p.client(remote)
		if err != nil {
			return vuln.Status{}, err
		}
		return c.AdvisoryStatus(cmd.Context())
	}
	dir, err := p.dataDir(data)
	if err != nil {
		return vuln.Status{}, err
	}
	index, err := vuln.Open(advisoriesDir(dir))
	if err != nil {
		return vuln.Status{}, err
	}
	defer index.Close()
	return index.Status().At(time.Now(), maxAge), nil
}

func (p *program) renderAdvisories(s vuln.Status) error {
	if s.Records == 0 {
		_, err := fmt.Fprintln(p.out, "There is no advisory data: images are not checked for vulnerabilities.\nFetch some with `landwaiter vuln update --ecosystem NAME`, or import them with `landwaiter vuln import PATH`.")
		return err
	}
	fmt.Fprintf(p.out, "%s, imported %s, newest of %s.\n\n", plural(s.Records, "record"), when(s.Imported), when(s.Newest))
	rows := [][]string{{"ECOSYSTEM", "RECORDS", "NEWEST", "IMPORTED", "CHECKED", "FROM"}}
	for _, e := range s.Ecosystems {
		rows = append(rows, []string{e.Name, fmt.Sprint(e.Records), when(e.Newest), when(e.Imported), checked(e.Checked), e.Origin})
	}
	for _, t := range []struct {
		name  string
		table *vuln.TableStatus
	}{{"EPSS scores", s.EPSS}, {"known exploited", s.KnownExploited}} {
		if t.table != nil {
			rows = append(rows, []string{t.name, fmt.Sprint(t.table.Records), when(t.table.Date), when(t.table.Imported), checked(t.table.Checked)})
		}
	}
	if err := writeTable(p.out, rows); err != nil || len(s.Warnings) == 0 {
		return err
	}
	fmt.Fprintln(p.out)
	r := &renderer{w: p.out}
	r.warnings(s.Warnings)
	return r.err
}

// checked is when a source was last asked; data from a file have none.
func checked(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return when(t)
}

func when(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Format("2006-01-02 15:04")
}
