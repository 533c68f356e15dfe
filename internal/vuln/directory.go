package vuln

import (
	"os"
	"path/filepath"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Lock makes dir if it is not there, takes its lock of this name, and removes what a killed process left in it. It fails with
// fault.Conflict when another process has the lock.
func Lock(dir, name string) (unlock func(), err error) {
	const op = "lock advisories"
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fault.Wrap(fault.Internal, op, "", err)
	}
	unlock, err = lockFile(filepath.Join(dir, name))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, "", err)
	}
	if unlock == nil {
		return nil, fault.New(fault.Conflict, op, "another import into %s is running", dir).WithFix("Wait until it has ended, then try again.")
	}
	names, _ := filepath.Glob(filepath.Join(dir, tempPattern))
	for _, n := range names {
		os.Remove(n)
	}
	return unlock, nil
}

// ReplaceFile writes a file below dir so that there is the old or the new one, whole, whenever the process or the machine
// stops.
func ReplaceFile(dir, name string, write func(*os.File) error) error {
	f, err := os.CreateTemp(dir, tempPattern)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Chmod(0o640); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	path := filepath.Join(dir, name)
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
