package vex

import (
	"cmp"
	"net/url"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

var cdxStatus = map[cdx.ImpactAnalysisState]Status{
	cdx.IASResolved: Fixed, cdx.IASResolvedWithPedigree: Fixed, cdx.IASExploitable: Affected, cdx.IASInTriage: UnderInvestigation,
	cdx.IASFalsePositive: NotAffected, cdx.IASNotAffected: NotAffected,
}

// maxDepth bounds how far components of components are followed.
const maxDepth = 50

func parseCycloneDX(body []byte) (*Document, error) {
	var bom cdx.BOM
	if err := decode(body, &bom); err != nil {
		return nil, err
	}
	d := &Document{ID: bom.SerialNumber, Format: "CycloneDX"}
	known := map[string]target{}
	var subject *target
	if m := bom.Metadata; m != nil {
		d.Timestamp, d.Author = readTime(m.Timestamp), cdxAuthor(m)
		if c := m.Component; c != nil {
			t := cdxTarget(*c)
			subject, known[c.BOMRef] = &t, t
		}
	}
	if bom.Components != nil {
		cdxComponents(known, *bom.Components, maxDepth)
	}
	if bom.Vulnerabilities == nil {
		return d, nil
	}
	for _, v := range *bom.Vulnerabilities {
		if v.Analysis == nil || v.Analysis.State == "" {
			continue // what a scanner found, and no word on whether it matters
		}
		s := Statement{
			Status: cdxStatus[v.Analysis.State], Justification: string(v.Analysis.Justification), Detail: cmp.Or(v.Analysis.Detail, v.Detail),
			Timestamp: readTime(cmp.Or(v.Analysis.LastUpdated, v.Analysis.FirstIssued, v.Updated)), vulnerabilities: nonempty(v.ID),
		}
		if s.Status == "" {
			return nil, invalid("%s: the state %q of its analysis is not one of CycloneDX's", v.ID, v.Analysis.State)
		}
		if s.Justification == "" && v.Analysis.State == cdx.IASFalsePositive {
			s.Justification = string(cdx.IASFalsePositive)
		}
		if v.Affects != nil {
			for _, a := range *v.Affects {
				for _, named := range cdxVersions(a, s.Status, cdxReferred(a.Ref, known)) {
					// A component that the document is not about as a whole is meant as a part of what it is about.
					if subject == nil || a.Ref == bom.Metadata.Component.BOMRef {
						s.about(named)
					} else {
						s.about(*subject, named)
					}
				}
			}
		}
		d.Statements = append(d.Statements, s)
	}
	return d, nil
}

// cdxReferred is a component of the document, or of another one if the reference says what it is.
func cdxReferred(ref string, known map[string]target) (t target) {
	if t, ok := known[ref]; ok {
		return t
	}
	if strings.HasPrefix(ref, "urn:cdx:") {
		_, fragment, _ := strings.Cut(ref, "#")
		if text, err := url.QueryUnescape(strings.ReplaceAll(fragment, "+", "%2B")); err == nil {
			ref = text
		}
	}
	if strings.HasPrefix(ref, "pkg:") {
		t.name(ref)
	}
	return t
}

// cdxVersions narrows a component to the versions that the status is said of. Ranges are not followed: what cannot be compared
// must not make a finding disappear.
func cdxVersions(a cdx.Affects, status Status, t target) (list []target) {
	if a.Range == nil || len(*a.Range) == 0 {
		return []target{t}
	}
	for _, v := range *a.Range {
		if v.Version == "" || v.Status != "" && (v.Status == cdx.VulnerabilityStatusNotAffected) != status.Suppresses() {
			continue
		}
		one := target{}
		for _, p := range t.purls {
			if p.Version == "" || p.Version == v.Version {
				p.Version = v.Version
				one.purls = append(one.purls, p)
			}
		}
		list = append(list, one)
	}
	return list
}

func cdxComponents(known map[string]target, list []cdx.Component, depth int) {
	for _, c := range list {
		if c.BOMRef != "" {
			known[c.BOMRef] = cdxTarget(c)
		}
		if c.Components != nil && depth > 0 {
			cdxComponents(known, *c.Components, depth-1)
		}
	}
}

func cdxTarget(c cdx.Component) (t target) {
	t.name(c.PackageURL)
	if c.Type != cdx.ComponentTypeContainer {
		return t
	}
	if strings.HasPrefix(c.Version, "sha256:") {
		t.name(c.Version)
	} else {
		t.name(strings.TrimSuffix(c.Name+":"+c.Version, ":"))
	}
	if c.Hashes != nil {
		for _, h := range *c.Hashes {
			t.hash(string(h.Algorithm), h.Value)
		}
	}
	return t
}

func cdxAuthor(m *cdx.Metadata) string {
	var names []string
	if m.Authors != nil {
		for _, a := range *m.Authors {
			names = append(names, nonempty(cmp.Or(a.Name, a.Email))...)
		}
	}
	for _, o := range []*cdx.OrganizationalEntity{m.Manufacturer, m.Supplier} {
		if o != nil && len(names) == 0 {
			names = nonempty(o.Name)
		}
	}
	return strings.Join(names, ", ")
}

// readTime is the zero time for what is none.
func readTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
