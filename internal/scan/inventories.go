package scan

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/google/osv-scalibr/purl"
)

// readCOS reads what Google's Container-Optimized OS says it has installed.
func readCOS(_ context.Context, c *content, f *found) error {
	return inventory(c, "installedPackages", f, func(p map[string]json.RawMessage) Component {
		return Component{Type: purl.TypeCOS, Name: text(p["name"]), Version: text(p["version"])}
	})
}

// readBottlerocket reads the inventory of Bottlerocket, which is made of RPM packages and keeps no database of them.
func readBottlerocket(_ context.Context, c *content, f *found) error {
	return inventory(c, "Content", f, func(p map[string]json.RawMessage) Component {
		version := text(p["Version"]) + "-" + text(p["Release"])
		if epoch := text(p["Epoch"]); epoch != "" && epoch != "0" {
			version = epoch + ":" + version
		}
		return Component{Type: purl.TypeRPM, Name: text(p["Name"]), Version: version, Architecture: text(p["Architecture"])}
	})
}

func inventory(c *content, member string, f *found, component func(map[string]json.RawMessage) Component) error {
	err := elements(io.LimitReader(c.reader(), maxManifest), member, func(raw json.RawMessage) bool {
		if p := object(raw); p != nil {
			f.add(component(p))
		} else {
			f.dropped++
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("inventory: %w", err)
	}
	return nil
}
