//go:build linux

package main

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/vuln"
)

// Goals for matching.
const (
	matchPackages = 1000
	matchGoal     = 10 * time.Millisecond
)

var matchGoals = map[string]float64{"trivy": 10, "osv-scanner": 40, "grype": 80}

// matched are the ecosystems that packages are taken from, with their package URL types.
var matched = []struct{ ecosystem, kind string }{{"npm", "npm"}, {"PyPI", "pypi"}, {"Go", "golang"}, {"crates.io", "cargo"}, {"Packagist", "composer"}}

// matching matches packages that the advisories in dir are about: here, and as processes that read them from a document.
func (b *bench) matching(ctx context.Context, dir, databases string, rounds int) error {
	packages, document, err := affected(dir)
	if err != nil {
		return err
	}
	return b.inHome(func(home string) error {
		sbom := filepath.Join(home, "packages.cdx.json")
		if err := os.WriteFile(sbom, document, 0o644); err != nil {
			return err
		}
		data := filepath.Join(home, "data")
		start := time.Now()
		if out, err := exec.CommandContext(ctx, b.program, "vuln", "import", "--data", data, dir).CombinedOutput(); err != nil {
			return fmt.Errorf("vuln import: %w: %s", err, lastLines(string(out), 5))
		}
		fmt.Fprintf(b.out, "\nmatching %d packages with the advisories of %s, imported in %.1f s\n", len(packages), dir, time.Since(start).Seconds())
		took, found, err := matchHere(ctx, filepath.Join(data, "advisories"), packages, rounds)
		if err != nil {
			return err
		}
		say(b.out, took <= matchGoal, "%d findings in %.1f ms in process, goal at most %s", found, took.Seconds()*1000, matchGoal)
		osv, err := osvDatabases(dir, home)
		if err != nil {
			return err
		}
		t := table{}
		for range rounds {
			for _, m := range b.matchers(osv, databases, data, sbom) {
				if _, err := exec.LookPath(m.name); m.name != rowOurs && err != nil {
					continue
				}
				u, err := measure(ctx, home, filepath.Join(home, m.name+".json"), m.command)
				if err != nil {
					return err
				}
				t.add(m.name, u)
			}
		}
		t.print(b.out, "matching as a process")
		for row, goal := range matchGoals {
			if ratios := t.ratios(row, rowOurs, wall); len(ratios) > 0 {
				say(b.out, median(ratios) >= goal, "%s takes %s as long, goal at least %.0f", row, spread(ratios), goal)
			}
		}
		if t["osv-scanner"] == nil {
			return nil
		}
		if err := b.agreement("packages", home); err != nil {
			return err
		}
		return b.imageAgreement(ctx, data, osv, home)
	})
}

func matchHere(ctx context.Context, dir string, packages []vuln.Package, rounds int) (took time.Duration, found int, err error) {
	index, err := vuln.Open(dir)
	if err != nil {
		return 0, 0, err
	}
	defer index.Close()
	took = time.Hour
	for range rounds + 1 { // the first reads the file
		found = 0
		start := time.Now()
		for _, p := range packages {
			list, err := index.Match(ctx, p)
			if err != nil {
				return 0, 0, err
			}
			found += len(list)
		}
		took = min(took, time.Since(start))
	}
	return took, found, nil
}

// A matcher is a command that matches the packages of an SBOM.
type matcher struct {
	name    string
	command []string
}

// matchers are the tools. Those that read no OSV archives need a database that somebody made from the same advisories: a
// folder of databases with trivy's and grype's cache in it.
func (b *bench) matchers(osv, databases, data, sbom string) []matcher {
	list := []matcher{
		{rowOurs, []string{b.program, "image", "scan", "--data", data, "--sbom", sbom, "-o", "json"}},
		{"osv-scanner", []string{"sh", "-c", fmt.Sprintf(
			"osv-scanner scan source --offline --local-db-path %s --all-vulns --format json -L %s || [ $? -eq 1 ]", quote(osv), quote(sbom))}},
	}
	if databases == "" {
		return list
	}
	return append(list,
		matcher{"trivy", []string{"trivy", "sbom", "--quiet", "--cache-dir", filepath.Join(databases, "trivy"), "--format", "json",
			"--offline-scan", "--skip-db-update", "--skip-java-db-update", "--skip-version-check", sbom}},
		matcher{"grype", []string{"env", "GRYPE_DB_CACHE_DIR=" + filepath.Join(databases, "grype"), "GRYPE_DB_AUTO_UPDATE=false", "GRYPE_DB_VALIDATE_AGE=false",
			"GRYPE_CHECK_FOR_APP_UPDATE=false", "grype", "--quiet", "-o", "json", "sbom:" + sbom}})
}

