package scan

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

func sample(t testing.TB) []byte {
	t.Helper()
	return archiveOf(t, file("etc/os-release", bookworm), file("var/lib/dpkg/status", stanzaOf("bash", "5.2-1")+stanzaOf("curl", "7.88.1-10")),
		file("app/node_modules/x/package.json", packageJSONOf("x", "1.0.0")), symlink("bin", "usr/bin"))
}

func TestCompression(t *testing.T) {
	plain := sample(t)
	half := len(plain) / 2
	want := scanned(t, layerOf(plain))
	if len(want.Components) != 3 {
		t.Fatalf("%v", want.Components)
	}
	for name, blob := range map[string][]byte{
		"gzip":                       gzipped(t, plain),
		"zstd":                       zstded(t, plain),
		"concatenated_gzip_members":  append(gzipped(t, plain[:half]), gzipped(t, plain[half:])...),
		"concatenated_zstd_frames":   append(zstded(t, plain[:half]), zstded(t, plain[half:])...),
		"zstd_after_skippable_frame": append([]byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4}, zstded(t, plain)...),
		"estargz":                    estargz(t, plain),
		"trailing_bytes":             append(gzipped(t, plain), bytes.Repeat([]byte("trailing"), 100_000)...),
		"without_end_of_archive":     gzipped(t, plain[:len(plain)-1024]),
	} {
		t.Run(name, func(t *testing.T) {
			r := scanned(t, layerOf(blob))
			expectComplete(t, r)
			if brief(r) != brief(want) || r.Files != want.Files {
				t.Errorf("%s\n%v", brief(r), r)
			}
		})
	}
	t.Run("empty_layers", func(t *testing.T) {
		r := scanned(t, layerOf(nil), layerOf(gzipped(t, nil)), layerOf(make([]byte, 1024)))
		expectComplete(t, r)
	})
}

// estargz packs as eStargz does: members that can be read one by one, and a footer in an empty member's header.
func estargz(t testing.TB, plain []byte) []byte {
	t.Helper()
	var b []byte
	for part := range slices.Chunk(plain, 3*512) {
		b = append(b, gzipped(t, part)...)
	}
	var footer bytes.Buffer
	w := gzip.NewWriter(&footer)
	w.Extra = []byte("SG\x16\x00000000000000beefSTARGZ")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return append(b, footer.Bytes()...)
}

func TestLibraryGzipGivesTheSame(t *testing.T) {
	l := layerOf(gzipped(t, sample(t)))
	own, library := scanned(t, l), scannedWith(t, Options{LibraryGzip: true}, l)
	if !reflect.DeepEqual(own, library) {
		t.Errorf("%+v\n%+v", own, library)
	}
}

func TestDamagedLayer(t *testing.T) {
	blob := gzipped(t, append(sample(t)[:6*512], archiveOf(t, file("big", strings.Repeat("some text ", 100_000)))...))
	t.Run("truncated", func(t *testing.T) {
		r := scanned(t, layerOf(blob[:len(blob)-100]))
		if c := component(t, r, "bash"); c.Version != "5.2-1" {
			t.Errorf("%+v", c)
		}
		expectPartial(t, r, "the layer is damaged after 4 entries")
	})
	t.Run("neither_archive_nor_compressed", func(t *testing.T) {
		r := scanned(t, layerOf(bytes.Repeat([]byte("<html>"), 1000)))
		expectPartial(t, r, "the layer is damaged after 0 entries")
	})
	t.Run("bit_flips_end_without_error", func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		for _, intact := range [][]byte{sample(t), gzipped(t, sample(t)), zstded(t, sample(t))} {
			for range 60 {
				b := bytes.Clone(intact)
				for range 3 {
					b[random.IntN(len(b))] ^= 1 << random.IntN(8)
				}
				scanned(t, layerOf(b))
			}
		}
	})
}

// brokenReader gives some bytes and then an error.
type brokenReader struct {
	io.Reader
	err error
}

