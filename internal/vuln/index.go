package vuln

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/landwaiter/landwaiter/internal/fault"
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
	indexVersion = 1
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

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func keyHash(key string) uint64 {
	h := fnv.New64a()
	io.WriteString(h, key)
	return h.Sum64()
}

// A file gives pieces of an index file. What it returns is valid until it is closed and must not be changed.
type file interface {
	at(off, n uint64) ([]byte, error)
	io.Closer
}

type memory struct {
	b       []byte
	release func() error
}

func (m *memory) at(off, n uint64) ([]byte, error) {
	if off > uint64(len(m.b)) || n > uint64(len(m.b))-off {
		return nil, errCorrupt
	}
	return m.b[off : off+n : off+n], nil
}

func (m *memory) Close() error {
	if m.release == nil {
		return nil
	}
	return m.release()
}

// Index is an opened advisory index. A nil *Index is valid and holds nothing: Empty is true. It is safe for concurrent use;
// closing it waits for nobody, the file stays mapped until the last user is done.
type Index struct {
	file       file
	size       int64
	contents   contents
	ecosystems []ecosystem // of contents.Ecosystems, taken apart
	covered    map[ecosystem]bool
	zstd       *zstd.Decoder
	users      atomic.Int32 // 1 for the one who opened it
	closed     atomic.Bool

	mu     sync.Mutex
	blocks map[uint32][]byte // recently used blocks of details
}

// Open opens the index file in dir. It returns a nil Index and no error when nothing was ever imported.
func Open(dir string) (*Index, error) {
	f, err := os.Open(filepath.Join(dir, indexName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "open the advisory index", "", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "open the advisory index", f.Name(), err)
	}
	x, err := openIndex(f, st.Size(), func() (file, error) { return mapFile(f, st.Size()) })
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "open the advisory index", f.Name(), err).
			WithFix("Remove the file and import the advisories again: landwaiter vuln import PATH")
	}
	return x, nil
}

