package scan

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/google/osv-scalibr/purl"
)

func isComposerInstalled(p string) bool {
	return p == "composer/installed.json" || strings.HasSuffix(p, "/composer/installed.json")
}

// readComposer reads what PHP's Composer installed: a list, or since version 2 an object that holds it.
func readComposer(_ context.Context, c *content, f *found) error {
	err := elements(io.LimitReader(c.reader(), maxManifest), "packages", func(raw json.RawMessage) bool {
		p := object(raw)
		if p == nil {
			f.dropped++
			return true
		}
		name, version := text(p["name"]), strings.TrimPrefix(text(p["version"]), "v")
		if name != "" && version != "" {
			f.add(Component{Type: purl.TypeComposer, Name: name, Version: version, Licenses: licenses(licenseTexts(p["license"])...)})
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("installed.json: %w", err)
	}
	return nil
}
