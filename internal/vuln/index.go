package vuln

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/klauspost/compress/zstd"

	"github.com/landwaiter/landwaiter/internal/fault"
)

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
	blocks map[uint32]block // recently used blocks of details

	exploitation exploitation
	asOf         map[string]time.Time // by name of ecosystem
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
	if errors.Is(err, ErrOlderFormat) {
		return nil, fault.Wrap(fault.Internal, "open the advisory index", f.Name(), err).
			WithFix("Fetch or import the advisories again, which replaces it: landwaiter vuln update, landwaiter vuln import PATH")
	}
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "open the advisory index", f.Name(), err).
			WithFix("Remove the file and import the advisories again: landwaiter vuln import PATH")
	}
	if err := x.openBeside(dir); err != nil {
		x.Close()
		return nil, err
	}
	return x, nil
}

// openBeside opens what is kept beside the index.
func (x *Index) openBeside(dir string) error {
	sources, err := ReadSources(dir)
	if err != nil {
		return fault.Wrap(fault.Internal, "open the advisory index", "", err)
	}
	x.asOf = map[string]time.Time{}
	for i := range x.contents.Ecosystems {
		e := &x.contents.Ecosystems[i]
		e.Checked, e.Origin = sources.checked(x.ecosystems[i].base, e.Imported)
		x.asOf[e.Name] = e.AsOf()
	}
	if x.exploitation, err = openExploitation(dir); err != nil {
		return err
	}
	for name, t := range map[string]*table{SourceEPSS: x.exploitation.epss, SourceExploited: x.exploitation.exploited} {
		if t != nil {
			t.status.Checked, _ = sources.checked(name, t.status.Imported)
		}
	}
	return nil
}

func openIndex(r io.ReaderAt, size int64, open func() (file, error)) (*Index, error) {
	c, err := readContents(r, size)
	if err != nil {
		return nil, err
	}
	x := &Index{size: size, contents: c, covered: map[ecosystem]bool{}, blocks: map[uint32]block{}}
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
	x.exploitation.Close()
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
	if t := x.exploitation.epss; t != nil {
		s.EPSS = &t.status
	}
	if t := x.exploitation.exploited; t != nil {
		s.KnownExploited = &t.status
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

// StatusFor is Status with only the ecosystems that have a say about packages of those given.
func (x *Index) StatusFor(ecosystems map[string]bool) Status {
	s := x.Status()
	s.Ecosystems = slices.DeleteFunc(s.Ecosystems, func(e EcosystemStatus) bool {
		about := parseEcosystem(e.Name)
		for name := range ecosystems {
			if about.appliesTo(parseEcosystem(name)) {
				return false
			}
		}
		return true
	})
	return s
}

// An entry is what one row says about one package.
type entry struct {
	row       uint32
	ecosystem int // into contents.Ecosystems
	body      []byte
}

// entries returns what the index holds under a key of the ecosystems that are wanted, in ascending order of row.
func (x *Index) entries(key string, wanted func(ecosystem int) bool) ([]entry, error) {
	hash, le := hashOf(key), binary.LittleEndian
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
		if string(found) == key {
			return x.splitEntries(body, wanted)
		}
	}
	return nil, failed
}

// keyAt reads a key and its entries at an offset within the section of keys.
func (x *Index) keyAt(off uint64) (key, body []byte, err error) {
	s := x.contents.Keys
	if off > s.Length || s.Length-off < 8 {
		return nil, nil, errCorrupt
	}
	head, err := x.file.at(s.Offset+off, 8)
	if err != nil {
		return nil, nil, err
	}
	sum, length := binary.LittleEndian.Uint32(head), uint64(binary.LittleEndian.Uint32(head[4:]))
	if length > s.Length-off-8 {
		return nil, nil, errCorrupt
	}
	raw, err := x.file.at(s.Offset+off+8, length)
	if err != nil {
		return nil, nil, err
	}
	if crc32.Checksum(raw, castagnoli) != sum {
		return nil, nil, errCorrupt
	}
	r := &reader{b: raw}
	key = r.bytes()
	return key, r.b, r.err()
}

func (x *Index) splitEntries(body []byte, wanted func(ecosystem int) bool) ([]entry, error) {
	r := &reader{b: body}
	var out []entry
	for len(r.b) > 0 {
		e := entry{row: uint32(r.uint()), ecosystem: int(r.uint()), body: r.bytes()}
		if r.bad || e.row >= x.contents.Rows || e.ecosystem < 0 || e.ecosystem >= len(x.ecosystems) {
			return nil, errCorrupt
		}
		if wanted(e.ecosystem) {
			out = append(out, e)
		}
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
	n := row - le.Uint32(b)
	if n >= uint32(len(block.details)) {
		return detail{}, errCorrupt
	}
	return block.details[n].detail()
}

// A block is decompressed details. Strings taken from them keep all of it in memory.
type block struct{ details []reader }

func newBlock(raw []byte) (b block, err error) {
	text := unsafe.String(unsafe.SliceData(raw), len(raw)) // nobody writes to raw again
	r := &reader{b: raw, text: text}
	for len(r.b) > 0 {
		one := r.bytes()
		b.details = append(b.details, reader{b: one, text: text[:len(text)-len(r.b)]})
	}
	return b, r.err()
}

// keptBlocks bounds the memory that recently used details take.
const keptBlocks = 8 << 20 / blockTarget

func (x *Index) block(i uint32, off, size uint64) (block, error) {
	x.mu.Lock()
	b, ok := x.blocks[i]
	x.mu.Unlock()
	if ok {
		return b, nil
	}
	s := x.contents.Details
	if off > s.Length || size > s.Length-off {
		return block{}, errCorrupt
	}
	packed, err := x.file.at(s.Offset+off, size)
	if err != nil {
		return block{}, err
	}
	raw, err := x.zstd.DecodeAll(packed, nil)
	if err != nil {
		return block{}, fmt.Errorf("%w: %w", errCorrupt, err)
	}
	if b, err = newBlock(raw); err != nil {
		return block{}, err
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
