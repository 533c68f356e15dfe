package vuln

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

// The index file, all numbers little-endian:
//
//	header   magic, format version, place and checksum of the table of contents, file size, checksum of the header
//	details  zstd blocks; each holds length-prefixed details of consecutive rows, rows being ordered by package
//	keys     per package: checksum, length, key, and its affected entries (row, ecosystem, entry)
//	blocks   per block: first row, size, offset
//	lookup   per package: hash of the key, offset; in ascending order of hash
//	contents JSON: where the sections are, their checksums, and the status
//
// Details carry zstd's own checksum, keys one each, blocks and lookup are checked when the index is opened. So damage is
// always noticed, and opening reads only what grows slowly.
const (
	indexName    = "advisories.idx"
	indexMagic   = "lwadvidx"
	indexVersion = 2
	headerSize   = 8 + 4 + 4 + 8 + 4 + 8 + 4
	lookupRow    = 16
	blockRow     = 16
	maxContents  = 16 << 20
	maxBlock     = 8 << 20
)

type section struct {
	Offset   uint64 `json:"offset"`
	Length   uint64 `json:"length"`
	Checksum uint32 `json:"checksum,omitempty"`
}

type contents struct {
	Details    section           `json:"details"`
	Keys       section           `json:"keys"`
	Blocks     section           `json:"blocks"`
	Lookup     section           `json:"lookup"`
	Rows       uint32            `json:"rows"`
	Records    int               `json:"records"`
	Ecosystems []EcosystemStatus `json:"ecosystems"`
	Imported   time.Time         `json:"imported"`
	Newest     time.Time         `json:"newest"`
}

// ErrOlderFormat says that an index is of no use to this version of Landwaiter. The next import replaces it.
var ErrOlderFormat = errors.New("it was written in an older format")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// hashOf is FNV-1a.
func hashOf(s string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 0x100000001b3
	}
	return h
}

func readContents(r io.ReaderAt, size int64) (contents, error) {
	var c contents
	head := make([]byte, headerSize)
	if size < headerSize {
		return c, fmt.Errorf("%w: it is shorter than its header", errCorrupt)
	}
	if _, err := r.ReadAt(head, 0); err != nil {
		return c, err
	}
	le := binary.LittleEndian
	if string(head[:8]) != indexMagic {
		return c, errors.New("this is not an advisory index")
	}
	if v := le.Uint32(head[8:]); v < indexVersion {
		return c, fmt.Errorf("%w: %d; this version of Landwaiter reads format %d", ErrOlderFormat, v, indexVersion)
	} else if v > indexVersion {
		return c, fmt.Errorf("it was written in format %d; this version of Landwaiter reads format %d", v, indexVersion)
	}
	if crc32.Checksum(head[:headerSize-4], castagnoli) != le.Uint32(head[headerSize-4:]) {
		return c, fmt.Errorf("%w: the header's checksum is wrong", errCorrupt)
	}
	length, off, sum, whole := le.Uint32(head[12:]), le.Uint64(head[16:]), le.Uint32(head[24:]), le.Uint64(head[28:])
	if whole != uint64(size) {
		return c, fmt.Errorf("%w: it has %d bytes instead of %d", errCorrupt, size, whole)
	}
	if length > maxContents || off > whole || uint64(length) > whole-off {
		return c, fmt.Errorf("%w: its contents lie outside the file", errCorrupt)
	}
	raw := make([]byte, length)
	if _, err := r.ReadAt(raw, int64(off)); err != nil && err != io.EOF {
		return c, err
	}
	if crc32.Checksum(raw, castagnoli) != sum {
		return c, fmt.Errorf("%w: the contents' checksum is wrong", errCorrupt)
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, fmt.Errorf("%w: %w", errCorrupt, err)
	}
	for _, s := range []section{c.Details, c.Keys, c.Blocks, c.Lookup} {
		if s.Offset > whole || s.Length > whole-s.Offset {
			return c, fmt.Errorf("%w: a section lies outside the file", errCorrupt)
		}
	}
	if c.Blocks.Length%blockRow != 0 || c.Lookup.Length%lookupRow != 0 {
		return c, fmt.Errorf("%w: a table has half a row", errCorrupt)
	}
	for _, s := range []section{c.Blocks, c.Lookup} {
		h := crc32.New(castagnoli)
		if _, err := io.Copy(h, io.NewSectionReader(r, int64(s.Offset), int64(s.Length))); err != nil {
			return c, err
		}
		if h.Sum32() != s.Checksum {
			return c, fmt.Errorf("%w: a table's checksum is wrong", errCorrupt)
		}
	}
	return c, nil
}
