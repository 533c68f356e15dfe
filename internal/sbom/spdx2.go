package sbom

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/scan"
)

// The structs hold what is written and read of SPDX 2.3, and of 2.2, which has the same names for it. The library for SPDX
// refuses a whole document for one creator that it does not like, and cannot say where.
type spdxDocument struct {
	Version           string             `json:"spdxVersion"`
	DataLicense       string             `json:"dataLicense"`
	ID                string             `json:"SPDXID"`
	Name              string             `json:"name"`
	Namespace         string             `json:"documentNamespace"`
	CreationInfo      spdxCreation       `json:"creationInfo"`
	Comment           string             `json:"comment,omitempty"`
	DocumentDescribes []string           `json:"documentDescribes,omitempty"`
	Packages          []spdxPackage      `json:"packages"`
	Licenses          []spdxLicense      `json:"hasExtractedLicensingInfos,omitempty"`
	Relationships     []spdxRelationship `json:"relationships"`
}

type spdxCreation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	ID               string           `json:"SPDXID"`
	Name             string           `json:"name"`
	Version          string           `json:"versionInfo,omitempty"`
	Purpose          string           `json:"primaryPackagePurpose,omitempty"`
	DownloadLocation string           `json:"downloadLocation"`
	FilesAnalyzed    bool             `json:"filesAnalyzed"`
	LicenseConcluded string           `json:"licenseConcluded,omitempty"`
	LicenseDeclared  string           `json:"licenseDeclared,omitempty"`
	Copyright        string           `json:"copyrightText,omitempty"`
	SourceInfo       string           `json:"sourceInfo,omitempty"`
	Description      string           `json:"description,omitempty"`
	ExternalRefs     []spdxReference  `json:"externalRefs,omitempty"`
	Annotations      []spdxAnnotation `json:"annotations,omitempty"`
}

type spdxReference struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type spdxAnnotation struct {
	Annotator string `json:"annotator"`
	Date      string `json:"annotationDate"`
	Type      string `json:"annotationType"`
	Comment   string `json:"comment"`
}

type spdxLicense struct {
	ID   string `json:"licenseId"`
	Text string `json:"extractedText"`
	Name string `json:"name,omitempty"`
}

type spdxRelationship struct {
	From string `json:"spdxElementId"`
	Type string `json:"relationshipType"`
	To   string `json:"relatedSpdxElement"`
}

const (
	noAssertion    = "NOASSERTION"
	spdxDocumentID = "SPDXRef-DOCUMENT"
	spdxImageID    = "SPDXRef-image"
)

// operatingSystem is what the schema calls the purpose; the specification, and other tools, write a hyphen.
const operatingSystem = "OPERATING_SYSTEM"

// isOperatingSystem knows Trivy's by its identifier: SPDX 2.2 has no purposes.
func isOperatingSystem(p *spdxPackage) bool {
	return strings.HasPrefix(p.ID, "SPDXRef-OperatingSystem") || strings.ReplaceAll(p.Purpose, "-", "_") == operatingSystem
}

func (d *Document) spdx2() (*spdxDocument, error) {
	id, err := d.id()
	if err != nil {
		return nil, err
	}
	tool, version := d.tool()
	creator := strings.TrimSuffix("Tool: "+tool+"-"+version, "-")
	annotate := func(list []property) []spdxAnnotation {
		if len(list) == 0 {
			return nil
		}
		return []spdxAnnotation{{Annotator: creator, Date: d.created(), Type: "OTHER", Comment: propertyLines(list)}}
	}
	described := spdxPackage{
		ID: spdxImageID, Name: d.Name, Version: string(d.Image.ManifestDigest), Purpose: "CONTAINER", DownloadLocation: noAssertion,
		ExternalRefs: spdxPURL(d.Image.purl()), Annotations: annotate(d.Image.properties()),
	}
	out := &spdxDocument{
		Version: "SPDX-2.3", DataLicense: "CC0-1.0", ID: spdxDocumentID, Name: d.Name,
		Namespace:     "https://landwaiter.dev/sbom/" + id.String(),
		CreationInfo:  spdxCreation{Created: d.created(), Creators: []string{creator}},
		Packages:      []spdxPackage{described},
		Relationships: []spdxRelationship{{spdxDocumentID, "DESCRIBES", spdxImageID}},
	}
	if len(d.Gaps) > 0 {
		out.Comment = d.gapsText()
	}
	add := func(p spdxPackage, from, relation string) {
		p.DownloadLocation = noAssertion
		out.Packages = append(out.Packages, p)
		out.Relationships = append(out.Relationships, spdxRelationship{from, relation, p.ID})
	}
	if d.OS != nil {
		add(spdxPackage{
			ID: "SPDXRef-os", Name: cmp.Or(d.OS.ID, "unknown"), Version: d.OS.VersionID, Purpose: operatingSystem, Description: d.OS.Name,
			Annotations: annotate(present([]property{{codenameProperty, d.OS.Codename}})),
		}, spdxImageID, "CONTAINS")
	}
	known := newLicenses()
	sources := map[source]string{}
	for i := range d.Components {
		c := &d.Components[i]
		p := spdxPackage{
			ID: fmt.Sprintf("SPDXRef-component-%d", i+1), Name: c.Name, Version: c.Version, Purpose: "LIBRARY",
			LicenseConcluded: noAssertion, LicenseDeclared: cmp.Or(known.expression(c.Licenses), noAssertion), Copyright: noAssertion,
			ExternalRefs: spdxPURL(c.PURL), Annotations: annotate(c.properties()),
		}
		add(p, spdxImageID, "CONTAINS")
		from := c.source()
		switch made, ok := sources[from]; {
		case from == source{}:
		case ok:
			out.Relationships = append(out.Relationships, spdxRelationship{p.ID, "GENERATED_FROM", made})
		default:
			sources[from] = fmt.Sprintf("SPDXRef-source-%d", len(sources)+1)
			add(spdxPackage{ID: sources[from], Name: from.name, Version: from.version, Purpose: "SOURCE"}, p.ID, "GENERATED_FROM")
		}
	}
	for _, ref := range slices.Sorted(maps.Keys(known.named)) {
		out.Licenses = append(out.Licenses, spdxLicense{ID: ref, Text: known.named[ref], Name: known.named[ref]})
	}
	return out, nil
}

