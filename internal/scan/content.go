package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

// content is one file's bytes while its components are read. It fails every read once it is closed, so that a reader that
// was given up on comes to an end.
type content struct {
	path   string
	size   int64
	at     io.ReaderAt
	closed atomic.Bool
	free   func()
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

func (c *content) close() {
	if !c.closed.Swap(true) {
		c.free()
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
		b := make([]byte, size)
		if _, err := io.ReadFull(r, b); err != nil {
			release()
			return nil, err
		}
		return &content{path: path, size: size, at: bytesAt(b), free: release}, nil
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
	free := func() {
		_ = f.Close()
		_ = os.Remove(f.Name()) // where an open file cannot be unlinked
		release()
	}
	_ = os.Remove(f.Name())
	w := &writeErrors{w: f}
	if _, err := io.CopyN(w, r, size); err != nil {
		free()
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
