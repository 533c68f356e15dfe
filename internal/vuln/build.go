package vuln

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"
)

// A builder collects records and writes an index of them. What grows with the data waits in two spool files: details in
// order of arrival, and affected entries in partitions by the hash of their key, so that one partition at a time is sorted
// in memory.
type builder struct {
	details *spool
	entries *spool
	parts   [partitions]partition
	rows    []row
	seen    map[seenKey]uint32 // the row that holds a record of one container
	dead    map[uint32]bool    // rows that a newer version of their record replaced
	names   []string           // ecosystems as records write them
	nameOf  map[string]int
	tables  map[*tableKind]*tableRows
	kept    map[string]time.Time // ecosystems taken over from another index, and when they were imported
}

const (
	partitions     = 64
	partitionFlush = 128 << 10
	blockTarget    = 16 << 10
)

type row struct {
	offset int64
	length uint32
	id     uint64 // hash
	order  uint64 // the lowest hash of its keys
	newest int64
}

type seenKey struct {
	id        uint64
	container string
}

func newBuilder(dir string) (*builder, error) {
	b := &builder{seen: map[seenKey]uint32{}, dead: map[uint32]bool{}, nameOf: map[string]int{}, kept: map[string]time.Time{}, tables: map[*tableKind]*tableRows{}}
	var err error
	if b.details, err = newSpool(dir); err != nil {
		return nil, err
	}
	if b.entries, err = newSpool(dir); err != nil {
		b.details.discard()
		return nil, err
	}
	return b, nil
}

func (b *builder) discard() {
	b.details.discard()
	b.entries.discard()
}

// A packed is a record with its parts encoded, which is the work that can be done aside.
type packed struct {
	id      string
	newest  int64
	detail  []byte
	entries []packedEntry
	bases   []string // the base ecosystems it is about
}

type packedEntry struct {
	ecosystem, key string
	body           []byte
}

// pack encodes a record. In a container that is named for an ecosystem only what is about that ecosystem counts: the bulk
// archive of npm also holds records that affect a few packages of Maven, which say nothing about the rest of Maven. A record
// that has nothing of its container's ecosystem is taken whole.
func pack(r *record, container string) packed {
	p := packed{id: r.id, newest: r.newest(), detail: r.detail.encode()}
	only := slices.ContainsFunc(r.affected, func(a affected) bool { return parseEcosystem(a.ecosystem).base == container })
	for _, a := range r.affected {
		base := parseEcosystem(a.ecosystem).base
		if only && base != container {
			continue
		}
		p.entries = append(p.entries, packedEntry{a.ecosystem, packageKey(base, a.name), a.encode()})
		if !slices.Contains(p.bases, base) {
			p.bases = append(p.bases, base)
		}
	}
	return p
}

