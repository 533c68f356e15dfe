package inflate

import (
	"math/bits"
	"sync"
)

// An entry of a table says what a code means and how many bits to use up, those that extend a length or a distance
// included:
//
//	bits 0–5    bits to use up
//	bits 8–11   of them, those of the code; in a link, the width of the table that it leads to
//	bits 16–31  the literal, the least length or distance, or where the linked table begins
type entry uint32

const (
	odd     entry = 1 << 7 // neither a literal nor a length nor a distance; without link or end it is no code at all
	literal entry = 1 << 12
	link    entry = 1 << 13
	end     entry = 1 << 14
)

func (e entry) width() uint { return uint(e) & 63 }

// value is the length or distance that the entry and the bits behind the code make.
func (e entry) value(bits uint64) int {
	return int(e>>16) + int((bits&(1<<e.width()-1))>>(e>>8&15))
}

const (
	maxWidth  = 15
	litWidth  = 11
	distWidth = 8
	maxLits   = 286
	maxDists  = 30

	// The most entries that complete codes of 288 and 32 symbols take with tables of these widths.
	litEntries  = 2342
	distEntries = 402
)

type (
	litTable  [litEntries]entry
	distTable [distEntries]entry
)

// What symbols mean: their value and the number of bits that follow their code.
var litMeanings = func() (m [288]entry) {
	for i := range 256 {
		m[i] = literal | entry(i)<<16
	}
	m[256] = odd | end
	length := entry(3)
	for i := 257; i < 285; i++ {
		extra := entry(max(0, (i-261)/4))
		m[i] = length<<16 | extra
		length += 1 << extra
	}
	m[285] = 258 << 16
	m[286], m[287] = odd, odd
	return m
}()

var distMeanings = func() (m [32]entry) {
	distance := entry(1)
	for i := range maxDists {
		extra := entry(max(0, i/2-1))
		m[i] = distance<<16 | extra
		distance += 1 << extra
	}
	m[30], m[31] = odd, odd
	return m
}()

// build makes a table of which the first 1<<width entries are looked up by the next bits of the stream. It reports false
// for lengths that make no code, as compress/flate sees it: codes must be complete, empty, or a single one of one bit.
func build(table []entry, width uint, lengths []byte, meanings []entry) bool {
	var count [maxWidth + 1]int
	for _, l := range lengths {
		count[l]++
	}
	most := uint(maxWidth)
	for most > 0 && count[most] == 0 {
		most--
	}
	room := 1
	for l := 1; l <= maxWidth; l++ {
		if room = room<<1 - count[l]; room < 0 {
			return false
		}
	}
	if room > 0 {
		if most > 1 {
			return false
		}
		for i := range table[:1<<width] {
			table[i] = odd
		}
	}

	// Symbols in the order of their codes.
	var next [maxWidth + 2]int
	for l := 1; l <= maxWidth; l++ {
		next[l+1] = next[l] + count[l]
	}
	var sorted [288]uint16
	for s, l := range lengths {
		if l > 0 {
			sorted[next[l]] = uint16(s)
			next[l]++
		}
	}

	code, used := uint(0), 1<<width
	prefix, sub, subWidth := -1, 0, uint(0)
	i := 0
	for l := uint(1); l <= most; l++ {
		for left := count[l]; left > 0; left-- {
			e := meanings[sorted[i]]
			i++
			reversed := int(bits.Reverse16(uint16(code)) >> (16 - l))
			code++
			if l <= width {
				e += entry(l)<<8 | entry(l)
				for at := reversed; at < 1<<width; at += 1 << l {
					table[at] = e
				}
				continue
			}
			if p := reversed & (1<<width - 1); p != prefix {
				// The table is as wide as the codes that share these first bits need.
				subWidth = l - width
				for fits := left; fits < 1<<subWidth && width+subWidth < most; {
					subWidth++
					fits = fits<<1 + count[width+subWidth]
				}
				prefix, sub = p, used
				used += 1 << subWidth
				table[p] = odd | link | entry(sub)<<16 | entry(subWidth)<<8 | entry(width)
			}
			rest := l - width
			e += entry(rest)<<8 | entry(rest)
			for at := reversed >> width; at < 1<<subWidth; at += 1 << rest {
				table[sub+at] = e
			}
		}
		code <<= 1
	}
	return true
}

var fixedTables = sync.OnceValues(func() (lits litTable, dists distTable) {
	var lengths [288]byte
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	build(lits[:], litWidth, lengths[:], litMeanings[:])
	for i := range 32 {
		lengths[i] = 5
	}
	build(dists[:], distWidth, lengths[:32], distMeanings[:])
	return lits, dists
})

// lengthOrder is the order in which a block gives the lengths of the codes that its lengths are written in.
var lengthOrder = [...]byte{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

var lengthMeanings = func() (m [19]entry) {
	for i := range m {
		m[i] = literal | entry(i)<<16
	}
	return m
}()

// readTables reads the codes of a block that brings its own.
func (d *Reader) readTables() error {
	v, err := d.take(14)
	if err != nil {
		return err
	}
	nlit, ndist, nlen := int(v&31)+257, int(v>>5&31)+1, int(v>>10)+4
	if nlit > maxLits || ndist > maxDists {
		return d.corrupt()
	}
	var small [19]byte
	for _, symbol := range lengthOrder[:nlen] {
		v, err := d.take(3)
		if err != nil {
			return err
		}
		small[symbol] = byte(v)
	}
	const smallWidth = 7
	var table [1 << smallWidth]entry
	if !build(table[:], smallWidth, small[:], lengthMeanings[:]) {
		return d.corrupt()
	}
	var lengths [maxLits + maxDists]byte
	for i := 0; i < nlit+ndist; {
		d.want(smallWidth)
		e := table[d.bits&(1<<smallWidth-1)]
		if e&odd != 0 {
			if d.n < smallWidth && d.srcErr != nil {
				return d.ended()
			}
			return d.corrupt()
		}
		if _, err := d.take(e.width()); err != nil {
			return err
		}
		symbol := byte(e >> 16)
		if symbol < 16 {
			lengths[i] = symbol
			i++
			continue
		}
		extra, repeat, of := uint(2), 3, byte(0)
		switch symbol {
		case 16:
			if i == 0 {
				return d.corrupt()
			}
			of = lengths[i-1]
		case 17:
			extra = 3
		case 18:
			extra, repeat = 7, 11
		}
		v, err := d.take(extra)
		if err != nil {
			return err
		}
		if repeat += int(v); i+repeat > nlit+ndist {
			return d.corrupt()
		}
		for ; repeat > 0; repeat-- {
			lengths[i] = of
			i++
		}
	}
	if !build(d.lits[:], litWidth, lengths[:nlit], litMeanings[:]) ||
		!build(d.dists[:], distWidth, lengths[nlit:nlit+ndist], distMeanings[:]) {
		return d.corrupt()
	}
	return nil
}
