package vuln

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/google/osv-scalibr/semantic"
)

// An ecosystem is OSV's ecosystem name taken apart: "Debian:12" is base "Debian", release "12".
//
// Releases are compared in a normal form, so that what a scanner reads in os-release meets what records say:
//   - Debian, AlmaLinux, Rocky Linux: the major version ("Debian:12.5" is "12"; Debian before 4 keeps both numbers)
//   - Alpine: "v3.18", with or without the "v" and the point release
//   - Ubuntu: the number ("Ubuntu:22.04:LTS" is "22.04"); "Pro" is kept apart
//   - Red Hat: product and version without the repository ("Red Hat:enterprise_linux:9::appstream" is
//     "enterprise_linux:9"), and of enterprise_linux only the major version
//   - SUSE: the number with its service pack ("SUSE:Linux Enterprise Server 15 SP4" is "15.4")
//   - rolling distributions and language ecosystems have none: what follows their colon names a repository
type ecosystem struct {
	base, release string
	pro           bool // Ubuntu Pro
}

type rules struct {
	compare string // the name under which package semantic compares versions
	os      bool
	release func(string) string // nil: the ecosystem has no releases
	name    func(string) string // nil: names are taken as they are
	semver  bool
}

var (
	rpm  = "Red Hat"
	same = func(s string) string { return s }
)

var ecosystems = map[string]rules{
	"AlmaLinux":                    {compare: rpm, os: true, release: major},
	"Alpaquita":                    {compare: "Alpine", os: true, release: same},
	"Alpine":                       {compare: "Alpine", os: true, release: alpineRelease},
	"Azure Linux":                  {compare: rpm, os: true, release: major},
	"BellSoft Hardened Containers": {compare: "Alpine", os: true, release: same},
	"Chainguard":                   {compare: "Alpine", os: true},
	"CleanStart":                   {compare: "Alpine", os: true},
	"Debian":                       {compare: "Debian", os: true, release: debianRelease},
	"Echo":                         {compare: "Debian", os: true},
	"Mageia":                       {compare: rpm, os: true, release: same},
	"MinimOS":                      {compare: "Alpine", os: true},
	"Photon OS":                    {compare: rpm, os: true, release: same},
	"Red Hat":                      {compare: rpm, os: true, release: redHatRelease},
	"Rocky Linux":                  {compare: rpm, os: true, release: major},
	"SUSE":                         {compare: rpm, os: true, release: suseRelease},
	"Ubuntu":                       {compare: "Ubuntu", os: true, release: same},
	"Wolfi":                        {compare: "Alpine", os: true},
	"openEuler":                    {compare: rpm, os: true, release: same},
	"openSUSE":                     {compare: rpm, os: true, release: same},

	"Bioconductor": {compare: "Bioconductor", semver: true},
	"Bitnami":      {compare: "Bitnami", semver: true, name: strings.ToLower},
	"CRAN":         {compare: "CRAN"},
	"ConanCenter":  {compare: "ConanCenter", semver: true},
	"GHC":          {compare: "GHC", semver: true},
	"Go":           {compare: "Go", semver: true},
	"Hackage":      {compare: "Hackage"},
	"Hex":          {compare: "Hex", semver: true, name: strings.ToLower},
	"Julia":        {compare: "Julia", semver: true},
	"Maven":        {compare: "Maven"},
	"NuGet":        {compare: "NuGet", name: strings.ToLower},
	"Packagist":    {compare: "Packagist", name: strings.ToLower},
	"Pub":          {compare: "Pub", name: strings.ToLower},
	"PyPI":         {compare: "PyPI", name: pythonName},
	"RubyGems":     {compare: "RubyGems"},
	"SwiftURL":     {compare: "SwiftURL", semver: true, name: swiftName},
	"crates.io":    {compare: "crates.io", semver: true},
	"npm":          {compare: "npm", semver: true},
}

func parseEcosystem(name string) ecosystem {
	base, rest, _ := strings.Cut(name, ":")
	e := ecosystem{base: base}
	if base == "Ubuntu" {
		for part := range strings.SplitSeq(rest, ":") {
			switch {
			case part == "Pro":
				e.pro = true
			case e.release == "" && part != "LTS":
				e.release = part
			}
		}
		return e
	}
	if r := ecosystems[base]; r.release != nil && rest != "" {
		e.release = r.release(rest)
	}
	return e
}

// appliesTo reports whether a record for e is about packages of p. A record without a release is about all of them.
func (e ecosystem) appliesTo(p ecosystem) bool {
	return e.base == p.base && (e.release == "" || e.release == p.release)
}

func major(s string) string {
	m, _, _ := strings.Cut(s, ".")
	return m
}

func debianRelease(s string) string {
	if strings.HasPrefix(s, "3.") || strings.HasPrefix(s, "2.") {
		return s
	}
	return major(s)
}

