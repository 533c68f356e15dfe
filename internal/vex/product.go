package vex

import (
	"slices"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/landwaiter/landwaiter/internal/image"
)

// A product is what a statement is about: an image or a component. With parts, it is about those in the product only.
type product struct {
	target
	parts []target
}

// about adds a product to the statement, and those of its parts that can be matched. Where none can, it is left out: a statement
// about parts must not become one about the whole.
func (s *Statement) about(whole target, parts ...target) {
	usable := slices.DeleteFunc(slices.Clone(parts), func(t target) bool { return len(t.purls) == 0 })
	if whole.usable() && (len(parts) == 0 || len(usable) > 0) {
		s.products = append(s.products, product{whole, usable})
	}
}

// A target is what one thing is called; any of the names will do, but where there are digests, an image has to have one of them.
type target struct {
	purls      []packageurl.PackageURL
	references []image.Reference
	digests    []image.Digest
}

func (t target) usable() bool { return len(t.purls)+len(t.references)+len(t.digests) > 0 }

// name adds a package URL, a digest or an image reference; other names are of no use.
func (t *target) name(text string) {
	switch {
	case text == "" || len(text) > 4000:
	case strings.HasPrefix(text, "pkg:"):
		if p, err := packageurl.FromString(text); err == nil && !vague(p) {
			t.purls = append(t.purls, p)
		}
	case strings.HasPrefix(text, "sha256:"):
		if d, err := image.ParseDigest(text); err == nil {
			t.digests = append(t.digests, d)
		}
	case !strings.Contains(text, "://") && !strings.HasPrefix(text, "urn:"):
		if r, err := image.ParseReference(text); err == nil {
			t.references = append(t.references, r)
		}
	}
}

func (t *target) hash(algorithm, value string) {
	if a := strings.ToLower(strings.ReplaceAll(algorithm, "-", "")); a == "sha256" {
		t.name("sha256:" + strings.ToLower(value))
	}
}

// vague reports whether an image's package URL fits images of any registry: of type oci it holds but the last part of the name.
func vague(p packageurl.PackageURL) bool {
	return p.Type == "oci" && p.Version == "" && p.Qualifiers.Map()["repository_url"] == ""
}

// An Image is what statements are compared with.
type Image struct {
	Reference    image.Reference
	Digests      []image.Digest // of the index and of the platform's manifest
	Architecture string
	Components   []Component
}

// A Component of an image.
type Component struct {
	PURL       string
	SourceName string // of the package that it was built from, if that has another name
	SourceVersion,
	Location string
}

// isImage reports whether the target names the image.
func (t target) isImage(i *Image) bool {
	if len(t.digests) > 0 {
		return slices.ContainsFunc(t.digests, i.has)
	}
	return slices.ContainsFunc(t.references, i.isAt) || slices.ContainsFunc(t.purls, i.isPURL)
}

func (i *Image) has(d image.Digest) bool { return slices.Contains(i.Digests, d) }

func (i *Image) isAt(r image.Reference) bool {
	if r.Name() != i.Reference.Name() {
		return false
	}
	if r.Digest != "" {
		return i.has(r.Digest)
	}
	return r.Tag == i.Reference.Tag
}

func (i *Image) isPURL(p packageurl.PackageURL) bool {
	q := p.Qualifiers.Map()
	repository := i.Reference.Repository[strings.LastIndexByte(i.Reference.Repository, '/')+1:]
	switch p.Type {
	case "oci":
		if !strings.EqualFold(p.Name, repository) || p.Version != "" && !i.has(image.Digest(p.Version)) {
			return false
		}
		if at := q["repository_url"]; at != "" && !i.isIn(at) && !i.isIn(at+"/"+p.Name) {
			return false
		}
		return (q["tag"] == "" || q["tag"] == i.Reference.Tag) && (q["arch"] == "" || q["arch"] == i.Architecture)
	case "docker":
		name := strings.TrimPrefix(p.Namespace+"/"+p.Name, "/")
		if host := q["repository_url"]; host != "" {
			name = strings.TrimSuffix(host, "/") + "/" + name
		}
		return i.isIn(name) && (p.Version == "" || p.Version == i.Reference.Tag || i.has(image.Digest(p.Version)))
	}
	return false
}

// isIn compares names without tag and digest.
func (i *Image) isIn(name string) bool {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "https://"), "oci://")
	r, err := image.ParseReference(strings.TrimSuffix(name, "/"))
	return err == nil && r.Name() == i.Reference.Name()
}

// A package URL of a component, and of the source package that it was built from.
type packages struct{ binary, source packageurl.PackageURL }

func packagesOf(c Component) (packages, bool) {
	p, err := packageurl.FromString(c.PURL)
	if err != nil {
		return packages{}, false
	}
	s := p
	if c.SourceName != "" {
		s.Name = c.SourceName
	}
	if c.SourceVersion != "" {
		s.Version = c.SourceVersion
	}
	return packages{p, s}, true
}

// isComponent reports whether the target names the component.
func (t target) isComponent(p packages) bool {
	return slices.ContainsFunc(t.purls, func(named packageurl.PackageURL) bool {
		if isSource(named) {
			return covers(named, p.source)
		}
		return covers(named, p.binary)
	})
}

// isSource reports whether a package URL names a distribution's source package.
func isSource(p packageurl.PackageURL) bool {
	arch := p.Qualifiers.Map()["arch"]
	return arch == "source" || arch == "src"
}

// covers reports whether a package URL names a package: what it does not say may be anything.
func covers(named, p packageurl.PackageURL) bool {
	if keyOf(named) != keyOf(p) || named.Version != "" && named.Version != p.Version || named.Subpath != "" && named.Subpath != p.Subpath {
		return false
	}
	has := p.Qualifiers.Map()
	for _, q := range named.Qualifiers {
		if q.Key == "arch" && isSource(named) {
			continue
		}
		if has[q.Key] != q.Value {
			return false
		}
	}
	return true
}

func keyOf(p packageurl.PackageURL) string { return p.Type + "/" + p.Namespace + "/" + p.Name }
