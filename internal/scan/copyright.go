package scan

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
)

const debianDocs = "usr/share/doc"

// isCopyright finds where Debian's packages say under which licenses they are.
func isCopyright(p string) bool {
	rest, ok := strings.CutPrefix(p, debianDocs+"/")
	return ok && strings.Count(rest, "/") == 1
}

// readCopyright reads the License fields of a machine-readable copyright file. Others are prose.
func readCopyright(ctx context.Context, c *content, f *found) error {
	lines := newLineReader(c.reader())
	for first := true; ctx.Err() == nil; first = false {
		s, err := lines.stanza(false, "Format", "License")
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if first && !strings.Contains(s["format"], "copyright-format") {
			return nil
		}
		for _, l := range licenses(licenseSeparators().Split(s["license"], maxLicenses)...) {
			if l = spdxLicense(l); !slices.Contains(f.licenses, l) && len(f.licenses) < maxLicenses && (f.take == nil || f.take(len(l))) {
				f.licenses = append(f.licenses, l)
			}
		}
	}
	return ctx.Err()
}

var (
	licenseSeparators = expression(`,?\s+(?:and|or|and/or)\s+|,\s*|\s*\|\s*`)
	gnuLicense        = expression(`^(A?GPL|LGPL|GFDL)-(\d(?:\.\d)?)(?:\.0)?(\+)?$`)
	debianLicenses    = map[string]string{
		"Expat": "MIT", "BSD-2-clause": "BSD-2-Clause", "BSD-3-clause": "BSD-3-Clause", "BSD-4-clause": "BSD-4-Clause", "Apache-2": "Apache-2.0",
		"Artistic": "Artistic-1.0-Perl", "Artistic-1": "Artistic-1.0", "Artistic-2": "Artistic-2.0", "MPL-1.1+": "MPL-1.1", "zlib": "Zlib", "PSF-2": "PSF-2.0",
		"CC0": "CC0-1.0",
	}
)

// spdxLicense is SPDX's name for a license that Debian has a short name for; others stay as they are.
func spdxLicense(short string) string {
	if spdx := debianLicenses[short]; spdx != "" {
		return spdx
	}
	m := gnuLicense().FindStringSubmatch(short)
	if m == nil {
		return short
	}
	version := m[2]
	if !strings.Contains(version, ".") {
		version += ".0"
	}
	if m[3] != "" {
		return m[1] + "-" + version + "-or-later"
	}
	return m[1] + "-" + version + "-only"
}
