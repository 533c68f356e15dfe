// Package inflate reads gzip files (RFC 1952) faster than the standard library and others do, which matters because
// unpacking is most of the work of reading a layer. It accepts and refuses what compress/gzip accepts and refuses.
package inflate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

const (
	window  = 32 << 10 // how far back a match may reach
	slack   = 258 + 16 // what the last symbol, written in whole words, may take beyond the wanted end of a buffer
	inSize  = 64 << 10
	atLeast = 32 // bytes of input that the fast loop may look at without asking

	// MinBuffer is the least that Next needs. The longer the buffer is, the less is spent on carrying history over.
	MinBuffer = window + slack + 1<<10
)

var (
	// ErrHeader means that what should be a gzip header is none.
	ErrHeader = errors.New("gzip: invalid header")
	// ErrChecksum means that what was unpacked is not what was packed.
	ErrChecksum = errors.New("gzip: invalid checksum")
)

// A CorruptError tells where, in the compressed data, damage was noticed.
type CorruptError int64

func (e CorruptError) Error() string {
	return fmt.Sprintf("deflate: damaged before byte %d", int64(e))
}

type state byte

const (
	inHeader state = iota // between members; the first thing in a file
	inBlockHead
	inStored
	inCodes
	inTrailer
)

// A Reader unpacks the members of a gzip file, one after the other. It may read more of its source than it needs.
type Reader struct {
	src      io.Reader
	srcErr   error // what the source ended with
	in       []byte
	pos, end int   // of what in holds and was not used
	before   int64 // bytes that came before in

	bits uint64 // the next bits of the stream, the first one lowest
	n    uint   // how many of them count

	state   state
	final   bool // no block follows this one
	left    int  // of a stored block
	members int
	lits    litTable
	dists   distTable

	history [window]byte // the end of what the member holds so far
	have    int
	sum     uint32
	size    uint32

	err  error  // sticky
	buf  []byte // of Read
	rest []byte // of buf
}

// NewReader reads from src. Whatever is wrong with it is told when it is read.
func NewReader(src io.Reader) *Reader {
	return &Reader{src: src, in: make([]byte, inSize)}
}

