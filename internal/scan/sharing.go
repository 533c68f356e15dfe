package scan

import (
	"context"
	"sync"
)

// A Claimer is a Cache that many processes share: it lets one of them at a time read a layer. The others wait, and find the
// result in the cache.
type Claimer interface {
	Cache
	// ClaimLayer returns when nobody else holds the claim. release is called once.
	ClaimLayer(ctx context.Context, key string) (release func(), err error)
}

// flights are the layers that are being read, so that everybody who wants one waits for it instead of reading it too.
type flights struct {
	mu   sync.Mutex
	ends map[string]chan struct{}
}

// board returns nil to the one who is to read the layer, who must call land, and to others a channel that is closed when
// that has happened.
func (f *flights) board(key string) (ended <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if end, ok := f.ends[key]; ok {
		return end
	}
	if f.ends == nil {
		f.ends = map[string]chan struct{}{}
	}
	f.ends[key] = make(chan struct{})
	return nil
}

func (f *flights) land(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.ends[key])
	delete(f.ends, key)
}
