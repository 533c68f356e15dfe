package scan

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// A visible is a path as the layers up to some point leave it.
type visible struct {
	file   *foundFile
	hashes []uint64
	layer  int                  // that wrote the file last
	since  map[componentKey]int // first layer since which each component has been in the file without a gap
}

// merge lays the results on each other, base first, and reports what can be seen from the top.
func merge(layers []Layer, results []*layerResult) *Report {
	state := map[string]*visible{}
	report := &Report{Status: Complete, Components: []Component{}}
	for i, r := range results {
		report.Files += r.Entries
		report.Bytes += r.Bytes
		lay(state, i, r)
	}
	report.Notes = mergeNotes(layers, results)
	for _, n := range report.Notes {
		if n.Lossy {
			report.Status = Partial
		}
	}

	links := map[string]string{}
	for p, v := range state {
		if v.file.Link != "" {
			links[p] = v.file.Link
		}
	}
	places := make([]string, 0, len(systemPaths))
	for _, p := range systemPaths {
		if real := resolve(p, links); real != "" {
			if strings.HasSuffix(p, "/") {
				real += "/"
			}
			places = append(places, real)
		}
	}
	release := findRelease(state, links)
	report.OS = release.report()
	owned := ownedPaths(state, places)

	reported := map[inode]bool{}
	system := map[componentKey]bool{}
	for _, p := range sortedKeys(state) {
		v := state[p]
		if v.file.System && !isSystemPlace(p, places) {
			continue
		}
		if len(v.file.Components) == 0 || reported[v.inode()] {
			continue
		}
		if by, ok := owned[v.hashes[len(v.hashes)-1]]; ok && !v.file.System && by >= v.layer {
			continue // the operating system's package stands for it
		}
		reported[v.inode()] = true
		for _, c := range v.file.Components {
			k := c.key()
			if v.file.System && system[k] {
				continue // a second database of the same packages
			}
			if v.file.System {
				system[k] = true
				c.Ecosystem = systemEcosystem(c.Type, release)
			} else {
				c.Ecosystem = languageEcosystems[c.Type]
			}
			c.PURL = packageURL(&c, release)
			c.LayerIndex = v.since[k]
			c.Layer = layers[c.LayerIndex].Digest
			c.Location = printable(absolute(p)) + c.Location
			report.Components = append(report.Components, c)
		}
	}
	if report.Status == Complete && len(system) == 0 && release.knownDistribution() {
		report.Status = Partial
		report.Notes = append(report.Notes, Note{
			Message: "the image calls itself " + release.report().Name + " but has no package database: what it has of that is not known", Lossy: true,
		})
	}
	slices.SortFunc(report.Components, func(a, b Component) int {
		return cmp.Or(
			cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version),
			cmp.Compare(a.Location, b.Location), cmp.Compare(a.Architecture, b.Architecture),
		)
	})
	return report
}

// lay puts layer i on what the layers below it left.
func lay(state map[string]*visible, i int, r *layerResult) {
	below := map[string]*visible{}
	for p, v := range state {
		if r.hides(v.hashes) {
			below[p] = v
			delete(state, p)
		}
	}
	for j := range r.Files {
		f := &r.Files[j]
		v := &visible{file: f, layer: i, since: make(map[componentKey]int, len(f.Components))}
		before := below[f.Path]
		if before != nil {
			v.hashes = before.hashes
		} else {
			v.hashes = pathHashes(f.Path)
		}
		for _, c := range f.Components {
			k := c.key()
			v.since[k] = i
			if before != nil {
				if first, ok := before.since[k]; ok {
					v.since[k] = first
				}
			}
		}
		state[f.Path] = v
	}
}

// An inode tells the content of files apart: hard links share one.
type inode struct{ layer, file int }

func (v *visible) inode() inode { return inode{v.layer, v.file.Same} }

// findRelease returns what the image's os-release says, wherever links lead to it.
func findRelease(state map[string]*visible, links map[string]string) *osRelease {
	for _, p := range systemPaths[:osReleasePaths] {
		if v := state[resolve(p, links)]; v != nil && v.file.OS != nil {
			return v.file.OS
		}
	}
	return nil
}

func isSystemPlace(p string, places []string) bool {
	return slices.ContainsFunc(places, func(place string) bool {
		return p == place || strings.HasSuffix(place, "/") && strings.HasPrefix(p, place)
	})
}

// ownedPaths collects what the distribution's packages installed, with the layer in which the package's list was written
// last: a file that a later layer writes is no longer the package's.
func ownedPaths(state map[string]*visible, places []string) map[uint64]int {
	official := map[string]bool{}
	for p, v := range state {
		if isSystemPlace(p, places) {
			for _, name := range v.file.Official {
				official[name] = true
			}
		}
	}
	owned := map[uint64]int{}
	for p, v := range state {
		if len(v.file.Owned) == 0 || !isSystemPlace(p, places) {
			continue
		}
		if isDpkgList(p) {
			name, _, _ := strings.Cut(strings.TrimSuffix(path.Base(p), ".list"), ":")
			if !official[name] {
				continue
			}
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

func sortedKeys(state map[string]*visible) []string {
	keys := make([]string, 0, len(state))
	for k := range state {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
