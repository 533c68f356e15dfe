package sbom

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/scan"
)

const (
	// MaxSize bounds what is read of a document.
	MaxSize       = 64 << 20
	maxComponents = 200_000
	maxDepth      = 64
	maxNotes      = 20
)

const readOp = "read SBOM"

// Read understands CycloneDX, SPDX 2 and 3, in JSON, and Landwaiter's own assessments. What is wrong with the document is a
// fault.Invalid that names the place.
func Read(r io.Reader) (*Document, error) {
	data, err := Bytes(r)
	if err != nil {
		return nil, err
	}
	return Parse(data)
}

// Bytes reads a document without looking at it.
func Bytes(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	switch {
	case err != nil:
		return nil, fault.Wrap(fault.Unavailable, readOp, "", err)
	case len(data) > MaxSize:
		return nil, fault.New(fault.Invalid, readOp, "it is longer than %s", image.SizeText(MaxSize))
	}
	return data, nil
}

// Parse is Read of bytes at hand.
func Parse(data []byte) (*Document, error) {
	d, err := parse(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	if err != nil {
		var f *fault.Error
		if errors.As(err, &f) {
			return nil, fault.Wrap(fault.Invalid, readOp, "", err)
		}
		return nil, fault.New(fault.Invalid, readOp, "%v", err)
	}
	d.Digest = image.DigestOf(data)
	if d.more > 0 {
		d.Notes = append(d.Notes, fmt.Sprintf("%d more problems like these", d.more))
	}
	d.sort()
	return d, nil
}

// parse reads a document, or the one that an in-toto statement is about, whose signature, if there is one, counts for nothing here.
func parse(data []byte) (*Document, error) {
	if fix := foreign(data); fix != "" {
		return nil, fault.New(fault.Invalid, "", "it is not JSON").WithFix("%s", fix)
	}
	var kind struct {
		BOMFormat   string          `json:"bomFormat"`
		SPDXVersion string          `json:"spdxVersion"`
		Context     json.RawMessage `json:"@context"`
		Reference   string          `json:"reference"`
		Scan        json.RawMessage `json:"scan"`
		Statement   string          `json:"_type"`
		Predicate   json.RawMessage `json:"predicate"`
		PayloadType string          `json:"payloadType"`
	}
	if err := decode(data, &kind); err != nil {
		return nil, err
	}
	if strings.HasPrefix(kind.Statement, "https://in-toto.io/Statement/") && len(kind.Predicate) > 0 {
		data, kind.Predicate = kind.Predicate, nil
		if err := decode(data, &kind); err != nil {
			return nil, err
		}
	}
	switch {
	case kind.PayloadType != "":
		return nil, fault.New(fault.Invalid, "", "it is a signed envelope").
			WithFix("Give the statement inside: jq -r .payload FILE | base64 -d. To trust signatures, write a signer rule.")
	case kind.BOMFormat == "CycloneDX":
		return readCycloneDX(data)
	case strings.HasPrefix(kind.SPDXVersion, "SPDX-2."):
		return readSPDX2(data)
	case strings.Contains(string(kind.Context), "spdx.org/rdf/3"):
		return readSPDX3(data)
	case kind.Reference != "" && len(kind.Scan) > 0:
		return readAssessment(data)
	case kind.SPDXVersion != "":
		return nil, malformed("%.20q is not a version that can be read; versions 2.2, 2.3 and 3 can", kind.SPDXVersion)
	}
	return nil, fault.New(fault.Invalid, "", "it is neither CycloneDX nor SPDX nor an assessment").
		WithFix("Give a CycloneDX or SPDX document in JSON, or what `landwaiter image scan -o json` wrote.")
}

// foreign says what to do about a document that is not JSON, if it looks like one of the other forms.
func foreign(data []byte) string {
	start := bytes.TrimSpace(data[:min(len(data), 512)])
	switch {
	case bytes.HasPrefix(start, []byte("<")):
		return "XML is not read. Write the document as JSON."
	case bytes.HasPrefix(start, []byte("SPDXVersion:")):
		return "SPDX's tag-value form is not read. Write the document as JSON."
	case bytes.HasPrefix(start, []byte("\x1f\x8b")):
		return "It is compressed: unpack it first."
	case len(start) == 0:
		return "The document is empty."
	}
	return ""
}

func malformed(format string, args ...any) error {
	return fault.New(fault.Invalid, "", format, args...).WithFix("Have the tool that made the document write it anew.")
}

// decode names the place of what is wrong.
func decode(data []byte, into any) error {
	err := json.Unmarshal(data, into)
	var syntax *json.SyntaxError
	var mistyped *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return malformed("%s: %v", place(data, syntax.Offset), syntax)
	case errors.As(err, &mistyped):
		return malformed("%s: %s must not be of the type %s", place(data, mistyped.Offset), cmp.Or(mistyped.Field, "the document"), mistyped.Value)
	}
	return err
}

// place is where an offset is, counted from 1. Offsets of encoding/json are behind what they are about.
func place(data []byte, offset int64) string {
	before := data[:max(0, min(int64(len(data)), offset)-1)]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return fmt.Sprintf("line %d, column %d", line, column)
}

// add takes a package in. Its package URL says what it is; of one without, nothing but the name is known.
func (d *Document) add(c Component, properties []property) error {
	if c.PURL != "" {
		known, err := scan.OfPURL(c.PURL, d.OS)
		if err != nil {
			d.note("%s %s has a package URL that cannot be read: %v", c.Name, c.Version, err)
			c.PURL, known = "", c.Component
			known.PURL = ""
		}
		if strings.EqualFold(known.Name, c.Name) {
			known.Name = c.Name // package URLs of some types are in lower case
		}
		known.Version = cmp.Or(known.Version, c.Version)
		known.Licenses = c.Licenses
		known.SourceName, known.SourceVersion = cmp.Or(known.SourceName, c.SourceName), cmp.Or(known.SourceVersion, c.SourceVersion)
		c.Component = known
	}
	c.set(properties)
	return d.keep(c)
}

func (d *Document) note(format string, args ...any) {
	if len(d.Notes) == maxNotes {
		d.more++
		return
	}
	d.Notes = append(d.Notes, fmt.Sprintf(format, args...))
}

func (d *Document) keep(c Component) error {
	if len(d.Components) >= maxComponents {
		return malformed("it has more than %d components", maxComponents)
	}
	clean, err := c.Clean()
	if err != nil {
		return fault.Wrap(fault.Invalid, fmt.Sprintf("component %d", len(d.Components)+1), "", err)
	}
	c.Component = clean
	d.Components = append(d.Components, c)
	return nil
}

// isImagePURL tells images, which are no packages, though they may have a package URL.
func isImagePURL(purl string) bool {
	return strings.HasPrefix(purl, "pkg:oci/") || strings.HasPrefix(purl, "pkg:docker/")
}
