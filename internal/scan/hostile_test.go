package scan

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"
)

// repeated is n times the same byte, without the memory.
type repeated struct{ n int64 }

func (r *repeated) Read(p []byte) (int, error) {
	if r.n == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), r.n)
	clear(p[:n])
	r.n -= n
	return int(n), nil
}

// bombOf is a small gzip stream of an archive with one file of the given size.
func bombOf(t testing.TB, name string, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: size}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(w, &repeated{size}); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteHeader(&tar.Header{Name: "node_modules/after/package.json", Size: 0}); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	_ = z.Close()
	return b.Bytes()
}

func TestBomb(t *testing.T) {
	const big = 96 << 20
	blob := bombOf(t, "var/lib/dpkg/status", big)
	l := layerOf(blob)
	drained := false
	l.Open = func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(&atEnd{bytes.NewReader(blob), &drained}), nil
	}
	t.Run("ratio", func(t *testing.T) {
		r := scannedWith(t, Options{Limits: Limits{RatioFloor: 16 << 20, Ratio: 100}}, l)
		expectPartial(t, r, "more than 100 times its size")
		if r.Bytes > 18<<20 {
			t.Errorf("%d bytes were unpacked", r.Bytes)
		}
		if !drained {
			t.Error("the stream was not read to its end: nobody checked the digest")
		}
	})
	t.Run("bytes_of_a_layer", func(t *testing.T) {
		r := scannedWith(t, Options{Limits: Limits{LayerBytes: 10 << 20}}, l)
		expectPartial(t, r, "the layer unpacks to more than 10 MiB")
	})
	t.Run("bytes_of_an_image", func(t *testing.T) {
		cache := &memoryCache{}
		r := scannedWith(t, Options{Cache: cache, Parallel: 1, Limits: Limits{ImageBytes: 10 << 20}}, layer(t, file("x", "")), l)
		expectPartial(t, r, "the image unpacks to more than 10 MiB")
		if cache.puts != 1 {
			t.Errorf("%d results cached: the second depends on the first", cache.puts)
		}
	})
	t.Run("file_beyond_its_limit_is_streamed_past", func(t *testing.T) {
		r := scannedWith(t, Options{Limits: Limits{FileBytes: 1 << 20}}, l)
		expectPartial(t, r, "/var/lib/dpkg/status: not read")
		if r.Files != 2 {
			t.Errorf("%d entries", r.Files)
		}
	})
	t.Run("memory_stays_bounded", func(t *testing.T) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		scannedWith(t, Options{Limits: Limits{FileBytes: 1 << 20}}, l)
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
			t.Errorf("%d MiB were allocated", grown>>20)
		}
	})
}

// atEnd notes that its reader was read to the end.
type atEnd struct {
	io.Reader
	reached *bool
}

func (a *atEnd) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if err == io.EOF {
		*a.reached = true
	}
	return n, err
}

