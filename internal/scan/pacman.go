package scan

import (
	"context"
	"strings"
)

func isPacmanDesc(p string) bool { return strings.Contains(p, "lib/pacman/local/") }

// readPacman reads the description of one package of Arch Linux: a name between percent signs, and a line per value.
func readPacman(ctx context.Context, c *content, f *found) error {
	lines := newLineReader(c.reader())
	p := Component{Type: typeAlpm}
	section := ""
	err := lines.each(ctx, func(line string) {
		if strings.HasPrefix(line, "%") {
			section = line
			return
		}
		if line == "" {
			return
		}
		switch section {
		case "%NAME%":
			p.Name = line
		case "%VERSION%":
			p.Version = line
		case "%BASE%":
			p.SourceName = line
		case "%ARCH%":
			p.Architecture = line
		case "%LICENSE%":
			p.Licenses = append(p.Licenses, licenses(line)...)
			p.Licenses = p.Licenses[:min(len(p.Licenses), maxLicenses)]
		}
	})
	if err == nil && p.Version != "" {
		f.add(p)
	}
	return err
}
