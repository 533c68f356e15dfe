package vuln

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// A Part is one file of the advisory data in a directory.
type Part struct {
	Name string
	Path string
}

// partNames are the files that data consist of, in the order in which they are replaced: the index last, since it is what a
// server looks at.
var partNames = []string{epssKind.file, exploitedKind.file, sourcesName, indexName}

// Parts lists the files of the data in dir. It fails with fault.NotFound where there is no index.
func Parts(dir string) ([]Part, error) {
	const op = "export advisories"
	var parts []Part
	for _, name := range partNames {
		path := filepath.Join(dir, name)
		_, err := os.Stat(path)
		switch {
		case err == nil:
			parts = append(parts, Part{name, path})
		case errors.Is(err, fs.ErrNotExist) && name == indexName:
			return nil, fault.New(fault.NotFound, op, "there is no advisory data in %s", dir).
				WithFix("Fetch some with `landwaiter vuln update --ecosystem NAME`, or import them with `landwaiter vuln import PATH`.")
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fault.Wrap(fault.Internal, op, "", err)
		}
	}
	return parts, nil
}

// KnownPart reports whether a file of this name can be part of advisory data.
func KnownPart(name string) bool { return slices.Contains(partNames, name) }

// Adopt replaces the data in dir by those in from, which is below dir, after they were opened and found whole. Tables that
// from does not have stay. change is called with the sources before they are put in place.
func Adopt(dir, from string, change func(Sources, Status)) (Status, error) {
	const op = "import advisories"
	unlock, err := Lock(dir, lockName)
	if err != nil {
		return Status{}, err
	}
	defer unlock()
	x, err := Open(from)
	if err == nil && x == nil {
		err = fault.New(fault.Invalid, op, "there is no index in what is to be imported")
	}
	if err != nil {
		return Status{}, fault.Wrap(fault.Invalid, op, "what is to be imported cannot be used", err).
			WithFix("Export it again with `landwaiter vuln export`, by a Landwaiter of this version; or bring this one to the version that exported it.")
	}
	status := x.Status()
	if err := x.Close(); err != nil {
		return Status{}, err
	}
	sources, err := ReadSources(from)
	if err == nil {
		change(sources, status)
		err = WriteSources(from, sources)
	}
	if err != nil {
		return Status{}, fault.Wrap(fault.Internal, op, "", err)
	}
	for _, name := range partNames {
		err := os.Rename(filepath.Join(from, name), filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Status{}, fault.Wrap(fault.Internal, op, "", err)
		}
	}
	if err := syncDir(dir); err != nil {
		return Status{}, fault.Wrap(fault.Internal, op, "", err)
	}
	if x, err = Open(dir); err != nil {
		return Status{}, err
	}
	defer x.Close()
	return x.Status(), nil
}
