package scan

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/landwaiter/landwaiter/internal/inflate"
)

const (
	aheadPieces = 3
	pieceSize   = inflate.MinBuffer + 192<<10
)

var pieceBuffers = sync.Pool{New: func() any { return new([pieceSize]byte) }}

// A readAhead runs a decoder in a goroutine of its own while what came before is looked at, and hands its pieces on without
// copying them.
type readAhead struct {
	full   chan piece
	empty  chan *[pieceSize]byte
	stop   chan struct{}
	done   chan struct{}
	pieces func([]byte)       // is shown every piece before it is handed out
	cur    []byte             // what was not handed out yet
	buf    *[pieceSize]byte   // the buffer cur lies in
	lent   []*[pieceSize]byte // all buffers
	err    error              // set before full is closed
}

type piece struct {
	buf  *[pieceSize]byte
	part []byte
}

func newReadAhead(d decoder, pieces func([]byte)) *readAhead {
	a := &readAhead{
		full: make(chan piece, aheadPieces), empty: make(chan *[pieceSize]byte, aheadPieces),
		stop: make(chan struct{}), done: make(chan struct{}), pieces: pieces,
	}
	for range aheadPieces {
		b := pieceBuffers.Get().(*[pieceSize]byte)
		a.lent = append(a.lent, b)
		a.empty <- b
	}
	go a.fill(d)
	return a
}

func (a *readAhead) fill(d decoder) {
	defer close(a.done)
	defer close(a.full)
	defer d.close()
	defer func() {
		if p := recover(); p != nil {
			a.err = fmt.Errorf("the decoder failed: %v", p)
		}
	}()
	for {
		var buf *[pieceSize]byte
		select {
		case buf = <-a.empty:
		case <-a.stop:
			return
		}
		part, err := d.next(buf[:])
		if err != nil {
			if !errors.Is(err, io.EOF) {
				a.err = err
			}
			return
		}
		a.full <- piece{buf, part} // there is room for all
	}
}

// more makes cur hold something.
func (a *readAhead) more() error {
	for len(a.cur) == 0 {
		if a.buf != nil {
			a.empty <- a.buf
			a.buf = nil
		}
		p, ok := <-a.full
		if !ok {
			if a.err == nil {
				return io.EOF
			}
			return a.err
		}
		a.buf, a.cur = p.buf, p.part
		a.pieces(a.cur)
	}
	return nil
}

func (a *readAhead) Read(p []byte) (int, error) {
	if err := a.more(); err != nil {
		return 0, err
	}
	n := copy(p, a.cur)
	a.cur = a.cur[n:]
	return n, nil
}

// skip passes over at most n bytes, at least one, without copying them.
func (a *readAhead) skip(n int64) (int64, error) {
	if err := a.more(); err != nil {
		return 0, err
	}
	n = min(n, int64(len(a.cur)))
	a.cur = a.cur[n:]
	return n, nil
}

// close returns when the goroutine no longer touches what the decoder reads, which must have been made to end.
func (a *readAhead) close() {
	close(a.stop)
	<-a.done
	for _, b := range a.lent {
		pieceBuffers.Put(b)
	}
}
