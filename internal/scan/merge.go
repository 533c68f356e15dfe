package scan

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/google/osv-scalibr/purl"
)

// A visible is a path as the layers up to some point leave it.
type visible struct {
	file   *foundFile
	path   string // behind links
	inode  inode
	hashes []uint64
	layer  int                  // that wrote the file last
	since  map[componentKey]int // first layer since which each component has been in the file without a gap
}

// A departure is a path with components that a layer hid or wrote anew.
type departure struct {
	*visible
	by int // layer
}

// merge lays the results on each other, base first, and reports what can be seen from the top.
func merge(layers []Layer, results []*layerResult) *Report {
	state := map[string]*visible{}
	var gone []departure
	report := &Report{Status: Complete, Components: []Component{}}
	for i, r := range results {
		report.Files += r.Entries
		report.Bytes += r.Bytes
		gone = append(gone, lay(state, i, r)...)
	}
	report.Notes = mergeNotes(layers, results)
	for _, n := range report.Notes {
		if n.Lossy {
			report.Status = Partial
		}
	}

	links := linksIn(state)
	m := &merger{layers: layers, places: places(links), release: findRelease(state, links), system: map[componentKey]bool{}}
	m.licenses = func(name string) []string {
		if v := state[resolve(debianDocs+"/"+name+"/copyright", links)]; v != nil {
			return v.file.Licenses
		}
		return nil
	}
	report.OS = m.release.report()
	left := slices.SortedFunc(maps.Values(state), func(a, b *visible) int { return cmp.Compare(a.path, b.path) })
	report.Components = m.components(left)
	report.Documents = m.documents(left)
	if report.Status == Complete && len(m.system) == 0 && m.release.knownDistribution() {
		report.Status = Partial
		report.Notes = append(report.Notes, Note{
			Message: "the image calls itself " + m.release.report().Name + " but has no package database: what it has of that is not known", Lossy: true,
		})
	}
	report.Removed = m.removed(left, gone, results, report.Components)
	if more := len(report.Removed) - maxRemoved; more > 0 {
		report.Removed = report.Removed[:maxRemoved]
		report.Notes = append(report.Notes, Note{Message: fmt.Sprintf("%d more components were removed by later layers", more)})
	}
	return report
}

// A merger knows what is true of the image as a whole.
type merger struct {
	layers   []Layer
	places   []string
	release  *osRelease
	system   map[componentKey]bool      // packages of the operating system that are reported
	licenses func(name string) []string // of a Debian package
}

// components lists what the visible files, sorted by path, hold.
func (m *merger) components(files []*visible) []Component {
	list := []Component{}
	owned := m.owned(files)
	reported := map[inode]bool{}
	for _, v := range files {
		if !m.counts(v, owned) || reported[v.inode] {
			continue
		}
		reported[v.inode] = true
		for i := range v.file.Components {
			k := v.file.Components[i].key()
			if v.file.System && m.system[k] {
				continue // a second database of the same packages
			}
			if v.file.System {
				m.system[k] = true
			}
			list = append(list, m.component(v, i))
		}
	}
	slices.SortFunc(list, byIdentity)
	return list
}

// counts reports whether a file's components are the image's own, and not told by another file.
func (m *merger) counts(v *visible, owned map[uint64]int) bool {
	if len(v.file.Components) == 0 {
		return false
	}
	if v.file.System {
		return m.isSystemPlace(v.path)
	}
	by, ok := owned[v.hashes[len(v.hashes)-1]]
	return !ok || by < v.layer // otherwise the operating system's package stands for it
}

// component completes the i-th component of a file with what only the whole image tells.
func (m *merger) component(v *visible, i int) Component {
	c := v.file.Components[i]
	c.LayerIndex = v.since[c.key()]
	c.Layer = m.layers[c.LayerIndex].Digest
	if c.Type == purl.TypeDebian && len(c.Licenses) == 0 {
		c.Licenses = m.licenses(c.Name)
	}
	if v.file.System {
		c.Ecosystem = systemEcosystem(c.Type, m.release)
	} else {
		c.Ecosystem = languageEcosystem(&c)
	}
	if c.PURL == "" {
		c.PURL = packageURL(&c, m.release)
	}
	c.Location = printable(absolute(v.path)) + c.Location
	return c
}

func byIdentity(a, b Component) int {
	return cmp.Or(
		cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version),
		cmp.Compare(a.Location, b.Location), cmp.Compare(a.Architecture, b.Architecture),
	)
}

