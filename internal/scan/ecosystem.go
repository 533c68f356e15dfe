package scan

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/google/osv-scalibr/purl"
)

// languageEcosystems are OSV's names for package types that do not depend on the distribution.
var languageEcosystems = map[string]string{
	purl.TypeNPM: "npm", purl.TypePyPi: "PyPI", purl.TypeGolang: "Go", purl.TypeMaven: "Maven", purl.TypeGem: "RubyGems",
	purl.TypeCargo: "crates.io", purl.TypeComposer: "Packagist", purl.TypeNuget: "NuGet", purl.TypeCran: "CRAN", typeBioconductor: "Bioconductor",
	purl.TypeHex: "Hex", purl.TypeHackage: "Hackage", purl.TypeJulia: "Julia", purl.TypePub: "Pub", purl.TypeOpam: "opam", purl.TypeConan: "ConanCenter",
	typeBitnami: "Bitnami", typeVSCodeExtension: "VSCode",
}

// languageEcosystem is OSV's name for where a component that is not the distribution's comes from; "" when OSV has none.
func languageEcosystem(c *Component) string {
	if c.Type == purl.TypeGeneric && bitnamiNames[c.Name] {
		return "Bitnami"
	}
	return languageEcosystems[c.Type]
}

// bitnamiNames are software that Bitnami publishes advisories about, in the versions of the projects themselves.
var bitnamiNames = wordSet("apache java mariadb memcached nginx node php postgresql python redis ruby valkey wordpress")

// systemEcosystem is OSV's name, with release, for a distribution's packages; "" when OSV has none.
func systemEcosystem(kind string, o *osRelease) string {
	if o == nil {
		return ""
	}
	switch kind {
	case purl.TypeDebian:
		return debianEcosystem(o)
	case purl.TypeApk:
		return apkEcosystem(o)
	case purl.TypeRPM:
		return rpmEcosystem(o)
	}
	return ""
}

// debianReleases fills in for images of testing and unstable, whose os-release has no VERSION_ID.
var debianReleases = map[string]string{
	"buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14", "duke": "15",
}

func debianEcosystem(o *osRelease) string {
	switch o.ID {
	case "debian":
		return release("Debian", cmp.Or(major(o.VersionID), debianReleases[o.Codename]))
	case "ubuntu":
		// Even years' April releases have long-term support, and OSV's name says so.
		year, month, _ := strings.Cut(o.VersionID, ".")
		if n, err := strconv.Atoi(year); err == nil && n%2 == 0 && month == "04" {
			return "Ubuntu:" + o.VersionID + ":LTS"
		}
		return release("Ubuntu", o.VersionID)
	case "echo":
		return "Echo"
	}
	return ""
}

func apkEcosystem(o *osRelease) string {
	switch o.ID {
	case "alpine":
		parts := strings.SplitN(o.VersionID, ".", 3)
		if len(parts) < 2 || !digits(parts[0]) || !digits(parts[1]) {
			return "Alpine" // edge has no release of its own
		}
		return "Alpine:v" + parts[0] + "." + parts[1]
	case "wolfi":
		return "Wolfi"
	case "chainguard":
		return "Chainguard"
	case "minimos":
		return "MinimOS"
	case "alpaquita":
		return release("Alpaquita", o.VersionID)
	case "clnstrt", "cleanstart":
		return "CleanStart"
	case "bellsoft-hardened-containers":
		return release("BellSoft Hardened Containers", o.VersionID)
	}
	return ""
}

var openEulerLTS = expression(`\((LTS(?:[- ]SP\d+)?)\)`)

func rpmEcosystem(o *osRelease) string {
	switch o.ID {
	case "rhel":
		// cpe:/o:redhat:enterprise_linux:9::baseos
		if _, product, ok := strings.Cut(o.CPE, ":redhat:"); ok || o.VersionID == "" {
			return release("Red Hat", product)
		}
		return "Red Hat:enterprise_linux:" + major(o.VersionID)
	case "almalinux":
		return release("AlmaLinux", major(o.VersionID))
	case "rocky":
		return release("Rocky Linux", major(o.VersionID))
	case "sles", "sles_sap", "sled", "sle-micro", "sl-micro":
		return release("SUSE", o.VersionID)
	case "opensuse-leap":
		return release("openSUSE", strings.TrimSpace("Leap "+o.VersionID))
	case "opensuse-leap-micro":
		return release("openSUSE", strings.TrimSpace("Leap Micro "+o.VersionID))
	case "opensuse-tumbleweed":
		return "openSUSE:Tumbleweed"
	case "azurelinux", "mariner":
		return release("Azure Linux", o.VersionID)
	case "photon":
		return release("Photon OS", o.VersionID)
	case "mageia":
		return release("Mageia", o.VersionID)
	case "openeuler":
		if m := openEulerLTS().FindStringSubmatch(o.PrettyName); m != nil {
			return "openEuler:" + o.VersionID + "-" + strings.ReplaceAll(m[1], " ", "-")
		}
		return release("openEuler", o.VersionID)
	}
	return ""
}

func release(name, suffix string) string {
	if suffix == "" {
		return name
	}
	return name + ":" + suffix
}

func major(version string) string {
	m, _, _ := strings.Cut(version, ".")
	return m
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// packageURL writes a component's package URL. The distribution counts only for its own packages.
func packageURL(c *Component, o *osRelease) string {
	u := purl.PackageURL{Type: c.Type, Name: c.Name, Version: c.Version}
	qualifiers := map[string]string{}
	switch c.Type {
	case purl.TypeDebian, purl.TypeApk, purl.TypeRPM, typeAlpm, purl.TypePortage, purl.TypeOpkg:
		if c.Architecture != "" {
			qualifiers["arch"] = c.Architecture
		}
		if o == nil {
			break
		}
		u.Namespace = o.ID
		switch distro := cmp.Or(o.VersionID, o.BuildID); {
		case c.Type == purl.TypeDebian && o.Codename != "":
			qualifiers["distro"] = o.Codename
		case distro != "" && c.Type == purl.TypeRPM:
			qualifiers["distro"] = o.ID + "-" + distro
		case distro != "":
			qualifiers["distro"] = distro
		}
		if epoch, rest, ok := strings.Cut(c.Version, ":"); ok && c.Type == purl.TypeRPM {
			qualifiers["epoch"], u.Version = epoch, rest
		}
	case purl.TypeMaven:
		u.Namespace, u.Name, _ = strings.Cut(c.Name, ":")
	case typeVSCodeExtension:
		u.Namespace, u.Name, _ = strings.Cut(c.Name, ".")
	case purl.TypeNPM, purl.TypeGolang, purl.TypeComposer:
		if i := strings.LastIndexByte(c.Name, '/'); i >= 0 {
			u.Namespace, u.Name = c.Name[:i], c.Name[i+1:]
		}
	}
	if len(qualifiers) > 0 {
		u.Qualifiers = purl.QualifiersFromMap(qualifiers)
	}
	return u.String()
}