func (b *brokenReader) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		return n, b.err
	}
	return n, err
}

func TestLayerThatCannotBeHad(t *testing.T) {
	blob := gzipped(t, sample(t))
	wrong := fault.New(fault.Invalid, "pull", "the digest is wrong").WithFix("pull again")
	for name, open := range map[string]func(context.Context) (io.ReadCloser, error){
		"open_fails": func(context.Context) (io.ReadCloser, error) { return nil, wrong },
		"stream_fails_in_the_middle": func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(&brokenReader{bytes.NewReader(blob[:len(blob)/2]), wrong}), nil
		},
		"digest_is_wrong_at_the_end": func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(&brokenReader{bytes.NewReader(append(bytes.Clone(blob), make([]byte, 300_000)...)), wrong}), nil
		},
		"digest_is_wrong_and_the_layer_damaged": func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(&brokenReader{bytes.NewReader(bytes.Repeat([]byte("x"), 2_000_000)), wrong}), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			cache := &memoryCache{}
			bad := Layer{Layer: image.Layer{Digest: "sha256:bad", Size: int64(len(blob))}, Open: open}
			r, err := New(Options{Cache: cache}).Image(context.Background(), []Layer{layer(t, file("x", "")), bad}, nil)
			if r != nil || !errors.Is(err, wrong) || fault.CodeOf(err) != fault.Invalid || fault.FixOf(err) != "pull again" {
				t.Fatalf("%v, %v", r, err)
			}
			if !strings.Contains(err.Error(), "layer 2 of 2, sha256:bad") {
				t.Error(err)
			}
			for key := range cache.results {
				if strings.Contains(key, "bad") {
					t.Error("a failed layer was cached")
				}
			}
		})
	}
}

func TestCancellation(t *testing.T) {
	t.Run("while_reading", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		stuck, writer := io.Pipe()
		go func() {
			_, _ = writer.Write(gzipped(t, sample(t))[:50])
			cancel()
		}()
		l := layerOf(nil)
		l.Open = func(context.Context) (io.ReadCloser, error) { return stuck, nil }
		done := make(chan error, 1)
		go func() {
			_, err := New(Options{}).Image(ctx, []Layer{l, layer(t, file("x", ""))}, nil)
			done <- err
		}()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("still reading")
		}
	})
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := New(Options{}).Image(ctx, []Layer{layer(t, file("x", ""))}, nil); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestProgress(t *testing.T) {
	a, b := layer(t, file("a", "a")), layer(t, file("b", "b"))
	last := map[image.Digest]int64{}
	var mu sync.Mutex
	_, err := New(Options{}).Image(context.Background(), []Layer{a, b}, func(l image.Digest, read, total int64) {
		mu.Lock()
		defer mu.Unlock()
		if read < last[l] || total < read {
			t.Errorf("%s: %d of %d after %d", l, read, total, last[l])
		}
		last[l] = read
	})
	if err != nil || last[a.Digest] != a.Size || last[b.Digest] != b.Size {
		t.Errorf("%v %v", last, err)
	}
}

