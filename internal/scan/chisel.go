package scan

import (
	"context"
	"encoding/json"
	"io"

	"github.com/google/osv-scalibr/purl"
	"github.com/klauspost/compress/zstd"
)

// maxChisel bounds what a manifest unpacks to. That of a whole Ubuntu would have some 100 MB.
const maxChisel = 256 << 20

// readChisel reads the manifest of an Ubuntu image cut by chisel, which has no dpkg database: a JSON object per line for
// each package and each path.
func readChisel(ctx context.Context, c *content, f *found) error {
	z, err := zstd.NewReader(c.reader(), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return err
	}
	defer z.Close()
	lines := newLineReader(io.LimitReader(z, maxChisel))
	return lines.each(ctx, func(line string) {
		var entry struct{ Kind, Name, Version, Arch, Path string }
		if json.Unmarshal([]byte(line), &entry) != nil {
			f.dropped++
			return
		}
		switch entry.Kind {
		case "package":
			f.add(Component{Type: purl.TypeDebian, Name: entry.Name, Version: entry.Version, Architecture: entry.Arch})
		case "path":
			f.own(entry.Path)
		}
	})
}
