package scan

import (
	"context"
	"path"
	"regexp"
	"strings"

	"github.com/google/osv-scalibr/purl"
)

// A reader finds components in files that it recognises by their path. Paths are clean and have no leading slash.
type reader struct {
	name     string
	files    []string               // patterns: "name", "*.extension" in lower case, or "folder/" for every file directly in such a folder
	where    func(path string) bool // of those, which; nil: all
	read     func(context.Context, *content, *found) error
	kind     kind
	maxBytes int64 // of a file, where an honest one is always smaller; 0: the scan's limit
}

type kind int

const (
	language kind = iota // describes packages of a language, or a program
	system               // a package database of the operating system
	aside                // tells something about packages that others describe
)

// readers chooses a file's reader. There are many readers and far more files that none of them wants, so the choice begins
// with what a path can be looked up by.
type readers struct {
	byName, byExtension, byFolder map[string][]reader
	programs                      reader // for files that no reader wants by path, but that may be programs
}

func readersOf(programs reader, list ...reader) *readers {
	rs := &readers{map[string][]reader{}, map[string][]reader{}, map[string][]reader{}, programs}
	for _, r := range list {
		for _, pattern := range r.files {
			if extension, ok := strings.CutPrefix(pattern, "*"); ok {
				rs.byExtension[extension] = append(rs.byExtension[extension], r)
			} else if folder, ok := strings.CutSuffix(pattern, "/"); ok {
				rs.byFolder[folder] = append(rs.byFolder[folder], r)
			} else {
				rs.byName[pattern] = append(rs.byName[pattern], r)
			}
		}
	}
	return rs
}

// of returns the first reader that wants a path, and whether one does by name.
func (rs *readers) of(p string) (reader, bool) {
	dir, base := path.Split(p)
	for _, list := range [...][]reader{
		rs.byName[base], rs.byExtension[strings.ToLower(path.Ext(base))], rs.byFolder[path.Base(dir)],
	} {
		for _, r := range list {
			if r.where == nil || r.where(p) {
				return r, true
			}
		}
	}
	return rs.programs, false
}

// mayDescribe reports whether components other than the operating system's may be found in a file of this name.
func (rs *readers) mayDescribe(p string) bool {
	if r, named := rs.of(p); named {
		return r.kind == language
	}
	return mayBeProgram(p)
}

