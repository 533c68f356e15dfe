package vuln

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/klauspost/compress/zip"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// limits bound what an import may cost.
type limits struct {
	record  int64 // bytes of one record
	table   int64 // bytes of a file about exploitation
	entries int   // files, inside and outside archives
	total   int64 // bytes of all records
}

var defaultLimits = limits{record: 8 << 20, table: 64 << 20, entries: 5_000_000, total: 64 << 30}

// An item is one file that should be a record.
type item struct {
	name      string     // for messages
	container string     // the base ecosystem that its folder or archive is named for, or ""
	cost      int64      // bytes of input it accounts for
	table     *tableKind // nil for a record
	read      func() ([]byte, error)
}

var errTooLarge = errors.New("it is too large")

// A source finds OSV records below one file or folder of a file system.
type source struct {
	fsys   fs.FS
	root   string // the file or folder
	folder string // the name of the folder that fsys stands for
	shown  string // what a person called it
	limits limits
	count  int
}

// size is how many bytes of input there are.
func (s *source) size(ctx context.Context) (total int64, err error) {
	err = s.files(ctx, func(_ string, size int64) error { total += size; return nil })
	return total, err
}

// items calls yield with every item. When it returns, every item's read must have been called or given up.
func (s *source) items(ctx context.Context, yield func(item) error) error {
	return s.files(ctx, func(name string, size int64) error {
		container := s.container(name)
		if strings.EqualFold(path.Ext(name), ".zip") {
			return s.archive(ctx, name, size, container, yield)
		}
		return s.yield(item{name: name, container: container, cost: size, table: kindOfTable(name), read: func() ([]byte, error) {
			f, err := s.fsys.Open(name)
			if err != nil {
				return nil, err
			}
			return s.readAll(f, size, kindOfTable(name))
		}}, yield)
	})
}

func (s *source) yield(i item, yield func(item) error) error {
	if s.count++; s.count > s.limits.entries {
		return fault.New(fault.Invalid, "import advisories", "there are more than %d files", s.limits.entries)
	}
	return yield(i)
}

// Importable reports whether an import looks at a file of this name.
func Importable(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return ext == ".json" || ext == ".zip" || kindOfTable(name) != nil
}

// files calls do with every file that can be imported.
func (s *source) files(ctx context.Context, do func(name string, size int64) error) error {
	return fs.WalkDir(s.fsys, s.root, func(name string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || d.IsDir() {
			return err
		}
		if !Importable(name) {
			return nil
		}
		st, err := fs.Stat(s.fsys, name) // follows a link, as mirrors use them
		if err != nil || !st.Mode().IsRegular() {
			return err
		}
		return do(name, st.Size())
	})
}

// container is the ecosystem of the layout ECOSYSTEM/all.zip, ECOSYSTEM/ID.json or ECOSYSTEM.zip.
func (s *source) container(name string) string {
	dir := path.Base(path.Dir(name))
	if dir == "." {
		dir = s.folder
	}
	stem := strings.TrimSuffix(path.Base(name), path.Ext(name))
	for _, n := range []string{dir, stem} {
		base, _, _ := strings.Cut(n, ":")
		if _, ok := ecosystems[base]; ok {
			return base
		}
	}
	return ""
}

func (s *source) archive(ctx context.Context, name string, size int64, container string, yield func(item) error) error {
	const op = "import advisories"
	f, err := s.fsys.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	at, ok := f.(io.ReaderAt)
	if !ok {
		return fault.New(fault.Internal, op, "%s cannot be read at random", name)
	}
	z, err := zip.NewReader(at, size)
	if err != nil {
		return fault.Wrap(fault.Invalid, op, name+" is not a readable zip archive", err).WithFix("Download %s again.", path.Base(name))
	}
	var reads sync.WaitGroup
	defer reads.Wait() // the archive stays open until every item was read
	rest := size
	for i, e := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		cost := min(rest, int64(min(e.CompressedSize64, uint64(size))))
		if i == len(z.File)-1 {
			cost = rest
		}
		rest -= cost
		table := kindOfTable(e.Name)
		if e.FileInfo().IsDir() || !strings.EqualFold(path.Ext(e.Name), ".json") && table == nil {
			continue
		}
		reads.Add(1)
		var once sync.Once
		err := s.yield(item{name: name + ": " + e.Name, container: container, cost: cost, table: table, read: func() ([]byte, error) {
			defer once.Do(reads.Done)
			if e.UncompressedSize64 > uint64(s.limit(table)) {
				return nil, errTooLarge
			}
			r, err := e.Open()
			if err != nil {
				return nil, err
			}
			return s.readAll(r, int64(e.UncompressedSize64), table)
		}}, yield)
		if err != nil {
			once.Do(reads.Done)
			return err
		}
	}
	return nil
}

func (s *source) limit(table *tableKind) int64 {
	if table != nil {
		return s.limits.table
	}
	return s.limits.record
}

// readAll reads at most one record's or table's worth, whatever size says.
func (s *source) readAll(r io.ReadCloser, size int64, table *tableKind) ([]byte, error) {
	defer r.Close()
	limit := s.limit(table)
	b := make([]byte, 0, min(max(size, 0), limit)+1)
	for {
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if int64(len(b)) > limit {
			return nil, errTooLarge
		}
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading it failed: %w", err)
		}
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
	}
}

func newSource(fsys fs.FS, root, folder, shown string) *source {
	return &source{fsys: fsys, root: root, folder: folder, shown: shown, limits: defaultLimits}
}