// lay puts layer i on what the layers below it left, and returns what it hides of them.
func lay(state map[string]*visible, i int, r *layerResult) (gone []departure) {
	below := map[string]*visible{}
	for p, v := range state {
		if r.hides(v.hashes) {
			below[p] = v
			delete(state, p)
			gone = append(gone, departure{v, i})
		}
	}
	links := map[uint64]bool{}
	for _, v := range state {
		if v.file.Link != "" {
			links[v.hashes[len(v.hashes)-1]] = true
		}
	}
	for j := range r.Files {
		f := &r.Files[j]
		v := &visible{file: f, layer: i, inode: inode{i, f.Same}}
		v.path, v.hashes = behindLinks(f.Path, links, state)
		before := below[v.path]
		if hidden := state[v.path]; hidden != nil && before == nil { // written through a link
			before = hidden
			gone = append(gone, departure{hidden, i})
		}
		if f.Link != "" {
			links[v.hashes[len(v.hashes)-1]] = true
		}
		if f.Lower != "" {
			target, _ := behindLinks(f.Lower, links, state)
			same := cmp.Or(below[target], state[target])
			if same == nil {
				continue
			}
			v.file, v.inode, v.since = same.file, same.inode, same.since
		} else {
			v.since = sinceWhen(f.Components, i, before)
		}
		state[v.path] = v
	}
	return gone
}

// sinceWhen is layer i for components that the path did not have before.
func sinceWhen(components []Component, i int, before *visible) map[componentKey]int {
	since := make(map[componentKey]int, len(components))
	for _, c := range components {
		k := c.key()
		since[k] = i
		if before != nil {
			if first, ok := before.since[k]; ok {
				since[k] = first
			}
		}
	}
	return since
}

// behindLinks is where a path leads to when a folder on its way is one of the links, with its hashes.
func behindLinks(p string, links map[uint64]bool, state map[string]*visible) (string, []uint64) {
	hashes := pathHashes(p)
	if !slices.ContainsFunc(hashes[:len(hashes)-1], func(h uint64) bool { return links[h] }) {
		return p, hashes
	}
	folder := resolve(path.Dir(p), linksIn(state))
	if folder == "" {
		return p, hashes
	}
	p = folder + "/" + path.Base(p)
	return p, pathHashes(p)
}

// linksIn looks up the targets of symbolic links.
func linksIn(state map[string]*visible) func(string) (string, bool) {
	return func(p string) (string, bool) {
		v := state[p]
		if v == nil || v.file.Link == "" {
			return "", false
		}
		return v.file.Link, true
	}
}

// An inode tells the content of files apart: hard links share one.
type inode struct{ layer, file int }

// findRelease returns what the image's os-release says, wherever links lead to it.
func findRelease(state map[string]*visible, links func(string) (string, bool)) *osRelease {
	for _, p := range systemPaths[:osReleasePaths] {
		if v := state[resolve(p, links)]; v != nil && v.file.OS != nil {
			return v.file.OS
		}
	}
	return nil
}

func (m *merger) isSystemPlace(p string) bool {
	return slices.ContainsFunc(m.places, func(place string) bool {
		return p == place || strings.HasSuffix(place, "/") && strings.HasPrefix(p, place)
	})
}

// owned collects what the distribution's packages installed, with the layer in which the package's list was written last:
// a file that a later layer writes is no longer the package's.
func (m *merger) owned(files []*visible) map[uint64]int {
	official := map[string]bool{}
	for _, v := range files {
		if len(v.file.Official) > 0 && m.isSystemPlace(v.path) {
			for _, name := range v.file.Official {
				official[name] = true
			}
		}
	}
	owned := map[uint64]int{}
	for _, v := range files {
		p := v.path
		if len(v.file.Owned) == 0 || !m.isSystemPlace(p) {
			continue
		}
		if isDpkgList(p) && !official[listOf(p)] {
			continue
		}
		for _, h := range v.file.Owned {
			owned[h] = max(owned[h], v.layer)
		}
	}
	return owned
}

// mergeNotes keeps a layer's notes unless the file they are about is gone in the end.
func mergeNotes(layers []Layer, results []*layerResult) []Note {
	var list []Note
	for i, r := range results {
		if l := layers[i]; r.DiffID != "" && strings.HasPrefix(string(l.DiffID), "sha256:") && l.DiffID != r.DiffID {
			list = append(list, Note{Layer: l.Digest, Message: fmt.Sprintf("the layer unpacks to %s, but the image's config says %s: what runs images refuses this one", r.DiffID, l.DiffID)})
		}
		for _, n := range r.Notes {
			gone := false
			if n.Path != "" {
				hashes := pathHashes(strings.TrimPrefix(n.Path, "/"))
				gone = slices.ContainsFunc(results[i+1:], func(above *layerResult) bool { return above.hides(hashes) })
			}
			if !gone {
				n.Layer = layers[i].Digest
				list = append(list, n)
			}
		}
	}
	return list
}
