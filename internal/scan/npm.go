package scan

import (
	"context"
	"encoding/json"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/google/osv-scalibr/purl"
)

// isPackageJSON finds the manifests of Node.js packages. What lies in a dependency's test and example folders is not
// installed.
func isPackageJSON(p string) bool {
	_, inside, ok := strings.Cut(p, "node_modules/")
	if !ok {
		return true
	}
	if i := strings.LastIndex(inside, "node_modules/"); i >= 0 {
		inside = inside[i:]
	}
	return !slices.ContainsFunc(strings.Split(path.Dir(inside), "/")[1:], func(dir string) bool {
		switch dir {
		case "test", "tests", "__tests__", "fixture", "fixtures", "__fixtures__", "example", "examples":
			return true
		}
		return false
	})
}

// readPackageJSON takes what it needs and lets nothing else, however odd, get in its way. Manifests without a name and a
// version, which package.json files inside a package often are, describe no package; nor does what is no JSON, which
// Node.js refuses too.
func readPackageJSON(_ context.Context, c *content, f *found) error {
	p, err := packageJSON(io.LimitReader(c.reader(), maxManifest))
	if p.Name == "" || p.Version == "" {
		if notJSON(err) {
			return nil
		}
		return err
	}
	f.add(p)
	return nil
}

func packageJSON(r io.Reader) (Component, error) {
	p := Component{Type: purl.TypeNPM}
	var texts []string
	publisher, other := "", false
	err := members(r, func(name string, value json.RawMessage) bool {
		switch name {
		case "name":
			p.Name = strings.TrimSpace(text(value))
		case "version":
			p.Version = strings.TrimPrefix(strings.TrimSpace(text(value)), "v")
		case "publisher":
			publisher = text(value)
		case "license", "licenses":
			if len(value) <= maxValue {
				texts = append(texts, licenseTexts(value)...)
			}
		case "engines":
			// An editor's extension is published elsewhere; npm's advisories about its name mean something else.
			var engines map[string]json.RawMessage
			if len(value) <= maxValue && json.Unmarshal(value, &engines) == nil && engines["vscode"] != nil {
				p.Type = typeVSCodeExtension
			}
		case "contributes":
			p.Type = typeVSCodeExtension
		case "unity":
			other = true
		}
		return true
	})
	if other || p.Type == typeVSCodeExtension && publisher == "" {
		return Component{}, nil
	}
	if p.Type == typeVSCodeExtension {
		p.Name = publisher + "." + p.Name
	}
	p.Licenses = licenses(texts...)
	return p, err
}

// licenseTexts reads the shapes a license has had: a string, {"type": ...}, and lists of either.
func licenseTexts(value json.RawMessage) []string {
	if s := text(value); s != "" {
		return []string{s}
	}
	var object struct{ Type, Name string }
	if json.Unmarshal(value, &object) == nil {
		return []string{object.Type + object.Name}
	}
	var list []json.RawMessage
	var texts []string
	if json.Unmarshal(value, &list) == nil {
		for _, v := range list[:min(len(list), maxLicenses)] {
			if len(v) > 0 && v[0] != '[' {
				texts = append(texts, licenseTexts(v)...)
			}
		}
	}
	return texts
}
