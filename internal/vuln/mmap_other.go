//go:build !unix

package vuln

import (
	"io"
	"os"
)

// mapFile reads from the file at every look: there is no memory map here.
func mapFile(f *os.File, size int64) (file, error) {
	own, err := os.Open(f.Name())
	if err != nil {
		return nil, err
	}
	return &readFile{own, size}, nil
}

type readFile struct {
	*os.File
	size int64
}

func (r *readFile) at(off, n uint64) ([]byte, error) {
	if off > uint64(r.size) || n > uint64(r.size)-off {
		return nil, errCorrupt
	}
	b := make([]byte, n)
	if _, err := r.ReadAt(b, int64(off)); err != nil && err != io.EOF {
		return nil, err
	}
	return b, nil
}
