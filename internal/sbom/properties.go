package sbom

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/scan"
)

// A property is a name and a value that every format has a place for.
type property struct{ Name, Value string }

const (
	locationProperty      = "landwaiter:location"
	ecosystemProperty     = "landwaiter:ecosystem"
	moduleProperty        = "landwaiter:rpm:module"
	layerProperty         = "landwaiter:layer:digest"
	layerIndexProperty    = "landwaiter:layer:index"
	lineProperty          = "landwaiter:dockerfile:line"
	instructionProperty   = "landwaiter:dockerfile:instruction"
	sourceNameProperty    = "landwaiter:source:name"
	sourceVersionProperty = "landwaiter:source:version"

	referenceProperty = "landwaiter:image:reference"
	digestProperty    = "landwaiter:image:digest"
	manifestProperty  = "landwaiter:image:manifest"
	platformProperty  = "landwaiter:image:platform"
	codenameProperty  = "landwaiter:os:codename"
	gapProperty       = "landwaiter:scan:gap"
)

// properties are what no format has a field for.
func (c *Component) properties() []property {
	list := []property{
		{locationProperty, c.Location}, {ecosystemProperty, c.Ecosystem}, {sourceNameProperty, c.SourceName},
		{sourceVersionProperty, c.SourceVersion}, {moduleProperty, c.Module}, {layerProperty, string(c.Layer)},
	}
	if c.Layer != "" {
		list = append(list, property{layerIndexProperty, strconv.Itoa(c.LayerIndex)})
	}
	if c.Line > 0 {
		list = append(list, property{lineProperty, strconv.Itoa(c.Line)}, property{instructionProperty, c.Instruction})
	}
	return present(list)
}

func (i Image) properties() []property {
	return present([]property{
		{referenceProperty, i.Reference}, {digestProperty, string(i.Digest)}, {manifestProperty, string(i.ManifestDigest)},
		{platformProperty, i.Platform},
	})
}

func present(list []property) []property {
	var with []property
	for _, p := range list {
		if p.Value != "" {
			with = append(with, p)
		}
	}
	return with
}

// foreignProperties are names of Syft and Trivy for what ours say.
var foreignProperties = map[string]string{
	"syft:location:0:path":               locationProperty,
	"aquasecurity:trivy:FilePath":        locationProperty,
	"aquasecurity:trivy:LayerDigest":     layerProperty,
	"aquasecurity:trivy:Modularitylabel": moduleProperty,
	"aquasecurity:trivy:SrcName":         sourceNameProperty,
	"aquasecurity:trivy:SrcVersion":      sourceVersionProperty,
}

// set takes the properties that describe a package.
func (c *Component) set(list []property) {
	epoch, release := "", ""
	for _, p := range list {
		switch name := cmp.Or(foreignProperties[p.Name], p.Name); name {
		case locationProperty:
			c.Location = p.Value
		case ecosystemProperty:
			c.Ecosystem = p.Value
		case layerProperty:
			if d, err := image.ParseDigest(p.Value); err == nil {
				c.Layer = d
			}
		case layerIndexProperty:
			c.LayerIndex = number(p.Value)
		case lineProperty:
			c.Line = number(p.Value)
		case instructionProperty:
			c.Instruction = p.Value
		case moduleProperty:
			c.Module = p.Value
		case sourceNameProperty:
			c.SourceName = p.Value
		case sourceVersionProperty:
			c.SourceVersion = p.Value
		case "aquasecurity:trivy:SrcEpoch":
			epoch = p.Value + ":"
		case "aquasecurity:trivy:SrcRelease":
			release = "-" + p.Value
		}
	}
	if c.SourceVersion != "" {
		c.SourceVersion = epoch + c.SourceVersion + release
	}
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return max(0, n)
}

// imageOf is the image that a document calls its root.
func imageOf(name, version, purl string, list []property) Image {
	i := Image{Reference: name, ManifestDigest: digestIn(version, purl)}
	for _, p := range list {
		switch p.Name {
		case referenceProperty:
			i.Reference = p.Value
		case digestProperty:
			i.Digest = image.Digest(p.Value)
		case manifestProperty:
			i.ManifestDigest = image.Digest(p.Value)
		case platformProperty:
			i.Platform = p.Value
		}
	}
	return i
}

// systemOf is the operating system that a document lists beside the packages.
func systemOf(id, version, name string, list []property) *scan.OS {
	system := &scan.OS{ID: id, VersionID: version, Name: cmp.Or(name, strings.TrimSpace(id+" "+version))}
	for _, p := range list {
		if p.Name == codenameProperty {
			system.Codename = p.Value
		}
	}
	return system
}

// incomplete begins what SPDX's documents say about their gaps, one a line.
const incomplete = "This document is incomplete: components may be missing."

func (d *Document) gapsText() string { return incomplete + "\n" + strings.Join(d.Gaps, "\n") }

func gapsIn(comment string) []string {
	gaps, ok := strings.CutPrefix(comment, incomplete)
	if !ok {
		return nil
	}
	return strings.Split(strings.TrimPrefix(gaps, "\n"), "\n")
}
