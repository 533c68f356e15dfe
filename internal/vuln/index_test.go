package vuln

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
)

var probes = []Package{
	{"Debian:11", "openssl", "1.1.1k-1", ""}, {"Go", "stdlib", "go1.20", ""}, {"npm", "marked", "0.3.5", ""}, {"PyPI", "gdal", "3.0.1", ""}, {"AlmaLinux:9", "openssl", "1:1-1", ""},
}

// use does with an index what can be done with one; it reports whether something said that the index is damaged.
func use(x *Index) (damaged bool) {
	x.Status()
	for _, p := range probes {
		found, err := x.Match(context.Background(), p)
		if err != nil && fault.CodeOf(err) == fault.Internal {
			damaged = true
		} else if err != nil || len(found) != 1 {
			return damaged // silently wrong unless something else was noticed
		}
	}
	return damaged
}

func indexBytes(t testing.TB) []byte {
	dir := t.TempDir()
	mustImport(t, dir, "testdata/osv")
	b, err := os.ReadFile(filepath.Join(dir, indexName))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func openBytes(b []byte) (*Index, error) {
	return openIndex(bytes.NewReader(b), int64(len(b)), func() (file, error) { return &memory{b: b}, nil })
}

func TestDamageIsNoticed(t *testing.T) {
	whole := indexBytes(t)
	t.Run("truncated", func(t *testing.T) {
		for n := 0; n < len(whole); n += 37 {
			if x, err := openBytes(whole[:n]); err == nil {
				t.Errorf("%d of %d bytes open: %+v", n, len(whole), x.Status())
			}
		}
	})
	t.Run("one_wrong_byte", func(t *testing.T) {
		x, err := openBytes(whole)
		if err != nil {
			t.Fatal(err)
		}
		used := x.contents.Keys // all of it is used by some package, but not by those that are probed
		for i := 0; i < len(whole); i += 3 {
			b := bytes.Clone(whole)
			b[i] ^= 0x41
			x, err := openBytes(b)
			if err != nil {
				continue
			}
			if damaged := use(x); !damaged && !inSection(used, i) && !inSection(x.contents.Details, i) {
				t.Errorf("byte %d: nobody noticed", i)
			}
			for _, p := range probes {
				if found, err := x.Match(context.Background(), p); err == nil && len(found) != 1 {
					t.Errorf("byte %d: %v matches %v", i, p, idsOf(found))
				}
			}
			x.Close()
		}
	})
	t.Run("file_says_what_to_do", func(t *testing.T) {
		for _, text := range []string{"", "short", strings.Repeat("x", 1000), indexMagic + strings.Repeat("\x00", 100)} {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, indexName), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			x, err := Open(dir)
			wantCode(t, err, fault.Internal)
			if x != nil || !strings.Contains(fault.FixOf(err), "import") {
				t.Error(err, fault.FixOf(err))
			}
		}
	})
	t.Run("truncated_while_open", func(t *testing.T) {
		dir := t.TempDir()
		mustImport(t, dir, "testdata/osv")
		x := mustOpen(t, dir)
		if err := os.Truncate(filepath.Join(dir, indexName), 0); err != nil {
			t.Fatal(err)
		}
		_, err := x.Match(context.Background(), probes[0])
		wantCode(t, err, fault.Internal)
	})
	t.Run("other_format", func(t *testing.T) {
		b := bytes.Clone(whole)
		binary.LittleEndian.PutUint32(b[8:], indexVersion+1)
		if _, err := openBytes(b); err == nil || !strings.Contains(err.Error(), "format 3") {
			t.Error(err)
		}
	})
}

func TestIndexOfAnOlderFormat(t *testing.T) {
	dir := t.TempDir()
	mustImport(t, dir, "testdata/osv")
	path := filepath.Join(dir, indexName)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(b[8:], indexVersion-1)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrOlderFormat) || !strings.Contains(fault.FixOf(err), "which replaces it") {
		t.Errorf("%v (%s)", err, fault.FixOf(err))
	}
	live, err := OpenLive(dir)
	if err != nil || !errors.Is(live.Err(), ErrOlderFormat) {
		t.Fatal(err, live.Err())
	}
	defer live.Close()
	if x, release := live.Acquire(); !x.Empty() {
		t.Error("something is lent")
	} else {
		release()
	}
	res := mustImport(t, dir, writeFiles(t, map[string]string{"1.json": osv("GHSA-1", "npm", "a", below("2.0.0"))}))
	if !res.Rebuilt || res.Status.Records != 1 {
		t.Errorf("%+v", res)
	}
	if x, release := live.Acquire(); x.Empty() || live.Err() != nil {
		t.Error("the new index is not lent", live.Err())
	} else {
		release()
	}
	if res := mustImport(t, dir, "testdata/osv"); res.Rebuilt {
		t.Error("an index of this format is not carried over")
	}
}

