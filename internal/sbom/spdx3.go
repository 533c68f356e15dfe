package sbom

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/scan"
)

// A graph is an SPDX 3 document, which is a list of elements that refer to each other.
type graph struct {
	Context string     `json:"@context"`
	Graph   []*element `json:"@graph"`
}

// An element holds the fields of every class that is written or read; each class has some of them.
type element struct {
	Type         string      `json:"type"`
	BlankID      string      `json:"@id,omitempty"`
	ID           ref         `json:"spdxId,omitempty"`
	CreationInfo ref         `json:"creationInfo,omitempty"`
	Name         string      `json:"name,omitempty"`
	Comment      string      `json:"comment,omitempty"`
	Description  string      `json:"description,omitempty"`
	Extension    []extension `json:"extension,omitempty"`
	Identifiers  []external  `json:"externalIdentifier,omitempty"`

	// CreationInfo
	SpecVersion  string `json:"specVersion,omitempty"`
	Created      string `json:"created,omitempty"`
	CreatedBy    []ref  `json:"createdBy,omitempty"`
	CreatedUsing []ref  `json:"createdUsing,omitempty"`

	// SpdxDocument, software_Sbom
	Profiles []string `json:"profileConformance,omitempty"`
	Roots    []ref    `json:"rootElement,omitempty"`
	Elements []ref    `json:"element,omitempty"`
	SBOMType []string `json:"software_sbomType,omitempty"`

	// software_Package
	Version string `json:"software_packageVersion,omitempty"`
	PURL    string `json:"software_packageUrl,omitempty"`
	Purpose string `json:"software_primaryPurpose,omitempty"`

	// Relationship
	From         ref    `json:"from,omitempty"`
	To           []ref  `json:"to,omitempty"`
	Relation     string `json:"relationshipType,omitempty"`
	Completeness string `json:"completeness,omitempty"`

	// simplelicensing_LicenseExpression, simplelicensing_SimpleLicensingText
	Expression  string       `json:"simplelicensing_licenseExpression,omitempty"`
	CustomIDs   []dictionary `json:"simplelicensing_customIdToUri,omitempty"`
	LicenseText string       `json:"simplelicensing_licenseText,omitempty"`
}

type external struct {
	Type       string `json:"type"`
	Kind       string `json:"externalIdentifierType"`
	Identifier string `json:"identifier"`
}

type extension struct {
	Type       string        `json:"type"`
	Properties []cdxProperty `json:"extension_cdxProperty,omitempty"`
}

type cdxProperty struct {
	Type  string `json:"type"`
	Name  string `json:"extension_cdxPropName"`
	Value string `json:"extension_cdxPropValue,omitempty"`
}

type dictionary struct {
	Type  string `json:"type"`
	Key   string `json:"key"`
	Value string `json:"value,omitempty"`
}

// A ref names an element. Where a document holds the element itself in the place of its name, the name is taken.
type ref string

func (r *ref) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '{' {
		var inline struct {
			ID    string `json:"spdxId"`
			Blank string `json:"@id"`
		}
		err := json.Unmarshal(data, &inline)
		*r = ref(cmp.Or(inline.ID, inline.Blank))
		return err
	}
	return json.Unmarshal(data, (*string)(r))
}

const spdx3Creation = "_:creation"

