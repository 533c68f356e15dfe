package watch_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
	"github.com/landwaiter/landwaiter/internal/watch"
)

// A world is a service that runs by the bubble's clock; what an assessment gives is what the test says.
type world struct {
	*watch.Service
	options watch.Options
	log     apitest.Log
	mu      sync.Mutex
	fails   error
	looks   []time.Duration // since the start
}

func newWorld(t *testing.T, change func(*watch.Options)) *world {
	t.Helper()
	w := &world{}
	start := time.Now()
	w.options = watch.Options{
		Store: storetest.Open(t, storetest.Options("sqlite::memory:")), Now: time.Now, Jitter: func() float64 { return 0.5 }, Interval: 10 * time.Minute,
		Log: slog.New(slog.NewTextHandler(&w.log, nil)),
		Assess: func(_ context.Context, req assess.Request, _ assess.Progress) (*assess.Assessment, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.looks = append(w.looks, time.Since(start))
			if req.Depth != assess.Judge {
				t.Error("the assessment is not kept")
			}
			if w.fails != nil {
				return nil, w.fails
			}
			return &assess.Assessment{ID: "one", Verdict: assess.Fail, Facts: image.Facts{Digest: "sha256:1"}}, nil
		},
	}
	if change != nil {
		change(&w.options)
	}
	w.Service = watch.New(w.options)
	return w
}

// run runs it until stop is called or the test ends.
func (w *world) run(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func (w *world) add(t *testing.T, name string) {
	t.Helper()
	if _, err := w.Add(t.Context(), name, "somebody"); err != nil {
		t.Fatal(err)
	}
}

func (w *world) only(t *testing.T) watch.Image {
	t.Helper()
	list, err := w.List(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	return list[0]
}

func (w *world) seen() []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.looks)
}

func (w *world) set(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fails = err
}

