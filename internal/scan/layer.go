package scan

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/landwaiter/landwaiter/internal/image"
)

// readersPerLayer is how many files of a layer are looked into while its stream goes on.
const readersPerLayer = 2

// layerScan is the state of reading one layer. The walk is one goroutine; files are looked into in others.
type layerScan struct {
	*Scanner
	ctx   context.Context
	group sync.WaitGroup
	slots chan struct{}
	room  atomic.Int64 // components that may still be found
	used  *tally
	spent atomic.Int64 // nanoseconds that readers have taken
	text  atomic.Int64 // bytes taken of the image's

	// of the walk only
	entries int64
	meter   *meter
	bytes   int64
	diffID  image.Digest // of what was read to its end
	full    bool         // the note about too much text has been written
	files   map[string]*record
	asked   map[string][]string // target of a hard link that was not looked into → the links that ask for it
	missing map[string][]string // of those, what a second pass reads
	again   map[string]*record  // programs to read whole in a second pass
	paths   []pathKind
	gone    []uint64
	opaque  []uint64

	mu       sync.Mutex // guards what follows, and the content of records
	notes    notes
	volatile bool
}

// A record is one file's content, under all its names.
type record struct {
	path   string // the first
	system bool
	link   string
	lower  string // what a hard link leads to in a lower layer
	found  found
}

type pathKind struct {
	hash uint64
	dir  bool
}

// read streams one layer.
func (s *Scanner) read(ctx context.Context, l Layer, progress Progress, used *tally) (*layerResult, error) {
	ls := &layerScan{
		Scanner: s, ctx: ctx, used: used, slots: make(chan struct{}, readersPerLayer),
		files: map[string]*record{}, asked: map[string][]string{}, missing: map[string][]string{}, again: map[string]*record{},
	}
	ls.room.Store(int64(s.limits.Components))
	defer ls.account()()
	report := func(n int64) { progress(l.Digest, n, max(n, l.Size)) }
	err := ls.stream(l, report, ls.walk)
	if err == nil && len(ls.asked) > 0 {
		ls.settleLinks()
	}
	if err == nil && len(ls.missing)+len(ls.again) > 0 {
		err = ls.stream(l, func(int64) {}, ls.walkMissing)
	}
	ls.group.Wait()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return ls.result(), nil
}

// account adds up the time that readers take, by looking now and then how many are at work.
func (ls *layerScan) account() (stop func()) {
	every := max(time.Millisecond, min(time.Second, ls.limits.LayerTime/8))
	ticker, done := time.NewTicker(every), make(chan struct{})
	go func() {
		for {
			select {
			case <-ticker.C:
				ls.spent.Add(int64(every) * int64(len(ls.slots)))
			case <-done:
				ticker.Stop()
				return
			}
		}
	}()
	return func() { close(done) }
}

// stream opens the layer, hands its uncompressed archive to walk, and reads the rest, so that whoever checks the digest
// sees the end. Problems of the stream itself are returned, problems of what is in it are notes.
func (ls *layerScan) stream(l Layer, progress func(int64), walk func(io.Reader) error) (err error) {
	body, err := l.Open(ls.ctx)
	if err != nil {
		return err
	}
	closeBody := sync.OnceValue(body.Close)
	defer func() {
		if e := closeBody(); err == nil && e != nil {
			err = e
		}
	}()
	defer context.AfterFunc(ls.ctx, func() { _ = closeBody() })()

	src := &source{ctx: ls.ctx, body: body, progress: progress}
	received := newReadAhead(plain{src, func() {}}, func([]byte) {})
	defer received.close()
	defer closeBody()
	in := bufio.NewReader(received)
	problem := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("the layer's reader failed: %v", p)
			}
		}()
		unpacker, err := decompress(in, ls.libraryGzip)
		if err != nil {
			return err
		}
		diffID := sha256.New()
		ahead := newReadAhead(unpacker, func(b []byte) { diffID.Write(b) })
		defer ahead.close()
		ls.meter = &meter{r: ahead, limits: &ls.limits, compressed: &src.read, image: ls.used}
		defer func() { ls.bytes = max(ls.bytes, ls.meter.n) }()
		if err := walk(ls.meter); err != nil {
			return err
		}
		if err := ls.meter.drain(); err != nil {
			ls.note(false, "", "what follows the end of the archive cannot be read: %v", err)
			return nil
		}
		ls.diffID = image.Digest(fmt.Sprintf("sha256:%x", diffID.Sum(nil)))
		return nil
	}()
	if err := cmp.Or(src.err(), ls.ctx.Err()); err != nil {
		return err
	}
	if problem != nil {
		var limit limitError
		if errors.As(problem, &limit) {
			ls.note(true, "", "%s; what follows was not read", limit.what)
			ls.volatile = ls.volatile || ls.used.bytes.Load() > ls.limits.ImageBytes || ls.used.entries.Load() > ls.limits.ImageEntries
		} else {
			ls.note(true, "", "the layer is damaged after %d entries; what follows was not read: %v", ls.entries, problem)
		}
	}
	_, err = io.Copy(io.Discard, io.LimitReader(in, max(l.Size, ls.limits.LayerBytes)))
	return cmp.Or(src.err(), err)
}

func (ls *layerScan) note(lossy bool, path, format string, args ...any) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.notes.add(lossy, path, format, args...)
}

// forgo notes what another attempt might find.
func (ls *layerScan) forgo(path, format string, args ...any) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.volatile = true
	ls.notes.add(true, path, format, args...)
}

