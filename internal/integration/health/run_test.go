package health_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landwaiter/landwaiter/internal/api/apitest"
	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/integration/health"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
)

// running is a world whose service runs by the bubble's clock until the test ends. when notes each look.
func running(t *testing.T) (w *world, when *sync.Map) {
	t.Helper()
	w, when = memory(t), &sync.Map{}
	random := rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	w.options.Now = time.Now
	w.options.Jitter = func() float64 {
		mu.Lock()
		defer mu.Unlock()
		return random.Float64()
	}
	w.saw = func(c integration.Candidate) *diagnosis.Diagnosis {
		when.Store(fmt.Sprint(c.Integration.ID, " ", w.checks.Load()), time.Now())
		return seeing()(c)
	}
	w.Service = health.New(w.options)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return w, when
}

func TestRun(t *testing.T) {
	t.Run("looks_at_a_new_and_a_changed_integration_within_seconds", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, _ := running(t)
			id := w.add(t, "one")
			time.Sleep(2 * time.Second)
			if w.checks.Load() != 1 {
				t.Fatalf("%d looks", w.checks.Load())
			}
			if _, err := w.integrations.Replace(t.Context(), id, draft("renamed")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
			if r, err := w.Get(t.Context(), id); err != nil || w.checks.Load() != 2 || r.Revision != 2 {
				t.Errorf("%d looks, revision %d, %v", w.checks.Load(), r.Revision, err)
			}
		})
	})

	t.Run("spreads_those_that_were_created_together", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, when := running(t)
			const n = 300
			for i := range n {
				w.add(t, fmt.Sprint(i))
			}
			start := time.Now()
			time.Sleep(75 * time.Minute)
			perMinute := map[int]int{}
			total := 0
			when.Range(func(_, at any) bool {
				if after := at.(time.Time).Sub(start); after > 30*time.Minute {
					perMinute[int(after/time.Minute)]++
					total++
				}
				return true
			})
			if want := n * 3; total < want*9/10 || total > want*11/10 {
				t.Errorf("%d looks in 45 minutes, want about %d", total, want)
			}
			for minute, count := range perMinute {
				if count > 3*n/15 {
					t.Errorf("%d looks in minute %d", count, minute)
				}
			}
		})
	})

	t.Run("looks_at_few_at_a_time_and_goes_on_beside_slow_ones", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, _ := running(t)
			var mu sync.Mutex
			at, most := 0, 0
			w.saw = func(c integration.Candidate) *diagnosis.Diagnosis {
				mu.Lock()
				at++
				most = max(most, at)
				mu.Unlock()
				if strings.HasSuffix(c.Integration.Name, "0") {
					time.Sleep(50 * time.Second)
				}
				mu.Lock()
				at--
				mu.Unlock()
				return seeing()(c)
			}
			for i := range 60 {
				w.add(t, fmt.Sprint(i))
			}
			time.Sleep(30 * time.Second)
			if most > 8 {
				t.Errorf("%d looks at a time", most)
			}
			if n := w.checks.Load(); n < 54 {
				t.Errorf("%d looks while 6 are slow", n)
			}
		})
	})

	t.Run("tells_of_a_broken_database_once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, _ := running(t)
			time.Sleep(time.Second)
			w.store.Close()
			time.Sleep(time.Minute)
			if n := strings.Count(w.log.String(), "cannot be followed"); n != 1 {
				t.Errorf("%d times", n)
			}
		})
	})
}

func TestServersOnOneDatabase_share_the_work(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, fresh func(testing.TB) string) {
		w := newWorld(t, fresh(t))
		const n = 40
		for i := range n {
			w.add(t, fmt.Sprint(i))
		}
		var mu sync.Mutex
		looks := map[string]int{}
		all := make(chan struct{})
		o := w.options
		o.Check = func(_ context.Context, c integration.Candidate) *diagnosis.Diagnosis {
			mu.Lock()
			defer mu.Unlock()
			if looks[c.Integration.ID]++; len(looks) == n && looks[c.Integration.ID] == 1 {
				close(all)
			}
			return seeing()(c)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var servers sync.WaitGroup
		for range 3 {
			servers.Go(func() { health.New(o).Run(ctx) })
		}
		select {
		case <-all:
		case <-time.After(time.Minute):
			t.Error("not all were looked at")
		}
		cancel()
		servers.Wait()
		for id, times := range looks {
			if times != 1 {
				t.Errorf("%s was looked at %d times", id, times)
			}
		}
	})
}

// TestRegistry_that_goes_and_comes_back uses the connection test on a real registry, by the real clock.
func TestRegistry_that_goes_and_comes_back(t *testing.T) {
	f := apitest.Start(t, nil)
	w := memory(t)
	doctor := diagnosis.New(diagnosis.Options{
		Client: distribution.New(distribution.Options{Now: time.Now, Addresses: distribution.Addresses{Loopback: true}}),
		Types:  types(t), Now: time.Now, NewID: func() string { return "stranger" },
	})
	w.options.Check, w.options.Now = doctor.Glance, time.Now
	w.options.Pace = health.Pace{Interval: 10 * time.Millisecond, Retry: 10 * time.Millisecond, Most: 10 * time.Millisecond}
	w.Service = health.New(w.options)

	// The door to the registry opens and closes at one address.
	address := "127.0.0.1:0"
	open := func() *http.Server {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		address = l.Addr().String()
		door := &http.Server{Handler: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: f.Registry})
		}}}
		go func() { _ = door.Serve(l) }()
		t.Cleanup(func() { door.Close() })
		return door
	}
	door := open()
	team := func(password string) integration.Draft {
		d := draft("team")
		d.Config = integration.NewConfig(map[string]any{"endpoint": "http://" + address, "username": "robot"}, map[string]secret.Text{"password": secret.New(password)})
		return d
	}
	in, err := w.integrations.Create(t.Context(), team(apitest.Marked))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { w.Run(ctx) })
	defer func() { cancel(); watching.Wait() }()
	becomes := func(want health.Status, finding string) {
		t.Helper()
		for until := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			r, err := w.Get(t.Context(), in.ID)
			if err != nil {
				t.Fatal(err)
			}
			if r.Status == want && (finding == "" || r.Problem.Name == finding) {
				return
			}
			if time.Now().After(until) {
				t.Fatalf("it is %s with %+v, want %s", r.Status, r.Problem, want)
			}
		}
	}
	becomes(health.Healthy, "")
	door.Close()
	becomes(health.Unhealthy, "port-closed")
	open()
	becomes(health.Healthy, "")
	if _, err := w.integrations.Replace(t.Context(), in.ID, team("another-password")); err != nil {
		t.Fatal(err)
	}
	becomes(health.Unhealthy, "wrong-password")

	r, err := w.Get(t.Context(), in.ID)
	if err != nil || len(r.History) != 4 || r.LatencyMs <= 0 {
		t.Errorf("%d events, %v ms, %v", len(r.History), r.LatencyMs, err)
	}
	if strings.Contains(fmt.Sprint(r)+w.log.String(), apitest.Marked) {
		t.Error("a secret is told")
	}
}

func BenchmarkIdle(b *testing.B) {
	w := newWorld(b, storetest.SQLite(b))
	for i := range 10_000 {
		in := draft(fmt.Sprint(i)).Integration
		in.ID, in.Revision = fmt.Sprint(i), 1
		if err := w.store.CreateIntegration(b.Context(), in); err != nil {
			b.Fatal(err)
		}
		if err := w.store.ClaimHealth(b.Context(), in.ID, noon.Add(time.Hour)); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, ok, err := w.store.ClaimDueHealth(b.Context(), noon, noon); ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
