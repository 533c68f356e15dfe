//go:build unix

package vuln

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile gives the file's bytes without reading them: pages come in as they are looked at.
func mapFile(f *os.File, size int64) (file, error) {
	b, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return &memory{b: b, release: func() error { return unix.Munmap(b) }}, nil
}
