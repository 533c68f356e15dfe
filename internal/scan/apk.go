package scan

import (
	"context"
	"strings"

	"github.com/google/osv-scalibr/purl"
)

func isApkDatabase(p string) bool { return strings.HasSuffix(p, "lib/apk/db/installed") }

// readApk reads the database of Alpine's package manager: one letter, a colon and a value per line, an empty line after
// each package.
func readApk(ctx context.Context, c *content, f *found) error {
	lines := newLineReader(c.reader())
	var p Component
	flush := func() {
		if p.Name != "" && p.Version != "" {
			p.Type = purl.TypeApk
			f.add(p)
		}
		p = Component{}
	}
	dir := ""
	err := lines.each(ctx, func(line string) {
		if line == "" {
			flush()
			return
		}
		key, value, _ := strings.Cut(line, ":")
		switch key {
		case "P":
			p.Name = value
		case "V":
			p.Version = value
		case "A":
			p.Architecture = value
		case "L":
			p.Licenses = licenses(value)
		case "o":
			p.SourceName = value
		case "F":
			dir = value
		case "R":
			f.own(dir + "/" + value)
		}
	})
	if err == nil {
		flush()
	}
	return err
}
