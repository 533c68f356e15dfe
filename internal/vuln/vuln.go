// Package vuln knows advisories: it imports OSV records into one compact index on disk and matches package versions
// against it. It knows no registries and no image bytes.
package vuln

import "time"

// A Package is what is matched. For OS packages Name and Version are those of the source package.
type Package struct {
	Ecosystem string // OSV's name with its release, e.g. "Debian:12"
	Name      string
	Version   string
	Module    string // of a modular RPM: name:stream, and what follows
}

// A Vulnerability is what one or more advisories say about one vulnerability of a package version.
type Vulnerability struct {
	ID           string     `json:"id"`            // of the advisory chosen for its alias group
	CVE          string     `json:"cve,omitempty"` // the first CVE among ID, aliases, upstream
	Aliases      []string   `json:"aliases,omitempty"`
	Summary      string     `json:"summary,omitempty"`
	Severity     Severity   `json:"severity"`
	Score        float64    `json:"score,omitempty"`  // CVSS base score computed from Vector; 0 when there is none
	Vector       string     `json:"vector,omitempty"` // CVSS vector
	FixedVersion string     `json:"fixedVersion,omitempty"`
	Published    *time.Time `json:"published,omitempty"`
	Modified     *time.Time `json:"modified,omitempty"`
	URL          string     `json:"url,omitempty"`
	References   []string   `json:"references,omitempty"`
	Source       string     `json:"source"`     // ecosystem of the record that matched, e.g. "Debian:12"
	SourceAsOf   time.Time  `json:"sourceAsOf"` // when the advisories of Source were last known to be current

	EPSS           *EPSS           `json:"epss,omitempty"`
	KnownExploited *KnownExploited `json:"knownExploited,omitempty"`
}

// Status describes the index.
type Status struct {
	Records    int               `json:"records"` // distinct advisory IDs
	Ecosystems []EcosystemStatus `json:"ecosystems"`
	Imported   time.Time         `json:"imported"`
	Newest     time.Time         `json:"newest"` // latest "modified" of any record, or "published" where that is missing
	Size       int64             `json:"size"`   // bytes on disk

	EPSS           *TableStatus `json:"epss,omitempty"`
	KnownExploited *TableStatus `json:"knownExploited,omitempty"`
	Warnings       []Warning    `json:"warnings,omitempty"` // filled by At
}

// EcosystemStatus is the part of Status that is about one ecosystem (and release).
type EcosystemStatus struct {
	Name     string    `json:"name"` // with release where OSV has one
	Records  int       `json:"records"`
	Newest   time.Time `json:"newest"`
	Imported time.Time `json:"imported"`         // the records, which may be before those of other ecosystems
	Checked  time.Time `json:"checked,omitzero"` // when their source was last found to have nothing newer
	Origin   string    `json:"origin,omitempty"` // the source's URL; "" when they were imported from a file
}
