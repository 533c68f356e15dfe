package integration

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/landwaiter/landwaiter/internal/image"
)

// listingAge is how long the listing of integrations is used before the store is asked again, and so how late a change
// made by another server is noticed. Changes made through this service count at once.
const listingAge = time.Second

// opened keeps the registries of all stored integrations open, each until its revision changes or it is deleted, and finds
// those for a host. It holds no more than the store does. It is the only owner of its lock.
type opened struct {
	store Store
	types *Types
	deps  Deps
	now   func() time.Time
	log   *slog.Logger

	lock    chan struct{} // held while listing; a channel, so that waiting ends with the caller's context
	changes atomic.Uint64 // grows when the store may have changed
	current atomic.Pointer[listing]
}

// A listing is immutable.
type listing struct {
	made    time.Time
	changes uint64
	byID    map[string]Candidate
	broken  map[string]int64 // ID and revision of those that cannot be opened
	byHost  map[string][]Candidate
	others  []Candidate // whose registry does not name its host
}

func newOpened(o ServiceOptions) *opened {
	return &opened{store: o.Store, types: o.Types, deps: o.Deps, now: o.Now, log: o.Log, lock: make(chan struct{}, 1)}
}

// changed makes the next use list again, also if a listing is being made right now.
func (o *opened) changed() { o.changes.Add(1) }

func (o *opened) fresh() *listing {
	l := o.current.Load()
	if l == nil || l.changes != o.changes.Load() {
		return nil
	}
	if age := o.now().Sub(l.made); age < 0 || age >= listingAge {
		return nil
	}
	return l
}

// candidatesFor returns the opened integrations whose host could be that of ref.
func (o *opened) candidatesFor(ctx context.Context, ref image.Reference) ([]Candidate, error) {
	l := o.fresh()
	if l == nil {
		select {
		case o.lock <- struct{}{}:
			defer func() { <-o.lock }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if l = o.fresh(); l == nil {
			var err error
			if l, err = o.list(ctx); err != nil {
				return nil, err
			}
		}
	}
	return l.forHost(ref.Registry), nil
}

func (o *opened) list(ctx context.Context) (*listing, error) {
	next := &listing{
		made: o.now(), changes: o.changes.Load(),
		byID: map[string]Candidate{}, broken: map[string]int64{}, byHost: map[string][]Candidate{},
	}
	all, err := o.store.Integrations(ctx)
	if err != nil {
		return nil, err
	}
	before := o.current.Load()
	if before == nil {
		before = &listing{}
	}
	for _, in := range all {
		c, ok := before.byID[in.ID]
		if !ok || c.Integration.Revision != in.Revision {
			if c, err = o.types.Open(in, o.deps); err != nil {
				next.broken[in.ID] = in.Revision
				if revision, known := before.broken[in.ID]; !known || revision != in.Revision {
					o.log.WarnContext(ctx, "an integration cannot be opened and is left out",
						"integration", in.Name, "id", in.ID, "type", in.Type, "error", err)
				}
				continue
			}
		}
		next.byID[in.ID] = c
		if h, ok := c.Registry.(interface{ Host() string }); ok {
			host := strings.ToLower(h.Host())
			next.byHost[host] = append(next.byHost[host], c)
		} else {
			next.others = append(next.others, c)
		}
	}
	o.current.Store(next)
	return next, nil
}

// forHost may return too many, never too few: a default port in the reference counts for either scheme.
func (l *listing) forHost(host string) []Candidate {
	host = strings.ToLower(host)
	found := l.byHost[host]
	for _, port := range []string{":443", ":80"} {
		if bare, ok := strings.CutSuffix(host, port); ok {
			found = append(found[:len(found):len(found)], l.byHost[bare]...)
		}
	}
	if len(l.others) > 0 {
		found = append(found[:len(found):len(found)], l.others...)
	}
	return found
}
