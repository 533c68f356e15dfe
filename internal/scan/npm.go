package scan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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

const (
	maxManifest = 16 << 20 // of manifests that are read whole
	maxValue    = 64 << 10 // of a member that is taken apart; decoding multiplies its size
)

// readPackageJSON takes what it needs and lets nothing else, however odd, get in its way. Manifests without a name and a
// version, which package.json files inside a package often are, describe no package; nor does what is no JSON, which
// Node.js refuses too.
func readPackageJSON(_ context.Context, c *content, f *found) error {
	name, version, texts, err := packageJSON(io.LimitReader(c.reader(), maxManifest))
	if name == "" || version == "" {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		return err
	}
	f.add(Component{Type: purl.TypeNPM, Name: name, Version: version, Licenses: licenses(texts...)})
	return nil
}

func packageJSON(r io.Reader) (name, version string, licenses []string, err error) {
	start := make([]byte, 3)
	n, _ := io.ReadFull(r, start)
	rest := io.MultiReader(bytes.NewReader(bytes.TrimPrefix(start[:n], []byte("\xef\xbb\xbf"))), r)
	d := json.NewDecoder(rest)
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return "", "", nil, err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return name, version, licenses, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return name, version, licenses, err
		}
		switch key {
		case "name":
			name = strings.TrimSpace(text(value))
		case "version":
			version = strings.TrimPrefix(strings.TrimSpace(text(value)), "v")
		case "license", "licenses":
			if len(value) <= maxValue {
				licenses = append(licenses, licenseTexts(value)...)
			}
		case "engines":
			// An editor's extension is published elsewhere; npm's advisories about its name mean something else.
			var engines map[string]json.RawMessage
			if len(value) <= maxValue && json.Unmarshal(value, &engines) == nil && engines["vscode"] != nil {
				return "", "", nil, nil
			}
		}
	}
	return name, version, licenses, nil
}

// text is a JSON string, or a number as it is written, or "".
func text(value json.RawMessage) string {
	var s string
	var n json.Number
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	if json.Unmarshal(value, &n) == nil {
		return n.String()
	}
	return ""
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