// newReaders lists every reader. docs/components.md says the same in words.
func newReaders(l Limits) (*readers, error) {
	x, err := newScalibrExtractors()
	if err != nil {
		return nil, err
	}
	java := &javaReader{maxBytes: l.ArchiveBytes, maxDepth: l.ArchiveDepth, nested: make(chan struct{}, 1)}
	byPath := func(name, file, kind string, form func() *regexp.Regexp) reader {
		where, read := fromPath(kind, form)
		return reader{name: name, files: []string{file}, where: where, read: read}
	}
	return readersOf(reader{name: "program", read: readExecutable},
		reader{name: "os-release", files: []string{"os-release"}, read: readRelease, kind: aside, maxBytes: 1 << 20},
		reader{name: "dpkg", files: []string{"status", "status.d/"}, where: isDpkgStatus, read: readDpkg, kind: system},
		reader{name: "dpkg file list", files: []string{"*.list", "*.md5sums"}, where: isDpkgList, read: readDpkgList, kind: aside, maxBytes: 64 << 20},
		reader{name: "copyright", files: []string{"copyright"}, where: isCopyright, read: readCopyright, kind: aside, maxBytes: maxManifest},
		reader{name: "chisel", files: []string{"manifest.wall"}, where: inFolder("/chisel"), read: readChisel, kind: system},
		reader{name: "opkg", files: []string{"status"}, where: isOpkgStatus, read: readOpkg, kind: system},
		reader{name: "apk", files: []string{"installed"}, where: isApkDatabase, read: readApk, kind: system},
		reader{name: "rpm", files: rpmDatabases, where: isRPMDatabase, read: readRPM, kind: system},
		reader{name: "rpm manifest", files: []string{"container-manifest-2"}, where: isRPMManifest, read: readRPMManifest, kind: system},
		reader{name: "Bottlerocket", files: []string{"application-inventory.json"}, where: inFolder("/bottlerocket"), read: readBottlerocket, kind: system},
		reader{name: "Container-Optimized OS", files: []string{"cos-package-info.json"}, read: readCOS, kind: system},
		reader{name: "pacman", files: []string{"desc"}, where: isPacmanDesc, read: readPacman, kind: system, maxBytes: maxManifest},
		reader{name: "portage", files: []string{"PF"}, where: isPortagePF, read: scalibr(x.portage), kind: system, maxBytes: 1 << 20},

		reader{name: "npm", files: []string{"package.json"}, where: isPackageJSON, read: readPackageJSON, maxBytes: maxManifest},
		reader{name: "Python", files: []string{"METADATA", "PKG-INFO", "*.egg-info"}, where: isPythonMetadata, read: readPythonMetadata, maxBytes: maxManifest},
		reader{name: "Python egg", files: []string{"*.egg"}, read: readEgg},
		reader{name: "Java", files: javaArchives, read: java.read},
		reader{name: "Ruby", files: []string{"*.gemspec"}, where: isGemspec, read: readGemspec, maxBytes: maxManifest},
		reader{name: "Composer", files: []string{"installed.json"}, where: isComposerInstalled, read: readComposer, maxBytes: maxManifest},
		reader{name: ".NET", files: []string{"*.json"}, where: isDepsJSON, read: scalibr(x.depsJSON), maxBytes: 10 << 20},
		reader{name: "NuGet", files: []string{"*.nuspec"}, where: below(".nuget/packages"), read: readNuspec, maxBytes: maxManifest},
		reader{name: "LuaRocks", files: []string{"*.rockspec"}, where: isRockspec, read: scalibr(x.luaRocks), maxBytes: maxManifest},
		reader{name: "R", files: []string{"DESCRIPTION"}, read: readR, maxBytes: maxManifest},
		reader{name: "Erlang", files: []string{"*.app"}, where: inFolder("/ebin"), read: readBeam, maxBytes: maxManifest},
		reader{name: "Haskell", files: []string{"*.conf"}, where: inFolder("/package.conf.d"), read: linePackage(purl.TypeHackage, ":"), maxBytes: maxManifest},
		reader{name: "Julia", files: []string{"Project.toml"}, where: isJuliaProject, read: readJulia, maxBytes: maxManifest},
		reader{name: "opam", files: []string{"switch-state"}, where: inFolder("/.opam-switch"), read: readOpam, maxBytes: maxManifest},
		reader{name: "CPAN", files: []string{"install.json"}, where: below(".meta"), read: readCPAN, maxBytes: maxManifest},
		reader{name: "Pub", files: []string{"pubspec.yaml"}, where: below(".pub-cache/hosted"), read: linePackage(purl.TypePub, ":"), maxBytes: maxManifest},
		byPath("Nimble", "nimblemeta.json", purl.TypeNim, nimblePackage),
		byPath("Conan", "conaninfo.txt", purl.TypeConan, conanPackage),
		reader{name: "vcpkg", files: []string{"status"}, where: isVcpkgStatus, read: readVcpkg},
		reader{name: "Conda", files: []string{"conda-meta/"}, where: isCondaMeta, read: readConda, maxBytes: maxManifest},
		reader{name: "Spack", files: []string{"spec.json"}, where: inFolder("/.spack"), read: readSpack, maxBytes: maxManifest},
		byPath("Homebrew", "INSTALL_RECEIPT.json", purl.TypeBrew, homebrewReceipt),
		reader{name: "Snap", files: []string{"snap.yaml"}, where: isSnap, read: linePackage(purl.TypeSnap, ":"), maxBytes: maxManifest},
		reader{name: "Flatpak", files: []string{"*.xml"}, where: isFlatpak, read: scalibr(x.flatpak), maxBytes: 1 << 20},

		reader{name: "Bitnami", files: []string{"*.spdx"}, where: isBitnamiSPDX, read: readBitnami, maxBytes: maxManifest},
		reader{name: "WordPress", files: []string{"version.php"}, where: inFolder("/wp-includes"), read: readWordPress},
		reader{name: "WordPress extension", files: []string{"*.php", "style.css"}, where: isWordPressExtension, read: readWordPressExtension},
		byPath("Chrome extension", "manifest.json", typeChromeExtension, chromeExtension),
		reader{name: "Java runtime", files: []string{"release"}, read: readJavaRelease, maxBytes: 1 << 20},
		reader{name: "Erlang/OTP", files: []string{"OTP_VERSION"}, read: readOTPVersion, maxBytes: 1 << 10},
		reader{name: "bill of materials", files: []string{"*.json", "*.spdx"}, where: isDocument, read: readDocument, kind: aside},
	), nil
}

// isGemspec finds specifications of installed gems; those in a gem's source compute their version.
func isGemspec(p string) bool { return strings.Contains(p, "specifications/") }

func isDepsJSON(p string) bool { return strings.HasSuffix(p, ".deps.json") }

func isRockspec(p string) bool { return strings.Contains(p, "/rocks-") }

func isPortagePF(p string) bool { return strings.Contains(p, "var/db/pkg/") }

// isJuliaProject finds packages in a depot and those that come with Julia; a project of one's own has the file elsewhere.
func isJuliaProject(p string) bool { return juliaPackage().MatchString("/" + p) }

func isCondaMeta(p string) bool { return path.Ext(p) == ".json" }

func isSnap(p string) bool { return snapPackage().MatchString(p) }

func isFlatpak(p string) bool {
	return strings.HasSuffix(p, "metainfo.xml") && strings.Contains(p, "flatpak/app/") && strings.HasSuffix(path.Dir(p), "export/share/metainfo")
}

var (
	juliaPackage = expression(`/(?:packages/[^/]+/[A-Za-z0-9]{4,6}|stdlib/v[^/]+/[^/]+)/Project\.toml$`)
	snapPackage  = expression(`^snap/[^/]+/[^/]+/meta/snap\.yaml$`)
)
