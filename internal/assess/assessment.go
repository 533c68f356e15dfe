// Package assess is the whole flow, from an image reference to the one answer that every way in shows: which
// integration served, what the image is, what is in it, what is known to be wrong with it, and what policy says.
package assess

import (
	"context"
	"time"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/scan"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// An Assessment is the one answer about one image of one platform.
type Assessment struct {
	ID         string      `json:"id"`
	Reference  string      `json:"reference"` // canonical
	Platform   string      `json:"platform"`  // as resolved, e.g. linux/amd64
	AssessedAt time.Time   `json:"assessedAt"`
	Facts      image.Facts `json:"image"`
	Source     Source      `json:"source"`
	Attempts   []Attempt   `json:"attempts"` // every integration tried, in order; the last one served
	Scan       Scan        `json:"scan"`
	Check      Check       `json:"vulnerabilityCheck"`
	// Findings pair components with vulnerabilities, most severe first.
	Findings []Finding     `json:"vulnerabilities"`
	Policy   policy.Result `json:"policy"`
	Verdict  Verdict       `json:"verdict"`
}

// Source names the integration that served the image.
type Source struct {
	ID   string `json:"id"` // "" when no stored integration was used
	Name string `json:"name"`
	Type string `json:"type"`
}

// An Attempt is one integration that was tried.
type Attempt struct {
	Source  Source   `json:"integration"`
	Reasons []string `json:"reasons"`
	Error   string   `json:"error,omitempty"`
	Fix     string   `json:"fix,omitempty"`
}

// Scan is the scanner's report, or the reason why there is none.
type Scan struct {
	Status     string      `json:"status"` // "complete", "partly read", "not scanned"
	Reason     string      `json:"reason,omitempty"`
	OS         *scan.OS    `json:"os,omitempty"`
	Components []Component `json:"components"`
	Notes      []scan.Note `json:"notes,omitempty"`
	Files      int64       `json:"files"`
	Bytes      int64       `json:"bytes"`
}

// NotScanned is the Status of an image whose layers were not read.
const NotScanned = "not scanned"

// A Component is a scanned component with the Dockerfile line that brought it.
type Component struct {
	scan.Component
	Line      int    `json:"line,omitempty"`      // 1-based, into Facts.Instructions; 0 when unknown
	Unchecked string `json:"unchecked,omitempty"` // why it was not checked for vulnerabilities
}

// Check says whether finding nothing means anything.
type Check struct {
	Status     string     `json:"status"` // "checked", "partly checked", "not checked"
	Reason     string     `json:"reason,omitempty"`
	Checked    int        `json:"checked"`              // components
	Unchecked  int        `json:"unchecked"`            // components
	DataFrom   *time.Time `json:"dataFrom,omitempty"`   // newest advisory of the index
	ImportedAt *time.Time `json:"importedAt,omitempty"` // when it was imported
}

const (
	Checked       = "checked"
	PartlyChecked = "partly checked"
	NotChecked    = "not checked"
)

// A Finding is one vulnerability of one component.
type Finding struct {
	vuln.Vulnerability
	Component  string       `json:"component"`
	Version    string       `json:"version"`
	Type       string       `json:"type"`
	Location   string       `json:"location"`
	Layer      image.Digest `json:"layer"`
	LayerIndex int          `json:"layerIndex"`
	Line       int          `json:"line,omitempty"`
}

// Verdict is the short form.
type Verdict string

const (
	Pass       Verdict = "pass"       // no violation
	Violations Verdict = "violations" // only unenforced ones
	Fail       Verdict = "fail"       // an enforced violation
	Undecided  Verdict = "undecided"  // an enforced policy could not be evaluated
)

// ExitStatus is what the CLI exits with.
func (v Verdict) ExitStatus() int {
	switch v {
	case Fail:
		return 1
	case Undecided:
		return 2
	}
	return 0
}

// A Summary is an assessment without its long parts, for lists.
type Summary struct {
	ID              string         `json:"id"`
	Reference       string         `json:"reference"`
	Platform        string         `json:"platform"`
	Digest          image.Digest   `json:"digest"`
	Created         *time.Time     `json:"created,omitempty"`
	AssessedAt      time.Time      `json:"assessedAt"`
	OS              string         `json:"os,omitempty"`
	Source          Source         `json:"source"`
	ScanStatus      string         `json:"scanStatus"`
	CheckStatus     string         `json:"vulnerabilityCheck"`
	Components      int            `json:"components"`
	Vulnerabilities map[string]int `json:"vulnerabilities"` // by severity; distinct CVE or advisory IDs
	Fixable         int            `json:"fixable"`
	Violations      int            `json:"violations"`
	Enforced        int            `json:"enforcedViolations"`
	Verdict         Verdict        `json:"verdict"`
}

// Store is implemented by internal/store. It keeps the latest assessment per reference and platform.
type Store interface {
	PutAssessment(ctx context.Context, a Assessment) error
	Assessment(ctx context.Context, id string) (Assessment, error)                        // fault.NotFound
	LatestAssessment(ctx context.Context, reference, platform string) (Assessment, error) // fault.NotFound
	// Assessments lists newest first; query is a case-insensitive part of the reference; next is "" on the last page.
	Assessments(ctx context.Context, query string, limit int, after string) (list []Summary, next string, err error)
	DeleteAssessment(ctx context.Context, id string) error
}
