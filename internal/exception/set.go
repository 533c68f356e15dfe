package exception

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/glob"
	"github.com/landwaiter/landwaiter/internal/image"
)

// A Set is the exceptions that were in force at a time, ready to be asked. A nil *Set has none.
type Set struct {
	name string
	of   map[uint32][]*compiled // by the hash of a vulnerability's name
	all  []*compiled            // those about whatever vulnerability
	next time.Time              // when another one is in force or one is no more; zero: never
}

type compiled struct {
	*Exception
	brief      *Exception
	names      map[string]bool
	components [][2]string // patterns of name and version
	sum        []byte
}

// everything is the name that stands for all vulnerabilities.
const everything = "*"

// NewSet takes those exceptions that are in force at now.
func NewSet(list []Exception, now time.Time) *Set {
	s := &Set{of: map[uint32][]*compiled{}}
	var sums [][]byte
	for i := range list {
		e := &list[i]
		for _, at := range []*time.Time{e.From, e.Until} {
			if e.Revoked == nil && at != nil && now.Before(*at) && (s.next.IsZero() || at.Before(s.next)) {
				s.next = *at
			}
		}
		if e.State(now) != InForce {
			continue
		}
		c := compile(e)
		sums = append(sums, c.sum)
		if c.names[everything] {
			s.all = append(s.all, c)
			continue
		}
		for name := range c.names {
			s.of[Hash(name)] = append(s.of[Hash(name)], c)
		}
	}
	s.name = nameOf(sums)
	return s
}

func compile(e *Exception) *compiled {
	c := &compiled{Exception: e, brief: e.brief(), names: map[string]bool{}}
	for _, name := range e.CVEs {
		c.names[strings.ToUpper(name)] = true
	}
	for _, pattern := range e.Components {
		name, version := pattern, "**"
		if i := strings.LastIndexByte(pattern, '@'); i > 0 {
			name, version = pattern[:i], pattern[i+1:]
		}
		c.components = append(c.components, [2]string{name, version})
	}
	encoded, _ := json.Marshal(e) // it has nothing that cannot be encoded
	sum := sha256.Sum256(encoded)
	c.sum = sum[:16]
	return c
}

// nameOf is "" for nothing.
func nameOf(sums [][]byte) string {
	if len(sums) == 0 {
		return ""
	}
	slices.SortFunc(sums, bytes.Compare)
	sum := sha256.Sum256(bytes.Join(slices.CompactFunc(sums, bytes.Equal), nil))
	return hex.EncodeToString(sum[:16])
}

// Name is the same only for the same exceptions, and "" for none.
func (s *Set) Name() string {
	if s == nil {
		return ""
	}
	return s.name
}

// Hash of a vulnerability's name, in any case of letters: FNV-1a, as it is stored.
func Hash(name string) uint32 {
	h := uint32(2166136261)
	for i := range len(name) {
		c := name[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}

// An Image is what exceptions are compared with.
type Image struct {
	Reference image.Reference
	Digests   []image.Digest // of the index and of the platform's manifest
}

// names are what a pattern may match.
func (i Image) names() []string {
	names := []string{i.Reference.Name()}
	if i.Reference.Tag != "" {
		names = append(names, i.Reference.Name()+":"+i.Reference.Tag)
	}
	for _, d := range i.Digests {
		if d != "" {
			names = append(names, string(d), i.Reference.Name()+"@"+string(d))
		}
	}
	return names
}

func (c *compiled) isAbout(names []string) bool {
	return slices.ContainsFunc(c.Images, func(pattern string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			ok, _ := glob.Match(pattern, name)
			return ok
		})
	})
}

// Touching names the exceptions that may be about an image in which vulnerabilities of some hashes were found. It is "" when there
// are none, and as long as it stays the same, so does what exceptions do to the image's findings.
func (s *Set) Touching(i Image, hashes []uint32) string {
	if s.Name() == "" {
		return ""
	}
	on := s.On(i)
	var sums [][]byte
	add := func(list []*compiled) {
		for _, c := range list {
			if on.about(c) {
				sums = append(sums, c.sum)
			}
		}
	}
	if len(hashes) > 0 {
		add(s.all)
	}
	for _, h := range hashes {
		add(s.of[h])
	}
	return nameOf(sums)
}

// AboutParts reports whether an exception that names components is about the image.
func (s *Set) AboutParts(i Image) bool {
	on := s.On(i)
	about := func(c *compiled) bool { return len(c.components) > 0 && on.about(c) }
	if s == nil || slices.ContainsFunc(s.all, about) {
		return s != nil
	}
	for _, list := range s.of {
		if slices.ContainsFunc(list, about) {
			return true
		}
	}
	return false
}

// On is a Set asked about one image. It is not for concurrent use.
type On struct {
	set   *Set
	names []string
	known map[*compiled]bool // whether they are about the image
}

// On asks about one image.
func (s *Set) On(i Image) *On { return &On{set: s, names: i.names(), known: map[*compiled]bool{}} }

func (o *On) about(c *compiled) bool {
	is, known := o.known[c]
	if !known {
		is = c.isAbout(o.names)
		o.known[c] = is
	}
	return is
}

// A Component of an image.
type Component struct {
	Name, Version             string
	SourceName, SourceVersion string // of the package that it was built from; SourceName may be empty
}

// About returns the exception for a vulnerability, known by any of the names, of a component; nil where there is none. fixable
// says that a newer version of the component mends it. Of several it is the firmest, then the one that lasts longest. What an
// exception is about is left out of it.
func (o *On) About(names []string, component Component, fixable bool) *Exception {
	if o.set.Name() == "" {
		return nil
	}
	var best *compiled
	look := func(list []*compiled, name string) {
		for _, c := range list {
			if c.names[name] && !(c.UntilFixable && fixable) && (best == nil || c.goesBefore(best)) && o.about(c) && c.has(component) {
				best = c
			}
		}
	}
	look(o.set.all, everything)
	for _, name := range names {
		if name != "" {
			look(o.set.of[Hash(name)], strings.ToUpper(name))
		}
	}
	if best == nil {
		return nil
	}
	return best.brief
}

func (c *compiled) goesBefore(other *compiled) bool {
	if by := cmp.Compare(slices.Index(kinds, c.Kind), slices.Index(kinds, other.Kind)); by != 0 {
		return by < 0
	}
	switch a, b := c.Until, other.Until; {
	case (a == nil) != (b == nil):
		return a == nil
	case a != nil && !a.Equal(*b):
		return a.After(*b)
	}
	return c.ID < other.ID
}

// has reports whether the exception is about the component, or the source package that it was built from.
func (c *compiled) has(component Component) bool {
	if len(c.components) == 0 {
		return true
	}
	return slices.ContainsFunc(c.components, func(p [2]string) bool {
		return fits(p, component.Name, component.Version) ||
			component.SourceName != "" && fits(p, component.SourceName, cmp.Or(component.SourceVersion, component.Version))
	})
}

func fits(pattern [2]string, name, version string) bool {
	named, _ := glob.Match(pattern[0], name)
	if !named {
		return false
	}
	is, _ := glob.Match(pattern[1], version)
	return is
}
