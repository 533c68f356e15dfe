package assess

import (
	"cmp"
	"context"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/sbom"
	"github.com/landwaiter/landwaiter/internal/scan"
)

// An Origin says where components come from; the rest of it is about the document, if they come from one.
type Origin struct {
	Kind    string       `json:"kind"`              // "layers", "sbom", "attestation"
	Format  string       `json:"format,omitempty"`  // "CycloneDX 1.6", "SPDX 2.3"
	Digest  image.Digest `json:"digest,omitempty"`  // of its bytes
	Name    string       `json:"name,omitempty"`    // of what it describes
	Tool    string       `json:"tool,omitempty"`    // that made it
	Created *time.Time   `json:"created,omitempty"` // nil when it does not say
	// Of an attestation:
	SignerRule  string       `json:"signerRule,omitempty"`
	Key         string       `json:"key,omitempty"`         // fingerprint of the signer's key: sha256 of its DER form
	Attestation image.Digest `json:"attestation,omitempty"` // of the signed envelope
	Subject     image.Digest `json:"subject,omitempty"`     // what the signer says it is about: the platform's manifest, or the index
}

const (
	FromLayers      = "layers"
	FromSBOM        = "sbom"
	FromAttestation = "attestation"
)

// Document is the assessment as a bill of materials, made by a tool ("name version"). It fails when the image was not
// scanned: a document without components would look like an empty image.
func (a *Assessment) Document(tool string) (*sbom.Document, error) {
	if a.Scan.Status == NotScanned {
		return nil, fault.New(fault.Conflict, "write SBOM", "%s was not scanned: %s", a.Reference, a.Scan.Reason).WithFix("%s", cmp.Or(a.Scan.Fix, "Scan it again."))
	}
	d := &sbom.Document{
		Name: a.Reference, Created: a.AssessedAt, Tool: tool, OS: a.Scan.OS, Gaps: sbom.Gaps(a.Scan.Notes),
		Image:      sbom.Image{Reference: a.Reference, Digest: a.Facts.Digest, ManifestDigest: a.Facts.ManifestDigest, Platform: a.Platform},
		Components: make([]sbom.Component, len(a.Scan.Components)),
	}
	for i, c := range a.Scan.Components {
		d.Components[i] = sbom.Component{Component: c.Component, Line: c.Line, Instruction: a.Facts.LineText(c.Line)}
	}
	return d, nil
}

// AssessDocument matches and judges what a bill of materials lists as if it had been scanned. The answer is not stored: nobody
// vouches that the document tells the truth about the image it names.
func (s *Service) AssessDocument(ctx context.Context, d *sbom.Document, depth Depth) (*Assessment, error) {
	if depth == Inspect {
		return nil, fault.New(fault.Invalid, "assess SBOM", "there is nothing to inspect in it").WithFix("Scan or check it.")
	}
	a := &Assessment{
		Reference:  cmp.Or(d.Image.Reference, d.Name, "(the document names nothing)"),
		Platform:   d.Image.Platform,
		AssessedAt: s.o.Now().UTC(),
		Attempts:   []Attempt{},
		Scan:       scanOf(d),
		Check:      Check{Status: NotChecked, Reason: "the image was not scanned"},
		Findings:   []Finding{},
	}
	if d.Facts != nil {
		a.Facts = *d.Facts
	} else {
		a.Facts = image.Facts{
			Reference: d.Image.Reference, Digest: d.Image.Digest, ManifestDigest: d.Image.ManifestDigest,
			Layers: []image.Layer{}, Instructions: []image.Instruction{},
		}
		a.Facts.Platform, _ = image.ParsePlatform(d.Image.Platform)
	}
	if _, err := s.matchNow(ctx, a); err != nil {
		return nil, err
	}
	if depth == ScanIt {
		return a, nil
	}
	_, err := s.judge(ctx, a)
	return a, err
}

// scanOf is what a document says in the words of a scan.
func scanOf(d *sbom.Document) Scan {
	report := Scan{
		Status: string(scan.Complete), OS: d.OS, Components: make([]Component, len(d.Components)),
		Source: Origin{Kind: FromSBOM, Format: d.Kind(), Digest: d.Digest, Name: d.Name, Tool: d.Tool},
	}
	if !d.Created.IsZero() {
		report.Source.Created = &d.Created
	}
	for i, c := range d.Components {
		report.Components[i] = Component{Component: c.Component, Line: c.Line}
	}
	for _, n := range d.Notes {
		report.Notes = append(report.Notes, scan.Note{Message: n})
	}
	for _, gap := range d.Gaps {
		report.Status = string(scan.Partial)
		report.Notes = append(report.Notes, scan.Note{Message: gap, Lossy: true})
	}
	return report
}
