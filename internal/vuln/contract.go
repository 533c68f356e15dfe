// Package vuln knows advisories: it imports OSV records into one compact index on disk and matches package versions
// against it. It knows no registries and no image bytes.
package vuln

import (
	"context"
	"time"
)

// CONTRACT (temporary): signatures other packages rely on. Replace with real files.

type Severity string

const (
	Critical   Severity = "critical"
	Important  Severity = "important"
	Moderate   Severity = "moderate"
	Low        Severity = "low"
	Negligible Severity = "negligible"
	Unknown    Severity = "unknown"
)

// A Package is what is matched. For OS packages Name and Version are those of the source package.
type Package struct {
	Ecosystem string // OSV's name with its release, e.g. "Debian:12"
	Name      string
	Version   string
}

// A Vulnerability is one advisory that affects a package version.
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
	Source       string     `json:"source"` // ecosystem of the record that matched, e.g. "Debian:12"
}

// Status describes the index.
type Status struct {
	Records    int               `json:"records"`
	Ecosystems []EcosystemStatus `json:"ecosystems"`
	Imported   time.Time         `json:"imported"`
	Newest     time.Time         `json:"newest"` // latest "modified" of any record
	Size       int64             `json:"size"`   // bytes on disk
}

type EcosystemStatus struct {
	Name    string    `json:"name"` // with release where OSV has one
	Records int       `json:"records"`
	Newest  time.Time `json:"newest"`
}

// Index is an opened advisory index. A nil *Index is valid and holds nothing: Empty is true.
type Index struct{}

// Open opens the index file in dir. It returns a nil Index and no error when nothing was ever imported.
func Open(dir string) (*Index, error) { panic("contract") }

func (x *Index) Empty() bool    { panic("contract") }
func (x *Index) Status() Status { panic("contract") }

// Covers reports whether the index has any record of the ecosystem (and release), i.e. whether finding nothing means anything.
func (x *Index) Covers(ecosystem string) bool { panic("contract") }

// Match returns the vulnerabilities of one package, one per alias group, most severe first. A version that cannot be
// parsed is an error (fault.Invalid): the package then counts as not checked.
func (x *Index) Match(ctx context.Context, p Package) ([]Vulnerability, error) { panic("contract") }

func (x *Index) Close() error { panic("contract") }

// Import reads OSV records (JSON files or zips, recursively below a directory, or one zip/JSON file) and replaces, for
// every ecosystem that the import holds, what the index in dir had before. It is atomic: a reader sees the old or the new
// index. Broken records are counted and skipped, with the first few named.
func Import(ctx context.Context, dir, source string, o ImportOptions) (ImportResult, error) {
	panic("contract")
}

type ImportOptions struct {
	Now      time.Time
	Progress func(done, total int64) // bytes of input
}

type ImportResult struct {
	Records, Skipped, Withdrawn int
	Problems                    []string // the first few skipped, with the reason
	Status                      Status
}
