package vuln

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Live lends the current index of a directory: it opens the file again when an import, of this process or another, has
// replaced it, and closes an index when its last borrower is done.
type Live struct {
	dir string

	mu    sync.Mutex
	index *Index
	seen  []os.FileInfo // of the files last looked at, nil for those that were not there
	err   error
}

// OpenLive opens the index in dir. A file that cannot be opened is an error; none at all is not, nor one of an older format,
// as importing anew is what helps against either.
func OpenLive(dir string) (*Live, error) {
	l := &Live{dir: dir}
	if l.refresh(); errors.Is(l.err, ErrOlderFormat) {
		return l, nil
	}
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

// refresh opens the index if a file of it is another one than the last time.
func (l *Live) refresh() {
	seen := make([]os.FileInfo, len(liveFiles))
	for i, name := range liveFiles {
		st, err := os.Stat(filepath.Join(l.dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			l.err = fault.Wrap(fault.Internal, "open the advisory index", "", err)
			return
		}
		if err == nil {
			seen[i] = st
		}
	}
	if l.seen != nil && slices.EqualFunc(seen, l.seen, sameFile) {
		return
	}
	x, err := Open(l.dir)
	l.seen, l.err = seen, err
	if err != nil {
		return
	}
	l.index.Close()
	l.index = x
}

var liveFiles = []string{indexName, sourcesName, epssKind.file, exploitedKind.file}

func sameFile(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}
