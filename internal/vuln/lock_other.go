//go:build !unix

package vuln

import (
	"errors"
	"io/fs"
	"os"
)

// lockFile creates the file and removes it afterwards. A process that is killed leaves it behind, and a person has to
// remove it. It returns nil when the file is there.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return func() { f.Close(); os.Remove(path) }, nil
}

func syncDir(string) error { return nil }
