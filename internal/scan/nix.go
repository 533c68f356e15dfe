package scan

import (
	"github.com/google/osv-scalibr/purl"
)

// nixPath is a package's folder in Nix's store: a hash, the name, the version from the first dash before a digit on, and which
// part of the package it is.
var nixPath = expression(`^nix/store/[0-9a-z]{32}-([^/]+?)-(\d[^/]*?)(?:-(?:bin|dev|lib|out|man|doc|info|data|static))?$`)

// nixPackage reads the name of a folder. Nix keeps no other record that images have.
func nixPackage(folder string) (Component, bool) {
	m := nixPath().FindStringSubmatch(folder)
	if m == nil {
		return Component{}, false
	}
	return Component{Type: purl.TypeNix, Name: m[1], Version: m[2]}, true
}
