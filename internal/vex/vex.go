// Package vex reads what somebody says of whether vulnerabilities matter in their products (VEX: OpenVEX, CycloneDX, CSAF), and
// finds the statement that is about a vulnerability of a component of an image.
package vex

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Status is what a statement says.
type Status string

const (
	NotAffected        Status = "not_affected"
	Affected           Status = "affected"
	Fixed              Status = "fixed"
	UnderInvestigation Status = "under_investigation"
)

// Suppresses reports whether a finding that it is said of does not count.
func (s Status) Suppresses() bool { return s == NotAffected || s == Fixed }

// Words are the status as one would say it.
func (s Status) Words() string { return strings.ReplaceAll(string(s), "_", " ") }

// caution orders what is said at the same time: what lets a finding count goes first.
var caution = []Status{Affected, UnderInvestigation, Fixed, NotAffected}

// A Statement is what a document says of vulnerabilities in products.
type Statement struct {
	Document      string    `json:"document"` // its ID
	Author        string    `json:"author,omitempty"`
	Status        Status    `json:"status" enum:"not_affected,affected,fixed,under_investigation"`
	Justification string    `json:"justification,omitempty"`
	Detail        string    `json:"detail,omitempty"` // in the author's words
	Timestamp     time.Time `json:"timestamp"`

	vulnerabilities []string // names of one
	products        []product
}

// Why says in short why the status is what it is: the justification, else the detail.
func (s *Statement) Why() string {
	return cmp.Or(strings.ReplaceAll(s.Justification, "_", " "), s.Detail)
}

// A Document is one that was read.
type Document struct {
	ID         string
	Format     string // "OpenVEX", "CycloneDX" or "CSAF"
	Author     string
	Timestamp  time.Time // of the latest change
	Statements []Statement
	// Unmatched counts statements about products that are named in no way that can be compared with an image.
	Unmatched int
}

// Bounds of one document.
const (
	MaxSize       = 8 << 20 // bytes
	maxStatements = 100_000
	maxClaims     = 500_000 // products of all statements, with each subcomponent
	maxText       = 4000    // bytes of what is kept of an author's words
)

const opRead = "read VEX document"

// Parse reads a document of any of the formats.
func Parse(body []byte) (*Document, error) {
	if len(body) > MaxSize {
		return nil, fault.New(fault.Limited, opRead, "it is larger than %d MiB", MaxSize>>20).WithFix("Split the document.")
	}
	var kind struct {
		Context   any    `json:"@context"`
		BOMFormat string `json:"bomFormat"`
		Document  struct {
			CSAFVersion string `json:"csaf_version"`
		} `json:"document"`
	}
	if err := json.Unmarshal(body, &kind); err != nil {
		return nil, fault.Wrap(fault.Invalid, opRead, "", err).WithFix("Give an OpenVEX, CycloneDX or CSAF document in JSON.")
	}
	var d *Document
	var err error
	context, _ := kind.Context.(string)
	switch {
	case strings.HasPrefix(context, "https://openvex.dev/ns"):
		d, err = parseOpenVEX(body)
	case kind.BOMFormat == "CycloneDX":
		d, err = parseCycloneDX(body)
	case kind.Document.CSAFVersion != "":
		d, err = parseCSAF(body)
	default:
		return nil, invalid("it is neither OpenVEX nor CycloneDX nor CSAF").WithFix("Give a document of one of these formats in JSON.")
	}
	if err != nil {
		return nil, err
	}
	return d, d.finish()
}

func invalid(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, opRead, format, args...)
}

func decode(body []byte, into any) error {
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(into); err != nil {
		return fault.Wrap(fault.Invalid, opRead, "", err)
	}
	return nil
}

// finish checks what all formats have in common.
func (d *Document) finish() error {
	switch {
	case d.ID == "":
		return invalid("it has no ID, so a later version could not replace it").
			WithFix(`Give it one: "@id" in OpenVEX, serialNumber in CycloneDX, document.tracking.id in CSAF.`)
	case len(d.ID) > 1000 || len(d.Author) > 1000:
		return invalid("its ID or its author is longer than 1000 bytes")
	case len(d.Statements) == 0:
		return invalid("it says of no vulnerability whether it matters")
	case len(d.Statements) > maxStatements:
		return fault.New(fault.Limited, opRead, "it has more than %d statements", maxStatements).WithFix("Split the document.")
	}
	claims := 0
	kept := d.Statements[:0]
	for i, s := range d.Statements {
		if !slices.Contains(caution, s.Status) {
			return invalid("statement %d: the status %q is none of not_affected, affected, fixed, under_investigation", i+1, s.Status)
		}
		if len(s.vulnerabilities) == 0 {
			return invalid("statement %d names no vulnerability", i+1)
		}
		if s.Timestamp.IsZero() {
			s.Timestamp = d.Timestamp
		}
		if s.Timestamp.IsZero() {
			return invalid("statement %d has no timestamp, and the document has none either", i+1)
		}
		s.Document, s.Author, s.Detail, s.Justification = d.ID, d.Author, clip(s.Detail), clip(s.Justification)
		s.Timestamp = s.Timestamp.UTC()
		if len(s.products) == 0 {
			d.Unmatched++
			continue
		}
		for _, p := range s.products {
			claims += max(1, len(p.parts)) * len(s.vulnerabilities)
		}
		if claims > maxClaims {
			return errTooMany()
		}
		kept = append(kept, s)
	}
	if d.Statements = kept; len(kept) == 0 {
		return invalid("none of its statements names a product that can be matched").
			WithFix("Name products by package URL, image reference or digest. A package URL of type oci needs a digest or a repository_url.")
	}
	d.Timestamp = d.Timestamp.UTC()
	return nil
}

func errTooMany() error {
	return fault.New(fault.Limited, opRead, "it is about more than %d products", maxClaims).WithFix("Split the document.")
}

func clip(s string) string {
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	return s
}
