package sbom

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/scan"
)

func (d *Document) cycloneDX() (*cdx.BOM, error) {
	id, err := d.id()
	if err != nil {
		return nil, err
	}
	tool, version := d.tool()
	bom := &cdx.BOM{
		JSONSchema: "http://cyclonedx.org/schema/bom-1.6.schema.json", BOMFormat: cdx.BOMFormat, SpecVersion: cdx.SpecVersion1_6,
		SerialNumber: id.URN(), Version: 1,
		Metadata: &cdx.Metadata{
			Timestamp: d.created(),
			Tools:     &cdx.ToolsChoice{Components: &[]cdx.Component{{Type: cdx.ComponentTypeApplication, Name: tool, Version: version}}},
			Component: &cdx.Component{
				BOMRef: "image", Type: cdx.ComponentTypeContainer, Name: d.Name, Version: string(d.Image.ManifestDigest),
				PackageURL: d.Image.purl(), Properties: cdxProperties(d.Image.properties()),
			},
		},
	}
	components, refs := []cdx.Component{}, []string{}
	if d.OS != nil {
		refs = append(refs, "os")
		components = append(components, cdx.Component{
			BOMRef: "os", Type: cdx.ComponentTypeOS, Name: cmp.Or(d.OS.ID, "unknown"), Version: d.OS.VersionID, Description: d.OS.Name,
			Properties: cdxProperties(present([]property{{codenameProperty, d.OS.Codename}})),
		})
	}
	known := newLicenses()
	for i := range d.Components {
		c := cdxComponent(&d.Components[i], known)
		c.BOMRef = fmt.Sprintf("component-%d", i+1)
		components, refs = append(components, c), append(refs, c.BOMRef)
	}
	bom.Components = &components
	bom.Dependencies = &[]cdx.Dependency{{Ref: "image", Dependencies: &refs}}
	if len(d.Gaps) > 0 {
		bom.Compositions = &[]cdx.Composition{{Aggregate: cdx.CompositionAggregateIncomplete, Assemblies: &[]cdx.BOMReference{"image"}}}
		var gaps []property
		for _, g := range d.Gaps {
			gaps = append(gaps, property{gapProperty, g})
		}
		bom.Metadata.Properties = cdxProperties(gaps)
	}
	return bom, nil
}

func cdxComponent(c *Component, known *licenses) cdx.Component {
	out := cdx.Component{
		Type: cdx.ComponentTypeLibrary, Name: c.Name, Version: c.Version, PackageURL: c.PURL,
		Licenses: cdxLicenses(c.Licenses, known), Properties: cdxProperties(c.properties()),
	}
	if c.Location != "" {
		out.Evidence = &cdx.Evidence{Occurrences: &[]cdx.EvidenceOccurrence{{Location: c.Location}}}
	}
	return out
}

// cdxLicenses makes one expression, or a list of licences where there are several: they cannot be mixed.
func cdxLicenses(texts []string, known *licenses) *cdx.Licenses {
	if len(texts) == 0 {
		return nil
	}
	var list cdx.Licenses
	for _, t := range texts {
		l := known.of(t)
		switch {
		case l.id:
			list = append(list, cdx.LicenseChoice{License: &cdx.License{ID: l.expression}})
		case l.name == "" && len(texts) == 1:
			list = append(list, cdx.LicenseChoice{Expression: l.expression})
		default:
			list = append(list, cdx.LicenseChoice{License: &cdx.License{Name: t}})
		}
	}
	return &list
}

func cdxProperties(list []property) *[]cdx.Property {
	if len(list) == 0 {
		return nil
	}
	out := make([]cdx.Property, len(list))
	for i, p := range list {
		out[i] = cdx.Property(p)
	}
	return &out
}

func propertiesOf(list []cdx.Property) []property {
	var out []property
	for _, p := range list {
		out = append(out, property(p))
	}
	return out
}

