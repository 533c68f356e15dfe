package scan

import (
	"cmp"
	"slices"
)

// maxRemoved bounds the removed components of a report.
const maxRemoved = 10_000

// removed lists the components of files that are gone, unless the layer that took one away brought another version of it
// or it is installed in the end after all. When no package database is left, nobody knows what became of the packages.
func (m *merger) removed(left []*visible, gone []departure, results []*layerResult, installed []Component) []Removed {
	gone = slices.DeleteFunc(gone, func(d departure) bool {
		return len(d.file.Components) == 0 && len(d.file.Owned) == 0 && len(d.file.Official) == 0
	})
	if len(gone) == 0 {
		return nil
	}
	slices.SortFunc(gone, func(a, b departure) int {
		return cmp.Or(cmp.Compare(b.by, a.by), cmp.Compare(a.path, b.path))
	})
	everything := slices.Clone(left)
	for _, d := range gone {
		everything = append(everything, d.visible)
	}
	owned := m.owned(everything)

	known := map[componentKey]bool{} // installed, or listed as removed by the latest layer that did so
	for _, c := range installed {
		known[identity(&c)] = true
	}
	brought := make([]map[[2]string]bool, len(results)) // type and name
	var list []Removed
	for _, d := range gone {
		if !m.counts(d.visible, owned) || d.file.System && len(m.system) == 0 {
			continue
		}
		if brought[d.by] == nil {
			brought[d.by] = namesIn(results[d.by])
		}
		for i := range d.file.Components {
			c := m.component(d.visible, i)
			if k := identity(&c); !known[k] && !brought[d.by][[2]string{c.Type, c.Name}] {
				known[k] = true
				list = append(list, Removed{c, d.by, m.layers[d.by].Digest})
			}
		}
	}
	slices.SortFunc(list, func(a, b Removed) int { return byIdentity(a.Component, b.Component) })
	return list
}

// identity tells components apart wherever they are.
func identity(c *Component) componentKey {
	return componentKey{kind: c.Type, name: c.Name, version: c.Version, arch: c.Architecture}
}

func namesIn(r *layerResult) map[[2]string]bool {
	names := map[[2]string]bool{}
	for _, f := range r.Files {
		for _, c := range f.Components {
			names[[2]string{c.Type, c.Name}] = true
		}
	}
	return names
}
