package scan

import (
	"encoding/binary"
	"fmt"
	"io"
)

// ndbBlobs calls each with every package header of rpm's own database format, which SUSE used: a table of slots, each
// pointing to a blob.
func ndbBlobs(r io.ReaderAt, size int64, each func(header []byte) error) error {
	head := make([]byte, 32)
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return fmt.Errorf("%w: %w", errRPMFormat, err)
	}
	pages := int64(binary.LittleEndian.Uint32(head[12:]))
	if pages < 1 || pages > 2048 || pages*4096 > size {
		return fmt.Errorf("%w: %d slot pages", errRPMFormat, pages)
	}
	slots := make([]byte, pages*4096)
	if _, err := r.ReadAt(slots, 0); err != nil && err != io.EOF {
		return err
	}
	left := 4 * size
	for slot := slots[32:]; len(slot) >= 16; slot = slot[16:] {
		index, at := binary.LittleEndian.Uint32(slot[4:]), 16*int64(binary.LittleEndian.Uint32(slot[8:]))
		if string(slot[:4]) != "Slot" {
			return fmt.Errorf("%w: a damaged slot", errRPMFormat)
		}
		if index == 0 {
			continue
		}
		blob := make([]byte, 16)
		if n, err := r.ReadAt(blob, at); n < len(blob) {
			return fmt.Errorf("%w: package %d: %w", errRPMFormat, index, err)
		}
		length := int64(binary.LittleEndian.Uint32(blob[12:]))
		if string(blob[:4]) != "BlbS" || binary.LittleEndian.Uint32(blob[4:]) != index || length > maxRPMHeader || at+16+length > size {
			return fmt.Errorf("%w: package %d", errRPMFormat, index)
		}
		if left -= length; left < 0 {
			return fmt.Errorf("%w: its packages hold more than the file", errRPMFormat)
		}
		b := make([]byte, length)
		if _, err := r.ReadAt(b, at+16); err != nil && err != io.EOF {
			return err
		}
		if err := each(b); err != nil {
			return err
		}
	}
	return nil
}

const (
	bdbHashMagic    = 0x00061561
	bdbPageHead     = 26
	bdbHashUnsorted = 2
	bdbHash         = 13
	bdbOverflow     = 7
	bdbOffPage      = 3
)

// bdbValues calls each with every value of a Berkeley DB hash that is kept on overflow pages, as package headers are.
func bdbValues(r io.ReaderAt, size int64, each func(value []byte) error) error {
	head := make([]byte, 72)
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return fmt.Errorf("%w: %w", errRPMFormat, err)
	}
	var order binary.ByteOrder = binary.LittleEndian
	if order.Uint32(head[12:]) != bdbHashMagic {
		order = binary.BigEndian
	}
	pageSize := int64(order.Uint32(head[20:]))
	if order.Uint32(head[12:]) != bdbHashMagic || pageSize < 512 || pageSize > 65536 || pageSize&(pageSize-1) != 0 {
		return errRPMFormat
	}
	pages := size / pageSize
	left := 4 * size
	p, o := make([]byte, pageSize), make([]byte, pageSize)
	for n := range pages {
		if _, err := r.ReadAt(p, n*pageSize); err != nil && err != io.EOF {
			return err
		}
		if p[25] != bdbHash && p[25] != bdbHashUnsorted {
			continue
		}
		entries := int64(order.Uint16(p[20:]))
		if bdbPageHead+2*entries > pageSize {
			return fmt.Errorf("%w: page %d", errRPMFormat, n)
		}
		for i := int64(1); i < entries; i += 2 { // keys and values take turns
			at := int64(order.Uint16(p[bdbPageHead+2*i:]))
			if at+12 > pageSize || p[at] != bdbOffPage {
				continue
			}
			next, length := int64(order.Uint32(p[at+4:])), int64(order.Uint32(p[at+8:]))
			if left -= length; length > maxRPMHeader || left < 0 {
				return fmt.Errorf("%w: a package of %d bytes", errRPMFormat, length)
			}
			value := make([]byte, 0, min(length, size))
			for int64(len(value)) < length {
				if next < 1 || next >= pages {
					return fmt.Errorf("%w: page %d of %d", errRPMFormat, next, pages)
				}
				if _, err := r.ReadAt(o, next*pageSize); err != nil && err != io.EOF {
					return err
				}
				used := int64(order.Uint16(o[22:]))
				if o[25] != bdbOverflow || used < 1 || bdbPageHead+used > pageSize {
					return fmt.Errorf("%w: page %d", errRPMFormat, next)
				}
				value = append(value, o[bdbPageHead:bdbPageHead+min(used, length-int64(len(value)))]...)
				next = int64(order.Uint32(o[16:]))
			}
			if err := each(value); err != nil {
				return err
			}
		}
	}
	return nil
}
