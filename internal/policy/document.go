// Package policy holds policy documents with CEL conditions, the built-in set, and their evaluation into violations. It
// fetches and scans nothing.
package policy

// Stage is a moment in an image's life at which policies are asked.
type Stage string

const (
	Build  Stage = "build"
	Deploy Stage = "deploy"
)

var stages = []Stage{Build, Deploy}

// Severity says how bad it is to break a policy.
type Severity string

const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
)

// severities are ordered, worst first.
var severities = []Severity{Critical, High, Medium, Low}

const (
	apiVersion = "landwaiter.dev/v1"
	kind       = "Policy"
)

// A Policy is one document. It is broken when Condition is true: for the image as a whole, or, with ForEach, for at least
// one item of the named list.
type Policy struct {
	ID          string            `json:"id"` // metadata.name
	Title       string            `json:"title"`
	Description string            `json:"description,omitempty"`
	Rationale   string            `json:"rationale,omitempty"`
	Remediation string            `json:"remediation,omitempty"`
	Severity    Severity          `json:"severity"`
	Categories  []string          `json:"categories,omitempty"`
	References  []string          `json:"references,omitempty"` // URLs to read on
	Stages      []Stage           `json:"stages"`
	Enforce     []Stage           `json:"enforce,omitempty"` // stages in which a violation fails the build or refuses the workload
	Disabled    bool              `json:"disabled,omitempty"`
	Data        map[string]string `json:"data,omitempty"`    // a table for Condition and Message, seen as data
	ForEach     string            `json:"forEach,omitempty"` // a list of collections, or ""
	Condition   string            `json:"condition"`         // CEL, bool
	Message     string            `json:"message,omitempty"` // CEL, string; "" stands for a sentence of ours

	positions positions
}
