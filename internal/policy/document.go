// Package policy holds policy documents with CEL conditions, the built-in set, and their evaluation into violations. It
// fetches and scans nothing.
package policy

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

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

// A Policy is one document. It is broken when Condition is true: for the image or workload as a whole, or, with ForEach, for
// at least one item of the named list.
type Policy struct {
	ID          string            `json:"id" yaml:"-"` // metadata.name
	Title       string            `json:"title" yaml:"title"`
	Severity    Severity          `json:"severity" yaml:"severity"`
	Stages      []Stage           `json:"stages" yaml:"stages,flow"`
	Enforce     []Stage           `json:"enforce,omitempty" yaml:"enforce,omitempty,flow"` // stages in which a violation fails the build or refuses the workload
	Disabled    bool              `json:"disabled,omitempty" yaml:"disabled,omitempty"`
	Categories  []string          `json:"categories,omitempty" yaml:"categories,omitempty,flow"`
	Description string            `json:"description,omitempty" yaml:"description,omitempty"`
	Rationale   string            `json:"rationale,omitempty" yaml:"rationale,omitempty"`
	Remediation string            `json:"remediation,omitempty" yaml:"remediation,omitempty"`
	References  []string          `json:"references,omitempty" yaml:"references,omitempty"` // URLs to read on
	Scope       []Scope           `json:"scope,omitempty" yaml:"scope,omitempty"`           // where it applies: where any fits; everywhere if there is none
	Exclusions  []Exclusion       `json:"exclusions,omitempty" yaml:"exclusions,omitempty"`
	Data        map[string]string `json:"data,omitempty" yaml:"data,omitempty"`       // a table for Condition and Message, seen as data
	ForEach     string            `json:"forEach,omitempty" yaml:"forEach,omitempty"` // a list of collections, or ""
	Condition   string            `json:"condition" yaml:"condition"`                 // CEL, bool
	Message     string            `json:"message,omitempty" yaml:"message,omitempty"` // CEL, string; "" stands for a sentence of ours

	positions positions
}

// Format writes the document that Parse reads as the policy.
func Format(p Policy) []byte {
	var document struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string `yaml:"kind"`
		Metadata   struct {
			Name string `yaml:"name"`
		} `yaml:"metadata"`
		Spec Policy `yaml:"spec"`
	}
	document.APIVersion, document.Kind, document.Metadata.Name, document.Spec = apiVersion, kind, p.ID, p
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(document); err != nil {
		panic("policy: " + err.Error()) // texts, lists and maps of texts can be written
	}
	return b.Bytes()
}
