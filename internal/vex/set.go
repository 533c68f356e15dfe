package vex

import (
	"cmp"
	"slices"
	"strings"
)

// A Set is the statements of documents, ready to be asked. A nil *Set says nothing.
type Set struct {
	name   string
	claims map[string][]claim // by vulnerability and package, or vulnerability alone
}

// A claim is a statement about one product, or one part of it.
type claim struct {
	statement *Statement
	product   *product
	part      *target // nil: all of the product
}

// NewSet takes the documents of a name, which is the same only for the same documents.
func NewSet(name string, documents []*Document) *Set {
	s := &Set{name: name, claims: map[string][]claim{}}
	for _, d := range documents {
		for i := range d.Statements {
			st := &d.Statements[i]
			for j := range st.products {
				p := &st.products[j]
				for k := range p.parts {
					s.add(claim{st, p, &p.parts[k]})
				}
				if len(p.parts) == 0 {
					s.add(claim{st, p, nil})
				}
			}
		}
	}
	return s
}

func (s *Set) add(c claim) {
	about := c.part
	if about == nil {
		about = &c.product.target
	}
	keys := []string{}
	for _, p := range about.purls {
		keys = append(keys, keyOf(p))
	}
	if c.part == nil { // it may be an image, of which it is then about everything
		keys = append(keys, "")
	}
	for _, v := range c.statement.vulnerabilities {
		for _, key := range slices.Compact(slices.Sorted(slices.Values(keys))) {
			at := strings.ToUpper(v) + " " + key
			s.claims[at] = append(s.claims[at], c)
		}
	}
}

// Name is "" for a set without documents.
func (s *Set) Name() string {
	if s == nil {
		return ""
	}
	return s.name
}

// About returns the newest statement about a vulnerability, known by any of the names, of a component of an image. It is nil
// where nothing is said.
func (s *Set) About(i *Image, names []string, c Component) *Statement {
	if s == nil || len(s.claims) == 0 {
		return nil
	}
	p, known := packagesOf(c)
	keys := []string{""}
	if known {
		keys = append(keys, keyOf(p.binary), keyOf(p.source))
	}
	var newest *Statement
	for _, name := range names {
		for _, key := range slices.Compact(keys) {
			for _, claim := range s.claims[strings.ToUpper(name)+" "+key] {
				if st := claim.statement; (newest == nil || later(st, newest)) && claim.holds(i, c, p, known) {
					newest = st
				}
			}
		}
	}
	return newest
}

func later(a, b *Statement) bool {
	return cmp.Or(a.Timestamp.Compare(b.Timestamp), cmp.Compare(slices.Index(caution, b.Status), slices.Index(caution, a.Status))) > 0
}

// holds reports whether the claim is about a component of an image.
func (c claim) holds(i *Image, component Component, p packages, known bool) bool {
	if c.part == nil {
		return c.product.isImage(i) || known && c.product.isComponent(p)
	}
	if !known || !c.part.isComponent(p) {
		return false
	}
	// A product that is itself a component of the image is one only where both were found in the same place, such as a program and
	// the modules that were built into it.
	return c.product.isImage(i) || slices.ContainsFunc(i.Components, func(other Component) bool {
		if other.Location != component.Location {
			return false
		}
		q, ok := packagesOf(other)
		return ok && c.product.isComponent(q)
	})
}