func TestManyEntries(t *testing.T) {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	w := tar.NewWriter(z)
	const n = 30_000
	for i := range n {
		if err := w.WriteHeader(&tar.Header{Name: fmt.Sprintf("d/%07d", i), Typeflag: tar.TypeSymlink, Linkname: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	_ = w.Close()
	_ = z.Close()
	r := scanned(t, layerOf(b.Bytes()))
	expectComplete(t, r)
	if r.Files != n {
		t.Errorf("%d entries", r.Files)
	}
	r = scannedWith(t, Options{Limits: Limits{LayerEntries: 1000}}, layerOf(b.Bytes()))
	expectPartial(t, r, "more than 1000 entries")
}

func TestNames(t *testing.T) {
	p := packageJSONOf("x", "1.0.0")
	t.Run("nothing_leads_out_of_the_layer", func(t *testing.T) {
		r := scanned(t, layer(t, file("../../../node_modules/a/package.json", p), file("/abs/../../node_modules/b/package.json", p), file("c/../node_modules/d/package.json", p)))
		expect(t, r, "npm x 1.0.0 @0 /node_modules/a/package.json", "npm x 1.0.0 @0 /node_modules/b/package.json", "npm x 1.0.0 @0 /node_modules/d/package.json")
		expectComplete(t, r)
		if len(r.Notes) != 1 || !strings.Contains(r.Notes[0].Message, "2 entries have paths that lead out of the layer") {
			t.Errorf("%v", r.Notes)
		}
	})
	t.Run("no_UTF-8", func(t *testing.T) {
		r := scanned(t, layer(t, file("node_modules/\xff\xfe\x1b[31m/package.json", p)), layer(t, file("node_modules/\xff\xfd/package.json", p)))
		if len(r.Components) != 2 {
			t.Fatalf("%v", r.Components)
		}
		b, err := json.Marshal(r)
		if err != nil || !utf8.Valid(b) || bytes.ContainsRune(b, 0x1b) || strings.Contains(r.Components[0].Location, "\x1b") {
			t.Errorf("%q %v", b, err)
		}
		r = scanned(t, layer(t, file("node_modules/\xff\xfe/package.json", p)), layer(t, file("node_modules/.wh.\xff\xfe", "")))
		expect(t, r)
	})
	t.Run("very_long", func(t *testing.T) {
		r := scanned(t, layer(t, file("node_modules/"+strings.Repeat("long/", 1000)+"package.json", p), file("node_modules/a/package.json", p)))
		expect(t, r, "npm x 1.0.0 @0 /node_modules/a/package.json")
		expectPartial(t, r, "its path has")
	})
	t.Run("root_and_empty", func(t *testing.T) {
		r := scanned(t, layer(t, dir("./"), dir("/"), dir(".."), file("node_modules/a/package.json", p)), layer(t, dir("./")))
		expect(t, r, "npm x 1.0.0 @0 /node_modules/a/package.json")
	})
}

func TestComponentsAreLimited(t *testing.T) {
	var status strings.Builder
	for i := range 1000 {
		status.WriteString(stanzaOf(fmt.Sprintf("p%04d", i), "1"))
	}
	r := scannedWith(t, Options{Limits: Limits{Components: 100}}, layer(t, file("var/lib/dpkg/status", status.String())))
	if len(r.Components) != 100 {
		t.Errorf("%d components", len(r.Components))
	}
	expectPartial(t, r, "900 entries were left out")
	r = scanned(t, layer(t, file("node_modules/x/package.json", packageJSONOf(strings.Repeat("n", 10_000), "1"))))
	expect(t, r)
	expectPartial(t, r, "1 entries were left out")
}

func TestNotesAreLimited(t *testing.T) {
	var entries []entry
	for i := range 3 * maxNotes {
		entries = append(entries, file(fmt.Sprintf("%d.jar", i), "x"))
	}
	r := scanned(t, layer(t, entries...))
	if len(r.Notes) != maxNotes+1 || !strings.Contains(r.Notes[maxNotes].Message, "200 more") {
		t.Errorf("%d notes, last %v", len(r.Notes), r.Notes[len(r.Notes)-1])
	}
}

// sparseHeader is of a file in the old GNU format that is all hole but for its first block.
func sparseHeader(name string, length int64) []byte {
	h := make([]byte, 512)
	copy(h, name)
	copy(h[100:], "0000644\x00")
	copy(h[108:], "0000000\x00")
	copy(h[116:], "0000000\x00")
	copy(h[124:], "00000001000\x00") // 512 bytes are stored
	copy(h[136:], "00000000000\x00")
	h[156] = tar.TypeGNUSparse
	copy(h[257:], "ustar  \x00")
	copy(h[386:], "00000000000\x0000000001000\x00") // the block at offset 0
	h[483] = 0x80
	binary.BigEndian.PutUint64(h[487:], uint64(length))
	sum := 8 * int(' ')
	for i, b := range h {
		if i < 148 || i >= 156 {
			sum += int(b)
		}
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return h
}

func TestSparseFile(t *testing.T) {
	blob := append(append(sparseHeader("hole.jar", 1<<40), make([]byte, 512)...), archiveOf(t, file("node_modules/a/package.json", packageJSONOf("a", "1")))...)
	r := scanned(t, layerOf(blob))
	expect(t, r, "npm a 1 @0 /node_modules/a/package.json")
	expectPartial(t, r, "/hole.jar: not read: a Java file of 1099511627776 bytes")
}
