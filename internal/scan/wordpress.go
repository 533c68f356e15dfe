package scan

import (
	"context"
	"path"
	"strings"

	"github.com/google/osv-scalibr/purl"
)

// wordPressHeader is as much of a file as WordPress itself looks into for the header of a plugin or theme.
const wordPressHeader = 8 << 10

var (
	wordPressCore    = expression(`(?m)^\s*\$wp_version\s*=\s*['"]([^'"]+)['"]`)
	wordPressName    = expression(`(?mi)^[ \t/*#@]*(?:Plugin|Theme) Name:(.*)$`)
	wordPressVersion = expression(`(?mi)^[ \t/*#@]*Version:(.*)$`)
)

func isWordPressExtension(p string) bool {
	dir := path.Dir(p)
	parent := path.Dir(dir)
	return strings.HasSuffix(p, ".php") && strings.HasSuffix(parent, "wp-content/plugins") ||
		path.Base(p) == "style.css" && strings.HasSuffix(parent, "wp-content/themes")
}

// readWordPressExtension takes a plugin or theme under the name of its folder, by which wordpress.org knows it.
func readWordPressExtension(_ context.Context, c *content, f *found) error {
	b, err := c.start(wordPressHeader)
	if err != nil {
		return err
	}
	version := wordPressVersion().FindSubmatch(b)
	if !wordPressName().Match(b) || version == nil {
		return nil
	}
	kind := typeWordPressPlugin
	if strings.HasSuffix(c.path, ".css") {
		kind = typeWordPressTheme
	}
	f.add(Component{Type: kind, Name: path.Base(path.Dir(c.path)), Version: strings.Trim(string(version[1]), " \t\r*/")})
	return nil
}

func readWordPress(_ context.Context, c *content, f *found) error {
	b, err := c.start(wordPressHeader)
	if err != nil {
		return err
	}
	if m := wordPressCore().FindSubmatch(b); m != nil {
		f.add(Component{Type: purl.TypeGeneric, Name: "wordpress", Version: string(m[1])})
	}
	return nil
}
