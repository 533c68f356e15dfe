// Package due does work that falls due, claimed one by one from a store that several servers may share.
package due

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// poll is the time between questions for what is due, while nothing is.
const poll = time.Second

// Work finds what is due.
type Work struct {
	// Claim gives the next piece of work to this caller only; nil when none is due.
	Claim    func(ctx context.Context) (do func(), err error)
	Parallel int    // pieces at a time
	Stuck    string // what cannot be done while Claim fails
	Log      *slog.Logger
}

// Run does what is due until ctx ends, and waits for what it has begun.
func (w Work) Run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	slots := make(chan struct{}, w.Parallel)
	timer := time.NewTimer(0)
	defer timer.Stop()
	stuck := false
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		do, err := w.Claim(ctx)
		if err != nil && ctx.Err() == nil && !stuck { // once, and not every second
			w.Log.WarnContext(ctx, w.Stuck, "error", err, "fix", fault.FixOf(err))
		}
		stuck = err != nil
		if err == nil && do != nil {
			working.Go(func() {
				defer func() { <-slots }()
				do()
			})
			continue
		}
		<-slots
		timer.Reset(poll)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}
