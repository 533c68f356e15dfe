// Package scan reads the layers of an image once, as a stream, and lists the components that are really installed, each
// with the layer that brought it. It decides nothing about vulnerabilities or policies.
package scan

import (
	"slices"

	"github.com/landwaiter/landwaiter/internal/image"
)

// A Component is one installed package.
type Component struct {
	Name          string       `json:"name"`
	Version       string       `json:"version"`             // "" when what is installed does not say
	Type          string       `json:"type"`                // package URL type: deb, apk, rpm, golang, npm, pypi, maven, gem, cargo, ...
	Ecosystem     string       `json:"ecosystem,omitempty"` // OSV's name, with release where it has one ("Debian:12", "Alpine:v3.18", "npm"); "" when unknown
	PURL          string       `json:"purl,omitempty"`
	SourceName    string       `json:"sourceName,omitempty"`    // of OS packages, when it differs
	SourceVersion string       `json:"sourceVersion,omitempty"` // likewise
	Architecture  string       `json:"architecture,omitempty"`
	Module        string       `json:"module,omitempty"` // of modular RPMs: name:stream:version:context
	Licenses      []string     `json:"licenses,omitempty"`
	Location      string       `json:"location"`   // absolute path of the file that proves it; "!/" leads into an archive
	LayerIndex    int          `json:"layerIndex"` // into image.Facts.Layers
	Layer         image.Digest `json:"layer"`
}

// A Removed is a component that a layer brought and a later one took away. Its files are still in the image, for whoever
// unpacks its layers, but in no container made from it.
type Removed struct {
	Component
	RemovedIndex int          `json:"removedLayerIndex"` // into image.Facts.Layers
	RemovedLayer image.Digest `json:"removedLayer"`
}

// Status says how much of the image was read.
type Status string

const (
	Complete Status = "complete"
	Partial  Status = "partly read" // Notes say what is missing
)

// OS is what os-release says; nil in a Report when the image has none.
type OS struct {
	ID        string `json:"id"`
	VersionID string `json:"versionID,omitempty"`
	Codename  string `json:"codename,omitempty"`
	Name      string `json:"name,omitempty"`
}

// A Note says what could not be read and what that means.
type Note struct {
	Layer   image.Digest `json:"layer,omitempty"`
	Path    string       `json:"path,omitempty"`
	Message string       `json:"message"`
	Lossy   bool         `json:"lossy"` // components may be missing because of it
}

// A Report is the content of one image.
type Report struct {
	Status     Status      `json:"status"`
	OS         *OS         `json:"os,omitempty"`
	Components []Component `json:"components"`          // sorted by type, name, version, location
	Removed    []Removed   `json:"removed,omitempty"`   // in the same order; an upgrade is no removal
	Documents  []Document  `json:"documents,omitempty"` // by path; nothing in them counts as a component
	Notes      []Note      `json:"notes,omitempty"`
	Files      int64       `json:"files"` // entries read in all layers
	Bytes      int64       `json:"bytes"` // uncompressed
}

// lent is the report for a caller who may add to it; what is in it is shared with others.
func (r *Report) lent() *Report {
	own := *r
	own.Components, own.Removed = slices.Clip(r.Components), slices.Clip(r.Removed)
	own.Documents, own.Notes = slices.Clip(r.Documents), slices.Clip(r.Notes)
	return &own
}

// reportWeight is about what a report takes in memory.
func reportWeight(_ string, r *Report) int64 {
	return int64(512 * (1 + len(r.Components) + len(r.Removed) + len(r.Documents) + len(r.Notes)))
}
