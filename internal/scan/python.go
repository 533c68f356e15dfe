package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/google/osv-scalibr/purl"
)

// isPythonMetadata finds what pip, setuptools and distutils leave beside an installed distribution. Wheels are not
// installed and not looked into.
func isPythonMetadata(p string) bool {
	dir, base := path.Base(path.Dir(p)), path.Base(p)
	switch base {
	case "METADATA":
		return strings.HasSuffix(dir, ".dist-info")
	case "PKG-INFO":
		return strings.HasSuffix(dir, ".egg-info") || dir == "EGG-INFO"
	}
	return strings.HasSuffix(base, ".egg-info") && len(base) > len(".egg-info")
}

var pythonSeparators = expression(`[-_.]+`)

// readPythonMetadata reads the header of core metadata. Names are normalised as PyPI and its advisories spell them.
func readPythonMetadata(_ context.Context, c *content, f *found) error {
	return pythonMetadata(c.reader(), "", f)
}

func pythonMetadata(r io.Reader, inside string, f *found) error {
	lines := newLineReader(r)
	p := Component{Type: purl.TypePyPi, Location: inside}
	var expression, license string
	var classifiers []string
	for {
		line, err := lines.next()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if err != nil || line == "" {
			break // what follows is the description
		}
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(key) {
		case "name":
			if p.Name != "" {
				continue // the first counts, as for pip
			}
			p.Name = strings.ToLower(pythonSeparators().ReplaceAllString(value, "-"))
		case "version":
			p.Version = cmp.Or(p.Version, value)
		case "license-expression":
			expression = value
		case "license":
			license = value
		case "classifier":
			if path := strings.Split(value, " :: "); path[0] == "License" && len(path) > 2 && len(classifiers) < maxLicenses {
				classifiers = append(classifiers, path[len(path)-1])
			}
		}
	}
	switch {
	case expression != "":
		p.Licenses = licenses(expression)
	case len(classifiers) > 0:
		p.Licenses = licenses(classifiers...)
	case license != "UNKNOWN":
		p.Licenses = licenses(license)
	}
	if p.Version != "" {
		f.add(p)
	}
	return nil
}

// readEgg looks into a zipped egg, which Python imports as it is.
func readEgg(ctx context.Context, c *content, f *found) error {
	z, err := openZip(c, c.size)
	if err != nil {
		return err
	}
	for _, entry := range z.File {
		if entry.Name != "EGG-INFO/PKG-INFO" {
			continue
		}
		r, err := entry.Open()
		if err != nil {
			return fmt.Errorf("%s: %w", entry.Name, err)
		}
		defer r.Close()
		return pythonMetadata(io.LimitReader(r, maxManifest), "!/"+entry.Name, f)
	}
	return ctx.Err()
}
