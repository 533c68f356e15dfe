package scan

import (
	"cmp"
	"strings"

	"github.com/google/osv-scalibr/purl"
	"github.com/package-url/packageurl-go"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// OfPURL is the component that a package URL names, with the ecosystem that a scan would give it. Its distribution is the
// one that the URL tells, or else system, where the package is of that distribution's kind. Location and layer stay empty.
func OfPURL(text string, system *OS) (Component, error) {
	u, err := packageurl.FromString(text)
	if err != nil {
		return Component{}, fault.Wrap(fault.Invalid, "read package URL", printable(text[:min(len(text), maxName)]), err)
	}
	qualifiers := map[string]string{}
	for _, q := range u.Qualifiers {
		qualifiers[q.Key] = q.Value
	}
	c := Component{Type: u.Type, Name: u.Name, Version: u.Version, PURL: text, Architecture: qualifiers["arch"]}
	switch u.Type {
	case purl.TypeDebian, purl.TypeApk, purl.TypeRPM, purl.TypePacman, typeAlpm, purl.TypePortage, purl.TypeOpkg:
		if epoch := qualifiers["epoch"]; epoch != "" && epoch != "0" && !strings.Contains(c.Version, ":") {
			c.Version = epoch + ":" + c.Version
		}
		c.SourceName, c.SourceVersion = upstream(u.Type, qualifiers["upstream"])
		c.Ecosystem = systemEcosystem(u.Type, releaseOfPURL(u.Namespace, qualifiers["distro"], system))
	case purl.TypeMaven:
		c.Name = strings.TrimPrefix(u.Namespace+":"+u.Name, ":")
		c.Ecosystem = languageEcosystem(&c)
	case typeVSCodeExtension:
		c.Name = strings.TrimPrefix(u.Namespace+"."+u.Name, ".")
		c.Ecosystem = languageEcosystem(&c)
	case typeBitnami:
		c.Version = bitnamiRevision().ReplaceAllString(c.Version, "")
		c.Ecosystem = languageEcosystem(&c)
	default:
		c.Name = strings.TrimPrefix(u.Namespace+"/"+u.Name, "/")
		c.Ecosystem = languageEcosystem(&c)
	}
	return c.Clean()
}

// Clean makes a component that comes from outside fit to be shown. It fails when the component cannot be real.
func (c Component) Clean() (Component, error) {
	for _, text := range []*string{&c.Name, &c.Version, &c.SourceName, &c.SourceVersion, &c.Architecture, &c.Type, &c.Module} {
		if *text = printable(*text); len(*text) > maxName {
			return Component{}, fault.New(fault.Invalid, "read component", "a name or version is longer than %d bytes", maxName)
		}
	}
	if c.Name == "" {
		return Component{}, fault.New(fault.Invalid, "read component", "it has no name")
	}
	if c.SourceName == c.Name {
		c.SourceName = ""
	}
	if c.SourceVersion == c.Version {
		c.SourceVersion = ""
	}
	c.PURL, c.Location, c.Licenses = printable(c.PURL), printable(c.Location), licenses(c.Licenses...)
	return c, nil
}

// upstream reads the qualifier with which other tools name the source package.
func upstream(kind, text string) (name, version string) {
	if kind == purl.TypeRPM {
		if s := sourceRPM(text); s != nil {
			return s[0], s[1]
		}
		return "", ""
	}
	name, version, _ = strings.Cut(text, "@")
	return name, version
}

// namespaces are distributions that package URLs call by another name than os-release does.
var namespaces = map[string]string{
	"redhat": "rhel", "alma": "almalinux", "suse": "sles", "amazon": "amzn", "oracle": "ol", "cbl-mariner": "mariner",
	"opensuse.leap": "opensuse-leap", "opensuse.tumbleweed": "opensuse-tumbleweed",
}

// ubuntuReleases are the releases by the first word of their name, with which a package URL may name them.
var ubuntuReleases = map[string]string{
	"trusty": "14.04", "xenial": "16.04", "bionic": "18.04", "focal": "20.04", "jammy": "22.04", "noble": "24.04",
	"oracular": "24.10", "plucky": "25.04", "questing": "25.10",
}

// releaseOfPURL understands the many ways in which tools write the distribution: "bookworm", "12", "debian-12.5".
func releaseOfPURL(namespace, distro string, system *OS) *osRelease {
	id, version := strings.ToLower(namespace), strings.ToLower(distro)
	if strings.HasPrefix(version, "opensuse-tumbleweed") || renamed(version) != version {
		id, _, _ = strings.Cut(version, "-2") // a snapshot's date may follow
		version = ""
	} else if before, after, ok := cutLast(version, '-'); ok && (digits(after[:min(1, len(after))]) || before == id) {
		id, version = before, after
	}
	id = renamed(id)
	if version == "" && system != nil && (id == "" || id == renamed(strings.ToLower(system.ID)) || strings.HasPrefix(system.ID, id+"-")) {
		return &osRelease{ID: renamed(strings.ToLower(system.ID)), VersionID: system.VersionID, Codename: system.Codename, PrettyName: system.Name}
	}
	o := &osRelease{ID: id, VersionID: version}
	if version != "" && !digits(version[:1]) {
		o.Codename, o.VersionID = version, cmp.Or(debianReleases[version], ubuntuReleases[version])
	}
	return o
}

func renamed(id string) string { return cmp.Or(namespaces[id], id) }

func cutLast(s string, separator byte) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
