package main

import (
	"os"
	"sync"
	"sync/atomic"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/image"
)

// bars shows long work on a terminal, and nothing elsewhere.
type bars struct {
	container *mpb.Progress // nil when standard error is no terminal
	spinner   *mpb.Bar
	doing     atomic.Value // string

	mu     sync.Mutex
	layers map[image.Digest]*mpb.Bar
	whole  *mpb.Bar
}

func (p *program) progress() *bars {
	b := &bars{layers: map[image.Digest]*mpb.Bar{}}
	f, ok := p.err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return b
	}
	b.doing.Store("Starting")
	b.container = mpb.New(mpb.WithOutput(f), mpb.WithWidth(40))
	b.spinner = b.container.New(0, mpb.SpinnerStyle().PositionLeft(), mpb.BarRemoveOnComplete(), mpb.BarPriority(-1), mpb.BarWidth(2),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return " " + b.doing.Load().(string) })))
	return b
}

func (b *bars) step(what string) {
	if b.container != nil {
		b.doing.Store(what)
	}
}

func (b *bars) layer(digest image.Digest, read, total int64) {
	if b.container == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	bar, ok := b.layers[digest]
	if !ok {
		bar = b.newBar(digest.Short(), total)
		b.layers[digest] = bar
	}
	bar.SetCurrent(read)
}

// bytes shows one stream of known length.
func (b *bars) bytes(name string) func(done, total int64) {
	return func(done, total int64) {
		if b.container == nil {
			return
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.whole == nil {
			b.whole = b.newBar(name, total)
		}
		b.whole.SetCurrent(done)
	}
}

func (b *bars) newBar(name string, total int64) *mpb.Bar {
	return b.container.AddBar(total, mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(name+" ", decor.WCSyncSpaceR)),
		mpb.AppendDecorators(decor.Counters(decor.SizeB1024(0), " % .1f / % .1f")))
}

func (b *bars) progress() assess.Progress {
	return assess.Progress{Step: b.step, Layer: b.layer}
}

// close clears the bars, so that results stand alone.
func (b *bars) close() {
	if b.container == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, bar := range b.layers {
		bar.Abort(true)
	}
	if b.whole != nil {
		b.whole.Abort(true)
	}
	b.spinner.Abort(true)
	b.container.Wait()
	b.container = nil
}
