package scan

import (
	"archive/tar"
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// rawHeader is a header as its bytes stand in an archive, of formats that archive/tar does not write.
func rawHeader(name string, kind byte, size int, change func(h []byte)) []byte {
	h := make([]byte, 512)
	copy(h, name)
	copy(h[100:], "0000644\x000000000\x000000000\x00")
	copy(h[124:], fmt.Sprintf("%011o\x0000000000000\x00", size))
	h[156] = kind
	copy(h[257:], "ustar\x0000")
	if change != nil {
		change(h)
	}
	sum := 8 * int(' ')
	for i, b := range h {
		if i < 148 || i >= 156 {
			sum += int(b)
		}
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return h
}

func padded(body string) []byte {
	return append([]byte(body), make([]byte, (512-len(body)%512)%512)...)
}

// records are the lines of a PAX extended header: keys and values.
func records(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		line := " " + pairs[i] + "=" + pairs[i+1] + "\n"
		n := len(line)
		for n < len(line)+len(strconv.Itoa(n)) {
			n = len(line) + len(strconv.Itoa(n))
		}
		b.WriteString(strconv.Itoa(n) + line)
	}
	return b.String()
}

// paxEntry is a file whose extended header has the records.
func paxEntry(kind byte, extended, name, body string, size int) []byte {
	var b bytes.Buffer
	b.Write(rawHeader("PaxHeaders/x", kind, len(extended), nil))
	b.Write(padded(extended))
	if name != "" {
		b.Write(rawHeader(name, tar.TypeReg, size, nil))
		b.Write(padded(body))
	}
	return b.Bytes()
}

// TestArchiveFormats has one package.json in every form that a tar archive can give it.
func TestArchiveFormats(t *testing.T) {
	const p = "app/node_modules/a/package.json"
	const body = `{"name":"a","version":"1.0.0"}`
	end := make([]byte, 1024)
	length, size := strconv.Itoa(len(body)), len(body)
	whole := strconv.Itoa(size + 4096) // with a hole behind the text
	long := strings.Repeat("long/", 60) + p

	for name, c := range map[string]struct {
		blob []byte
		path string
	}{
		"ustar":              {append(rawHeader(p, tar.TypeReg, size, nil), padded(body)...), p},
		"ustar_prefix":       {append(rawHeader("a/package.json", tar.TypeReg, size, func(h []byte) { copy(h[345:], "app/node_modules") }), padded(body)...), p},
		"v7_without_a_magic": {append(rawHeader(p, 0, size, func(h []byte) { clear(h[257:265]) }), padded(body)...), p},
		"gnu_long_name": {
			bytes.Join([][]byte{rawHeader("././@LongLink", 'L', len(long)+1, gnu), padded(long + "\x00"), rawHeader(long[:99], tar.TypeReg, size, gnu), padded(body)}, nil), long,
		},
		"pax_long_name":       {paxEntry('x', records("path", long), "short", body, size), long},
		"pax_size_overrides":  {paxEntry('x', records("size", length), p, body, 0), p},
		"pax_global_header":   {append(paxEntry('g', records("comment", "of all that follow"), "", "", 0), append(rawHeader(p, tar.TypeReg, size, nil), padded(body)...)...), p},
		"pax_unknown_records": {paxEntry('x', records("SCHILY.xattr.user.x", "\x01\x02", "VENDOR.y", "z"), p, body, size), p},
		"gnu_sparse": {
			append(rawHeader(p, tar.TypeGNUSparse, size, func(h []byte) {
				gnu(h)
				copy(h[386:], fmt.Sprintf("%011o\x00%011o\x00", 0, size))
				copy(h[483:], fmt.Sprintf("%011o\x00", size+4096))
			}), padded(body)...), p,
		},
		"gnu_sparse_0.0": {
			paxEntry('x', records("GNU.sparse.size", whole, "GNU.sparse.numblocks", "2", "GNU.sparse.offset", "0", "GNU.sparse.numbytes", "10",
				"GNU.sparse.offset", "10", "GNU.sparse.numbytes", strconv.Itoa(size-10)), p, body, size), p,
		},
		"gnu_sparse_0.1": {
			paxEntry('x', records("GNU.sparse.size", whole, "GNU.sparse.numblocks", "1", "GNU.sparse.map", "0,"+length, "GNU.sparse.name", p), "GNUSparseFile.0/x", body, size), p,
		},
		"gnu_sparse_1.0": {
			paxEntry('x', records("GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.name", p, "GNU.sparse.realsize", whole), "GNUSparseFile.0/x",
				string(padded("1\n0\n"+length+"\n"))+body, 512+size), p,
		},
		"non_utf8_name":     {append(rawHeader("caf\xe9/node_modules/a/package.json", tar.TypeReg, size, nil), padded(body)...), "caf\uFFFD/node_modules/a/package.json"},
		"pax_non_utf8_name": {paxEntry('x', records("hdrcharset", "BINARY", "path", "caf\xe9/node_modules/a/package.json"), "x", body, size), "caf\uFFFD/node_modules/a/package.json"},
		"contiguous_file":   {append(rawHeader(p, tar.TypeCont, size, nil), padded(body)...), p},
		"dot_slash":         {append(rawHeader("./"+p, tar.TypeReg, size, nil), padded(body)...), p},
		"absolute":          {append(rawHeader("/"+p, tar.TypeReg, size, nil), padded(body)...), p},
	} {
		t.Run(name, func(t *testing.T) {
			after := archiveOf(t, file("z/node_modules/b/package.json", packageJSONOf("b", "2.0.0")))
			r := scanned(t, layerOf(append(bytes.Clone(c.blob), after...)))
			expect(t, r, "npm a 1.0.0 @0 /"+c.path, "npm b 2.0.0 @0 /z/node_modules/b/package.json")
			expectComplete(t, r)
		})
	}

	t.Run("a_name_that_is_not_utf8_can_be_removed", func(t *testing.T) {
		lower := append(append(rawHeader("caf\xe9/node_modules/a/package.json", tar.TypeReg, size, nil), padded(body)...), end...)
		other := append(append(rawHeader(".wh.caf\xe8", tar.TypeReg, 0, nil), rawHeader("x", tar.TypeReg, 0, nil)...), end...)
		same := append(rawHeader(".wh.caf\xe9", tar.TypeReg, 0, nil), end...)
		expect(t, scanned(t, layerOf(lower), layerOf(other)), "npm a 1.0.0 @0 /caf\uFFFD/node_modules/a/package.json")
		expect(t, scanned(t, layerOf(lower), layerOf(same)))
	})
}

// gnu makes a header one of GNU's.
func gnu(h []byte) { copy(h[257:], "ustar  \x00") }
