package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"sync"
	"sync/atomic"
)

// content is one file's bytes while its components are read. It fails every read once it is closed, so that a reader that
// was given up on comes to an end.
type content struct {
	path   string
	size   int64
	at     io.ReaderAt
	closed atomic.Bool
	free   func(reuse bool)
}

var errGivenUp = errors.New("given up")

func (c *content) ReadAt(p []byte, off int64) (int, error) {
	if c.closed.Load() {
		return 0, errGivenUp
	}
	return c.at.ReadAt(p, off)
}

func (c *content) reader() *io.SectionReader { return io.NewSectionReader(c, 0, c.size) }

// start returns at most the first n bytes.
func (c *content) start(n int64) ([]byte, error) {
	b := make([]byte, min(n, c.size))
	if _, err := c.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b, nil
}

func (c *content) close() { c.end(true) }

// abandon is close while a reader may still be at work.
func (c *content) abandon() { c.end(false) }

func (c *content) end(reuse bool) {
	if !c.closed.Swap(true) {
		c.free(reuse)
	}
}

type bytesAt []byte

func (b bytesAt) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= int64(len(b)) {
		return 0, io.EOF
	}
	n := copy(p, b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// A hold keeps file contents within the budgets of one image.
type hold struct {
	memory, disk *budget
	inMemory     int64
	dir          string
}

// errNoRoom means that the machine, not the image, is the reason why a file could not be looked into.
var errNoRoom = errors.New("no temporary space")

// keep reads size bytes from r. Errors of r are returned as they are.
func (h *hold) keep(ctx context.Context, path string, size int64, r io.Reader) (*content, error) {
	if size <= h.inMemory {
		release, err := h.memory.take(ctx, size)
		if err != nil {
			return nil, err
		}
		b := newBuffer(int(size))
		free := func(reuse bool) {
			if release(); reuse {
				b.reuse()
			}
		}
		if _, err := io.ReadFull(r, b.bytes); err != nil {
			free(true)
			return nil, err
		}
		return &content{path: path, size: size, at: bytesAt(b.bytes), free: free}, nil
	}
	release, err := h.disk.take(ctx, size)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(h.dir, "landwaiter-scan-*")
	if err != nil {
		release()
		return nil, fmt.Errorf("%w: %w", errNoRoom, err)
	}
	free := func(bool) {
		_ = f.Close()
		_ = os.Remove(f.Name()) // where an open file cannot be unlinked
		release()
	}
	_ = os.Remove(f.Name())
	w := &writeErrors{w: f}
	if _, err := io.CopyN(w, r, size); err != nil {
		free(true)
		if w.err != nil {
			return nil, fmt.Errorf("%w: %w", errNoRoom, w.err)
		}
		return nil, err
	}
	return &content{path: path, size: size, at: f, free: free}, nil
}

// writeErrors tells the errors of the disk from those of the layer.
type writeErrors struct {
	w   io.Writer
	err error
}

func (w *writeErrors) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	if err != nil {
		w.err = err
	}
	return n, err
}

// Buffers of these sizes, powers of two, are used again: what is read of an image's files is soon garbage, and would
// otherwise double the memory that a scan takes.
const smallestBuffer, largestBuffer = 16, 25 // bits: 64 KiB to 32 MiB

var buffers [largestBuffer + 1]sync.Pool

type buffer struct {
	bytes []byte
	whole *[]byte // what goes back into the pool; nil for sizes that are not kept
	class int
}

func newBuffer(size int) buffer {
	class := max(smallestBuffer, bits.Len(uint(max(size-1, 0))))
	if size < 1<<smallestBuffer/4 || class > largestBuffer {
		return buffer{bytes: make([]byte, size)}
	}
	whole, ok := buffers[class].Get().(*[]byte)
	if !ok {
		b := make([]byte, 1<<class)
		whole = &b
	}
	return buffer{(*whole)[:size], whole, class}
}

func (b buffer) reuse() {
	if b.whole != nil {
		buffers[b.class].Put(b.whole)
	}
}
