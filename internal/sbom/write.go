package sbom

import (
	"encoding/json"
	"io"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Write writes a document, the same bytes for the same document.
func Write(w io.Writer, f Format, d *Document) error {
	const op = "write SBOM"
	var out any
	var err error
	switch f {
	case CycloneDX:
		out, err = d.cycloneDX()
	case SPDX:
		out, err = d.spdx2()
	case SPDX3:
		out, err = d.spdx3()
	default:
		return fault.New(fault.Invalid, op, "%q is no format", f)
	}
	if err != nil {
		return fault.Wrap(fault.Internal, op, d.Name, err)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}