// add takes a record. Of several with one ID in one container the newest counts, the first of those equally new.
func (b *builder) add(p packed, container string) error {
	key := seenKey{hashOf(p.id), container}
	if old, ok := b.seen[key]; ok {
		if b.rows[old].newest >= p.newest {
			return nil
		}
		b.dead[old] = true
	}
	n, err := b.addRow(p.id, p.newest, p.detail)
	if err != nil {
		return err
	}
	b.seen[key] = n
	for _, e := range p.entries {
		if err := b.addEntry(n, e.ecosystem, e.key, e.body); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) addRow(id string, newest int64, detail []byte) (uint32, error) {
	offset, err := b.details.write(detail)
	b.rows = append(b.rows, row{offset: offset, length: uint32(len(detail)), id: hashOf(id), order: ^uint64(0), newest: newest})
	return uint32(len(b.rows) - 1), err
}

func (b *builder) addEntry(n uint32, ecosystem, key string, body []byte) error {
	eco, ok := b.nameOf[ecosystem]
	if !ok {
		eco = len(b.names)
		b.names, b.nameOf[ecosystem] = append(b.names, ecosystem), eco
	}
	hash := hashOf(key)
	b.rows[n].order = min(b.rows[n].order, hash)
	p := &b.parts[hash>>(64-6)]
	p.buffer = binary.LittleEndian.AppendUint64(p.buffer, hash)
	p.buffer = putString(p.buffer, key)
	p.buffer = binary.AppendUvarint(p.buffer, uint64(n))
	p.buffer = binary.AppendUvarint(p.buffer, uint64(eco))
	p.buffer = binary.AppendUvarint(p.buffer, uint64(len(body)))
	p.buffer = append(p.buffer, body...)
	if len(p.buffer) >= partitionFlush {
		return b.flush(p)
	}
	return nil
}

// keep takes over what another index holds of the ecosystems that replaced does not name.
func (b *builder) keep(ctx context.Context, old *Index, replaced map[string]bool) error {
	kept := make([]bool, len(old.ecosystems))
	for i, e := range old.ecosystems {
		if kept[i] = !replaced[e.base]; kept[i] {
			was := old.contents.Ecosystems[i]
			b.kept[was.Name] = was.Imported
		}
	}
	if !slices.Contains(kept, true) {
		return nil
	}
	wanted := make([]bool, old.contents.Rows)
	each := func(do func(key string, e entry) error) error {
		for at := uint64(0); at < old.contents.Lookup.Length; at += lookupRow {
			r, err := old.file.at(old.contents.Lookup.Offset+at, lookupRow)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
			raw, body, err := old.keyAt(binary.LittleEndian.Uint64(r[8:]))
			if err != nil {
				return err
			}
			key := string(raw)
			list, err := old.splitEntries(body, func(ecosystem int) bool { return kept[ecosystem] })
			if err != nil {
				return err
			}
			for _, e := range list {
				if err := do(key, e); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := each(func(_ string, e entry) error { wanted[e.row] = true; return nil }); err != nil {
		return err
	}
	rowOf := make([]uint32, old.contents.Rows)
	for i, w := range wanted {
		if !w {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		d, err := old.detail(uint32(i))
		if err != nil {
			return err
		}
		if rowOf[i], err = b.addRow(d.id, d.newest(), d.encode()); err != nil {
			return err
		}
	}
	return each(func(key string, e entry) error {
		return b.addEntry(rowOf[e.row], old.contents.Ecosystems[e.ecosystem].Name, key, e.body)
	})
}

// write writes the index to f, which must be empty.
func (b *builder) write(ctx context.Context, f *os.File, now time.Time) error {
	out := &counter{w: bufio.NewWriterSize(f, 256<<10)}
	if err := out.put(make([]byte, headerSize)); err != nil {
		return err
	}
	place, order := b.order()
	c := contents{Rows: uint32(len(order)), Records: distinct(b.rows, order), Imported: now.UTC()}
	blocks, err := b.writeDetails(ctx, out, &c, order)
	if err != nil {
		return err
	}
	lookup, err := b.writeKeys(ctx, out, &c, place, order)
	if err != nil {
		return err
	}
	if c.Blocks, err = out.section(blocks); err != nil {
		return err
	}
	if c.Lookup, err = out.section(lookup); err != nil {
		return err
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return err
	}
	toc, err := out.section(raw)
	if err != nil {
		return err
	}
	if len(raw) > maxContents {
		return fmt.Errorf("the table of contents would have %d bytes", len(raw))
	}
	if err := out.w.Flush(); err != nil {
		return err
	}
	le := binary.LittleEndian
	head := le.AppendUint32([]byte(indexMagic), indexVersion)
	head = le.AppendUint32(head, uint32(toc.Length))
	head = le.AppendUint64(head, toc.Offset)
	head = le.AppendUint32(head, toc.Checksum)
	head = le.AppendUint64(head, out.n)
	head = le.AppendUint32(head, crc32.Checksum(head, castagnoli))
	_, err = f.WriteAt(head, 0)
	return err
}

// order puts rows of one package side by side, which makes reading and compressing them cheap. place is each row's place,
// -1 for those that do not go into the index.
func (b *builder) order() (place []int32, order []uint32) {
	place = make([]int32, len(b.rows))
	for i := range b.rows {
		if b.dead[uint32(i)] {
			place[i] = -1
			continue
		}
		order = append(order, uint32(i))
	}
	slices.SortStableFunc(order, func(x, y uint32) int {
		p, q := b.rows[x], b.rows[y]
		return cmp.Or(cmp.Compare(p.order, q.order), cmp.Compare(p.id, q.id))
	})
	for i, n := range order {
		place[n] = int32(i)
	}
	return place, order
}

func distinct(rows []row, order []uint32) int {
	all := make([]uint64, len(order))
	for i, n := range order {
		all[i] = rows[n].id
	}
	slices.Sort(all)
	return len(slices.Compact(all))
}

func (b *builder) writeDetails(ctx context.Context, out *counter, c *contents, order []uint32) (blocks []byte, err error) {
	if err := b.details.w.Flush(); err != nil {
		return nil, err
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	defer enc.Close()
	c.Details.Offset = out.n
	var raw, packed, one []byte
	first := 0
	for i, n := range order {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r := b.rows[n]
		if one = slices.Grow(one[:0], int(r.length))[:r.length]; r.length > 0 {
			if _, err := b.details.f.ReadAt(one, r.offset); err != nil {
				return nil, err
			}
		}
		raw = binary.AppendUvarint(raw, uint64(len(one)))
		raw = append(raw, one...)
		if len(raw) < blockTarget && i < len(order)-1 {
			continue
		}
		packed = enc.EncodeAll(raw, packed[:0])
		blocks = binary.LittleEndian.AppendUint32(blocks, uint32(first))
		blocks = binary.LittleEndian.AppendUint32(blocks, uint32(len(packed)))
		blocks = binary.LittleEndian.AppendUint64(blocks, out.n-c.Details.Offset)
		if err := out.put(packed); err != nil {
			return nil, err
		}
		raw, first = raw[:0], i+1
	}
	c.Details.Length = out.n - c.Details.Offset
	return blocks, nil
}

func (b *builder) writeKeys(ctx context.Context, out *counter, c *contents, place []int32, order []uint32) (lookup []byte, err error) {
	for i := range b.parts {
		if err := b.flush(&b.parts[i]); err != nil {
			return nil, err
		}
	}
	if err := b.entries.w.Flush(); err != nil {
		return nil, err
	}
	table := b.ecosystemTable()
	c.Keys.Offset = out.n
	var blob []byte
	for i := range b.parts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		list, err := b.readPartition(&b.parts[i], place)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(list, func(x, y keyed) int {
			return cmp.Or(cmp.Compare(x.hash, y.hash), cmp.Compare(x.key, y.key), cmp.Compare(x.row, y.row),
				cmp.Compare(table.place[x.eco], table.place[y.eco]), slices.Compare(x.body, y.body))
		})
		for len(list) > 0 {
			key := list[0].key
			blob = putString(blob[:0], key)
			n := 0
			for ; n < len(list) && list[n].key == key; n++ {
				e := list[n]
				blob = binary.AppendUvarint(blob, uint64(e.row))
				blob = binary.AppendUvarint(blob, uint64(table.place[e.eco]))
				blob = binary.AppendUvarint(blob, uint64(len(e.body)))
				blob = append(blob, e.body...)
				table.count(e.eco, e.row, b.rows[order[e.row]].newest)
			}
			lookup = binary.LittleEndian.AppendUint64(lookup, list[0].hash)
			lookup = binary.LittleEndian.AppendUint64(lookup, out.n-c.Keys.Offset)
			head := binary.LittleEndian.AppendUint32(nil, crc32.Checksum(blob, castagnoli))
			head = binary.LittleEndian.AppendUint32(head, uint32(len(blob)))
			if err := out.put(head, blob); err != nil {
				return nil, err
			}
			list = list[n:]
		}
	}
	c.Keys.Length = out.n - c.Keys.Offset
	c.Ecosystems, c.Newest = table.status()
	for i, e := range c.Ecosystems {
		if at, ok := b.kept[e.Name]; ok {
			c.Ecosystems[i].Imported = at
		} else {
			c.Ecosystems[i].Imported = c.Imported
		}
	}
	return lookup, nil
}

// A counter writes and knows where it is.
type counter struct {
	w *bufio.Writer
	n uint64
}

func (c *counter) put(parts ...[]byte) error {
	for _, p := range parts {
		n, err := c.w.Write(p)
		if c.n += uint64(n); err != nil {
			return err
		}
	}
	return nil
}

func (c *counter) section(b []byte) (section, error) {
	s := section{Offset: c.n, Length: uint64(len(b)), Checksum: crc32.Checksum(b, castagnoli)}
	return s, c.put(b)
}
