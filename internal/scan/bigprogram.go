package scan

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"io"
	"math"
)

// Programs larger than wholeProgram are not held while they are looked into: what they are made of is gathered while they go
// by. One of them would fill the memory that all files share, and many images have a dozen.
const wholeProgram = 4 << 20

const (
	programHead   = 64 << 10
	goInfoMagic   = "\xff Go buildinf:"
	goInfoAlign   = 16
	goInfoInlined = 2 // flag: the texts follow, instead of pointers to them
	maxGoInfo     = 2 << 20
	cargoName     = "\x00.dep-v0\x00"
	programMark   = 16 // no mark that is looked for is longer
)

// A bigProgram watches what is read through it. It finds the build information of Go programs where the linker puts it, and
// what shows that a program must be read whole after all.
type bigProgram struct {
	r    io.Reader
	buf  []byte // what was not looked at yet, behind the end of what was
	base int64  // where buf begins in the program
	head []byte
	elf  bool
	data []elf.ProgHeader // where variables lie
	rest int64            // behind all that is loaded; the names of sections stand there
	info []byte           // from the mark on
	at   int64            // of info
	// whole: it lists what it is made of in a way that cannot be read in passing, as Rust, Go before 1.18, and Go for Windows do.
	whole bool
}

func newBigProgram(r io.Reader) *bigProgram {
	return &bigProgram{r: r, buf: make([]byte, 0, 2*programHead)}
}

func (b *bigProgram) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	for rest := p[:n]; len(rest) > 0; {
		room := min(len(rest), cap(b.buf)-len(b.buf))
		b.buf = append(b.buf, rest[:room]...)
		if rest = rest[room:]; len(b.buf) == cap(b.buf) {
			b.look()
		}
	}
	return n, err
}

// look searches what is in the buffer and keeps its end, in which a mark may begin.
func (b *bigProgram) look() {
	if b.head == nil {
		b.head = bytes.Clone(b.buf[:min(len(b.buf), programHead)])
		withoutSections(b.head)
		b.segments()
		if !b.elf && bytes.Contains(b.head, []byte(cargoName[1:])) {
			b.whole = true
		}
	}
	if b.elf {
		unloaded := b.buf[min(int64(len(b.buf)), max(0, b.rest-b.base)):]
		b.whole = b.whole || bytes.Contains(unloaded, []byte(cargoName))
	} else {
		b.whole = b.whole || bytes.Contains(b.buf, []byte(goInfoMagic))
	}
	for from := 0; b.info == nil; from++ {
		i := bytes.Index(b.buf[from:], []byte(goInfoMagic))
		if i < 0 {
			break
		}
		from += i
		if at := b.base + int64(from); at%goInfoAlign == 0 && b.isData(at) {
			b.at, b.info = at, []byte{}
		}
	}
	if next := b.at + int64(len(b.info)); b.info != nil && len(b.info) < maxGoInfo && next < b.base+int64(len(b.buf)) {
		b.info = append(b.info, b.buf[max(0, next-b.base):]...)
	}
	end := len(b.buf) - min(len(b.buf), programMark)
	b.base += int64(end)
	b.buf = b.buf[:copy(b.buf, b.buf[end:])]
}

// withoutSections makes an ELF header say that there are no sections. The list of them stands at the file's end, which is
// not kept.
func withoutSections(head []byte) {
	switch {
	case len(head) < 64 || !bytes.HasPrefix(head, []byte(elf.ELFMAG)):
	case elf.Class(head[elf.EI_CLASS]) == elf.ELFCLASS64:
		clear(head[0x28:0x30])
		clear(head[0x3c:0x40])
	default:
		clear(head[0x20:0x24])
		clear(head[0x30:0x34])
	}
}

// segments finds where the variables of an ELF file are, among which a linker puts build information.
func (b *bigProgram) segments() {
	f, err := elf.NewFile(bytes.NewReader(b.head))
	if b.elf = err == nil; !b.elf {
		return
	}
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD {
			continue
		}
		b.rest = max(b.rest, int64(min(p.Off+p.Filesz, math.MaxInt64)))
		if p.Flags&elf.PF_W != 0 {
			b.data = append(b.data, p.ProgHeader)
		}
	}
}

func (b *bigProgram) isData(at int64) bool {
	for _, p := range b.data {
		if at >= int64(p.Off) && uint64(at) < p.Off+p.Filesz {
			return true
		}
	}
	return false
}

// readGo reads the build information, if there is any that can be read in passing.
func (b *bigProgram) readGo(f *found) {
	const flags = len(goInfoMagic) + 1
	switch {
	case b.info == nil:
	case len(b.info) <= flags || b.info[flags]&goInfoInlined == 0:
		b.whole = true
	default:
		if info, err := buildinfo.Read(b); err == nil {
			goModules(info, f)
		}
	}
}

// ReadAt shows what was kept of the program, and nothing but zeros elsewhere.
func (b *bigProgram) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	for _, kept := range []struct {
		at   int64
		part []byte
	}{{0, b.head}, {b.at, b.info}} {
		from, to := max(off, kept.at), min(off+int64(len(p)), kept.at+int64(len(kept.part)))
		if from < to {
			copy(p[from-off:to-off], kept.part[from-kept.at:])
		}
	}
	return len(p), nil
}
