package scan

import (
	"bytes"
	"context"
	"errors"
	"io"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/image"
)

// watched is a layer whose openings are counted, and whose stream waits until begin is closed.
func watched(blob []byte, opened *atomic.Int32, begin <-chan struct{}) Layer {
	l := layerOf(blob)
	l.Open = func(ctx context.Context) (io.ReadCloser, error) {
		opened.Add(1)
		select {
		case <-begin:
			return io.NopCloser(bytes.NewReader(blob)), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return l
}

func TestOneLayerOfManyImagesIsReadOnce(t *testing.T) {
	begin := make(chan struct{})
	var opened atomic.Int32
	l := watched(gzipped(t, sample(t)), &opened, begin)
	s := New(Options{})
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			r, err := s.Image(context.Background(), []Layer{layer(t, file("x", "")), l}, nil)
			if err != nil || len(r.Components) != 3 {
				t.Errorf("%v, %v", r, err)
			}
		})
	}
	close(begin)
	group.Wait()
	if n := opened.Load(); n != 1 {
		t.Errorf("opened %d times", n)
	}
}

func TestWhoeverWaitsForALayerReadsItWhenTheFirstCannot(t *testing.T) {
	blob := gzipped(t, sample(t))
	begin := make(chan struct{})
	var first, second atomic.Int32
	for name, failing := range map[string]Layer{
		"refused": func() Layer {
			l := watched(blob, &first, begin)
			open := l.Open
			l.Open = func(ctx context.Context) (io.ReadCloser, error) {
				_, _ = open(ctx)
				return nil, errors.New("refused")
			}
			return l
		}(),
		"cancelled": watched(blob, &first, nil),
	} {
		t.Run(name, func(t *testing.T) {
			s := New(Options{})
			ctx, cancel := context.WithCancel(context.Background())
			first.Store(0)
			failed := make(chan error, 1)
			go func() {
				_, err := s.Image(ctx, []Layer{failing}, nil)
				failed <- err
			}()
			for first.Load() == 0 {
				time.Sleep(time.Millisecond)
			}
			done := make(chan *Report, 1)
			go func() {
				r, err := s.Image(context.Background(), []Layer{watched(blob, &second, closed())}, nil)
				if err != nil {
					t.Error(err)
				}
				done <- r
			}()
			if name == "refused" {
				close(begin)
			}
			cancel()
			if err := <-failed; err == nil {
				t.Error("the first did not fail")
			}
			if r := <-done; len(r.Components) != 3 {
				t.Errorf("%v", r)
			}
		})
	}
}

func closed() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// claims is a cache shared by scanners that stand for processes.
type claims struct {
	memoryCache
	one sync.Mutex
}

func (c *claims) ClaimLayer(context.Context, string) (func(), error) {
	c.one.Lock()
	return c.one.Unlock, nil
}

func TestOneLayerOfManyProcessesIsReadOnce(t *testing.T) {
	var opened atomic.Int32
	l := watched(gzipped(t, sample(t)), &opened, closed())
	cache := &claims{}
	var group sync.WaitGroup
	for range 5 {
		s := New(Options{Cache: cache})
		group.Go(func() {
			if r, err := s.Image(context.Background(), []Layer{l}, nil); err != nil || len(r.Components) != 3 {
				t.Errorf("%v, %v", r, err)
			}
		})
	}
	group.Wait()
	if n := opened.Load(); n != 1 {
		t.Errorf("opened %d times", n)
	}
}

func TestDiffID(t *testing.T) {
	plain := sample(t)
	for name, blob := range map[string][]byte{"gzip": gzipped(t, plain), "zstd": zstded(t, plain), "uncompressed": plain} {
		t.Run(name, func(t *testing.T) {
			l := layerOf(blob)
			l.DiffID = image.DigestOf(plain)
			if r := scanned(t, l); len(r.Notes) > 0 {
				t.Errorf("%v", r.Notes)
			}
			l.DiffID = image.DigestOf([]byte("else"))
			r := scanned(t, l)
			if len(r.Notes) != 1 || !strings.Contains(r.Notes[0].Message, string(image.DigestOf(plain))) {
				t.Errorf("%v", r.Notes)
			}
			expectComplete(t, r)
		})
	}
}

func TestKnownImage(t *testing.T) {
	var opened atomic.Int32
	l := watched(gzipped(t, sample(t)), &opened, closed())
	s := New(Options{})
	ask := func(layers ...Layer) *Report {
		t.Helper()
		r, err := s.Image(t.Context(), layers, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := ask(l)
	first.Notes = append(first.Notes, Note{Message: "of the caller"})
	if again := ask(l); !reflect.DeepEqual(again.Components, first.Components) || len(again.Notes) != 0 || opened.Load() != 1 {
		t.Errorf("%d components, notes %v, opened %d times", len(again.Components), again.Notes, opened.Load())
	}
	over := ask(l, layer(t, file("app/node_modules/x/.wh.package.json", "")))
	if len(over.Components) != 2 {
		t.Errorf("another image gets %d components", len(over.Components))
	}
	other := l
	other.DiffID = image.DigestOf([]byte("else"))
	if r := ask(other); len(r.Notes) != 1 {
		t.Errorf("an image with another diff ID gets the notes %v", r.Notes)
	}
}