// imageAgreement compares findings in a real image.
func (b *bench) imageAgreement(ctx context.Context, data, databases, home string) error {
	r, err := recipeOf("webapp")
	if err != nil {
		return err
	}
	if err := b.ensure(ctx, r, gzipOCI); err != nil {
		return err
	}
	ref, archive := b.reference(r.name, gzipOCI), filepath.Join(home, "image.tar")
	for _, m := range []matcher{
		{rowOurs, []string{b.program, "image", "scan", "--data", data, "-o", "json", ref}},
		{"osv-scanner", []string{"sh", "-c", fmt.Sprintf(
			"%s %s %s %s && osv-scanner scan image --archive --offline --local-db-path %s --all-vulns --format json %s || [ $? -eq 1 ]",
			quote(b.self), roleArchive, ref, quote(archive), quote(databases), quote(archive))}},
	} {
		if _, err := measure(ctx, home, filepath.Join(home, m.name+".json"), m.command); err != nil {
			return err
		}
	}
	return b.agreement(r.name, home)
}

// osvDatabases lays the archives out as osv-scanner wants them: it gives up where it has none of an ecosystem that it meets.
func osvDatabases(dir, home string) (string, error) {
	to := filepath.Join(home, "osv")
	if _, err := os.Stat(to); err == nil {
		return to, nil
	}
	for _, ecosystem := range []string{"npm", "PyPI", "Go", "crates.io", "Packagist", "Debian", "Maven", "RubyGems", "NuGet", "GIT"} {
		folder := filepath.Join(to, "osv-scalibr", ecosystem)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return "", err
		}
		text, err := os.ReadFile(filepath.Join(dir, ecosystem, "all.zip"))
		if errors.Is(err, fs.ErrNotExist) {
			var none bytes.Buffer
			err = zip.NewWriter(&none).Close()
			text = none.Bytes()
		}
		if err := errors.Join(err, os.WriteFile(filepath.Join(folder, "all.zip"), text, 0o644)); err != nil {
			return "", err
		}
	}
	return to, nil
}

// affected takes packages in versions that advisories are about, evenly from the ecosystems, and writes them as CycloneDX.
func affected(dir string) ([]vuln.Package, []byte, error) {
	type bomComponent struct {
		Type    string `json:"type"`
		Name    string `json:"name"`
		Version string `json:"version"`
		PURL    string `json:"purl"`
	}
	var packages []vuln.Package
	var components []bomComponent
	for _, m := range matched {
		seen := map[string]bool{}
		err := eachRecord(filepath.Join(dir, m.ecosystem, "all.zip"), func(r osvRecord) bool {
			for _, a := range r.Affected {
				version := a.vulnerable()
				if a.Package.Ecosystem != m.ecosystem || version == "" || seen[a.Package.Name] || strings.ContainsAny(a.Package.Name, " %?#") {
					continue
				}
				seen[a.Package.Name] = true
				written := version
				if m.kind == "golang" {
					written = "v" + version
				}
				packages = append(packages, vuln.Package{Ecosystem: m.ecosystem, Name: a.Package.Name, Version: version})
				components = append(components, bomComponent{"library", a.Package.Name, written,
					"pkg:" + m.kind + "/" + strings.Replace(a.Package.Name, "@", "%40", 1) + "@" + written})
			}
			return len(seen) < matchPackages/len(matched)
		})
		if err != nil {
			return nil, nil, err
		}
	}
	document, err := json.Marshal(map[string]any{"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": components})
	return packages, document, err
}

type osvRecord struct {
	ID        string
	Withdrawn string
	Aliases   []string
	Affected  []osvAffected
}

type osvAffected struct {
	Package  struct{ Ecosystem, Name string }
	Versions []string
	Ranges   []struct {
		Type   string
		Events []map[string]string
	}
}

// vulnerable is a version that is affected, or "" when none can be told easily.
func (a osvAffected) vulnerable() string {
	if len(a.Versions) > 0 {
		return a.Versions[len(a.Versions)/2]
	}
	for _, r := range a.Ranges {
		for _, event := range r.Events {
			if introduced := event["introduced"]; r.Type != "GIT" && introduced != "" {
				if introduced == "0" {
					return "0.0.1"
				}
				return introduced
			}
		}
	}
	return ""
}

// eachRecord reads an archive's records in the order of their names until visit has enough.
func eachRecord(archive string, visit func(osvRecord) bool) error {
	z, err := zip.OpenReader(archive)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer z.Close()
	slices.SortFunc(z.File, func(a, b *zip.File) int { return cmp.Compare(a.Name, b.Name) })
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return err
		}
		text, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			return err
		}
		var record osvRecord
		if err := json.Unmarshal(text, &record); err != nil {
			return fmt.Errorf("%s: %s: %w", archive, f.Name, err)
		}
		if record.Withdrawn == "" && !visit(record) {
			return nil
		}
	}
	return nil
}
