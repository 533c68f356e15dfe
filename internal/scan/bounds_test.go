package scan

import (
	"archive/zip"
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

// allocated runs f and returns the MiB it allocated.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) >> 20
}

// elfOfNames has many sections whose names all run to the end of one table.
func elfOfNames(sections, length int, flags elf.SectionFlag) string {
	b := make([]byte, 64+sections*64+length)
	copy(b, "\x7fELF\x02\x01\x01")
	le := binary.LittleEndian
	le.PutUint16(b[16:], uint16(elf.ET_EXEC))
	le.PutUint16(b[18:], uint16(elf.EM_X86_64))
	le.PutUint32(b[20:], 1)
	le.PutUint64(b[0x28:], 64)
	for at, v := range map[int]int{0x34: 64, 0x36: 56, 0x3a: 64, 0x3c: sections, 0x3e: 1} {
		le.PutUint16(b[at:], uint16(v))
	}
	for s := b[64 : 64+sections*64]; len(s) > 0; s = s[64:] {
		le.PutUint32(s[4:], uint32(elf.SHT_STRTAB))
		le.PutUint64(s[8:], uint64(flags))
		le.PutUint64(s[0x18:], uint64(64+sections*64))
		le.PutUint64(s[0x20:], uint64(length))
	}
	copy(b[64+sections*64:], strings.Repeat("A", length-1))
	return string(b)
}

// peOf has sections that share one list of relocations, and symbols that share one name.
func peOf(sections, relocations, symbols, name int) string {
	le := binary.LittleEndian
	tail := 64 + 24 + 40*sections
	b := make([]byte, tail+max(10*relocations, 18*symbols+4+name+1))
	copy(b, "MZ")
	le.PutUint32(b[0x3c:], 64)
	copy(b[64:], "PE\x00\x00")
	le.PutUint16(b[68:], 0x8664)
	le.PutUint16(b[70:], uint16(sections))
	le.PutUint32(b[76:], uint32(tail))
	le.PutUint32(b[80:], uint32(symbols))
	for i := range sections {
		s := b[88+40*i:]
		copy(s, "/4")
		le.PutUint32(s[24:], uint32(tail))
		le.PutUint16(s[32:], uint16(relocations))
	}
	for i := range symbols {
		le.PutUint32(b[tail+18*i+4:], 4)
	}
	if symbols > 0 {
		table := b[tail+18*symbols:]
		le.PutUint32(table, uint32(4+name+1))
		copy(table[4:], strings.Repeat("n", name))
	}
	return string(b)
}

func TestProgramsOfSquareCost(t *testing.T) {
	for name, c := range map[string]struct{ body, note string }{
		"elf_names":            {elfOfNames(5000, 100_000, 0), "5000 sections whose names take 100000 bytes"},
		"elf_compressed_names": {elfOfNames(10, 1000, elf.SHF_COMPRESSED), "compressed section names"},
		"pe_sections":          {peOf(5000, 0, 0, 0), "5000 sections"},
		"pe_relocations":       {peOf(96, 65_535, 0, 0), ""},
		"pe_symbols":           {peOf(1, 0, 2000, 100_000), ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := layer(t, program("x", c.body))
			var r *Report
			if n := allocated(func() { r = scanned(t, l) }); n > 16 {
				t.Errorf("%d MiB were allocated for a file of %d KiB", n, len(c.body)>>10)
			}
			if c.note == "" {
				expectComplete(t, r)
			} else {
				expectPartial(t, r, c.note)
			}
		})
	}
}

func TestTextIsLimited(t *testing.T) {
	long := strings.Repeat("long/", 200)
	many := func(make func(name string) entry) []entry {
		var entries []entry
		for i := range 100 {
			entries = append(entries, make(fmt.Sprintf("%s%d", long, i)))
		}
		return entries
	}
	limits := Limits{ImageText: 20_000}
	for name, entries := range map[string][]entry{
		"links":      many(func(n string) entry { return symlink(n+"/lib", "x") }),
		"hard_links": many(func(n string) entry { return hardlink(n+"/package.json", "nowhere") }),
		"manifests":  many(func(n string) entry { return file(n+"/package.json", "") }),
		"components": {file("var/lib/dpkg/status", func() (s string) {
			for i := range 100 {
				s += stanzaOf(fmt.Sprintf("p%d", i), strings.Repeat("1", 400))
			}
			return s
		}())},
	} {
		t.Run(name, func(t *testing.T) {
			cache := &memoryCache{}
			r := scannedWith(t, Options{Limits: limits, Cache: cache}, layer(t, entries...))
			expectPartial(t, r, "of names in the image")
			if cache.puts > 0 {
				t.Error("a result that another image's layers decided was cached")
			}
		})
	}
	t.Run("of_cached_layers_too", func(t *testing.T) {
		o := Options{Limits: limits, Cache: &memoryCache{}, Parallel: 1}
		var layers []Layer
		for i := range 3 {
			layers = append(layers, layer(t, file(fmt.Sprintf("%s%d/package.json", strings.Repeat("long/", 800), i), packageJSONOf("a", "1")),
				file(fmt.Sprintf("%s%d/b/package.json", strings.Repeat("long/", 800), i), packageJSONOf("b", "1"))))
			expectComplete(t, scannedWith(t, o, layers[i]))
		}
		expectPartial(t, scannedWith(t, o, layers...), "the components of this layer are not listed")
	})
}

