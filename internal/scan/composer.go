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
	b, err := io.ReadAll(io.LimitReader(c.reader(), maxManifest))
	if err != nil {
		return err
	}
	var list []json.RawMessage
	var object struct{ Packages []json.RawMessage }
	if json.Unmarshal(b, &list) != nil {
		if err := json.Unmarshal(b, &object); err != nil {
			return fmt.Errorf("installed.json: %w", err)
		}
		list = object.Packages
	}
	for _, raw := range list {
		var p map[string]json.RawMessage
		if json.Unmarshal(raw, &p) != nil {
			f.dropped++
			continue
		}
		name, version := text(p["name"]), strings.TrimPrefix(text(p["version"]), "v")
		if name != "" && version != "" {
			f.add(Component{Type: purl.TypeComposer, Name: name, Version: version, Licenses: licenses(licenseTexts(p["license"])...)})
		}
	}
	return nil
}