func TestRun(t *testing.T) {
	t.Run("assesses_at_once_and_again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, nil)
			w.run(t)
			w.add(t, "nginx")
			time.Sleep(2 * time.Second)
			i := w.only(t)
			if i.Name != "docker.io/library/nginx:latest" || i.By != "somebody" || i.AssessmentID != "one" || i.Verdict != assess.Fail || i.LastSuccess.IsZero() || i.NextAttempt.Sub(i.LastSuccess) != 10*time.Minute {
				t.Errorf("%+v", i)
			}
			time.Sleep(30 * time.Minute)
			if len(w.seen()) != 4 {
				t.Errorf("assessed at %v", w.seen())
			}
			w.add(t, "nginx")
			time.Sleep(2 * time.Second)
			if i := w.only(t); len(w.seen()) != 5 || i.By != "somebody" {
				t.Errorf("assessed at %v", w.seen())
			}
			if err := w.Remove(t.Context(), "nginx:latest"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Minute)
			if len(w.seen()) != 5 {
				t.Errorf("it is assessed though nobody watches it: %v", w.seen())
			}
		})
	})

	t.Run("tries_again_later_and_later", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, nil)
			w.set(fault.New(fault.Unavailable, "get image", "the registry is away").WithFix("Mend it."))
			w.run(t)
			w.add(t, "nginx")
			time.Sleep(26 * time.Minute) // at once, then after 1, 2, 4, 8 and 10 minutes
			i := w.only(t)
			if len(w.seen()) != 6 || i.Failures != 6 || i.Error != "get image: the registry is away" || i.Fix != "Mend it." || !i.LastSuccess.IsZero() || i.LastAttempt.IsZero() {
				t.Errorf("at %v: %+v", w.seen(), i)
			}
			if n := strings.Count(w.log.String(), "cannot be assessed"); n != 1 {
				t.Errorf("it is told %d times", n)
			}
			w.set(nil)
			time.Sleep(10 * time.Minute)
			if i := w.only(t); i.Failures != 0 || i.Error != "" || i.Fix != "" || i.LastSuccess.IsZero() {
				t.Errorf("%+v", i)
			}
			w.set(errors.New("x"))
			time.Sleep(10 * time.Minute)
			if i := w.only(t); i.Failures != 1 || i.LastSuccess.IsZero() || i.AssessmentID != "one" {
				t.Errorf("the last success is forgotten: %+v", i)
			}
		})
	})

	t.Run("goes_on_after_a_restart", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began := make(chan struct{}, 10)
			w := newWorld(t, func(o *watch.Options) {
				o.Assess = func(ctx context.Context, _ assess.Request, _ assess.Progress) (*assess.Assessment, error) {
					began <- struct{}{}
					<-ctx.Done()
					return nil, ctx.Err()
				}
			})
			stop := w.run(t)
			w.add(t, "nginx")
			<-began
			stop()
			if i := w.only(t); i.Failures != 0 || !i.LastAttempt.IsZero() {
				t.Errorf("that it was interrupted is called a failure: %+v", i)
			}
			w.run(t)
			time.Sleep(2 * time.Second)
			if len(began) != 1 {
				t.Error("it was not taken up again at once")
			}
		})
	})

	t.Run("parts_those_that_were_added_together", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			next := 0.0
			var mu sync.Mutex
			w := newWorld(t, func(o *watch.Options) {
				o.Jitter = func() float64 { mu.Lock(); defer mu.Unlock(); next += 0.1; return next }
			})
			w.run(t)
			for _, name := range []string{"a", "b", "c"} {
				w.add(t, name)
			}
			time.Sleep(12 * time.Minute)
			if len(w.seen()) != 6 || w.seen()[4]-w.seen()[3] < 10*time.Second || w.seen()[5]-w.seen()[4] < 10*time.Second {
				t.Errorf("assessed at %v", w.seen())
			}
		})
	})

	t.Run("takes_few_at_a_time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var at, most, all atomic.Int64
			w := newWorld(t, func(o *watch.Options) {
				o.Parallel = 3
				o.Assess = func(context.Context, assess.Request, assess.Progress) (*assess.Assessment, error) {
					most.Store(max(most.Load(), at.Add(1)))
					time.Sleep(time.Minute)
					at.Add(-1)
					all.Add(1)
					return &assess.Assessment{}, nil
				}
			})
			w.run(t)
			for _, name := range strings.Split("a b c d e f g h i j", " ") {
				w.add(t, name)
			}
			time.Sleep(5 * time.Minute)
			if most.Load() != 3 || all.Load() != 10 {
				t.Errorf("%d at a time, %d in all", most.Load(), all.Load())
			}
		})
	})
}

func TestAdd_refuses(t *testing.T) {
	w := newWorld(t, nil)
	for _, name := range []string{"", "UPPER/x", "nginx@sha256:" + strings.Repeat("a", 64), "nginx:1@sha256:" + strings.Repeat("a", 64)} {
		if _, err := w.Add(t.Context(), name, ""); fault.CodeOf(err) != fault.Invalid || err == nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	if list, err := w.List(t.Context()); err != nil || len(list) != 0 {
		t.Error(list, err)
	}
}

func TestServersOnOneDatabase_share_the_work(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, fresh func(testing.TB) string) {
		const n = 30
		var mu sync.Mutex
		looks, all := map[string]int{}, make(chan struct{})
		s := storetest.Open(t, storetest.Options(fresh(t)))
		w := newWorld(t, func(o *watch.Options) {
			o.Store = s
			o.Assess = func(_ context.Context, req assess.Request, _ assess.Progress) (*assess.Assessment, error) {
				mu.Lock()
				defer mu.Unlock()
				if looks[req.Reference.String()]++; len(looks) == n && looks[req.Reference.String()] == 1 {
					close(all)
				}
				return &assess.Assessment{}, nil
			}
		})
		for i := range n {
			w.add(t, "team/app:"+string(rune('a'+i%26))+strings.Repeat("x", i))
		}
		ctx, cancel := context.WithCancel(t.Context())
		var servers sync.WaitGroup
		for range 3 {
			servers.Go(func() { watch.New(w.options).Run(ctx) })
		}
		select {
		case <-all:
		case <-time.After(time.Minute):
			t.Error("not all were assessed")
		}
		cancel()
		servers.Wait()
		for name, times := range looks {
			if times != 1 {
				t.Errorf("%s was assessed %d times", name, times)
			}
		}
	})
}
