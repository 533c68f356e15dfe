package vuln

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/landwaiter/landwaiter/internal/vuln/version"
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
	order   version.Scheme
	os      bool
	rpm     bool
	binary  bool                // advisories may name what is installed instead of its source
	release func(string) string // nil: the ecosystem has no releases
	name    func(string) string // nil: names are taken as they are
	semver  bool
}

func same(s string) string { return s }

var ecosystems = map[string]rules{
	"AlmaLinux":                    {order: version.RPM, os: true, rpm: true, binary: true, release: major},
	"Alpaquita":                    {order: version.Alpine, os: true, release: same},
	"Alpine":                       {order: version.Alpine, os: true, release: alpineRelease},
	"Azure Linux":                  {order: version.RPM, os: true, rpm: true, binary: true, release: major},
	"BellSoft Hardened Containers": {order: version.Alpine, os: true, release: same},
	"Chainguard":                   {order: version.Alpine, os: true, binary: true},
	"CleanStart":                   {order: version.Alpine, os: true, binary: true},
	"Debian":                       {order: version.Debian, os: true, release: debianRelease},
	"Docker Hardened Images":       {order: version.SemVer, os: true, binary: true},
	"Echo":                         {order: version.Debian, os: true},
	"Mageia":                       {order: version.RPM, os: true, rpm: true, binary: true, release: same},
	"MinimOS":                      {order: version.Alpine, os: true, binary: true},
	"Photon OS":                    {order: version.RPM, os: true, rpm: true, binary: true, release: same},
	"Red Hat":                      {order: version.RPM, os: true, rpm: true, binary: true, release: redHatRelease},
	"Rocky Linux":                  {order: version.RPM, os: true, rpm: true, binary: true, release: major},
	"SUSE":                         {order: version.RPM, os: true, rpm: true, binary: true, release: suseRelease},
	"Ubuntu":                       {order: version.Debian, os: true, release: same},
	"Wolfi":                        {order: version.Alpine, os: true, binary: true},
	"openEuler":                    {order: version.RPM, os: true, rpm: true, binary: true, release: same},
	"openSUSE":                     {order: version.RPM, os: true, rpm: true, binary: true, release: same},

	"Bioconductor": {order: version.SemVer, semver: true},
	"Bitnami":      {order: version.SemVer, semver: true, name: strings.ToLower},
	"CRAN":         {order: version.Numbers},
	"ConanCenter":  {order: version.SemVer, semver: true},
	"GHC":          {order: version.SemVer, semver: true},
	"Go":           {order: version.SemVer, semver: true},
	"Hackage":      {order: version.Numbers},
	"Hex":          {order: version.SemVer, semver: true, name: strings.ToLower},
	"Julia":        {order: version.SemVer, semver: true},
	"Kubernetes":   {order: version.SemVer, semver: true},
	"Maven":        {order: version.Maven},
	"NuGet":        {order: version.NuGet, name: strings.ToLower},
	"Packagist":    {order: version.Packagist, name: strings.ToLower},
	"Pub":          {order: version.Pub, name: strings.ToLower},
	"PyPI":         {order: version.PyPI, name: pythonName},
	"RubyGems":     {order: version.RubyGems},
	"SwiftURL":     {order: version.SemVer, semver: true, name: swiftName},
	"VSCode":       {order: version.SemVer, semver: true, name: strings.ToLower},
	"crates.io":    {order: version.SemVer, semver: true},
	"npm":          {order: version.SemVer, semver: true},
	"opam":         {order: version.Opam},
}

// unmatched are the ecosystems of OSV whose records are of no use for images, and why.
var unmatched = map[string]string{
	"Android":        "images hold no parts of Android",
	"FreeBSD":        "images hold no packages of FreeBSD",
	"GitHub Actions": "actions run outside of images",
	"Linux":          "images hold no kernel that runs",
	"OSS-Fuzz":       "its records are about commits",
	"Root":           "no package says that Root has patched it",
	"TuxCare":        "its records do not say which distribution's package they are about",
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

// pythonName is PEP 503's normal form.
func pythonName(s string) string {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		separator := strings.IndexByte("-_.", s[i]) >= 0
		switch {
		case !separator:
			b = append(b, s[i])
		case len(b) == 0 || b[len(b)-1] != '-':
			b = append(b, '-')
		}
	}
	return strings.ToLower(string(b))
}

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

// key is the sort key of a version.
func (r rules) key(text string) ([]byte, error) {
	if len(text) > maxVersion || text == "" {
		return nil, fmt.Errorf("a version of %d characters", len(text))
	}
	return r.order(nil, text)
}