func (d *Document) spdx3() (*graph, error) {
	id, err := d.id()
	if err != nil {
		return nil, err
	}
	name := func(local string) ref { return ref("https://landwaiter.dev/sbom/" + id.String() + "#" + local) }
	out := &graph{Context: "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}
	add := func(e *element) ref {
		if e.Type != "CreationInfo" {
			e.CreationInfo = spdx3Creation
		}
		out.Graph = append(out.Graph, e)
		return e.ID
	}
	add(&element{Type: "CreationInfo", BlankID: spdx3Creation, SpecVersion: "3.0.1", Created: d.created(), CreatedBy: []ref{name("agent")}, CreatedUsing: []ref{name("tool")}})
	add(&element{Type: "SoftwareAgent", ID: name("agent"), Name: d.Tool})
	add(&element{Type: "Tool", ID: name("tool"), Name: d.Tool})
	document := &element{
		Type: "SpdxDocument", ID: name("document"), Name: d.Name, Profiles: []string{"core", "software", "simpleLicensing", "extension"}, Roots: []ref{name("sbom")},
	}
	add(document)
	add(&element{Type: "software_Sbom", ID: name("sbom"), Name: d.Name, SBOMType: []string{"analyzed"}, Roots: []ref{name("image")}})
	image := &element{
		Type: "software_Package", ID: name("image"), Name: d.Name, Version: string(d.Image.ManifestDigest), PURL: d.Image.purl(), Purpose: "container",
		Extension: extensionOf(d.Image.properties()),
	}
	add(image)
	contains := &element{Type: "Relationship", ID: name("contains"), From: image.ID, Relation: "contains"}
	if len(d.Gaps) > 0 {
		contains.Completeness = "incomplete"
		document.Comment = d.gapsText()
	}
	if d.OS != nil {
		contains.To = append(contains.To, add(&element{
			Type: "software_Package", ID: name("os"), Name: cmp.Or(d.OS.ID, "unknown"), Version: d.OS.VersionID, Purpose: "operatingSystem", Description: d.OS.Name,
			Extension: extensionOf(present([]property{{codenameProperty, d.OS.Codename}})),
		}))
	}
	licensed, made := map[string][]ref{}, map[source][]ref{}
	known := newLicenses()
	for i := range d.Components {
		c := &d.Components[i]
		p := add(&element{
			Type: "software_Package", ID: name(fmt.Sprintf("component-%d", i+1)), Name: c.Name, Version: c.Version, PURL: c.PURL, Purpose: "library",
			Extension: extensionOf(c.properties()),
		})
		contains.To = append(contains.To, p)
		if e := known.expression(c.Licenses); e != "" {
			licensed[e] = append(licensed[e], p)
		}
		if from := c.source(); from != (source{}) {
			made[from] = append(made[from], p)
		}
	}
	if len(contains.To) > 0 {
		add(contains)
	}
	for i, from := range slices.SortedFunc(maps.Keys(made), source.compare) {
		s := add(&element{Type: "software_Package", ID: name(fmt.Sprintf("source-%d", i+1)), Name: from.name, Version: from.version, Purpose: "source"})
		add(&element{Type: "Relationship", ID: name(fmt.Sprintf("generates-%d", i+1)), From: s, Relation: "generates", To: made[from]})
	}
	for _, r := range slices.Sorted(maps.Keys(known.named)) {
		add(&element{Type: "simplelicensing_SimpleLicensingText", ID: name(r), Name: known.named[r], LicenseText: known.named[r]})
	}
	relation := 0
	for i, expression := range slices.Sorted(maps.Keys(licensed)) {
		l := &element{Type: "simplelicensing_LicenseExpression", ID: name(fmt.Sprintf("license-%d", i+1)), Expression: expression}
		for _, r := range slices.Sorted(maps.Keys(known.named)) {
			if strings.Contains(expression, r) {
				l.CustomIDs = append(l.CustomIDs, dictionary{Type: "DictionaryEntry", Key: r, Value: string(name(r))})
			}
		}
		add(l)
		for _, p := range licensed[expression] {
			relation++
			add(&element{Type: "Relationship", ID: name(fmt.Sprintf("licensed-%d", relation)), From: p, Relation: "hasDeclaredLicense", To: []ref{l.ID}})
		}
	}
	return out, nil
}

func (s source) compare(t source) int {
	return cmp.Or(cmp.Compare(s.name, t.name), cmp.Compare(s.version, t.version))
}

func extensionOf(list []property) []extension {
	if len(list) == 0 {
		return nil
	}
	e := extension{Type: "extension_CdxPropertiesExtension"}
	for _, p := range list {
		e.Properties = append(e.Properties, cdxProperty{"extension_CdxPropertyEntry", p.Name, p.Value})
	}
	return []extension{e}
}

func (e *element) properties() []property {
	var list []property
	for _, x := range e.Extension {
		for _, p := range x.Properties {
			list = append(list, property{p.Name, p.Value})
		}
	}
	return list
}

func (e *element) purl() string {
	for _, x := range e.Identifiers {
		if e.PURL == "" && x.Kind == "packageUrl" {
			return x.Identifier
		}
	}
	return e.PURL
}

// readSPDX3 understands 3.0.
func readSPDX3(data []byte) (*Document, error) {
	var in graph
	if err := decode(data, &in); err != nil {
		return nil, err
	}
	d := &Document{Format: SPDX3}
	byID := make(map[ref]*element, len(in.Graph))
	roots := map[ref]bool{}
	madeFrom, license := map[ref]ref{}, map[ref]ref{}
	names := map[string]string{}
	for i, e := range in.Graph {
		if e == nil {
			return nil, malformed("element %d is null", i+1)
		}
		byID[e.ID] = e
		for _, r := range e.Roots {
			roots[r] = true
		}
		switch {
		case e.Type == "CreationInfo" && d.SpecVersion == "":
			d.SpecVersion = e.SpecVersion
			d.Created, _ = time.Parse(time.RFC3339, e.Created)
		case e.Type == "Tool" && d.Tool == "":
			d.Tool = e.Name
		case e.Type == "SpdxDocument":
			d.Name = e.Name
			if gaps := gapsIn(e.Comment); gaps != nil {
				d.Gaps = gaps
			}
		case e.Relation == "generates":
			for _, to := range e.To {
				madeFrom[to] = e.From
			}
		case e.Relation == "hasDeclaredLicense" && len(e.To) > 0:
			license[e.From] = e.To[0]
		case e.Relation == "contains" && e.Completeness == "incomplete" && len(d.Gaps) == 0:
			d.Gaps = []string{"the document calls itself incomplete"}
		case e.Purpose == "operatingSystem" && d.OS == nil:
			d.OS = systemOf(e.Name, e.Version, e.Description, e.properties())
		}
	}
	for _, e := range in.Graph {
		if e.Type == "simplelicensing_SimpleLicensingText" {
			_, local, _ := strings.Cut(string(e.ID), "#")
			names[local] = cmp.Or(e.Name, e.LicenseText)
		}
	}
	for _, e := range in.Graph {
		purl := e.purl()
		switch {
		case e.Type != "software_Package":
			continue
		case roots[e.ID] && (e.Purpose == "container" || isImagePURL(purl)):
			d.Name = cmp.Or(d.Name, e.Name)
			d.Image = imageOf(e.Name, e.Version, purl, e.properties())
			continue
		case e.Purpose == "operatingSystem", e.Purpose == "source", isImagePURL(purl), purl == "" && (roots[e.ID] || e.Version == ""):
			continue
		}
		c := Component{Component: scan.Component{
			Type: cmp.Or(e.Purpose, "package"), Name: e.Name, Version: e.Version, PURL: purl,
			Licenses: split(of(byID[license[e.ID]]).Expression, names),
		}}
		if from := byID[madeFrom[e.ID]]; from != nil {
			c.SourceName, c.SourceVersion = from.Name, from.Version
		}
		if err := d.add(c, e.properties()); err != nil {
			return nil, err
		}
	}
	return d, nil
}
