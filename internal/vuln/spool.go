package vuln

import (
	"bufio"
	"encoding/binary"
	"io"
	"os"
)

// A spool is a temporary file that is written once and then read.
type spool struct {
	f *os.File
	w *bufio.Writer
	n int64
}

func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, tempPattern)
	if err != nil {
		return nil, err
	}
	return &spool{f: f, w: bufio.NewWriterSize(f, 256<<10)}, nil
}

func (s *spool) write(b []byte) (offset int64, err error) {
	offset = s.n
	n, err := s.w.Write(b)
	s.n += int64(n)
	return offset, err
}

func (s *spool) discard() {
	s.f.Close()
	os.Remove(s.f.Name())
}

type partition struct {
	buffer []byte
	chunks []chunk
}

type chunk struct {
	offset int64
	length int
}

func (b *builder) flush(p *partition) error {
	offset, err := b.entries.write(p.buffer)
	p.chunks = append(p.chunks, chunk{offset, len(p.buffer)})
	p.buffer = p.buffer[:0]
	return err
}

type keyed struct {
	hash uint64
	key  string
	row  int32
	eco  uint64
	body []byte
}

func (b *builder) readPartition(p *partition, place []int32) ([]keyed, error) {
	var list []keyed
	for _, ch := range p.chunks {
		raw := make([]byte, ch.length)
		if _, err := b.entries.f.ReadAt(raw, ch.offset); err != nil && err != io.EOF {
			return nil, err
		}
		r := &reader{b: raw}
		for len(r.b) > 0 {
			if len(r.b) < 8 {
				return nil, errCorrupt
			}
			k := keyed{hash: binary.LittleEndian.Uint64(r.b)}
			r.b = r.b[8:]
			k.key = r.string()
			n := r.uint()
			k.eco, k.body = r.uint(), r.bytes()
			if r.bad || n >= uint64(len(place)) {
				return nil, errCorrupt
			}
			if k.row = place[n]; k.row >= 0 {
				list = append(list, k)
			}
		}
	}
	return list, nil
}
