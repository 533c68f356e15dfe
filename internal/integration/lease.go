package integration

import (
	"context"
	"sync"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
)

// A Lease keeps a credential that a cloud lends for a time: it is fetched when first wanted, once however many callers wait
// for it, renewed before it ends, and dropped when a registry refuses it.
type Lease struct {
	deps  Deps
	fetch func(ctx context.Context) (distribution.Credential, error)

	mu      sync.Mutex
	current distribution.Credential
	renewAt time.Time // zero: there is no credential
	flight  *flight
}

// flight is one fetch that callers wait for.
type flight struct {
	done       chan struct{}
	credential distribution.Credential
	err        error
}

// fetchLimit bounds one fetch, which outlives the caller that started it as long as others may wait for it.
const fetchLimit = time.Minute

const (
	// unknownLife is how long a credential is kept that does not say when it ends.
	unknownLife = 10 * time.Minute
	// shortestLife is how long one is kept that has ended already, by a clock that must be wrong: else every image would mean
	// another sign-in.
	shortestLife = time.Minute
	// longestLife is longer than any cloud's: beyond it, what a service says makes no sense.
	longestLife = 24 * time.Hour
)

// NewLease makes a Lease. fetch is not called before a credential is wanted.
func NewLease(deps Deps, fetch func(ctx context.Context) (distribution.Credential, error)) *Lease {
	return &Lease{deps: deps, fetch: fetch}
}

// Credential returns one that is good for a while. If the context says that a registry has refused the one that is kept, a
// new one is fetched.
func (l *Lease) Credential(ctx context.Context) (distribution.Credential, error) {
	refused, wasRefused := distribution.Refused(ctx)
	l.mu.Lock()
	if wasRefused && l.current.Same(refused) {
		l.renewAt = time.Time{}
	}
	if l.deps.Now().Before(l.renewAt) {
		defer l.mu.Unlock()
		return l.current, nil
	}
	f := l.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		l.flight = f
		go l.run(context.WithoutCancel(ctx), f)
	}
	l.mu.Unlock()
	select {
	case <-f.done:
		return f.credential, f.err
	case <-ctx.Done():
		return distribution.Credential{}, ctx.Err()
	}
}

func (l *Lease) run(ctx context.Context, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	f.credential, f.err = l.fetch(ctx)
	f.credential.Lent = true
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flight = nil
	if f.err == nil {
		l.current, l.renewAt = f.credential, l.renewal(f.credential.Expires)
	}
	close(f.done)
}

// renewal is between a tenth and a fifth of the remaining life before the end, so that replicas do not all come at once.
func (l *Lease) renewal(expires time.Time) time.Time {
	now, life := l.deps.Now(), unknownLife
	if expires.IsZero() {
		return now.Add(life)
	}
	margin := 0.1
	if l.deps.Jitter != nil {
		margin += 0.1 * l.deps.Jitter()
	}
	life = min(max(expires.Sub(now), shortestLife), longestLife)
	return now.Add(life - time.Duration(margin*float64(life)))
}
