package scan

import (
	"path"
	"slices"
	"strings"
)

// systemPaths is where the operating system's own databases and os-release are, in the order in which they are believed. A
// database elsewhere belongs to something else, a chroot or another image. Those ending in a slash are directories.
var systemPaths = []string{
	"etc/os-release", "usr/lib/os-release",
	"var/lib/dpkg/status", "var/lib/dpkg/status.d/", "var/lib/dpkg/info/",
	"lib/apk/db/installed", "usr/lib/apk/db/installed", "var/lib/apk/db/installed",
	"var/lib/rpm/", "usr/lib/sysimage/rpm/", "usr/share/rpm/", "var/lib/rpmmanifest/",
	"var/lib/pacman/local/", "var/db/pkg/", "var/lib/chisel/manifest.wall",
	"usr/lib/opkg/status", "var/lib/opkg/status", "etc/cos-package-info.json", "usr/share/bottlerocket/application-inventory.json",
}

const osReleasePaths = 2 // of systemPaths

// systemNames are the parts that systemPaths are made of.
var systemNames = func() map[string]bool {
	names := map[string]bool{}
	for _, p := range systemPaths {
		for part := range strings.SplitSeq(strings.TrimSuffix(p, "/"), "/") {
			names[part] = true
		}
	}
	return names
}()

// leadsSomewhere reports whether a symbolic link at this path may be part of the way to a system path, or to a package's
// documents.
func leadsSomewhere(p string) bool { return systemNames[path.Base(p)] || path.Dir(p) == debianDocs }

// places is systemPaths and where links lead to from them. A layer may put a link where an earlier one had the database itself.
func places(links func(string) (string, bool)) []string {
	list := slices.Clone(systemPaths)
	for _, p := range systemPaths {
		if real := resolve(p, links); real != "" {
			if strings.HasSuffix(p, "/") {
				real += "/"
			}
			list = append(list, real)
		}
	}
	return list
}

// maxLinks bounds the symbolic links that are followed for one path, as the kernel does.
const maxLinks = 40

// resolve follows symbolic links, which links looks up by path, and returns where p really is; "" if the links form a circle.
func resolve(p string, links func(string) (string, bool)) string {
	rest := strings.Split(p, "/")
	var done []string
	for followed := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			done = done[:max(len(done)-1, 0)]
			continue
		}
		done = append(done, part)
		target, ok := links(strings.Join(done, "/"))
		if !ok {
			continue
		}
		if followed++; followed > maxLinks {
			return ""
		}
		done = done[:len(done)-1]
		if strings.HasPrefix(target, "/") {
			done = nil
		}
		rest = slices.Concat(strings.Split(target, "/"), rest)
	}
	return strings.Join(done, "/")
}
