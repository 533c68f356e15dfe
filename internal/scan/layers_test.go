package scan

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/landwaiter/landwaiter/internal/image"
)

// An entry is one header of a test layer, and its content.
type entry struct {
	name string
	body string
	link string // target of a symbolic link, or with hard of a hard link
	hard bool
	dir  bool
	mode int64
}

func file(name, body string) entry       { return entry{name: name, body: body} }
func program(name, body string) entry    { return entry{name: name, body: body, mode: 0o755} }
func dir(name string) entry              { return entry{name: name, dir: true} }
func symlink(name, target string) entry  { return entry{name: name, link: target} }
func hardlink(name, target string) entry { return entry{name: name, link: target, hard: true} }

func archiveOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: e.mode, Size: int64(len(e.body)), Typeflag: tar.TypeReg, Linkname: e.link}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		switch {
		case e.dir:
			h.Typeflag, h.Mode = tar.TypeDir, 0o755
		case e.hard:
			h.Typeflag = tar.TypeLink
		case e.link != "":
			h.Typeflag = tar.TypeSymlink
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstded(t testing.TB, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(b, nil)
}

func layerOf(blob []byte) Layer {
	sum := sha256.Sum256(blob)
	return Layer{
		Layer: image.Layer{Digest: image.Digest("sha256:" + hex.EncodeToString(sum[:])), Size: int64(len(blob))},
		Open:  func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(blob)), nil },
	}
}

func layer(t testing.TB, entries ...entry) Layer {
	t.Helper()
	return layerOf(gzipped(t, archiveOf(t, entries...)))
}

func scanned(t testing.TB, layers ...Layer) *Report {
	t.Helper()
	return scannedWith(t, Options{}, layers...)
}

func scannedWith(t testing.TB, o Options, layers ...Layer) *Report {
	t.Helper()
	if o.TempDir == "" {
		o.TempDir = t.TempDir()
	}
	r, err := New(o).Image(context.Background(), layers, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// brief lists components as "type name version @layer location".
func brief(r *Report) string {
	var b strings.Builder
	for _, c := range r.Components {
		fmt.Fprintf(&b, "%s %s %s @%d %s\n", c.Type, c.Name, c.Version, c.LayerIndex, c.Location)
	}
	return b.String()
}

func expect(t *testing.T, r *Report, want ...string) {
	t.Helper()
	wanted := ""
	for _, w := range want {
		wanted += w + "\n"
	}
	if got := brief(r); got != wanted {
		t.Errorf("components:\n%swanted:\n%snotes: %v", got, wanted, r.Notes)
	}
}

func expectComplete(t *testing.T, r *Report) {
	t.Helper()
	if r.Status != Complete {
		t.Errorf("status %q: %v", r.Status, r.Notes)
	}
}

func expectPartial(t *testing.T, r *Report, message string) {
	t.Helper()
	for _, n := range r.Notes {
		if n.Lossy && strings.Contains(n.Path+": "+n.Message, message) {
			if r.Status != Partial {
				t.Errorf("a lossy note, but status %q", r.Status)
			}
			return
		}
	}
	t.Errorf("no lossy note says %q: status %q, notes %v", message, r.Status, r.Notes)
}

func component(t *testing.T, r *Report, name string) Component {
	t.Helper()
	for _, c := range r.Components {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no component %q in:\n%s", name, brief(r))
	return Component{}
}

// stanzaOf is one installed package in a dpkg status file.
func stanzaOf(name, version string) string {
	return fmt.Sprintf("Package: %s\nStatus: install ok installed\nMaintainer: A <a@lists.debian.org>\nArchitecture: amd64\nVersion: %s\nDescription: text\n more text\n\n", name, version)
}

const bookworm = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nID=debian\n"

func packageJSONOf(name, version string) string {
	return fmt.Sprintf(`{"name":%q,"version":%q}`, name, version)
}

func zipOf(t testing.TB, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, files[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func pomOf(group, artifact, version string) string {
	return fmt.Sprintf("#Generated\nversion=%s\ngroupId=%s\nartifactId=%s\n", version, group, artifact)
}

// memoryCache is a Cache that counts.
type memoryCache struct {
	mu         sync.Mutex
	results    map[string][]byte
	hits, puts int
}

func (m *memoryCache) LayerResult(_ context.Context, key string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.results[key]
	if ok {
		m.hits++
	}
	return b, ok, nil
}

func (m *memoryCache) PutLayerResult(_ context.Context, key string, b []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.results == nil {
		m.results = map[string][]byte{}
	}
	m.results[key] = b
	m.puts++
	return nil
}
