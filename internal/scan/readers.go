package scan

import (
	"context"
	"path"
	"strings"
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
	return readersOf(reader{name: "program", read: readExecutable},
		reader{name: "os-release", files: []string{"os-release"}, read: readRelease, kind: aside, maxBytes: 1 << 20},
		reader{name: "dpkg", files: []string{"status", "status.d/"}, where: isDpkgStatus, read: readDpkg, kind: system},
		reader{name: "dpkg file list", files: []string{"*.list"}, where: isDpkgList, read: readDpkgList, kind: aside, maxBytes: 64 << 20},
		reader{name: "apk", files: []string{"installed"}, where: isApkDatabase, read: readApk, kind: system},
		reader{name: "rpm", files: rpmDatabases, where: isRPMDatabase, read: readRPM, kind: system},
		reader{name: "rpm manifest", files: []string{"container-manifest-2"}, where: isRPMManifest, read: readRPMManifest, kind: system},
		reader{name: "pacman", files: []string{"desc"}, where: isPacmanDesc, read: scalibr(x.pacman), kind: system, maxBytes: maxManifest},
		reader{name: "portage", files: []string{"PF"}, where: isPortagePF, read: scalibr(x.portage), kind: system, maxBytes: 1 << 20},
		reader{name: "npm", files: []string{"package.json"}, where: isPackageJSON, read: readPackageJSON, maxBytes: maxManifest},
		reader{name: "Python", files: []string{"METADATA", "PKG-INFO", "*.egg-info"}, where: isPythonMetadata, read: readPythonMetadata, maxBytes: maxManifest},
		reader{name: "Python egg", files: []string{"*.egg"}, read: readEgg},
		reader{name: "Java", files: javaArchives, read: java.read},
		reader{name: "Ruby", files: []string{"*.gemspec"}, where: isGemspec, read: scalibr(x.gemspec), maxBytes: maxManifest},
		reader{name: "Composer", files: []string{"installed.json"}, where: isComposerInstalled, read: readComposer, maxBytes: maxManifest},
		reader{name: ".NET", files: []string{"*.json"}, where: isDepsJSON, read: scalibr(x.depsJSON), maxBytes: 10 << 20},
		reader{name: "LuaRocks", files: []string{"*.rockspec"}, where: isRockspec, read: scalibr(x.luaRocks), maxBytes: maxManifest},
		reader{name: "bill of materials", files: []string{"*.json", "*.spdx"}, where: isDocument, read: readDocument, kind: aside},
	), nil
}

// isGemspec finds specifications of installed gems; those in a gem's source compute their version.
func isGemspec(p string) bool { return strings.Contains(p, "specifications/") }

func isDepsJSON(p string) bool { return strings.HasSuffix(p, ".deps.json") }

func isRockspec(p string) bool { return strings.Contains(p, "/rocks-") }

func isPacmanDesc(p string) bool { return strings.Contains(p, "lib/pacman/local/") }

func isPortagePF(p string) bool { return strings.Contains(p, "var/db/pkg/") }
