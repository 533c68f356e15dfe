package scan

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The standard library's readers of programs trust them: a name per section that runs to the end of a shared table, or
// relocations that all sections share, take memory that is the square of the file's size.
const (
	maxProgramRead = 8 << 20  // bytes of one part that a reader takes at once
	maxNames       = 64 << 20 // bytes of all section names
	maxPESections  = 96       // as Windows has it
)

// harmless is a view of a program that can be given to debug/elf, debug/pe and debug/buildinfo.
func harmless(r io.ReaderAt) (io.ReaderAt, error) {
	head := make([]byte, 64)
	if n, err := r.ReadAt(head, 0); n < len(head) {
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return bytesAt(nil), nil // too short for a program
	}
	view := &programView{r: r}
	if bytes.HasPrefix(head, []byte(elf.ELFMAG)) {
		return view, plausibleELF(r, head)
	}
	return view, view.hidePESymbols(int64(binary.LittleEndian.Uint32(head[0x3c:])))
}

// A programView refuses to read large parts, and shows a changed header.
type programView struct {
	r     io.ReaderAt
	patch []byte
	at    int64 // where patch lies
}

func (v *programView) ReadAt(p []byte, off int64) (int, error) {
	if len(p) > maxProgramRead {
		return 0, fmt.Errorf("a part of more than %s", size(maxProgramRead))
	}
	n, err := v.r.ReadAt(p, off)
	from, to := max(off, v.at), min(off+int64(n), v.at+int64(len(v.patch)))
	if from < to {
		copy(p[from-off:to-off], v.patch[from-v.at:])
	}
	return n, err
}

// plausibleELF refuses section tables of sizes that no linker writes.
func plausibleELF(r io.ReaderAt, head []byte) error {
	var order binary.ByteOrder = binary.LittleEndian
	if elf.Data(head[elf.EI_DATA]) == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	wide := elf.Class(head[elf.EI_CLASS]) != elf.ELFCLASS32
	table, entrySize, count, names, sizeAt := order.Uint64(head[0x28:]), order.Uint16(head[0x3a:]), order.Uint16(head[0x3c:]), order.Uint16(head[0x3e:]), int64(0x20)
	if !wide {
		table, entrySize, count, names, sizeAt = uint64(order.Uint32(head[0x20:])), order.Uint16(head[0x2e:]), order.Uint16(head[0x30:]), order.Uint16(head[0x32:]), 0x14
	}
	if table == 0 {
		return nil
	}
	if count == 0 {
		return errors.New("an ELF file with more than 65,279 sections")
	}
	b := make([]byte, sizeAt+8)
	if _, err := r.ReadAt(b, int64(table)+int64(names)*int64(entrySize)); err != nil {
		return nil // debug/elf finds that too
	}
	flags, length := order.Uint64(b[8:]), order.Uint64(b[sizeAt:])
	if !wide {
		flags, length = uint64(order.Uint32(b[8:])), uint64(order.Uint32(b[sizeAt:]))
	}
	if elf.SectionFlag(flags)&elf.SHF_COMPRESSED != 0 {
		return errors.New("an ELF file with compressed section names")
	}
	if length > maxNames/uint64(count) {
		return fmt.Errorf("an ELF file with %d sections whose names take %d bytes", count, length)
	}
	return nil
}

// hidePESymbols makes a PE file appear without symbols, relocations and long section names, which nothing here needs.
func (v *programView) hidePESymbols(at int64) error {
	const headSize, sectionSize = 24, 40 // "PE\0\0" and the file header
	head := make([]byte, headSize)
	if n, _ := v.r.ReadAt(head, at); n < headSize || string(head[:4]) != "PE\x00\x00" {
		return nil // a program for DOS
	}
	le := binary.LittleEndian
	sections, optional := int(le.Uint16(head[6:])), int(le.Uint16(head[20:]))
	if sections > maxPESections {
		return fmt.Errorf("a PE file with %d sections", sections)
	}
	v.at, v.patch = at, make([]byte, headSize+optional+sections*sectionSize)
	n, err := v.r.ReadAt(v.patch, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	v.patch = v.patch[:n]
	clear(v.patch[12:20]) // where the symbols are, and how many
	for s := headSize + optional; s+sectionSize <= n; s += sectionSize {
		if section := v.patch[s : s+sectionSize]; section[0] == '/' {
			clear(section[:8])
		}
		clear(v.patch[s+24 : s+36]) // places and numbers of relocations and line numbers
	}
	return nil
}