func TestEntriesOfAnImageAreLimited(t *testing.T) {
	l := Limits{ImageEntries: 3}
	r := scannedWith(t, Options{Limits: l, Parallel: 1}, layer(t, file("a", ""), file("b", "")), layer(t, file("c", ""), file("d", "")))
	expectPartial(t, r, "the image has more than 3 entries")
}

func TestTimeOfALayerIsLimited(t *testing.T) {
	cache := &memoryCache{}
	var entries []entry
	for i := range 40 {
		entries = append(entries, file(fmt.Sprintf("node_modules/p%d/package.json", i), packageJSONOf("p", "1.0.0")))
	}
	s := New(Options{Cache: cache, Limits: Limits{LayerTime: 20 * time.Millisecond}})
	s.readers = readersOf(s.readers.programs, reader{name: "slow", files: []string{"package.json"}, read: func(context.Context, *content, *found) error {
		time.Sleep(10 * time.Millisecond)
		return nil
	}})
	r, err := s.Image(context.Background(), []Layer{layer(t, entries...)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	expectPartial(t, r, "reading the components of this layer took longer than 20ms")
	if r.Files != 40 || cache.puts > 0 {
		t.Errorf("%d entries, %d results cached", r.Files, cache.puts)
	}
}

func TestHolesCountAsBytes(t *testing.T) {
	sparse := sparseHeader("hole.jar", 1<<20)
	blob := append(append(bytes.Repeat(append(sparse, make([]byte, 512)...), 8), make([]byte, 1024)...), 0)
	r := scannedWith(t, Options{Limits: Limits{LayerBytes: 4 << 20}}, layerOf(blob))
	expectPartial(t, r, "the layer unpacks to more than 4 MiB")
	if r.Files > 5 {
		t.Errorf("%d entries were read", r.Files)
	}
}

func TestArchivesOfSquareCost(t *testing.T) {
	t.Run("identities", func(t *testing.T) {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for i := range 50 {
			w, err := z.Create(fmt.Sprintf("%d/pom.properties", i))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(w, &repeated{1 << 20})
		}
		_ = z.Close()
		r := scannedWith(t, Options{Limits: Limits{ArchiveBytes: 4 << 20}}, layer(t, file("a.jar", b.String())))
		expectPartial(t, r, "not read further: what is read inside one file may unpack to 4 MiB")
	})
	t.Run("claimed_size", func(t *testing.T) {
		inner := zipOf(t, map[string]string{"META-INF/maven/g/a/pom.properties": pomOf("org.g", "a", "1.2")})
		outer := []byte(zipOf(t, map[string]string{"inner.jar": inner}))
		at := bytes.Index(outer, []byte("PK\x01\x02"))
		binary.LittleEndian.PutUint32(outer[at+24:], 200<<20)
		l := layer(t, file("a.jar", string(outer)))
		var r *Report
		if n := allocated(func() { r = scanned(t, l) }); n > 16 {
			t.Errorf("%d MiB were allocated", n)
		}
		expectPartial(t, r, "it cannot unpack to 209715200 bytes")
	})
}

func TestManifestsOfSquareCost(t *testing.T) {
	ones := strings.Repeat("1,", 1<<20) + "1"
	t.Run("licenses", func(t *testing.T) {
		l := layer(t, file("package.json", `{"name":"a","version":"1","license":[`+ones+`]}`))
		var r *Report
		if n := allocated(func() { r = scanned(t, l) }); n > 64 {
			t.Errorf("%d MiB were allocated for a file of 2 MiB", n)
		}
		expect(t, r, "npm a 1 @0 /package.json")
	})
	t.Run("composer", func(t *testing.T) {
		r := scanned(t, layer(t, file("vendor/composer/installed.json", `{"x":[{}],"packages":[{"name":"a","version":"v1"},`+ones[:2000]+`1]}`)))
		expect(t, r, "composer a 1 @0 /vendor/composer/installed.json")
		expectPartial(t, r, "1001 entries were left out")
	})
	t.Run("rpm_file_names", func(t *testing.T) {
		if n := allocated(func() { rpmStrings(make([]byte, 8<<20), 1<<30) }); n > 128 {
			t.Errorf("%d MiB were allocated", n)
		}
	})
}