func readCycloneDX(data []byte) (*Document, error) {
	var bom cdx.BOM
	switch err := decode(data, &bom); {
	case errors.Is(err, cdx.ErrInvalidSpecVersion):
		return nil, malformed("specVersion: it is no version from 1.0 to 1.7, which are those that can be read")
	case err != nil:
		return nil, err
	}
	d := &Document{Format: CycloneDX, SpecVersion: bom.SpecVersion.String()}
	components := of(bom.Components)
	if m := bom.Metadata; m != nil {
		d.Created, _ = time.Parse(time.RFC3339, m.Timestamp)
		d.Tool = cdxTool(m.Tools)
		for _, p := range of(m.Properties) {
			if p.Name == gapProperty {
				d.Gaps = append(d.Gaps, p.Value)
			}
		}
		if root := m.Component; root != nil {
			d.Name = root.Name
			if root.Type == cdx.ComponentTypeContainer {
				d.Image = imageOf(root.Name, root.Version, root.PackageURL, propertiesOf(of(root.Properties)))
			}
			components = slices.Concat([]cdx.Component{*root}, components)
		}
	}
	for _, c := range of(bom.Compositions) {
		if strings.HasPrefix(string(c.Aggregate), string(cdx.CompositionAggregateIncomplete)) && len(d.Gaps) == 0 {
			d.Gaps = []string{"the document calls itself incomplete"}
		}
	}
	d.OS = cdxSystem(components)
	return d, d.addCDX(components, 0)
}

func cdxSystem(list []cdx.Component) *scan.OS {
	for _, c := range list {
		if c.Type == cdx.ComponentTypeOS {
			return systemOf(c.Name, c.Version, c.Description, propertiesOf(of(c.Properties)))
		}
	}
	return nil
}

// addCDX adds the packages among components and those inside them.
func (d *Document) addCDX(list []cdx.Component, depth int) error {
	if depth > maxDepth {
		return malformed("components are nested more than %d deep", maxDepth)
	}
	for i := range list {
		c := &list[i]
		if isPackage(c) {
			found := Component{Component: scan.Component{Type: string(c.Type), Name: cdxName(c), Version: c.Version, PURL: c.PackageURL}}
			var properties []property
			for _, o := range of(of(c.Evidence).Occurrences) {
				properties = append(properties, property{locationProperty, o.Location})
			}
			properties = append(properties, propertiesOf(of(c.Properties))...)
			for _, l := range of(c.Licenses) {
				found.Licenses = append(found.Licenses, cmp.Or(l.Expression, of(l.License).ID, of(l.License).Name))
			}
			if err := d.add(found, properties); err != nil {
				return err
			}
		}
		if err := d.addCDX(of(c.Components), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// isPackage reports whether a component is something that advisories can be about. What has no package URL counts if it is
// called a library or the like; Trivy calls lock files applications.
func isPackage(c *cdx.Component) bool {
	if c.PackageURL != "" {
		return !isImagePURL(c.PackageURL) && c.Type != cdx.ComponentTypeOS
	}
	switch c.Type {
	case cdx.ComponentTypeLibrary, cdx.ComponentTypeFramework, cdx.ComponentTypePlatform, cdx.ComponentTypeFirmware:
		return true
	case cdx.ComponentTypeApplication:
		return c.Version != "" && !slices.ContainsFunc(of(c.Properties), func(p cdx.Property) bool { return p.Name == "aquasecurity:trivy:Class" })
	}
	return false
}

func cdxName(c *cdx.Component) string {
	switch {
	case c.Group == "":
		return c.Name
	case strings.HasPrefix(c.PackageURL, "pkg:maven/"):
		return c.Group + ":" + c.Name
	}
	return c.Group + "/" + c.Name
}

func cdxTool(tools *cdx.ToolsChoice) string {
	for _, t := range of(of(tools).Components) {
		return strings.TrimSpace(t.Name + " " + t.Version)
	}
	for _, t := range of(of(tools).Tools) {
		return strings.TrimSpace(t.Name + " " + t.Version)
	}
	return ""
}

// of is what p points to, or nothing.
func of[T any](p *T) (value T) {
	if p != nil {
		value = *p
	}
	return value
}

// digestIn is the first of the texts that is a digest or ends in one.
func digestIn(texts ...string) image.Digest {
	for _, t := range texts {
		t = strings.ReplaceAll(t, "%3A", ":")
		if i := strings.LastIndex(t, "sha256:"); i >= 0 && len(t) >= i+71 {
			if d, err := image.ParseDigest(t[i : i+71]); err == nil {
				return d
			}
		}
	}
	return ""
}
