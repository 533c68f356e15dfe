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

// readComposer reads what PHP's Composer installed: a list, or since version 2 an object that holds it. Packages are decoded
// one at a time.
func readComposer(_ context.Context, c *content, f *found) error {
	d := json.NewDecoder(io.LimitReader(c.reader(), maxManifest))
	start, err := d.Token()
	if err == nil && start == json.Delim('{') {
		start, err = enterMember(d, "packages")
	}
	if err != nil {
		return fmt.Errorf("installed.json: %w", err)
	}
	if start != json.Delim('[') {
		return nil
	}
	for d.More() {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return fmt.Errorf("installed.json: %w", err)
		}
		var p map[string]json.RawMessage
		if raw[0] != '{' || len(raw) > maxPackage || json.Unmarshal(raw, &p) != nil {
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

// maxPackage bounds one package's entry of a list.
const maxPackage = 1 << 20

// enterMember reads an object up to the first token of a member's value; nil when there is no such member.
func enterMember(d *json.Decoder, name string) (json.Token, error) {
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		if key == name {
			return d.Token()
		}
		var skipped json.RawMessage
		if err := d.Decode(&skipped); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
