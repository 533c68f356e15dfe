package vuln

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
)

const (
	lockName    = "advisories.lock"
	tempPattern = "advisories-*.tmp"
	maxProblems = 10
	maxReasons  = 50
)

// ImportOptions says how to import.
type ImportOptions struct {
	Now      time.Time
	Progress func(done, total int64) // bytes of input; called from one goroutine; may be nil
}

// ImportResult tells what an import read.
type ImportResult struct {
	Records   int `json:"records"`   // taken into the index
	Skipped   int `json:"skipped"`   // broken
	Withdrawn int `json:"withdrawn"` // by whoever published them
	Unusable  int `json:"unusable"`  // good, but of no use for images

	Reasons  map[string]int `json:"unusableReasons,omitempty"` // how many records are unusable for which reason
	Replaced []string       `json:"replaced"`                  // the ecosystems whose earlier records were replaced, without releases
	Problems []string       `json:"problems,omitempty"`        // the first few skipped, with the reason
	Tables   []string       `json:"tables,omitempty"`          // replaced: SourceEPSS, SourceExploited
	Rebuilt  bool           `json:"rebuilt,omitempty"`         // the index before was of an older format, and nothing of it is in the new one
	Status   Status         `json:"status"`                    // of the new index
}

// Import reads OSV records (JSON files or zips, recursively below a directory, or one zip/JSON file) and replaces, for
// every ecosystem that the import holds, what the index in dir had before. It is atomic: a reader sees the old or the new
// index. Broken records are counted and skipped, with the first few named.
//
// What is replaced is always a whole ecosystem with all its releases: Debian, not Debian:12. A file or archive in a folder
// named for an ecosystem, as in OSV's bulk layout ECOSYSTEM/all.zip, holds that ecosystem only; any other one holds all
// that its records name.
func Import(ctx context.Context, dir, source string, o ImportOptions) (ImportResult, error) {
	const op = "import advisories"
	path, err := filepath.Abs(source)
	if err != nil {
		return ImportResult{}, fault.Wrap(fault.Invalid, op, source, err)
	}
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return ImportResult{}, fault.New(fault.NotFound, op, "%s does not exist", source).
			WithFix("Check the path: it is looked for from the folder that the command runs in.")
	}
	if err != nil {
		return ImportResult{}, fault.Wrap(fault.Invalid, op, source, err)
	}
	if st.IsDir() {
		return importFrom(ctx, dir, newSource(os.DirFS(path), ".", filepath.Base(path), source), o)
	}
	folder, name := filepath.Split(path)
	return importFrom(ctx, dir, newSource(os.DirFS(folder), name, filepath.Base(filepath.Clean(folder)), source), o)
}

// ImportFS is Import from a file system, such as one embedded in the program.
func ImportFS(ctx context.Context, dir string, source fs.FS, o ImportOptions) (ImportResult, error) {
	return importFrom(ctx, dir, newSource(source, ".", "", "the records given"), o)
}

func importFrom(ctx context.Context, dir string, s *source, o ImportOptions) (res ImportResult, err error) {
	const op = "import advisories"
	unlock, err := Lock(dir, lockName)
	if err != nil {
		return res, err
	}
	defer unlock()

	b, err := newBuilder(dir)
	if err != nil {
		return res, fault.Wrap(fault.Internal, op, "", err)
	}
	defer b.discard()
	replaced := map[string]bool{}
	if err := readRecords(ctx, s, b, &res, replaced, o.Progress); err != nil {
		return res, failure(ctx, err)
	}
	if len(replaced) == 0 && (len(b.tables) == 0 || res.Skipped > 0) {
		return res, nothingFound(s, res)
	}
	if len(replaced) > 0 {
		if res.Rebuilt, err = keepOthers(ctx, dir, b, replaced); err != nil {
			return res, failure(ctx, err)
		}
		if err := replaceIndex(ctx, dir, b, o.Now); err != nil {
			return res, failure(ctx, err)
		}
	}
	for _, kind := range tableKinds {
		if rows := b.tables[kind]; rows != nil {
			if err := writeTable(dir, kind, rows, o.Now); err != nil {
				return res, failure(ctx, err)
			}
			res.Tables = append(res.Tables, kind.name)
		}
	}
	x, err := Open(dir)
	if err != nil {
		return res, err
	}
	defer x.Close()
	res.Status = x.Status()
	return res, nil
}

func failure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fault.Wrap(fault.Unavailable, "import advisories", "it was stopped; the advisories are as they were", ctx.Err())
	}
	if f := new(fault.Error); errors.As(err, &f) {
		return err
	}
	return fault.Wrap(fault.Internal, "import advisories", "", err)
}

func nothingFound(s *source, res ImportResult) error {
	const op = "import advisories"
	fix := "Give a directory, a zip archive or a JSON file with OSV records (https://ossf.github.io/osv-schema/), " +
		"such as ECOSYSTEM/all.zip of OSV's bulk archives."
	switch {
	case res.Skipped > 0:
		return fault.New(fault.Invalid, op, "none of %d files is a good OSV record; the first: %s", res.Skipped, res.Problems[0]).WithFix("%s", fix)
	case res.Unusable+res.Withdrawn > 0:
		return fault.New(fault.Invalid, op, "none of the OSV records can be used: %d are withdrawn, and %d name no package whose versions can be compared",
			res.Withdrawn, res.Unusable).WithFix("%s", fix)
	}
	return fault.New(fault.Invalid, op, "there is no OSV record in %s", s.shown).WithFix("%s", fix)
}

