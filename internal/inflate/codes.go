package inflate

import "encoding/binary"

// codes unpacks the symbols of a block: in a hurry while there is input enough, with care near its end.
func (d *Reader) codes(w *writer) error {
	for w.o < w.limit {
		if d.end-d.pos < 2*atLeast {
			d.fill()
		}
		var done bool
		var err error
		if d.end-d.pos > atLeast+8 {
			done, err = d.fast(w)
		} else {
			done, err = d.careful(w)
		}
		if err != nil {
			return err
		}
		if done {
			d.state = inBlockHead
			return nil
		}
	}
	return nil
}

// careful unpacks one symbol and looks at every bit's right to be there.
func (d *Reader) careful(w *writer) (done bool, err error) {
	const most = 48 // bits: a length and a distance
	d.want(most)
	bits, n := d.bits, int(d.n)
	e := d.lits[bits&(1<<litWidth-1)]
	if e&link != 0 {
		bits >>= e.width()
		n -= int(e.width())
		e = d.lits[int(e>>16)+int(bits&(1<<(e>>8&15)-1))]
	}
	use := func() {
		bits >>= e.width()
		n -= int(e.width())
	}
	missing := func() error {
		if d.srcErr == nil {
			return d.corrupt()
		}
		return d.ended()
	}
	switch {
	case e&literal != 0:
		if use(); n < 0 {
			return false, missing()
		}
		w.buf[w.o] = byte(e >> 16)
		w.o++
	case e&end != 0:
		use()
		done = true
	case e&odd != 0:
		if n < maxWidth && d.srcErr != nil {
			return false, d.ended()
		}
		return false, d.corrupt()
	default:
		length := e.value(bits)
		use()
		e = d.dists[bits&(1<<distWidth-1)]
		if e&link != 0 {
			use()
			e = d.dists[int(e>>16)+int(bits&(1<<(e>>8&15)-1))]
		}
		if e&odd != 0 {
			if n < maxWidth && d.srcErr != nil {
				return false, d.ended()
			}
			return false, d.corrupt()
		}
		distance := e.value(bits)
		if use(); n < 0 {
			return false, missing()
		}
		if distance > w.o-w.base {
			return false, d.corrupt()
		}
		for i := range length {
			w.buf[w.o+i] = w.buf[w.o+i-distance]
		}
		w.o += length
	}
	if n < 0 {
		return false, missing()
	}
	d.bits, d.n = bits, uint(n)
	return done, nil
}

// fast unpacks symbols while neither input nor room runs out. Everything that the loop needs is in local variables, so
// that it stays in registers. Of n only the lowest six bits mean something, which spares masking what is taken off it. bits may
// hold more than the n bits that count: they are those that follow. Each turn of the loop begins with at least 56 bits and the entry that they lead to.
func (d *Reader) fast(w *writer) (done bool, err error) {
	lits, dists := &d.lits, &d.dists
	in, out := d.in[:d.end], w.buf
	pos, o, base := d.pos, w.o, w.base
	last, limit := len(in)-atLeast, w.limit
	bits, n := d.bits, d.n

	bits |= binary.LittleEndian.Uint64(in[pos:]) << (n & 63)
	pos += int(^n&63) >> 3
	n |= 56
	e := lits[bits&(1<<litWidth-1)]
loop:
	for pos < last && o < limit {
		if e&literal != 0 {
			bits >>= e & 63
			n -= uint(e)
			out[o] = byte(e >> 16)
			o++
			e = lits[bits&(1<<litWidth-1)]
			if e&literal != 0 {
				bits >>= e & 63
				n -= uint(e)
				out[o] = byte(e >> 16)
				o++
				e = lits[bits&(1<<litWidth-1)]
				if e&literal != 0 {
					bits >>= e & 63
					n -= uint(e)
					out[o] = byte(e >> 16)
					o++
					bits |= binary.LittleEndian.Uint64(in[pos:]) << (n & 63)
					pos += int(^n&63) >> 3
					n |= 56
					e = lits[bits&(1<<litWidth-1)]
					continue
				}
			}
		}
		if e&odd != 0 {
			if e&link != 0 {
				bits >>= e & 63
				n -= uint(e)
				e = lits[int(e>>16)+int(bits&(1<<(e>>8&15)-1))]
			}
			switch {
			case e&literal != 0:
				bits >>= e & 63
				n -= uint(e)
				out[o] = byte(e >> 16)
				o++
				bits |= binary.LittleEndian.Uint64(in[pos:]) << (n & 63)
				pos += int(^n&63) >> 3
				n |= 56
				e = lits[bits&(1<<litWidth-1)]
				continue
			case e&end != 0:
				bits >>= e & 63
				n -= uint(e)
				done = true
				break loop
			case e&odd != 0:
				err = CorruptError(d.before + int64(pos))
				break loop
			}
		}
		length := e.value(bits)
		bits >>= e & 63
		n -= uint(e)

		bits |= binary.LittleEndian.Uint64(in[pos:]) << (n & 63)
		pos += int(^n&63) >> 3
		n |= 56
		e = dists[bits&(1<<distWidth-1)]
		if e&odd != 0 {
			if e&link != 0 {
				bits >>= e & 63
				n -= uint(e)
				e = dists[int(e>>16)+int(bits&(1<<(e>>8&15)-1))]
			}
			if e&odd != 0 {
				err = CorruptError(d.before + int64(pos))
				break loop
			}
		}
		distance := e.value(bits)
		bits >>= e & 63
		n -= uint(e)
		if distance > o-base {
			err = CorruptError(d.before + int64(pos))
			break loop
		}

		bits |= binary.LittleEndian.Uint64(in[pos:]) << (n & 63)
		pos += int(^n&63) >> 3
		n |= 56
		e = lits[bits&(1<<litWidth-1)]

		from, to := out[o-distance:], out[o:]
		o += length
		switch {
		case distance >= 8:
			binary.LittleEndian.PutUint64(to, binary.LittleEndian.Uint64(from))
			for i := 8; i < length; i += 8 {
				binary.LittleEndian.PutUint64(to[i:], binary.LittleEndian.Uint64(from[i:]))
			}
		case distance == 1:
			word := uint64(from[0]) * 0x0101010101010101
			for i := 0; i < length; i += 8 {
				binary.LittleEndian.PutUint64(to[i:], word)
			}
		default:
			for i := range length {
				to[i] = from[i]
			}
		}
	}
	// Whole bytes go back; what is left in bits are only those that count.
	n &= 63
	pos -= int(n >> 3)
	n &= 7
	d.pos, d.bits, d.n, w.o = pos, bits&(1<<n-1), n, o
	return done, err
}
