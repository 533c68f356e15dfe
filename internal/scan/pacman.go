package scan

import (
	"context"
	"errors"
	"io"
	"strings"
)

func isPacmanDesc(p string) bool { return strings.Contains(p, "lib/pacman/local/") }

// readPacman reads the description of one package of Arch Linux: a name between percent signs, and a line per value.
func readPacman(ctx context.Context, c *content, f *found) error {
	lines := newLineReader(c.reader())
	p := Component{Type: typeAlpm}
	section := ""
	for ctx.Err() == nil {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			if p.Version != "" {
				f.add(p)
			}
			return nil
		}
		if err != nil {
			return err
		}
		if strings.HasPrefix(line, "%") {
			section = line
			continue
		}
		if line == "" {
			continue
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
	}
	return ctx.Err()
}