// An outcome is what became of an item.
type outcome struct {
	item   item
	packed packed
	table  *tableRows // of an item that is one
	size   int64
	err    error
}

// readRecords feeds the builder in the order of the source, so that one input always gives one index, while decoding runs
// on all processors.
func readRecords(ctx context.Context, s *source, b *builder, res *ImportResult, replaced map[string]bool, progress func(done, total int64)) error {
	total, err := s.size(ctx)
	if err != nil {
		return err
	}
	if progress == nil {
		progress = func(int64, int64) {}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := min(runtime.GOMAXPROCS(0), 8)
	type job struct {
		item item
		done chan outcome
	}
	work, queue := make(chan job), make(chan job, 8*workers)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for j := range work {
				j.done <- process(j.item)
			}
		})
	}
	var walked error
	all.Go(func() {
		defer close(queue)
		defer close(work)
		walked = s.items(ctx, func(i item) error {
			j := job{i, make(chan outcome, 1)}
			select {
			case queue <- j:
			case <-ctx.Done():
				return ctx.Err()
			}
			// Once queued it is always worked on: whoever reads the queue waits for it.
			work <- j
			return nil
		})
	})
	var done, bytes int64
	var failed error
	for j := range queue {
		out := <-j.done
		if failed != nil {
			continue
		}
		if failed = ctx.Err(); failed == nil {
			failed = take(out, b, res, replaced)
		}
		if bytes += out.size; bytes > s.limits.total && failed == nil {
			failed = fault.New(fault.Invalid, "import advisories", "there are more than %d MB of records", s.limits.total>>20)
		}
		if failed != nil {
			cancel()
			continue
		}
		done += out.item.cost
		progress(min(done, total), total)
	}
	all.Wait()
	if failed == nil {
		failed = walked
	}
	if failed == nil {
		progress(total, total)
	}
	return failed
}

func process(i item) (out outcome) {
	out.item = i
	defer func() {
		if r := recover(); r != nil {
			out.err = fmt.Errorf("reading it failed: %v", r)
		}
	}()
	data, err := i.read()
	if err != nil {
		out.err = err
		return out
	}
	out.size = int64(len(data))
	if i.table != nil {
		out.table, out.err = i.table.read(i.name, data)
		return out
	}
	r, err := decodeRecord(data)
	if err != nil {
		out.err = err
		return out
	}
	out.packed = pack(r, i.container)
	return out
}

func take(out outcome, b *builder, res *ImportResult, replaced map[string]bool) error {
	unusable := new(unusableError)
	switch {
	case out.item.table != nil:
		if out.err != nil {
			return fault.Wrap(fault.Invalid, "import "+out.item.table.name, out.item.name, out.err).
				WithFix("Download it again: what is damaged or cut off is not imported in part.")
		}
		b.tables[out.item.table] = out.table
	case errors.Is(out.err, errWithdrawn):
		res.Withdrawn++
		res.replace(out.item.container, replaced)
	case errors.As(out.err, &unusable):
		res.Unusable++
		if res.Reasons == nil {
			res.Reasons = map[string]int{}
		}
		reason := unusable.reason
		if _, ok := res.Reasons[reason]; !ok && len(res.Reasons) >= maxReasons {
			reason = unknownEcosystem
		}
		res.Reasons[reason]++
	case out.err != nil:
		res.Skipped++
		if len(res.Problems) < maxProblems {
			res.Problems = append(res.Problems, out.item.name+": "+out.err.Error())
		}
	default:
		res.Records++
		for _, base := range out.packed.bases {
			res.replace(base, replaced)
		}
		return b.add(out.packed, out.item.container)
	}
	return nil
}

func (res *ImportResult) replace(base string, replaced map[string]bool) {
	if base != "" && !replaced[base] {
		replaced[base] = true
		res.Replaced = append(res.Replaced, base)
	}
}

// keepOthers takes over the ecosystems that the import does not hold. A present index that is damaged stops the import:
// replacing it would lose them without a word. One of an older format is of no use to this version either way.
func keepOthers(ctx context.Context, dir string, b *builder, replaced map[string]bool) (older bool, err error) {
	old, err := Open(dir)
	if err == nil && old != nil {
		defer old.Close()
		err = b.keep(ctx, old, replaced)
	}
	switch {
	case err == nil:
		return false, nil
	case errors.Is(err, ErrOlderFormat):
		return true, nil
	}
	return false, fault.Wrap(fault.Internal, "import advisories", "the present index cannot be carried over", err).
		WithFix("Remove %s and import every ecosystem again.", filepath.Join(dir, indexName))
}

func replaceIndex(ctx context.Context, dir string, b *builder, now time.Time) error {
	return ReplaceFile(dir, indexName, func(f *os.File) error { return b.write(ctx, f, now) })
}
