package scan

import (
	"context"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/google/osv-scalibr/purl"
)

func isDpkgStatus(p string) bool {
	return strings.HasSuffix(p, "/dpkg/status") || strings.HasSuffix(path.Dir(p), "/dpkg/status.d") && !strings.HasSuffix(p, ".md5sums")
}

func isOpkgStatus(p string) bool { return strings.HasSuffix(path.Dir(p), "lib/opkg") }

func isVcpkgStatus(p string) bool { return strings.HasSuffix(path.Dir("/"+p), "/vcpkg") }

// readDpkg reads a status file, or one file of a status.d directory, where packages have no Status field.
func readDpkg(ctx context.Context, c *content, f *found) error {
	return readStatus(ctx, c, f, purl.TypeDebian)
}

// readOpkg reads the status file of embedded systems' package manager, which resembles dpkg's.
func readOpkg(ctx context.Context, c *content, f *found) error {
	return readStatus(ctx, c, f, purl.TypeOpkg)
}

// readVcpkg reads the status file of a C++ package manager, which resembles dpkg's but for features of packages.
func readVcpkg(ctx context.Context, c *content, f *found) error {
	return readStatus(ctx, c, f, typeVcpkg)
}

func readStatus(ctx context.Context, c *content, f *found, kind string) error {
	lines := newLineReader(c.reader())
	for ctx.Err() == nil {
		s, err := lines.stanza(false, "Package", "Version", "Status", "Source", "Architecture", "Maintainer", "Feature", "License")
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if s["version"] == "" || !unpacked(s["status"]) || s["feature"] != "" {
			continue
		}
		p := Component{Type: kind, Name: s["package"], Version: s["version"], Architecture: s["architecture"], Licenses: licenses(s["license"])}
		name, version, _ := strings.Cut(s["source"], " ")
		p.SourceName, p.SourceVersion = name, strings.Trim(version, " ()")
		if fromDistribution(s["maintainer"]) {
			f.official = append(f.official, p.Name)
		}
		f.add(p)
	}
	return ctx.Err()
}

// unpacked reports whether a package in this state has its files in place.
func unpacked(status string) bool {
	words := strings.Fields(status)
	if len(words) == 0 {
		return true
	}
	switch words[len(words)-1] {
	case "not-installed", "config-files":
		return false
	}
	return true
}

// fromDistribution tells Debian's and Ubuntu's packages, whose advisories cover everything inside them, from packages of
// third parties.
func fromDistribution(maintainer string) bool {
	m := strings.ToLower(maintainer)
	return strings.Contains(m, "debian.org>") || strings.Contains(m, "ubuntu.com>") || strings.Contains(m, "debian.net>")
}

// isDpkgList finds the lists of packages' files, which distroless images have in another form.
func isDpkgList(p string) bool {
	switch path.Ext(p) {
	case ".list":
		return strings.HasSuffix(path.Dir(p), "dpkg/info")
	case ".md5sums":
		return strings.HasSuffix(path.Dir(p), "dpkg/status.d")
	}
	return false
}

// listOf is the package that a list is of.
func listOf(p string) string {
	name, _, _ := strings.Cut(strings.TrimSuffix(path.Base(p), path.Ext(p)), ":")
	return name
}

// readDpkgList reads the paths that a package installed, or their checksums and the paths.
func readDpkgList(ctx context.Context, c *content, f *found) error {
	lines := newLineReader(c.reader())
	return lines.each(ctx, func(line string) {
		if strings.HasSuffix(c.path, ".md5sums") {
			_, line, _ = strings.Cut(line, "  ")
		}
		f.own(line)
	})
}
