package scan

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strings"

	"github.com/landwaiter/landwaiter/internal/image"
)

// A Document is a bill of materials that lies in the image as a file.
type Document struct {
	Path       string       `json:"path"`
	Format     string       `json:"format"` // "CycloneDX", "SPDX", "Red Hat content manifest"
	Digest     image.Digest `json:"digest"` // of the file
	Size       int64        `json:"size"`
	LayerIndex int          `json:"layerIndex"`
	Layer      image.Digest `json:"layer"`
}

// maxDocuments bounds those of a report: some distributions bring one for each package.
const maxDocuments = 2_000

// documentFolders are where distributions and builders leave documents under any name.
var documentFolders = []string{"var/lib/db/sbom/", "usr/share/sbom/", "usr/share/doc/sbom/", "root/buildinfo/content_manifests/", "layers/sbom/"}

func isDocument(p string) bool {
	p = strings.ToLower(p)
	for _, suffix := range []string{".spdx", ".spdx.json", ".cdx.json", "/bom.json", "/sbom.json", ".bom.json", ".sbom.json"} {
		if strings.HasSuffix(p, suffix) {
			return true
		}
	}
	return slices.ContainsFunc(documentFolders, func(folder string) bool { return strings.Contains("/"+p, "/"+folder) })
}

// documentStart is where a document says what it is.
const documentStart = 64 << 10

func readDocument(_ context.Context, c *content, f *found) error {
	start, err := c.start(documentStart)
	if err != nil {
		return err
	}
	format := documentFormat(start)
	if format == "" || f.take != nil && !f.take(perRecord+len(c.path)) {
		return nil
	}
	h := sha256.New()
	if _, err := io.Copy(h, c.reader()); err != nil {
		return err
	}
	f.document = &Document{Format: format, Digest: image.Digest("sha256:" + hex.EncodeToString(h.Sum(nil))), Size: c.size}
	return nil
}

func documentFormat(start []byte) string {
	switch {
	case bytes.Contains(start, []byte(`"CycloneDX"`)):
		return "CycloneDX"
	case bytes.Contains(start, []byte(`"spdxVersion"`)), bytes.Contains(start, []byte("SPDXVersion:")), bytes.Contains(start, []byte("spdx.org/rdf/")):
		return "SPDX"
	case bytes.Contains(start, []byte(`"icm_version"`)):
		return "Red Hat content manifest"
	}
	return ""
}

// documents lists those among the visible files, sorted by path.
func (m *merger) documents(files []*visible) []Document {
	var list []Document
	for _, v := range files {
		if v.file.Document != nil && len(list) < maxDocuments {
			d := *v.file.Document
			d.Path, d.LayerIndex, d.Layer = printable(absolute(v.path)), v.layer, m.layers[v.layer].Digest
			list = append(list, d)
		}
	}
	slices.SortFunc(list, func(a, b Document) int { return cmp.Compare(a.Path, b.Path) })
	return list
}
