//go:build linux

package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
)

// A component is a package URL without its qualifiers, so that tools that write different ones can be compared.
type component struct{ kind, name, version string }

func (c component) String() string { return "pkg:" + c.kind + "/" + c.name + "@" + c.version }

// parsePURL reads a package URL, leniently.
func parsePURL(purl string) (component, bool) {
	rest, ok := strings.CutPrefix(purl, "pkg:")
	if !ok {
		return component{}, false
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, _, _ = strings.Cut(rest, "?")
	kind, rest, _ := strings.Cut(rest, "/")
	name, version := rest, ""
	if i := strings.LastIndex(rest, "@"); i > 0 {
		name, version = rest[:i], rest[i+1:]
	}
	return newComponent(kind, unescape(name), unescape(version)), true
}

func unescape(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

var (
	epoch   = regexp.MustCompile(`^[0-9]+:`)
	rebuilt = regexp.MustCompile(`\+b[0-9]+$`)
)

// newComponent evens out what the tools spell differently. Of Debian's packages some leave out the distribution, the epoch,
// and the number of a rebuild without a change of source.
func newComponent(kind, name, version string) component {
	switch kind {
	case "deb":
		name, version = name[strings.LastIndex(name, "/")+1:], rebuilt.ReplaceAllString(epoch.ReplaceAllString(version, ""), "")
	case "golang":
		name, version = strings.ToLower(name), strings.TrimPrefix(strings.TrimPrefix(version, "v"), "go")
		if version == "(devel)" || version == "UNKNOWN" {
			version = ""
		}
	case "pypi":
		name = strings.ToLower(strings.NewReplacer("_", "-", ".", "-").Replace(name))
	case "maven":
		// Tools guess the group of a jar that does not say it.
		name = name[strings.LastIndexAny(name, "/:")+1:]
	}
	return component{kind, name, version}
}

// parseOurs reads what landwaiter found; with sources, packages of operating systems are named as what they were built from.
func parseOurs(answer []byte, sources bool) ([]component, error) {
	var doc struct {
		Scan struct {
			Status     string
			Components []struct{ Type, Name, Version, PURL, SourceName, SourceVersion string }
		}
	}
	if err := json.Unmarshal(answer, &doc); err != nil {
		return nil, err
	}
	if doc.Scan.Status != "complete" {
		return nil, fmt.Errorf("the image was not read completely: %q", doc.Scan.Status)
	}
	var list []component
	for _, c := range doc.Scan.Components {
		parsed, ok := parsePURL(c.PURL)
		if !ok {
			parsed = newComponent(c.Type, c.Name, c.Version)
		}
		if sources {
			parsed = newComponent(parsed.kind, cmp.Or(c.SourceName, parsed.name), cmp.Or(c.SourceVersion, parsed.version))
		}
		list = append(list, parsed)
	}
	return list, nil
}

func parseCycloneDX(answer []byte) ([]component, error) {
	var doc struct {
		BOMFormat  string
		Components []struct{ Type, PURL string }
	}
	if err := json.Unmarshal(answer, &doc); err != nil {
		return nil, err
	}
	if doc.BOMFormat != "CycloneDX" {
		return nil, fmt.Errorf("no CycloneDX document")
	}
	var list []component
	for _, c := range doc.Components {
		if parsed, ok := parsePURL(c.PURL); ok && c.Type != "container" {
			list = append(list, parsed)
		}
	}
	return list, nil
}

// osvTypes are package URL types by OSV's ecosystems.
var osvTypes = map[string]string{"Debian": "deb", "Go": "golang", "RubyGems": "gem", "Packagist": "composer", "Alpine": "apk", "crates.io": "cargo"}

type osvAnswer struct {
	Results []struct {
		Packages []struct {
			Package osvPackage
			Groups  []struct{ IDs, Aliases []string }
		}
	}
}

type osvPackage struct{ Name, Version, Ecosystem string }

func (p osvPackage) component() component {
	ecosystem, _, _ := strings.Cut(p.Ecosystem, ":")
	return newComponent(cmp.Or(osvTypes[ecosystem], strings.ToLower(ecosystem)), p.Name, p.Version)
}

func readOSVScanner(answer []byte) (doc osvAnswer, err error) {
	err = json.Unmarshal(answer, &doc)
	return doc, err
}

func parseOSVScanner(answer []byte) ([]component, error) {
	doc, err := readOSVScanner(answer)
	if err != nil {
		return nil, err
	}
	var list []component
	for _, r := range doc.Results {
		for _, p := range r.Packages {
			list = append(list, p.Package.component())
		}
	}
	return list, nil
}

// A difference is what two tools find of an image.
type difference struct {
	kinds          map[string][2]int // distinct components of ours and of theirs
	missing, extra []component       // only theirs, only ours
}

func compare(ours, theirs []component) difference {
	d := difference{kinds: map[string][2]int{}}
	count := func(list []component, who int) map[component]bool {
		seen := map[component]bool{}
		for _, c := range list {
			if !seen[c] {
				seen[c] = true
				n := d.kinds[c.kind]
				n[who]++
				d.kinds[c.kind] = n
			}
		}
		return seen
	}
	a, b := count(ours, 0), count(theirs, 1)
	only := func(a, b map[component]bool) []component {
		var list []component
		for c := range a {
			if !b[c] {
				list = append(list, c)
			}
		}
		slices.SortFunc(list, func(x, y component) int { return strings.Compare(x.String(), y.String()) })
		return list
	}
	d.missing, d.extra = only(b, a), only(a, b)
	return d
}

// print writes the counts, and all differences to a file.
func (d difference) print(out io.Writer, tool, file string) error {
	var counts []string
	for _, kind := range slices.Sorted(maps.Keys(d.kinds)) {
		n := d.kinds[kind]
		counts = append(counts, fmt.Sprintf("%s %d/%d", kind, n[0], n[1]))
	}
	fmt.Fprintf(out, "  components, ours/%s: %s; only ours %d, only theirs %d (%s)\n", tool, strings.Join(counts, ", "), len(d.extra), len(d.missing), file)
	var text strings.Builder
	for _, c := range d.missing {
		fmt.Fprintf(&text, "- %s\n", c)
	}
	for _, c := range d.extra {
		fmt.Fprintf(&text, "+ %s\n", c)
	}
	return os.WriteFile(file, []byte(text.String()), 0o644)
}
