package scan

import (
	"context"
	"path"
	"strings"
)

// A reader finds components in files that it recognises by their path. Paths are clean and have no leading slash.
type reader struct {
	name     string
	wants    func(path string) bool
	read     func(context.Context, *content, *found) error
	system   bool  // a package database of the operating system
	maxBytes int64 // of a file, where an honest one is always smaller; 0: the scan's limit
}

// languageFile reports whether a file of this name describes a language's package. Programs are not among them: their
// names say nothing.
func languageFile(p string) bool {
	return isPackageJSON(p) || isPythonMetadata(p) || isEgg(p) || isJavaArchive(p) || isGemspec(p) || isComposerInstalled(p) || isDepsJSON(p)
}

// isGemspec finds specifications of installed gems; those in a gem's source compute their version.
func isGemspec(p string) bool {
	return strings.HasSuffix(p, ".gemspec") && strings.Contains(p, "specifications/")
}

func isDepsJSON(p string) bool { return strings.HasSuffix(p, ".deps.json") }

func isRockspec(p string) bool {
	return strings.HasSuffix(p, ".rockspec") && strings.Contains(p, "/rocks-")
}

func isOSRelease(p string) bool { return path.Base(p) == "os-release" }

// newReaders lists every reader; the first that wants a file gets it. Files that no reader wants by name, but that may be
// programs, go to programs.
func newReaders(l Limits) (byName []reader, programs reader, err error) {
	x, err := newScalibrExtractors()
	if err != nil {
		return nil, reader{}, err
	}
	java := &javaReader{maxBytes: l.ArchiveBytes, maxDepth: l.ArchiveDepth, nested: make(chan struct{}, 1)}
	release := func(_ context.Context, c *content, f *found) (err error) {
		f.os, err = readOSRelease(c.reader())
		return err
	}
	return []reader{
		{name: "os-release", wants: isOSRelease, read: release, maxBytes: 1 << 20},
		{name: "dpkg", wants: isDpkgStatus, read: readDpkg, system: true},
		{name: "dpkg file list", wants: isDpkgList, read: readDpkgList, maxBytes: 64 << 20},
		{name: "apk", wants: isApkDatabase, read: readApk, system: true},
		{name: "rpm", wants: isRPMDatabase, read: readRPM, system: true},
		{name: "rpm manifest", wants: isRPMManifest, read: readRPMManifest, system: true},
		{name: "pacman", wants: isPacmanDesc, read: scalibr(x.pacman), system: true, maxBytes: maxManifest},
		{name: "portage", wants: isPortagePF, read: scalibr(x.portage), system: true, maxBytes: 1 << 20},
		{name: "npm", wants: isPackageJSON, read: readPackageJSON, maxBytes: maxManifest},
		{name: "Python", wants: isPythonMetadata, read: readPythonMetadata, maxBytes: maxManifest},
		{name: "Python egg", wants: isEgg, read: readEgg},
		{name: "Java", wants: isJavaArchive, read: java.read},
		{name: "Ruby", wants: isGemspec, read: scalibr(x.gemspec), maxBytes: maxManifest},
		{name: "Composer", wants: isComposerInstalled, read: readComposer, maxBytes: maxManifest},
		{name: ".NET", wants: isDepsJSON, read: scalibr(x.depsJSON), maxBytes: 10 << 20},
		{name: "LuaRocks", wants: isRockspec, read: scalibr(x.luaRocks), maxBytes: maxManifest},
	}, reader{name: "program", read: readExecutable}, nil
}

func isPacmanDesc(p string) bool {
	return strings.Contains(p, "lib/pacman/local/") && path.Base(p) == "desc"
}

func isPortagePF(p string) bool { return strings.Contains(p, "var/db/pkg/") && path.Base(p) == "PF" }
