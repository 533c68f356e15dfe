package scan

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// sqliteFile reads the table B-trees of an SQLite file. Counters bound the work that a file with loops could cause.
type sqliteFile struct {
	r        io.ReaderAt
	pageSize int64
	usable   int64 // page size without the bytes reserved at each page's end
	pages    int64
	visits   int64 // pages that may still be visited
	payload  int64 // bytes that may still be copied
}

// sqliteRows calls each with the second column, a blob, of every row of the table.
func sqliteRows(r io.ReaderAt, size int64, table string, each func(blob []byte) error) error {
	head := make([]byte, 100)
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return fmt.Errorf("%w: %w", errRPMFormat, err)
	}
	f := &sqliteFile{r: r, pageSize: int64(binary.BigEndian.Uint16(head[16:])), payload: 4 * size}
	if f.pageSize == 1 {
		f.pageSize = 65536
	}
	f.usable = f.pageSize - int64(head[20])
	if f.pageSize < 512 || f.pageSize&(f.pageSize-1) != 0 || f.usable < 480 {
		return fmt.Errorf("%w: page size %d", errRPMFormat, f.pageSize)
	}
	f.pages = size / f.pageSize
	f.visits = 2*f.pages + 16
	root := int64(0)
	err := f.table(1, 0, func(record []byte) error {
		columns := sqliteRecord(record, 4)
		if len(columns) == 4 && string(columns[0]) == "table" && string(columns[1]) == table {
			for _, b := range columns[3] {
				root = root<<8 | int64(b)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if root <= 1 {
		return fmt.Errorf("%w: no table %s", errRPMFormat, table)
	}
	return f.table(root, 0, func(record []byte) error {
		columns := sqliteRecord(record, 2)
		if len(columns) < 2 {
			return fmt.Errorf("%w: a row of %s without a header", errRPMFormat, table)
		}
		return each(columns[1])
	})
}

func (f *sqliteFile) page(n int64) ([]byte, error) {
	if n < 1 || n > f.pages {
		return nil, fmt.Errorf("%w: page %d of %d", errRPMFormat, n, f.pages)
	}
	if f.visits--; f.visits < 0 {
		return nil, fmt.Errorf("%w: its pages form a loop", errRPMFormat)
	}
	b := make([]byte, f.pageSize)
	if _, err := f.r.ReadAt(b, (n-1)*f.pageSize); err != nil && err != io.EOF {
		return nil, err
	}
	return b, nil
}

const sqliteDepth = 20

func (f *sqliteFile) table(n int64, depth int, each func(record []byte) error) error {
	p, err := f.page(n)
	if err != nil {
		return err
	}
	h := int64(0)
	if n == 1 {
		h = 100
	}
	kind, cells := p[h], int64(binary.BigEndian.Uint16(p[h+3:]))
	pointers := h + 8
	if kind == 5 {
		pointers = h + 12
	}
	if kind != 5 && kind != 13 || depth > sqliteDepth || pointers+2*cells > f.pageSize {
		return fmt.Errorf("%w: page %d", errRPMFormat, n)
	}
	for i := range cells {
		at := int64(binary.BigEndian.Uint16(p[pointers+2*i:]))
		if at+4 > f.pageSize {
			return fmt.Errorf("%w: page %d", errRPMFormat, n)
		}
		if kind == 5 {
			err = f.table(int64(binary.BigEndian.Uint32(p[at:])), depth+1, each)
		} else {
			var record []byte
			if record, err = f.record(p, at); err == nil {
				err = each(record)
			}
		}
		if err != nil {
			return err
		}
	}
	if kind == 5 {
		return f.table(int64(binary.BigEndian.Uint32(p[h+8:])), depth+1, each)
	}
	return nil
}

// record assembles a leaf cell's payload, which continues on overflow pages when it is long.
func (f *sqliteFile) record(p []byte, at int64) ([]byte, error) {
	size, n := sqliteVarint(p[at:])
	at += n
	_, n = sqliteVarint(p[min(at, int64(len(p))):])
	at += n
	if size < 0 || size > maxRPMHeader {
		return nil, fmt.Errorf("%w: a row of %d bytes", errRPMFormat, size)
	}
	if f.payload -= size; f.payload < 0 {
		return nil, fmt.Errorf("%w: its rows hold more than the file", errRPMFormat)
	}
	local := size
	if most := f.usable - 35; size > most {
		least := (f.usable-12)*32/255 - 23
		if local = least + (size-least)%(f.usable-4); local > most {
			local = least
		}
	}
	if at+local > int64(len(p)) {
		return nil, fmt.Errorf("%w: a row beyond its page", errRPMFormat)
	}
	record := append(make([]byte, 0, local), p[at:at+local]...)
	if local == size {
		return record, nil
	}
	if at+local+4 > int64(len(p)) {
		return nil, fmt.Errorf("%w: a row beyond its page", errRPMFormat)
	}
	next := int64(binary.BigEndian.Uint32(p[at+local:]))
	for int64(len(record)) < size {
		o, err := f.page(next)
		if err != nil {
			return nil, err
		}
		next = int64(binary.BigEndian.Uint32(o))
		record = append(record, o[4:4+min(f.usable-4, size-int64(len(record)))]...)
	}
	return record, nil
}

// sqliteRecord returns the first n columns of a record as they are stored.
func sqliteRecord(b []byte, n int) [][]byte {
	size, used := sqliteVarint(b)
	if size < used || size > int64(len(b)) {
		return nil
	}
	head, body := b[used:size], b[size:]
	var columns [][]byte
	for len(head) > 0 && len(columns) < n {
		kind, used := sqliteVarint(head)
		if used == 0 {
			return nil
		}
		head = head[used:]
		width := int64(0)
		switch {
		case kind < 0:
			return nil
		case kind <= 4:
			width = kind
		case kind == 5:
			width = 6
		case kind == 6, kind == 7:
			width = 8
		case kind >= 12:
			width = (kind - 12) / 2
		}
		if width > int64(len(body)) {
			return nil
		}
		columns, body = append(columns, body[:width]), body[width:]
	}
	return columns
}

// sqliteVarint returns a value and the bytes it took; 0 bytes when there is none.
func sqliteVarint(b []byte) (int64, int64) {
	var v uint64
	for i := range min(len(b), 9) {
		if i == 8 {
			v = v<<8 | uint64(b[i])
		} else {
			v = v<<7 | uint64(b[i]&0x7f)
		}
		if i == 8 || b[i] < 0x80 {
			if v > math.MaxInt64 {
				return -1, int64(i + 1)
			}
			return int64(v), int64(i + 1)
		}
	}
	return -1, 0
}
