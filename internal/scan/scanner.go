package scan

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/recent"
)

// A Layer is one layer's descriptor and the way to open its (compressed) bytes. Open is called a second time for the rare
// layer whose hard links lead to files that have other names.
type Layer struct {
	image.Layer
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// Cache keeps layer results by a key made of layer digest and extractor version. Errors are logged and treated as misses.
type Cache interface {
	LayerResult(ctx context.Context, key string) ([]byte, bool, error)
	PutLayerResult(ctx context.Context, key string, result []byte) error
}

// Progress is told how far a layer's compressed stream has been read. It must be quick and safe for concurrent use.
type Progress func(layer image.Digest, read, total int64)

// Options configure a Scanner; the zero value is good.
type Options struct {
	Cache    Cache // nil: none
	Parallel int   // layers at once; 0 means 2
	Limits   Limits
	// LibraryGzip unpacks gzip with a general library instead of the decoder made for this.
	LibraryGzip bool
	TempDir     string       // for files larger than Limits.FileInMemory; "" means the system's
	Log         *slog.Logger // nil: none
}

// A Scanner is safe for concurrent use; the budgets of its limits are shared by all images that it reads at a time.
type Scanner struct {
	cache    Cache
	parallel int
	limits   Limits
	log      *slog.Logger
	hold     *hold
	readers  *readers
	setup    error

	libraryGzip bool
	flights     flights
	recent      *recent.Cache[*layerResult]
	reports     *recent.Cache[*Report]
}

// recentResults bounds the memory that results take which are kept unpacked, for images that share layers with others.
const recentResults = 24 << 20

// recentReports bounds the memory that whole reports take, for images that are asked for again and again.
const recentReports = 32 << 20

// New makes a Scanner.
func New(o Options) *Scanner {
	s := &Scanner{cache: o.Cache, parallel: o.Parallel, limits: o.Limits.withDefaults(), log: o.Log, libraryGzip: o.LibraryGzip, recent: recent.New(recentResults, weightOf), reports: recent.New(recentReports, reportWeight)}
	if s.parallel <= 0 {
		s.parallel = 2
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.hold = &hold{memory: newBudget(s.limits.Memory), disk: newBudget(s.limits.Disk), inMemory: s.limits.FileInMemory, dir: o.TempDir}
	s.readers, s.setup = newReaders(s.limits)
	return s
}

// Image reads the layers, base first. It fails only when a layer cannot be had at all (registry error, wrong digest);
// what is odd inside a layer becomes a Note and, where components may be missing, Status Partial.
func (s *Scanner) Image(ctx context.Context, layers []Layer, progress Progress) (*Report, error) {
	if s.setup != nil {
		return nil, fault.Wrap(fault.Internal, "scan", "extractors", s.setup)
	}
	if progress == nil {
		progress = func(image.Digest, int64, int64) {}
	}
	key := s.imageKey(layers)
	if known := s.reports.Get(key); known != nil {
		for _, l := range layers {
			progress(l.Digest, l.Size, l.Size)
		}
		return known.lent(), nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	results := make([]*layerResult, len(layers))
	first := map[image.Digest]int{} // the same layer may occur more than once
	var used tally
	var group sync.WaitGroup
	slots := make(chan struct{}, s.parallel)
	for i, l := range layers {
		if _, again := first[l.Digest]; again && l.Digest != "" {
			continue
		}
		first[l.Digest] = i
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		group.Go(func() {
			defer func() { <-slots }()
			r, err := s.layer(ctx, l, progress, &used)
			if err != nil {
				cancel(fault.Wrap(fault.CodeOf(err), "scan", fmt.Sprintf("layer %d of %d, %s", i+1, len(layers), l.Digest), err))
				return
			}
			results[i] = r
		})
	}
	group.Wait()
	if ctx.Err() != nil {
		return nil, causeOf(ctx)
	}
	for i, l := range layers {
		if results[i] == nil {
			results[i] = results[first[l.Digest]]
		}
	}
	report := merge(layers, results)
	if key != "" && !slices.ContainsFunc(results, func(r *layerResult) bool { return r.Volatile }) {
		s.reports.Put(key, report)
	}
	return report.lent(), nil
}

// imageKey tells images of other layers apart, and says nothing of those with layers of unknown digests.
func (s *Scanner) imageKey(layers []Layer) string {
	h := sha256.New()
	for _, l := range layers {
		if l.Digest == "" {
			return ""
		}
		fmt.Fprintln(h, l.Digest, l.DiffID)
	}
	return string(h.Sum(nil))
}

// causeOf is why the context ended: a layer's error, or the caller's.
func causeOf(ctx context.Context) error {
	err := context.Cause(ctx)
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	return fault.Wrap(fault.CodeOf(err), "scan", "stopped", err)
}

// layer takes one layer's result from the cache or reads it. A layer that is being read already, for whatever image, is
// waited for.
func (s *Scanner) layer(ctx context.Context, l Layer, progress Progress, used *tally) (*layerResult, error) {
	if l.Digest == "" {
		return s.read(ctx, l, progress, used)
	}
	key := fmt.Sprintf("%s/%s-%s", l.Digest, extractorVersion, s.limits.fingerprint())
	for {
		ended := s.flights.board(key)
		if ended == nil {
			break
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	defer s.flights.land(key)
	if r := s.known(ctx, key); r != nil {
		return s.reuse(r, l, progress, used), nil
	}
	if c, ok := s.cache.(Claimer); ok {
		release, err := c.ClaimLayer(ctx, key)
		if err != nil {
			s.log.WarnContext(ctx, "layer read without a claim", "layer", l.Digest, "error", err)
		} else {
			defer release()
			if r := s.known(ctx, key); r != nil {
				return s.reuse(r, l, progress, used), nil
			}
		}
	}
	r, err := s.read(ctx, l, progress, used)
	if err == nil && !r.Volatile {
		s.remember(ctx, key, r)
	}
	return r, err
}

// reuse counts a known result as if it had been read.
func (s *Scanner) reuse(r *layerResult, l Layer, progress Progress, used *tally) *layerResult {
	progress(l.Digest, l.Size, l.Size)
	used.entries.Add(r.Entries)
	if used.text.Add(r.Text) > s.limits.ImageText {
		return r.without(s.limits.ImageText)
	}
	return r
}

func (s *Scanner) remember(ctx context.Context, key string, r *layerResult) {
	s.recent.Put(key, r)
	if s.cache == nil {
		return
	}
	b, err := r.encode()
	if err == nil {
		err = s.cache.PutLayerResult(ctx, key, b)
	}
	if err != nil {
		s.log.WarnContext(ctx, "layer result not cached", "key", key, "error", err)
	}
}

// known returns a result that was remembered, or nil. It is shared and must not be changed.
func (s *Scanner) known(ctx context.Context, key string) *layerResult {
	if r := s.recent.Get(key); r != nil || s.cache == nil {
		return r
	}
	r := s.cached(ctx, key)
	if r != nil {
		s.recent.Put(key, r)
	}
	return r
}

func (s *Scanner) cached(ctx context.Context, key string) *layerResult {
	b, ok, err := s.cache.LayerResult(ctx, key)
	if err == nil && ok {
		var r *layerResult
		if r, err = decodeResult(b); err == nil {
			return r
		}
	}
	if err != nil {
		s.log.WarnContext(ctx, "cached layer result not used", "key", key, "error", err)
	}
	return nil
}
