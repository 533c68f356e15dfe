package integrationfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/yamldoc"
)

// Bounds on one directory.
const (
	maxFiles = 1000
	maxTotal = 16 << 20 // bytes of all files
)

// A File is what was read of one file.
type File struct {
	Path string // relative to the directory it was found in, or as given
	Data []byte
	Err  error       // why it could not be read
	Mode fs.FileMode // permissions
}

// Read reads one file, or the files of a directory whose names end in .yaml, .yml or .json and do not begin with a dot, in the
// order of their names. Symbolic links are followed, as a mounted ConfigMap needs. op says in errors what they are read for.
func Read(op, path string) ([]File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, "", err)
	}
	if !info.IsDir() {
		f := readFile(path, path)
		return []File{f}, f.Err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, "", err)
	}
	var files []File
	total := 0
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)) {
			continue
		}
		if len(files) == maxFiles {
			return nil, fault.New(fault.Invalid, op, "%s has more than %d files", path, maxFiles)
		}
		f := readFile(filepath.Join(path, name), name)
		if total += len(f.Data); total > maxTotal {
			return nil, fault.New(fault.Invalid, op, "the files of %s have more than %d MiB", path, maxTotal>>20)
		}
		files = append(files, f)
	}
	return files, nil
}

func readFile(path, shown string) File {
	f := File{Path: shown}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		f.Err = unreadable(err)
		return f
	case !info.Mode().IsRegular(): // a pipe would be waited for
		f.Err = unreadable(errors.New("it is not a regular file"))
		return f
	}
	f.Mode = info.Mode().Perm()
	file, err := os.Open(path)
	if err != nil {
		f.Err = unreadable(err)
		return f
	}
	defer file.Close()
	f.Data, err = io.ReadAll(io.LimitReader(file, yamldoc.MaxBytes+1)) // Parse refuses the one byte more
	if err != nil {
		f.Err = unreadable(err)
	}
	return f
}

func unreadable(err error) error {
	return fault.Wrap(fault.Invalid, "read integrations", "", err).
		WithFix("Give a file of documents, or a directory of them, that this program may read.")
}

// Exposed warns of secrets that others than a file's owner can read; "" when there are none.
func (f File) Exposed(documents []Document) string {
	if f.Mode&0o077 == 0 {
		return ""
	}
	var names []string
	for _, d := range documents {
		for field, s := range d.Config.Secrets() {
			if d.File == f.Path && !s.IsMask() && d.Config.Shown(field) == secret.Mask {
				names = append(names, d.Name)
				break
			}
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("%s can be read by others than its owner, and has secrets in it (of %s): write references such as env:NAME or file:/path, or take the permission away",
		f.Path, strings.Join(names, ", "))
}