func inSection(s section, i int) bool { return uint64(i) >= s.Offset && uint64(i) < s.Offset+s.Length }

func TestMissingIndex(t *testing.T) {
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "absent")} {
		if x, err := Open(dir); x != nil || err != nil {
			t.Error(x, err)
		}
	}
}

func TestManyRecords(t *testing.T) {
	files := map[string]string{}
	for i := range 1500 {
		// Enough for several blocks and for keys in every partition.
		id := "T-" + strings.Repeat("x", i%50) + string(rune('a'+i%26)) + "-" + itoa(i)
		files[itoa(i)+".json"] = strings.Replace(osv(id, "npm", "package-"+itoa(i%500), below("2.0.0")), `"id"`, `"summary":"Number `+itoa(i)+`","id"`, 1)
	}
	dir := t.TempDir()
	mustImport(t, dir, writeFiles(t, map[string]string{"npm/all.zip": zipOf(t, files)}))
	x := mustOpen(t, dir)
	if st := x.Status(); st.Records != 1500 || st.Ecosystems[0].Records != 1500 {
		t.Fatalf("%+v", st)
	}
	if x.contents.Blocks.Length/blockRow < 5 {
		t.Errorf("only %d blocks", x.contents.Blocks.Length/blockRow)
	}
	for i := range 500 {
		found := match(t, x, Package{"npm", "package-" + itoa(i), "1.0.0", ""})
		if len(found) != 3 {
			t.Fatalf("package-%d: %v", i, idsOf(found))
		}
		for _, v := range found {
			if n := strings.TrimPrefix(v.Summary, "Number "); !strings.HasSuffix(v.ID, "-"+n) || v.Source != "npm" {
				t.Fatalf("%+v", v)
			}
		}
	}
	if found := match(t, x, Package{"npm", "package-500", "1.0.0", ""}); len(found) != 0 {
		t.Error(idsOf(found))
	}
}

// FuzzOpenIndex writes the fuzzer's bytes over a good index, and makes the checksums of its tables right again, so that what
// they would hide is read too.
func FuzzOpenIndex(f *testing.F) {
	whole := indexBytes(f)
	x, err := openBytes(whole)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), []byte("nonsense"), false)
	for _, s := range []section{x.contents.Blocks, x.contents.Lookup, x.contents.Keys, x.contents.Details} {
		f.Add(uint32(s.Offset), []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, true)
	}
	f.Add(uint32(len(whole)-50), []byte(`"rows":99999`), true)
	f.Fuzz(func(t *testing.T, at uint32, over []byte, repair bool) {
		b := bytes.Clone(whole)
		if int(at) < len(b) {
			copy(b[at:], over)
		}
		if repair {
			repairChecksums(b, x.contents)
		}
		x, err := openBytes(b)
		if err != nil {
			return
		}
		defer x.Close()
		use(x)
	})
}

func repairChecksums(b []byte, c contents) {
	for _, s := range []section{c.Blocks, c.Lookup} {
		old, sum := itoa(int(s.Checksum)), itoa(int(crc32.Checksum(b[s.Offset:s.Offset+s.Length], castagnoli)))
		if len(old) == len(sum) {
			copy(b[s.Offset+s.Length:], bytes.Replace(b[s.Offset+s.Length:], []byte(old), []byte(sum), 1))
		}
	}
	for off := c.Keys.Offset; off+8 < c.Keys.Offset+c.Keys.Length; {
		n := uint64(binary.LittleEndian.Uint32(b[off+4:]))
		if n > c.Keys.Offset+c.Keys.Length-off-8 {
			break
		}
		binary.LittleEndian.PutUint32(b[off:], crc32.Checksum(b[off+8:off+8+n], castagnoli))
		off += 8 + n
	}
	le := binary.LittleEndian
	length, off := uint64(le.Uint32(b[12:])), le.Uint64(b[16:])
	if off <= uint64(len(b)) && length <= uint64(len(b))-off {
		le.PutUint32(b[24:], crc32.Checksum(b[off:off+length], castagnoli))
	}
	le.PutUint32(b[headerSize-4:], crc32.Checksum(b[:headerSize-4], castagnoli))
}
