package scan

import (
	"strings"
)

const (
	maxName     = 512
	maxLicenses = 16
	perRecord   = 100 // bytes that keeping a path or a component costs beside its text
)

// found collects what a reader finds in one file. It belongs to one goroutine.
type found struct {
	components  []Component
	seen        map[componentKey]bool
	owned       []uint64
	official    []string // dpkg packages that the distribution itself maintains
	os          *osRelease
	document    *Document              // without its place
	licenses    []string               // of the package whose file this is
	room        int                    // components that may still be added
	take        func(bytes int) bool   // nil: there is room for any text
	mayDescribe func(path string) bool // which paths can hold packages of a language; nil: all
	dropped     int                    // components beyond that, or with impossible names
}

// A componentKey tells packages of one file apart.
type componentKey struct{ kind, name, version, arch, inside string }

func (c *Component) key() componentKey {
	return componentKey{c.Type, c.Name, c.Version, c.Architecture, c.Location}
}

// add takes a component unless the file already gave the same one.
func (f *found) add(c Component) {
	c.Name, c.Version, c.Location = printable(c.Name), printable(c.Version), printable(c.Location)
	c.PURL = printable(c.PURL)
	c.SourceName, c.SourceVersion, c.Architecture, c.Module = printable(c.SourceName), printable(c.SourceVersion), printable(c.Architecture), printable(c.Module)
	if c.Name == "" {
		return
	}
	if f.room <= 0 || len(c.Name) > maxName || len(c.Version) > maxName || len(c.SourceName) > maxName ||
		len(c.SourceVersion) > maxName || len(c.Architecture) > maxName || len(c.Module) > maxName || len(c.PURL) > 4*maxName {
		f.dropped++
		return
	}
	k := c.key()
	if f.seen[k] {
		return
	}
	if f.seen == nil {
		f.seen = map[componentKey]bool{}
	}
	cost := perRecord + len(c.Name) + len(c.Version) + len(c.SourceName) + len(c.SourceVersion) + len(c.Architecture) + len(c.Module) + len(c.PURL) + len(c.Location)
	for _, l := range c.Licenses {
		cost += len(l)
	}
	if f.take != nil && !f.take(cost) {
		f.dropped++
		return
	}
	f.seen[k] = true
	f.room--
	if c.SourceName == c.Name {
		c.SourceName = ""
	}
	if c.SourceVersion == c.Version {
		c.SourceVersion = ""
	}
	f.components = append(f.components, c)
}

// maxOwned bounds what one package database may claim.
const maxOwned = 1 << 20

// own remembers a path that the operating system's package manager installed, if a language's package could lie there.
func (f *found) own(path string) {
	path = strings.TrimPrefix(path, "/")
	if f.mayDescribe != nil && !f.mayDescribe(path) {
		return
	}
	names := []string{path}
	if top, _, ok := strings.Cut(path, "/"); ok && (top == "bin" || top == "sbin" || strings.HasPrefix(top, "lib")) {
		names = append(names, "usr/"+path) // packages made before /bin and /lib became links to /usr say the old name
	}
	for _, name := range names {
		if len(f.owned) < maxOwned && (f.take == nil || f.take(8)) {
			f.owned = append(f.owned, pathHash(name))
		}
	}
}

// licenses makes a list of what a manifest says; "" and absurdly long texts are left out.
func licenses(texts ...string) []string {
	var list []string
	for _, t := range texts {
		t = strings.TrimSpace(printable(t))
		if t != "" && len(t) <= 200 && len(list) < maxLicenses {
			list = append(list, t)
		}
	}
	return list
}