func openIndex(r io.ReaderAt, size int64, open func() (file, error)) (*Index, error) {
	c, err := readContents(r, size)
	if err != nil {
		return nil, err
	}
	x := &Index{size: size, contents: c, covered: map[ecosystem]bool{}, blocks: map[uint32][]byte{}}
	for _, e := range c.Ecosystems {
		parsed := parseEcosystem(e.Name)
		x.ecosystems = append(x.ecosystems, parsed)
		parsed.pro = false
		if e.Records > 0 {
			x.covered[parsed] = true
		}
	}
	x.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxBlock))
	if err != nil {
		return nil, err
	}
	if x.file, err = open(); err != nil {
		x.zstd.Close()
		return nil, err
	}
	x.users.Store(1)
	return x, nil
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
	if v := le.Uint32(head[8:]); v != indexVersion {
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

// Close gives the index up; nothing may be asked of it afterwards.
func (x *Index) Close() error {
	if x == nil || x.closed.Swap(true) {
		return nil
	}
	return x.release()
}

// retain keeps the file mapped until release; false means that it is gone already.
func (x *Index) retain() bool {
	for {
		n := x.users.Load()
		if n <= 0 {
			return false
		}
		if x.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (x *Index) release() error {
	if x.users.Add(-1) > 0 {
		return nil
	}
	x.zstd.Close()
	return x.file.Close()
}

// Empty reports whether the index holds no record at all.
func (x *Index) Empty() bool { return x == nil || x.contents.Records == 0 }

// Status tells what the index holds.
func (x *Index) Status() Status {
	if x == nil {
		return Status{Ecosystems: []EcosystemStatus{}}
	}
	c := x.contents
	s := Status{Records: c.Records, Ecosystems: []EcosystemStatus{}, Imported: c.Imported, Newest: c.Newest, Size: x.size}
	for _, e := range c.Ecosystems {
		if e.Records > 0 {
			s.Ecosystems = append(s.Ecosystems, e)
		}
	}
	return s
}

// Covers reports whether the index has any record of the ecosystem (and release), i.e. whether finding nothing means
// anything. Records for a distribution without a release cover all its releases; records for other releases, or for a
// distribution whose release is not known, cover nothing.
func (x *Index) Covers(ecosystem string) bool {
	if x.Empty() {
		return false
	}
	e := parseEcosystem(ecosystem)
	e.pro = false
	if x.covered[e] {
		return true
	}
	e.release = ""
	return x.covered[e]
}

// An entry is what one row says about one package.
type entry struct {
	row       uint32
	ecosystem int // into contents.Ecosystems
	body      []byte
}

// entries returns what the index holds under a key, in ascending order of row.
func (x *Index) entries(key string) ([]entry, error) {
	hash, le := keyHash(key), binary.LittleEndian
	rows := int(x.contents.Lookup.Length / lookupRow)
	var failed error
	row := func(i int) (h, off uint64) {
		b, err := x.file.at(x.contents.Lookup.Offset+uint64(i)*lookupRow, lookupRow)
		if err != nil {
			failed = err
			return math.MaxUint64, 0
		}
		return le.Uint64(b), le.Uint64(b[8:])
	}
	i := sort.Search(rows, func(i int) bool { h, _ := row(i); return h >= hash })
	for ; i < rows && failed == nil; i++ {
		h, off := row(i)
		if h != hash {
			break
		}
		found, body, err := x.keyAt(off)
		if err != nil {
			return nil, err
		}
		if found == key {
			return x.splitEntries(body)
		}
	}
	return nil, failed
}

// keyAt reads a key and its entries at an offset within the section of keys.
func (x *Index) keyAt(off uint64) (key string, body []byte, err error) {
	s := x.contents.Keys
	if off > s.Length || s.Length-off < 8 {
		return "", nil, errCorrupt
	}
	head, err := x.file.at(s.Offset+off, 8)
	if err != nil {
		return "", nil, err
	}
	sum, length := binary.LittleEndian.Uint32(head), uint64(binary.LittleEndian.Uint32(head[4:]))
	if length > s.Length-off-8 {
		return "", nil, errCorrupt
	}
	raw, err := x.file.at(s.Offset+off+8, length)
	if err != nil {
		return "", nil, err
	}
	if crc32.Checksum(raw, castagnoli) != sum {
		return "", nil, errCorrupt
	}
	r := &reader{b: raw}
	key = r.string()
	return key, r.b, r.err()
}

func (x *Index) splitEntries(body []byte) ([]entry, error) {
	r := &reader{b: body}
	var out []entry
	for len(r.b) > 0 {
		e := entry{row: uint32(r.uint()), ecosystem: int(r.uint()), body: r.bytes()}
		if r.bad || e.row >= x.contents.Rows || e.ecosystem < 0 || e.ecosystem >= len(x.ecosystems) {
			return nil, errCorrupt
		}
		out = append(out, e)
	}
	return out, r.err()
}

// detail reads what is shown of a row.
func (x *Index) detail(row uint32) (detail, error) {
	s, le := x.contents.Blocks, binary.LittleEndian
	rows := int(s.Length / blockRow)
	var failed error
	at := func(i int) []byte {
		b, err := x.file.at(s.Offset+uint64(i)*blockRow, blockRow)
		if err != nil {
			failed = err
			return make([]byte, blockRow)
		}
		return b
	}
	i := sort.Search(rows, func(i int) bool { return le.Uint32(at(i)) > row }) - 1
	if failed != nil || i < 0 {
		return detail{}, errCorrupt
	}
	b := at(i)
	block, err := x.block(uint32(i), le.Uint64(b[8:]), uint64(le.Uint32(b[4:])))
	if err != nil {
		return detail{}, err
	}
	r := &reader{b: block}
	for range row - le.Uint32(b) {
		if r.bytes(); r.bad {
			return detail{}, errCorrupt
		}
	}
	raw := r.bytes()
	if r.bad {
		return detail{}, errCorrupt
	}
	return decodeDetail(raw)
}

// keptBlocks bounds the memory that recently used details take: a block is about 16 KiB.
const keptBlocks = 64

func (x *Index) block(i uint32, off, size uint64) ([]byte, error) {
	x.mu.Lock()
	b, ok := x.blocks[i]
	x.mu.Unlock()
	if ok {
		return b, nil
	}
	s := x.contents.Details
	if off > s.Length || size > s.Length-off {
		return nil, errCorrupt
	}
	packed, err := x.file.at(s.Offset+off, size)
	if err != nil {
		return nil, err
	}
	if b, err = x.zstd.DecodeAll(packed, nil); err != nil {
		return nil, fmt.Errorf("%w: %w", errCorrupt, err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for k := range x.blocks {
		if len(x.blocks) < keptBlocks {
			break
		}
		delete(x.blocks, k)
	}
	x.blocks[i] = b
	return b, nil
}