// Read implements io.Reader. Next is quicker.
func (d *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(d.rest) == 0 {
		if d.buf == nil {
			d.buf = make([]byte, MinBuffer+window)
		}
		var err error
		if d.rest, err = d.Next(d.buf); err != nil {
			return 0, err
		}
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

// Next unpacks into buf, which has at least MinBuffer bytes, and returns the part of it that holds what comes next: at
// least one byte, or an error, which is io.EOF at the end.
func (d *Reader) Next(buf []byte) ([]byte, error) {
	if d.err != nil {
		return nil, d.err
	}
	w := &writer{buf: buf, o: window, base: window - d.have, summed: window, limit: len(buf) - slack}
	copy(buf[w.base:window], d.history[:d.have])
	for d.err == nil && w.o < w.limit {
		d.err = d.step(w)
	}
	d.add(w)
	d.have = min(window, w.o-w.base)
	copy(d.history[:], buf[w.o-d.have:w.o])
	if w.o == window {
		return nil, d.err
	}
	return buf[window:w.o], nil
}

// A writer is a buffer that is being filled, behind the history of what was unpacked before.
type writer struct {
	buf    []byte
	o      int // where the next byte goes
	base   int // where the history begins
	summed int // up to here the checksum was taken
	limit  int // once o reaches it, the buffer is full
}

// add takes the checksum of what was written since the last time.
func (d *Reader) add(w *writer) {
	b := w.buf[w.summed:w.o]
	d.sum = crc32.Update(d.sum, crc32.IEEETable, b)
	d.size += uint32(len(b))
	w.summed = w.o
}

// step does the next part of the work, until the buffer is full or the part is done.
func (d *Reader) step(w *writer) error {
	switch d.state {
	case inHeader:
		if err := d.header(); err != nil {
			return err
		}
		d.state, d.final, d.sum, d.size = inBlockHead, false, 0, 0
		w.base, w.summed = w.o, w.o
		return nil
	case inBlockHead:
		if d.final {
			d.state = inTrailer
			return nil
		}
		return d.blockHead()
	case inStored:
		return d.stored(w)
	case inCodes:
		return d.codes(w)
	}
	d.add(w)
	return d.trailer()
}

func (d *Reader) corrupt() error { return CorruptError(d.before + int64(d.pos)) }

// fill asks the source for more when few bytes are left, and keeps those.
func (d *Reader) fill() {
	if d.srcErr != nil {
		return
	}
	from := max(0, d.pos-8) // the fast loop may give back what bits holds
	d.before += int64(from)
	d.end = copy(d.in, d.in[from:d.end])
	d.pos -= from
	for idle := 0; d.end-d.pos < 2*atLeast && d.srcErr == nil; {
		n, err := d.src.Read(d.in[d.end:])
		d.end += n
		d.srcErr = err
		if idle++; n > 0 {
			idle = 0
		} else if idle > 100 && err == nil {
			d.srcErr = io.ErrNoProgress
		}
	}
}

// ended is the error for a source that ends where more must come.
func (d *Reader) ended() error {
	if d.srcErr == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return d.srcErr
}

// want gathers at least n bits, up to 56, unless the source has no more.
func (d *Reader) want(n uint) {
	for d.n < n {
		if d.pos == d.end {
			if d.fill(); d.pos == d.end {
				return
			}
		}
		d.bits |= uint64(d.in[d.pos]) << d.n
		d.pos++
		d.n += 8
	}
}

// take returns the next n bits.
func (d *Reader) take(n uint) (uint64, error) {
	if d.want(n); d.n < n {
		return 0, d.ended()
	}
	v := d.bits & (1<<n - 1)
	d.bits >>= n
	d.n -= n
	return v, nil
}

// align drops the rest of a byte that was begun.
func (d *Reader) align() {
	d.bits >>= d.n & 7
	d.n &^= 7
}

func (d *Reader) blockHead() error {
	v, err := d.take(3)
	if err != nil {
		return err
	}
	d.final = v&1 == 1
	switch v >> 1 {
	case 0:
		d.align()
		v, err := d.take(32)
		if err != nil {
			return err
		}
		if uint16(v) != ^uint16(v>>16) {
			return d.corrupt()
		}
		d.left, d.state = int(uint16(v)), inStored
		return nil
	case 1:
		d.lits, d.dists = fixedTables()
	case 2:
		if err := d.readTables(); err != nil {
			return err
		}
	default:
		return d.corrupt()
	}
	d.state = inCodes
	return nil
}

func (d *Reader) stored(w *writer) error {
	for ; d.left > 0 && d.n > 0 && w.o < w.limit; d.left-- {
		w.buf[w.o] = byte(d.bits)
		w.o++
		d.bits >>= 8
		d.n -= 8
	}
	for d.left > 0 && w.o < w.limit {
		if d.pos == d.end {
			if d.fill(); d.pos == d.end {
				return d.ended()
			}
		}
		n := copy(w.buf[w.o:w.limit], d.in[d.pos:min(d.end, d.pos+d.left)])
		w.o += n
		d.pos += n
		d.left -= n
	}
	if d.left == 0 {
		d.state = inBlockHead
	}
	return nil
}

const (
	hasSum     = 1 << 1
	hasExtra   = 1 << 2
	hasName    = 1 << 3
	hasComment = 1 << 4
	maxText    = 512 // of a name or comment, with the zero that ends it
)

// header reads a member's header. It returns io.EOF where a file may end.
func (d *Reader) header() error {
	if d.want(8); d.n == 0 {
		if d.srcErr == io.EOF && d.members == 0 {
			return io.EOF // nothing at all
		}
		return d.srcErr
	}
	d.members++
	var sum uint32
	read := func(b []byte) error {
		for i := range b {
			v, err := d.take(8)
			if err != nil {
				return err
			}
			b[i] = byte(v)
		}
		sum = crc32.Update(sum, crc32.IEEETable, b)
		return nil
	}
	var h [10]byte
	if err := read(h[:]); err != nil {
		return err
	}
	if h[0] != 0x1f || h[1] != 0x8b || h[2] != 8 {
		return ErrHeader
	}
	flags, one := h[3], h[:1]
	if flags&hasExtra != 0 {
		if err := read(h[:2]); err != nil {
			return err
		}
		for range binary.LittleEndian.Uint16(h[:2]) {
			if err := read(one); err != nil {
				return err
			}
		}
	}
	for _, flag := range []byte{hasName, hasComment} {
		if flags&flag == 0 {
			continue
		}
		for i := 0; ; i++ {
			if i == maxText {
				return ErrHeader
			}
			if err := read(one); err != nil {
				return err
			}
			if one[0] == 0 {
				break
			}
		}
	}
	if flags&hasSum != 0 {
		want := uint16(sum)
		if err := read(h[:2]); err != nil {
			return err
		}
		if binary.LittleEndian.Uint16(h[:2]) != want {
			return ErrHeader
		}
	}
	return nil
}

func (d *Reader) trailer() error {
	d.align()
	sum, err := d.take(32)
	if err != nil {
		return err
	}
	size, err := d.take(32)
	if err != nil {
		return err
	}
	if uint32(sum) != d.sum || uint32(size) != d.size {
		return ErrChecksum
	}
	d.state, d.have = inHeader, 0
	return nil
}
