package scan

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/landwaiter/landwaiter/internal/inflate"
)

// zstdWindow is the largest window that is accepted; it is what the zstd program itself accepts by default.
const zstdWindow = 128 << 20

// A decoder unpacks into buffers that are lent to it, of pieceSize bytes.
type decoder interface {
	// next returns a part of buf that holds what comes next: at least one byte, or an error.
	next(buf []byte) ([]byte, error)
	close()
}

// decompress looks at the first bytes, not at the media type, to choose gzip (eStargz is one), zstd or nothing.
func decompress(r *bufio.Reader, libraryGzip bool) (decoder, error) {
	magic, err := r.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		if !libraryGzip {
			return inflated{inflate.NewReader(r)}, nil
		}
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		return plain{z, func() {}}, nil
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}), len(magic) == 4 && magic[0]&0xf0 == 0x50 && bytes.Equal(magic[1:], []byte{0x2a, 0x4d, 0x18}):
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return nil, err
		}
		return plain{d, d.Close}, nil
	}
	return plain{r, func() {}}, nil
}

type inflated struct{ *inflate.Reader }

func (i inflated) next(buf []byte) ([]byte, error) { return i.Next(buf) }
func (inflated) close()                            {}

// plain fills buffers from an ordinary reader.
type plain struct {
	r    io.Reader
	shut func()
}

func (p plain) next(buf []byte) ([]byte, error) {
	n, err := io.ReadFull(p.r, buf)
	if n > 0 {
		return buf[:n], nil
	}
	return nil, err
}

func (p plain) close() { p.shut() }
