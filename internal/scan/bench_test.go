package scan

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// benchLayer resembles a Node.js image's layer: 50 MB of text and binary files, every fifth of them a manifest.
func benchLayer(b *testing.B) (plain, compressed []byte) {
	random := rand.New(rand.NewPCG(1, 2))
	words := make([][]byte, 5000)
	for i := range words {
		words[i] = fmt.Appendf(nil, "%x ", random.Uint64()>>random.IntN(56))
	}
	entries := []entry{file("etc/os-release", bookworm), file("var/lib/dpkg/status", stanzaOf("bash", "5.2-1"))}
	for i := range 2500 {
		var body bytes.Buffer
		for body.Len() < 20_000 {
			body.Write(words[random.IntN(len(words))])
		}
		name := fmt.Sprintf("app/node_modules/p%d/index.js", i)
		entries = append(entries, entry{name: name, body: body.String(), mode: int64(0o644 | i%4/3*0o111)})
		if i%4 == 0 {
			entries = append(entries, file(fmt.Sprintf("app/node_modules/p%d/package.json", i), packageJSONOf(fmt.Sprint("p", i), "1.0.0")))
		}
	}
	plain = archiveOf(b, entries...)
	return plain, gzipped(b, plain)
}

// BenchmarkChoice chooses readers for the paths of a large image, of which nearly none is interesting.
func BenchmarkChoice(b *testing.B) {
	readers, err := newReaders(Limits{}.withDefaults())
	if err != nil {
		b.Fatal(err)
	}
	var paths []string
	for i := range 100_000 {
		extensions := []string{"", ".h", ".py", ".js", ".so", ".png", ".json", ".md"}
		paths = append(paths, fmt.Sprintf("usr/lib/part%d/of%d/file%d%s", i%50, i%1000, i, extensions[i%len(extensions)]))
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range paths {
			if _, named := readers.of(p); named {
				b.Fatal(p)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(paths)), "ns/path")
}

// BenchmarkLayer compares reading a layer with nothing but unpacking it.
func BenchmarkLayer(b *testing.B) {
	plain, compressed := benchLayer(b)
	layers := []Layer{layerOf(compressed)}
	b.Run("scan", func(b *testing.B) {
		b.SetBytes(int64(len(plain)))
		b.ReportAllocs()
		s := New(Options{})
		for b.Loop() {
			r, err := s.Image(context.Background(), layers, nil)
			if err != nil || len(r.Components) != 626 {
				b.Fatal(err, len(r.Components))
			}
		}
	})
	b.Run("floor", func(b *testing.B) {
		b.SetBytes(int64(len(plain)))
		for b.Loop() {
			z, err := gzip.NewReader(bytes.NewReader(compressed))
			if err != nil {
				b.Fatal(err)
			}
			for t := tar.NewReader(z); ; {
				if _, err := t.Next(); err == io.EOF {
					break
				} else if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("cached", func(b *testing.B) {
		cache := &memoryCache{}
		s := New(Options{Cache: cache})
		for b.Loop() {
			if _, err := s.Image(context.Background(), layers, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
