package sbom

import (
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/scan"
)

// readAssessment reads the JSON of an assessment, which knows more of the image than any other document.
func readAssessment(data []byte) (*Document, error) {
	var a struct {
		Reference  string      `json:"reference"`
		Platform   string      `json:"platform"`
		AssessedAt time.Time   `json:"assessedAt"`
		Facts      image.Facts `json:"image"`
		Scan       struct {
			Status     string      `json:"status"`
			Reason     string      `json:"reason"`
			OS         *scan.OS    `json:"os"`
			Notes      []scan.Note `json:"notes"`
			Components []struct {
				scan.Component
				Line int `json:"line"`
			} `json:"components"`
		} `json:"scan"`
	}
	if err := decode(data, &a); err != nil {
		return nil, err
	}
	if s := a.Scan.Status; s != string(scan.Complete) && s != string(scan.Partial) {
		return nil, malformed("the assessment has no components: %s", a.Scan.Reason)
	}
	d := &Document{
		Format: Landwaiter, Name: a.Reference, Created: a.AssessedAt, Tool: "landwaiter", Facts: &a.Facts, OS: a.Scan.OS, Gaps: Gaps(a.Scan.Notes),
		Image: Image{Reference: a.Reference, Digest: a.Facts.Digest, ManifestDigest: a.Facts.ManifestDigest, Platform: a.Platform},
	}
	for _, c := range a.Scan.Components {
		if err := d.keep(Component{Component: c.Component, Line: c.Line, Instruction: a.Facts.LineText(c.Line)}); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Gaps are the notes of a scan that say why components may be missing.
func Gaps(notes []scan.Note) []string {
	var list []string
	for _, n := range notes {
		if n.Lossy {
			list = append(list, strings.TrimSpace(n.Path+" "+n.Message))
		}
	}
	return list
}
