package scan

import (
	"context"
	"path"
	"strings"

	"github.com/google/osv-scalibr/purl"
)

// isRPMManifest finds the list that Azure Linux leaves in images from which it removed rpm and its database.
func isRPMManifest(p string) bool {
	return strings.HasSuffix(path.Dir(p), "/rpmmanifest")
}

// readRPMManifest reads a line per package, of fields divided by tabs: name, version-release, times of installation and
// build, vendor, epoch, size, architecture, epoch as a number, source package.
func readRPMManifest(ctx context.Context, c *content, f *found) error {
	lines := newLineReader(c.reader())
	return lines.each(ctx, func(line string) {
		if line == "" {
			return
		}
		fields := strings.Split(line, "\t")
		if len(fields) != 10 || fields[0] == "" || fields[1] == "" {
			f.dropped++
			return
		}
		epoch := ""
		if digits(fields[8]) && strings.Trim(fields[8], "0") != "" {
			epoch = fields[8] + ":"
		}
		p := Component{Type: purl.TypeRPM, Name: fields[0], Version: epoch + fields[1], Architecture: fields[7]}
		if s := sourceRPM(fields[9]); s != nil {
			p.SourceName, p.SourceVersion = s[0], epoch+s[1]
		}
		f.add(p)
	})
}
