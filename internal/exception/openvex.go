package exception

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/package-url/packageurl-go"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/glob"
	"github.com/landwaiter/landwaiter/internal/image"
)

// A Known image is one that patterns are resolved with.
type Known struct {
	Image
	Components []KnownComponent
}

// A KnownComponent has a package URL.
type KnownComponent struct {
	Component
	PURL string
}

// LeftOut is an exception that an OpenVEX document cannot say.
type LeftOut struct {
	ID      string `json:"id"`
	Because string `json:"because"`
}

type vexDocument struct {
	Context    string         `json:"@context"`
	ID         string         `json:"@id"`
	Author     string         `json:"author"`
	Timestamp  time.Time      `json:"timestamp"`
	Version    int            `json:"version"`
	Statements []vexStatement `json:"statements"`
}

type vexStatement struct {
	Vulnerability   map[string]string `json:"vulnerability"`
	Timestamp       *time.Time        `json:"timestamp,omitempty"`
	Products        []vexProduct      `json:"products"`
	Status          string            `json:"status"`
	Justification   string            `json:"justification,omitempty"`
	ImpactStatement string            `json:"impact_statement,omitempty"`
	ActionStatement string            `json:"action_statement,omitempty"`
}

type vexProduct struct {
	ID            string       `json:"@id"`
	Subcomponents []vexProduct `json:"subcomponents,omitempty"`
}

// OpenVEX writes the exceptions that are in force at now: false positives as not_affected, others as affected with what is to be
// done. Exact names of images are written as they are; patterns, and whatever names components, are resolved with known images.
func OpenVEX(list []Exception, known []Known, author string, now time.Time) (document []byte, left []LeftOut, err error) {
	d := vexDocument{Context: "https://openvex.dev/ns/v0.2.0", Author: author, Timestamp: now.UTC(), Version: 1, Statements: []vexStatement{}}
	var sums [][]byte
	left = []LeftOut{}
	for i := range list {
		e := &list[i]
		if e.State(now) != InForce {
			continue
		}
		c := compile(e)
		products := c.products(known)
		switch {
		case c.names[everything]:
			left = append(left, LeftOut{e.ID, "it is about whatever vulnerability, and a statement names one"})
		case len(products) == 0:
			left = append(left, LeftOut{e.ID, "no known image fits its patterns"})
		default:
			sums = append(sums, c.sum)
			for _, name := range e.CVEs {
				d.Statements = append(d.Statements, e.statement(name, products))
			}
		}
	}
	if len(d.Statements) == 0 {
		why := ""
		if len(left) > 0 {
			why = fmt.Sprintf("; %s: %s", left[0].ID, left[0].Because)
		}
		return nil, left, fault.New(fault.NotFound, "write OpenVEX", "there is no exception in force that such a document can say%s", why).
			WithFix("See which there are: landwaiter exception list. Patterns need images that were checked.")
	}
	d.ID = "urn:landwaiter:exceptions:" + nameOf(sums)
	document, err = json.MarshalIndent(d, "", "  ")
	return document, left, err
}

func (e *Exception) statement(vulnerability string, products []vexProduct) vexStatement {
	s := vexStatement{Vulnerability: map[string]string{"name": vulnerability}, Products: products}
	if e.Updated != nil {
		s.Timestamp = e.Updated
	} else if !e.Created.IsZero() {
		s.Timestamp = &e.Created
	}
	if e.Kind == FalsePositive {
		s.Status, s.Justification, s.ImpactStatement = "not_affected", e.Justification, e.Reason
		return s
	}
	s.Status, s.ActionStatement = "affected", fmt.Sprintf("%s by %s until %s: %s", strings.ToUpper(string(e.Kind[:1]))+string(e.Kind[1:]), e.Author, e.End(), e.Reason)
	return s
}

// products are what an exception is about, none twice.
func (c *compiled) products(known []Known) (list []vexProduct) {
	add := func(p vexProduct) {
		if !slices.ContainsFunc(list, func(q vexProduct) bool { return q.ID == p.ID }) {
			list = append(list, p)
		}
	}
	for _, pattern := range c.Images {
		if len(c.components) == 0 && !strings.ContainsAny(pattern, "*?") {
			if id := exactly(pattern); id != "" {
				add(vexProduct{ID: id})
			}
			continue
		}
		for _, k := range known {
			if !slices.ContainsFunc(k.names(), func(name string) bool { ok, _ := glob.Match(pattern, name); return ok }) {
				continue
			}
			p := vexProduct{ID: purl(k.Reference, slices.Concat(k.Digests, []image.Digest{""})[0])}
			for _, part := range k.Components {
				if len(c.components) > 0 && part.PURL != "" && c.has(part.Component) {
					p.Subcomponents = append(p.Subcomponents, vexProduct{ID: part.PURL})
				}
			}
			if len(c.components) == 0 || len(p.Subcomponents) > 0 {
				add(p)
			}
		}
	}
	return list
}

// exactly names what a pattern without wildcards matches; "" when that is nothing.
func exactly(pattern string) string {
	if d, err := image.ParseDigest(pattern); err == nil {
		return string(d)
	}
	ref, err := image.ParseReference(pattern)
	if err != nil {
		return ""
	}
	if ref.Name() == pattern {
		ref.Tag = ""
	}
	return purl(ref, ref.Digest)
}

func purl(ref image.Reference, d image.Digest) string {
	qualifiers := map[string]string{"repository_url": ref.Name()}
	if ref.Tag != "" {
		qualifiers["tag"] = ref.Tag
	}
	name := ref.Repository[strings.LastIndexByte(ref.Repository, '/')+1:]
	return packageurl.NewPackageURL("oci", "", name, string(d), packageurl.QualifiersFromMap(qualifiers), "").ToString()
}