func TestCache(t *testing.T) {
	cache := &memoryCache{}
	jar := zipOf(t, map[string]string{"META-INF/maven/g/a/pom.properties": pomOf("g", "a", "1")})
	layers := []Layer{
		layerOf(gzipped(t, sample(t))),
		layer(t, file("opt/a.jar", jar), hardlink("srv/b.jar", "opt/a.jar"), file("app/.wh.node_modules", ""), file("bad.jar", "x"),
			file("var/lib/dpkg/info/bash.list", "/opt/x.jar\n")),
		layer(t, file("opt/.wh.a.jar", ""), file("etc/.wh..wh..opq", "")),
	}
	first := scannedWith(t, Options{Cache: cache}, layers...)
	if cache.puts != 3 || cache.hits != 0 {
		t.Fatalf("%d puts, %d hits", cache.puts, cache.hits)
	}
	for i := range layers {
		layers[i].Open = func(context.Context) (io.ReadCloser, error) { return nil, errors.New("opened again") }
	}
	again := scannedWith(t, Options{Cache: cache}, layers...)
	if cache.puts != 3 || cache.hits != 3 || !reflect.DeepEqual(first, again) {
		t.Errorf("%d puts, %d hits\n%+v\n%+v", cache.puts, cache.hits, first, again)
	}
	t.Run("result_under_other_limits_is_not_used", func(t *testing.T) {
		_, err := New(Options{Cache: cache, Limits: Limits{FileBytes: 7}}).Image(context.Background(), layers, nil)
		if err == nil || !strings.Contains(err.Error(), "opened again") {
			t.Error(err)
		}
	})
	t.Run("damaged_result_is_a_miss", func(t *testing.T) {
		for key := range cache.results {
			cache.results[key] = []byte("damaged")
		}
		l := layerOf(gzipped(t, sample(t)))
		if r := scannedWith(t, Options{Cache: cache}, l); len(r.Components) != 3 || cache.puts != 4 {
			t.Errorf("%v, %d puts", r.Components, cache.puts)
		}
	})
}

func TestReportIsTheSameEveryTime(t *testing.T) {
	var entries []entry
	for _, n := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		entries = append(entries, file("app/node_modules/"+n+"/package.json", packageJSONOf(n, "1.0.0")), file(n+".jar", "x"))
	}
	l := layer(t, entries...)
	want := scanned(t, l)
	for range 10 {
		if got := scanned(t, l); !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v\n%+v", got, want)
		}
	}
}

func TestReaderThatMisbehaves(t *testing.T) {
	blocked := make(chan struct{})
	defer close(blocked)
	before := runtime.NumGoroutine()
	s := New(Options{Limits: Limits{FileTime: 50 * time.Millisecond}})
	s.readers = readersOf(s.readers.programs,
		reader{name: "npm", files: []string{"package.json"}, read: readPackageJSON},
		reader{name: "panicking", files: []string{"panic"}, read: func(context.Context, *content, *found) error { panic("boom") }},
		reader{name: "hanging", files: []string{"hang1", "hang2", "hang3"}, read: func(context.Context, *content, *found) error {
			<-blocked
			return nil
		}},
		reader{name: "endless", files: []string{"endless"}, read: func(_ context.Context, c *content, _ *found) error {
			for {
				if _, err := c.start(1); err != nil {
					return err
				}
			}
		}},
	)
	cache := &memoryCache{}
	s.cache = cache
	r, err := s.Image(context.Background(), []Layer{layer(t, file("panic", "x"), file("hang1", "x"), file("hang2", "x"), file("hang3", "x"), file("endless", "x"),
		file("node_modules/x/package.json", packageJSONOf("x", "1.0.0")))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, r, "npm x 1.0.0 @0 /node_modules/x/package.json")
	expectPartial(t, r, "/panic: panicking: its reader failed: boom")
	expectPartial(t, r, "/hang3: not read: its hanging reader took longer than 50ms")
	expectPartial(t, r, "/endless: not read")
	if cache.puts != 0 {
		t.Error("a result that another attempt might better was cached")
	}
	if s.hold.memory.free != s.hold.memory.size {
		t.Errorf("%d of %d bytes of the memory budget came back", s.hold.memory.free, s.hold.memory.size)
	}
	for range 100 {
		if runtime.NumGoroutine() <= before+3 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before: only the 3 hanging ones may stay", runtime.NumGoroutine(), before)
}

func TestNotesAboutFilesThatAreGoneAreDropped(t *testing.T) {
	r := scanned(t, layer(t, file("tmp/bad.jar", "x")), layer(t, file(".wh.tmp", "")))
	expectComplete(t, r)
	if len(r.Notes) > 0 {
		t.Errorf("%v", r.Notes)
	}
}