func alpineRelease(s string) string {
	s = strings.TrimPrefix(s, "v")
	if parts := strings.SplitN(s, ".", 3); len(parts) == 3 {
		s = parts[0] + "." + parts[1]
	}
	if s != "" && s[0] >= '0' && s[0] <= '9' {
		return "v" + s
	}
	return s
}

func redHatRelease(s string) string {
	s, _, _ = strings.Cut(s, "::")
	parts := strings.Split(s, ":")
	if len(parts) < 2 {
		return s
	}
	if parts[0] == "enterprise_linux" {
		parts[1] = major(parts[1])
	}
	return parts[0] + ":" + parts[1]
}

var suseNumber = regexp.MustCompile(`(\d+(?:\.\d+)?)(?:[ -]SP(\d+))?(?:[ -](?:LTSS|ESPOS|BCL|CLIENT|TERADATA|SAP|ESPOS-LTSS)[\w.-]*)?$`)

func suseRelease(s string) string {
	m := suseNumber.FindStringSubmatch(s)
	switch {
	case m == nil:
		return s
	case m[2] != "":
		return m[1] + "." + m[2]
	}
	return m[1]
}

var pythonSeparators = regexp.MustCompile(`[-_.]+`)

// pythonName is PEP 503's normal form.
func pythonName(s string) string { return strings.ToLower(pythonSeparators.ReplaceAllString(s, "-")) }

func swiftName(s string) string {
	_, rest, ok := strings.Cut(s, "://")
	if !ok {
		rest = s
	}
	return strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(rest, "/"), ".git"))
}

// packageKey is what the index is looked up by: the base ecosystem and the package's name in its normal form.
func packageKey(base, name string) string {
	if norm := ecosystems[base].name; norm != nil {
		name = norm(name)
	}
	return base + "\x00" + name
}

const maxVersion = 256

var (
	goRelease = regexp.MustCompile(`^(\d+)\.(\d+)(?:\.(\d+))?(?:-?(beta|rc)\.?(\d+))?(?:[-+].*)?$`)
	blank     = " \t\r\n"
)

// cleanVersion rewrites an installed version to what advisories of its ecosystem use, or says why it cannot be compared.
func cleanVersion(base, name, v string) (string, error) {
	v = strings.Trim(v, blank)
	r := ecosystems[base]
	if base == "Go" && (name == "stdlib" || name == "toolchain") {
		v = goVersion(v)
	}
	bare := v
	if r.semver {
		bare = strings.TrimPrefix(strings.TrimPrefix(v, "="), "v")
		if base == "Go" {
			v = bare
		}
	}
	switch {
	case v == "":
		return "", fmt.Errorf("the version is not known")
	case len(v) > maxVersion:
		return "", fmt.Errorf("the version is longer than %d characters", maxVersion)
	case strings.ContainsAny(v, blank), strings.Contains(v, "${"), !strings.ContainsAny(v, "0123456789"),
		r.semver && (bare == "" || bare[0] < '0' || bare[0] > '9'):
		return "", fmt.Errorf("version %q cannot be compared", v)
	}
	return v, nil
}

// goVersion turns a toolchain's version into the semantic version that Go's advisories use: go1.21rc2 is 1.21.0-rc.2.
func goVersion(v string) string {
	v = strings.TrimPrefix(strings.TrimPrefix(v, "go"), "v")
	v, _, _ = strings.Cut(v, " ")
	m := goRelease.FindStringSubmatch(v)
	if m == nil || strings.HasSuffix(v, "-0") {
		return v
	}
	if strings.Contains(v, "devel") {
		return "devel"
	}
	patch := m[3]
	if patch == "" {
		patch = "0"
	}
	s := m[1] + "." + m[2] + "." + patch
	if m[4] != "" {
		s += "-" + m[4] + "." + m[5]
	}
	return s
}

// versions parses versions of one ecosystem, each once: the same few stand in most advisories about a package. It never
// panics, whatever the library does with odd input. It is not safe for concurrent use.
type versions struct {
	base   string
	parsed map[string]semantic.Version
}

func versionsOf(base string) *versions { return &versions{base, map[string]semantic.Version{}} }

func (vs *versions) parse(text string) (v semantic.Version, err error) {
	if v, ok := vs.parsed[text]; ok {
		return v, nil
	}
	defer recovered(&err)
	r, ok := ecosystems[vs.base]
	if !ok {
		return nil, fmt.Errorf("versions of %s cannot be compared", vs.base)
	}
	if v, err = semantic.Parse(text, r.compare); err != nil {
		return nil, err
	}
	vs.parsed[text] = v
	return v, nil
}

// checked also finds what only comparing finds.
func (vs *versions) checked(text string) (semantic.Version, error) {
	v, err := vs.parse(text)
	if err == nil {
		_, err = vs.compare(v, text)
	}
	return v, err
}

// compare is negative if v is lower than the version that text is.
func (vs *versions) compare(v semantic.Version, text string) (c int, err error) {
	w, err := vs.parse(text)
	if err != nil {
		return 0, err
	}
	defer recovered(&err)
	return v.Compare(w)
}

func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("comparing versions failed: %v", r)
	}
}