// take takes room for n bytes of text that stay until the image's report is made, and reports whether there was any.
func (ls *layerScan) take(n int) bool {
	if ls.used.text.Load() > ls.limits.ImageText {
		return false
	}
	ls.text.Add(int64(n))
	return ls.used.text.Add(int64(n)) <= ls.limits.ImageText
}

// look reads a file's content and starts its reader. It returns errors of the stream.
func (ls *layerScan) look(r reader, path string, size int64, body io.Reader) (*record, error) {
	rec := &record{path: path, system: r.kind == system}
	return rec, ls.lookInto(rec, r, size, body)
}

func (ls *layerScan) lookInto(rec *record, r reader, size int64, body io.Reader) error {
	path := rec.path
	limit := ls.limits.FileBytes
	if r.maxBytes > 0 {
		limit = min(limit, r.maxBytes)
	}
	if size > limit {
		ls.note(true, path, "not read: a %s file of %d bytes is more than %s", r.name, size, tidySize(limit))
		return nil
	}
	if ls.spent.Load() > int64(ls.limits.LayerTime) {
		ls.forgo(path, "not read: reading the components of this layer took longer than %s", ls.limits.LayerTime)
		return nil
	}
	before := ls.meter.n
	c, err := ls.hold.keep(ls.ctx, path, size, body)
	if errors.Is(err, errNoRoom) {
		ls.forgo(path, "not read: %v", err)
		return nil
	}
	if err != nil {
		return err
	}
	if err := ls.meter.count(max(0, size-(ls.meter.n-before))); err != nil {
		c.close()
		return err
	}
	select {
	case ls.slots <- struct{}{}:
	case <-ls.ctx.Done():
		c.close()
		return ls.ctx.Err()
	}
	ls.group.Add(1)
	ls.run(r, rec, c)
	return nil
}

// run looks into a file in a goroutine of its own, and gives up on it, leaving the goroutine behind, when it takes too long.
func (ls *layerScan) run(r reader, rec *record, c *content) {
	ctx, cancel := context.WithTimeout(ls.ctx, ls.limits.FileTime)
	var once sync.Once
	finish := func(f *found, err error) {
		once.Do(func() {
			if f == nil {
				c.abandon()
			} else {
				c.close()
			}
			ls.keep(r, rec, f, err)
			<-ls.slots
			ls.group.Done()
		})
	}
	stop := context.AfterFunc(ctx, func() { finish(nil, context.DeadlineExceeded) })
	go func() {
		defer cancel()
		f := &found{room: int(max(ls.room.Load(), 0)), take: ls.take, mayDescribe: ls.readers.mayDescribe}
		err := func() (err error) {
			defer func() {
				if p := recover(); p != nil {
					err = fmt.Errorf("its reader failed: %v", p)
				}
			}()
			return r.read(ctx, c, f)
		}()
		if stop() {
			finish(f, err)
		}
	}()
}

// keep takes over what was found in a file. f is nil when the reader was given up on.
func (ls *layerScan) keep(r reader, rec *record, f *found, err error) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if f == nil {
		ls.volatile = true
		ls.notes.add(true, rec.path, "not read: its %s reader took longer than %s", r.name, ls.limits.FileTime)
		return
	}
	ls.room.Add(-int64(len(f.components)))
	rec.found = *f
	rec.found.seen, rec.found.take, rec.found.mayDescribe = nil, nil, nil
	if err != nil {
		ls.notes.add(true, rec.path, "%s: %v", r.name, err)
	}
	if f.dropped > 0 {
		ls.notes.add(true, rec.path, "%s: %d entries were left out: damaged, or more than %d in this layer, or more than %s of names in the image",
			r.name, f.dropped, ls.limits.Components, size(ls.limits.ImageText))
		ls.volatile = ls.volatile || ls.used.text.Load() > ls.limits.ImageText
	}
}

func tidySize(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return size(n)
}

// result orders what was found. It is called when all readers have ended.
func (ls *layerScan) result() *layerResult {
	r := &layerResult{Entries: ls.entries, Bytes: ls.bytes, Text: ls.text.Load(), DiffID: ls.diffID, Notes: ls.notes.sorted(), Volatile: ls.volatile}
	// Of two entries with the same path the last counts; sorting must not change their order.
	slices.SortStableFunc(ls.paths, func(a, b pathKind) int { return cmp.Compare(a.hash, b.hash) })
	for i, p := range ls.paths {
		switch {
		case i+1 < len(ls.paths) && ls.paths[i+1].hash == p.hash:
		case p.dir:
			r.Dirs = append(r.Dirs, p.hash)
		default:
			r.Others = append(r.Others, p.hash)
		}
	}
	r.Whiteouts, r.Opaque = sortedSet(ls.gone), sortedSet(ls.opaque)

	paths := make([]string, 0, len(ls.files))
	for p := range ls.files {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	same := map[*record]int{}
	for _, p := range paths {
		rec := ls.files[p]
		f := foundFile{
			Path: p, System: rec.system, Components: rec.found.components, Owned: rec.found.owned,
			Official: rec.found.official, OS: rec.found.os, Document: rec.found.document, Link: rec.link, Lower: rec.lower, Licenses: rec.found.licenses,
		}
		if len(f.Components) == 0 && len(f.Owned) == 0 && f.OS == nil && f.Document == nil && f.Link == "" && f.Lower == "" && len(f.Licenses) == 0 {
			continue
		}
		first, again := same[rec]
		if !again {
			first = len(r.Files)
			same[rec] = first
		}
		f.Same = first
		r.Files = append(r.Files, f)
	}
	return r
}

func sortedSet(hashes []uint64) []uint64 {
	slices.Sort(hashes)
	return slices.Compact(hashes)
}
