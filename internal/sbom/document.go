// Package sbom writes what is known of an image as a software bill of materials, and reads such documents back: CycloneDX,
// SPDX 2 and SPDX 3, and, to read only, Landwaiter's own assessments. It asks nobody and decides nothing.
package sbom

import (
	"cmp"
	"encoding/json"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/scan"
)

// A Format is one kind of document.
type Format string

const (
	CycloneDX  Format = "cyclonedx"
	SPDX       Format = "spdx"  // 2.x
	SPDX3      Format = "spdx3" // 3.x
	Landwaiter Format = "json"  // an assessment; it is written elsewhere
)

// formats are those that can be written.
var formats = []struct {
	Format
	mediaType, extension string
}{
	{CycloneDX, "application/vnd.cyclonedx+json; version=1.6", ".cdx.json"},
	{SPDX, "application/spdx+json", ".spdx.json"},
	{SPDX3, "application/ld+json", ".spdx3.json"},
}

// Formats lists what Write can write.
func Formats() []Format {
	list := make([]Format, len(formats))
	for i, f := range formats {
		list[i] = f.Format
	}
	return list
}

// ParseFormat accepts what Write can write.
func ParseFormat(s string) (Format, error) {
	if f := Format(s); slices.Contains(Formats(), f) {
		return f, nil
	}
	return "", fault.New(fault.Invalid, "read format", "%q is not one of cyclonedx, spdx, spdx3", s)
}

// MediaType is the Content-Type of a document that Write wrote.
func (f Format) MediaType() string {
	for _, k := range formats {
		if k.Format == f {
			return k.mediaType
		}
	}
	return "application/json"
}

// FileName is a name for the document of an image.
func (f Format) FileName(reference string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '-'
	}, reference)
	for _, k := range formats {
		if k.Format == f {
			return name + k.extension
		}
	}
	return name + ".json"
}

// A Document says what is in one image.
type Document struct {
	Format      Format
	SpecVersion string       // as the document writes it
	Digest      image.Digest // of the bytes that were read; "" for one that is to be written
	Name        string       // of what it describes
	Created     time.Time    // zero when it does not say
	Tool        string       // name and version of what made it
	Image       Image
	Facts       *image.Facts // of an assessment only
	OS          *scan.OS
	Components  []Component
	// Gaps say why components may be missing. There are none when nothing is known to be missing.
	Gaps []string
	// Notes are about what could not be understood of components that are listed.
	Notes []string
	more  int // notes beyond the bound
}

// Image is the image that the components are in. Of a document about something else it is empty.
type Image struct {
	Reference      string
	Digest         image.Digest // what the reference resolved to
	ManifestDigest image.Digest // the platform's manifest
	Platform       string
}

// A Component is one package with the Dockerfile line that brought it.
type Component struct {
	scan.Component
	Line        int    // 0 when unknown
	Instruction string // the line's text
}

// id is the same for the same content.
func (d *Document) id() (uuid.UUID, error) {
	content, err := json.Marshal(d)
	return uuid.NewSHA1(uuid.NameSpaceURL, content), err
}

func (d *Document) created() string { return d.Created.UTC().Format("2006-01-02T15:04:05Z") }

// tool splits Tool into name and version.
func (d *Document) tool() (name, version string) {
	name, version, _ = strings.Cut(d.Tool, " ")
	return name, version
}

// purl is the package URL of the image: pkg:oci, whose version is the digest of the platform's manifest.
func (i Image) purl() string {
	ref, err := image.ParseReference(i.Reference)
	if err != nil || i.ManifestDigest == "" {
		return ""
	}
	q := url.Values{"repository_url": {ref.Name()}}
	if _, arch, ok := strings.Cut(i.Platform, "/"); ok {
		q.Set("arch", arch)
	}
	if ref.Tag != "" {
		q.Set("tag", ref.Tag)
	}
	return "pkg:oci/" + path.Base(ref.Repository) + "@" + url.QueryEscape(string(i.ManifestDigest)) + "?" + q.Encode()
}

// A source is the source package of components, which SPDX describes as a package of its own.
type source struct{ name, version string }

// source is the zero source where a component is its own.
func (c *Component) source() source {
	if c.SourceName == "" && c.SourceVersion == "" {
		return source{}
	}
	return source{cmp.Or(c.SourceName, c.Name), cmp.Or(c.SourceVersion, c.Version)}
}

// sort orders components as scans do.
func (d *Document) sort() {
	slices.SortStableFunc(d.Components, func(a, b Component) int {
		return cmp.Or(
			cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version),
			cmp.Compare(a.Location, b.Location), cmp.Compare(a.Architecture, b.Architecture), cmp.Compare(a.PURL, b.PURL),
		)
	})
	d.Components = slices.CompactFunc(d.Components, func(a, b Component) bool {
		return a.Type == b.Type && a.Name == b.Name && a.Version == b.Version && a.Location == b.Location &&
			a.Architecture == b.Architecture && a.PURL == b.PURL
	})
}

// Kind is the format with its version, for people.
func (d *Document) Kind() string {
	name := map[Format]string{CycloneDX: "CycloneDX", SPDX: "SPDX", SPDX3: "SPDX", Landwaiter: "assessment"}[d.Format]
	return strings.TrimSpace(name + " " + d.SpecVersion)
}
