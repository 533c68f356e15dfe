//go:build unix

package vuln

import (
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestAgreementWithOSVScanner asks osv-scanner, from the archives that LANDWAITER_BENCH_OSV names, about packages of every
// ecosystem in them whose package URLs it reads, and prints what only one of both finds. docs/matching.md explains that. Only
// of Go's packages osv-scanner may find what is not found here.
func TestAgreementWithOSVScanner(t *testing.T) {
	source := os.Getenv(benchVariable)
	scanner, err := exec.LookPath("osv-scanner")
	if source == "" || err != nil {
		t.Skip("needs osv-scanner on PATH, and archives in", benchVariable)
	}
	dir := t.TempDir()
	mustImport(t, dir, source)
	x := mustOpen(t, dir)
	perEcosystem := map[string][]Package{}
	for _, p := range packagesIn(t, source) {
		if purlOf(p) != "" {
			base := parseEcosystem(p.Ecosystem).base
			perEcosystem[base] = append(perEcosystem[base], p)
		}
	}
	for base, list := range perEcosystem {
		t.Run(base, func(t *testing.T) {
			list = every(list, 400)
			theirs := askOSVScanner(t, scanner, source, base, list)
			var both, mine, missing int
			for _, p := range list {
				answer := theirs[Package{p.Ecosystem, p.Name, p.Version, ""}]
				known := map[string]bool{}
				for _, v := range match(t, x, p) {
					ids := append([]string{v.ID, v.CVE}, v.Aliases...)
					for _, id := range ids {
						known[id] = true
					}
					if !slices.ContainsFunc(ids, func(id string) bool { return answer[id] }) {
						mine++
						t.Logf("only here: %v %s", p, v.ID)
					}
				}
				for id := range answer {
					if known[id] {
						both++
						continue
					}
					missing++
					t.Logf("only osv-scanner: %v %s", p, id)
				}
			}
			t.Logf("%d packages: %d advisories found by both, %d only here, %d only by osv-scanner", len(list), both, mine, missing)
			if missing > 0 && base != "Go" {
				t.Error("osv-scanner finds more")
			}
		})
	}
}

// purlOf is a package's URL as osv-scanner reads it, or "" where it has none.
func purlOf(p Package) string {
	e := parseEcosystem(p.Ecosystem)
	kinds := map[string]string{"npm": "npm/", "PyPI": "pypi/", "Go": "golang/", "crates.io": "cargo/", "Packagist": "composer/",
		"Debian": "deb/debian/", "Alpine": "apk/alpine/"}
	distro := map[string]string{"Debian": "debian-" + e.release, "Alpine": "alpine-" + strings.TrimPrefix(e.release, "v")}[e.base]
	if kinds[e.base] == "" || e.base == "Go" && p.Name == "stdlib" {
		return ""
	}
	version := p.Version
	if e.base == "Go" {
		version = "v" + version
	}
	u := "pkg:" + kinds[e.base] + strings.ReplaceAll(url.PathEscape(p.Name), "%2F", "/") + "@" + url.QueryEscape(version)
	if distro != "" {
		u += "?distro=" + distro
	}
	return u
}

// askOSVScanner returns the advisories of each package.
func askOSVScanner(t *testing.T, scanner, source, base string, list []Package) map[Package]map[string]bool {
	t.Helper()
	archive, err := os.ReadFile(filepath.Join(source, base, "all.zip"))
	if err != nil {
		t.Skip(err)
	}
	type component struct {
		Type    string `json:"type"`
		Name    string `json:"name"`
		Version string `json:"version"`
		PURL    string `json:"purl"`
	}
	var components []component
	for _, p := range list {
		components = append(components, component{"library", p.Name, p.Version, purlOf(p)})
	}
	bom, err := json.Marshal(map[string]any{"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": components})
	if err != nil {
		t.Fatal(err)
	}
	home := writeFiles(t, map[string]string{"p.cdx.json": string(bom), "db/osv-scalibr/" + base + "/all.zip": string(archive), "db/osv-scalibr/GIT/all.zip": zipOf(t, nil)})
	out, err := exec.Command(scanner, "scan", "source", "--offline", "--local-db-path", filepath.Join(home, "db"), "--all-vulns", "--format", "json",
		"-L", filepath.Join(home, "p.cdx.json")).Output()
	if exit := new(exec.ExitError); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatal(err, string(out))
	}
	var answer struct {
		Results []struct {
			Packages []struct {
				Package         struct{ Ecosystem, Name, Version string }
				Vulnerabilities []struct{ ID string }
			}
		}
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatal(err)
	}
	found := map[Package]map[string]bool{}
	for _, r := range answer.Results {
		for _, p := range r.Packages {
			of := Package{p.Package.Ecosystem, p.Package.Name, strings.TrimPrefix(p.Package.Version, "v"), ""}
			if found[of] == nil {
				found[of] = map[string]bool{}
			}
			for _, v := range p.Vulnerabilities {
				found[of][v.ID] = true
			}
		}
	}
	return found
}
