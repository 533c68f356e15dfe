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

// readDpkg reads a status file, or one file of a status.d directory, where packages have no Status field.
func readDpkg(ctx context.Context, c *content, f *found) error {
	lines := newLineReader(c.reader())
	for ctx.Err() == nil {
		s, err := lines.stanza(false, "Package", "Version", "Status", "Source", "Architecture", "Maintainer")
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if s["version"] == "" || !unpacked(s["status"]) {
			continue
		}
		p := Component{Type: purl.TypeDebian, Name: s["package"], Version: s["version"], Architecture: s["architecture"]}
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

func isDpkgList(p string) bool { return strings.Contains(p, "dpkg/info/") }

// readDpkgList reads the paths that a package installed.
func readDpkgList(ctx context.Context, c *content, f *found) error {
	lines := newLineReader(c.reader())
	for ctx.Err() == nil {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		f.own(line)
	}
	return ctx.Err()
}