func spdxPURL(purl string) []spdxReference {
	if purl == "" {
		return nil
	}
	return []spdxReference{{Category: "PACKAGE-MANAGER", Type: "purl", Locator: purl}}
}

// propertyLines writes properties as name=value, one a line.
func propertyLines(list []property) string {
	lines := make([]string, len(list))
	for i, p := range list {
		lines[i] = p.Name + "=" + strings.ReplaceAll(p.Value, "\n", " ")
	}
	return strings.Join(lines, "\n")
}

func (p *spdxPackage) properties() []property {
	var list []property
	for _, a := range p.Annotations {
		for line := range strings.SplitSeq(a.Comment, "\n") {
			if name, value, ok := strings.Cut(line, "="); ok && strings.HasPrefix(name, "landwaiter:") {
				list = append(list, property{name, value})
			}
		}
	}
	return list
}

func (p *spdxPackage) purl() string {
	for _, r := range p.ExternalRefs {
		if r.Type == "purl" {
			return r.Locator
		}
	}
	return ""
}

// readSPDX2 understands 2.2 and 2.3.
func readSPDX2(data []byte) (*Document, error) {
	var in spdxDocument
	if err := decode(data, &in); err != nil {
		return nil, err
	}
	d := &Document{Format: SPDX, SpecVersion: strings.TrimPrefix(in.Version, "SPDX-"), Name: in.Name}
	d.Created, _ = time.Parse(time.RFC3339, in.CreationInfo.Created)
	for _, c := range in.CreationInfo.Creators {
		if tool, ok := strings.CutPrefix(c, "Tool: "); ok && d.Tool == "" {
			d.Tool = toolName(tool)
		}
	}
	d.Gaps = gapsIn(in.Comment)
	described := map[string]bool{}
	for _, id := range in.DocumentDescribes {
		described[id] = true
	}
	madeFrom := map[string]string{}
	for _, r := range in.Relationships {
		switch r.Type {
		case "DESCRIBES":
			described[r.To] = true
		case "DESCRIBED_BY":
			described[r.From] = true
		case "GENERATED_FROM":
			madeFrom[r.From] = r.To
		}
	}
	names := map[string]string{}
	for _, l := range in.Licenses {
		names[l.ID] = cmp.Or(l.Name, l.Text)
	}
	packages := make(map[string]*spdxPackage, len(in.Packages))
	for i := range in.Packages {
		p := &in.Packages[i]
		packages[p.ID] = p
		if isOperatingSystem(p) && d.OS == nil {
			d.OS = systemOf(p.Name, p.Version, p.Description, p.properties())
		}
	}
	for i := range in.Packages {
		p := &in.Packages[i]
		purl := p.purl()
		switch {
		case described[p.ID] && (p.Purpose == "CONTAINER" || isImagePURL(purl)):
			d.Image = imageOf(p.Name, p.Version, purl, p.properties())
			continue
		case isOperatingSystem(p), p.Purpose == "SOURCE", isImagePURL(purl), purl == "" && (described[p.ID] || p.Purpose == "FILE" || p.Version == ""):
			continue
		}
		c := Component{Component: scan.Component{
			Type: strings.ToLower(cmp.Or(p.Purpose, "package")), Name: p.Name, Version: p.Version, PURL: purl, Licenses: split(p.LicenseDeclared, names),
		}}
		if from := packages[madeFrom[p.ID]]; from != nil {
			c.SourceName, c.SourceVersion = from.Name, from.Version
		} else if from, ok := strings.CutPrefix(p.SourceInfo, "built package from: "); ok { // Trivy's words
			c.SourceName, c.SourceVersion, _ = strings.Cut(from, " ")
		}
		if err := d.add(c, p.properties()); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// toolName turns "syft-1.2.3" into "syft 1.2.3".
func toolName(creator string) string {
	if i := strings.LastIndexByte(creator, '-'); i > 0 && i+1 < len(creator) {
		return creator[:i] + " " + creator[i+1:]
	}
	return creator
}
