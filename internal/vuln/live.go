package vuln

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Live lends the current index of a directory: it opens the file again when an import, of this process or another, has
// replaced it, and closes an index when its last borrower is done.
type Live struct {
	dir string

	mu    sync.Mutex
	index *Index
	file  os.FileInfo // of the file last looked at; nil if there was none
	err   error
}

// OpenLive opens the index in dir. A file that cannot be opened is an error; none at all is not.
func OpenLive(dir string) (*Live, error) {
	l := &Live{dir: dir}
	l.refresh()
	return l, l.err
}

// Acquire lends the current index, which is nil when nothing was imported. release must be called once.
func (l *Live) Acquire() (index *Index, release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refresh()
	x := l.index
	if x == nil || !x.retain() {
		return nil, func() {}
	}
	return x, sync.OnceFunc(func() { x.release() })
}

// Err says why the newest index could not be opened; the one before it is then still lent.
func (l *Live) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Close gives the index up. Borrowers keep theirs until they release it.
func (l *Live) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.index
	l.index = nil
	return x.Close()
}

// refresh opens the index if the file is another one than the last time.
func (l *Live) refresh() {
	st, err := os.Stat(filepath.Join(l.dir, indexName))
	if err != nil {
		st = nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.err = fault.Wrap(fault.Internal, "open the advisory index", "", err)
		return
	}
	if st == nil && l.file == nil || st != nil && l.file != nil &&
		os.SameFile(st, l.file) && st.ModTime().Equal(l.file.ModTime()) && st.Size() == l.file.Size() {
		return
	}
	x, err := Open(l.dir)
	l.file, l.err = st, err
	if err != nil {
		return
	}
	l.index.Close()
	l.index = x
}
