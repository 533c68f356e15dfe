package assess

import (
	"container/list"
	"fmt"
	"sync"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// pulledCache remembers what references pointed to, so that an unchanged image costs one HEAD. The least recently used
// entry goes first.
type pulledCache struct {
	mu      sync.Mutex
	size    int
	order   *list.List // of *pulledEntry, most recent first
	entries map[string]*list.Element
}

type pulledEntry struct {
	key    string
	pulled *distribution.Pulled
}

// pulledKey holds the integration's revision: a changed integration may point elsewhere.
func pulledKey(c integration.Candidate, req Request) string {
	return fmt.Sprintf("%s@%d %s %s", c.Integration.ID, c.Integration.Revision, req.Reference, req.Platform)
}

func newPulledCache(size int) *pulledCache {
	return &pulledCache{size: size, order: list.New(), entries: map[string]*list.Element{}}
}

func (c *pulledCache) get(key string) *distribution.Pulled {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	if !ok {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*pulledEntry).pulled
}

func (c *pulledCache) put(key string, p *distribution.Pulled) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[key]; ok {
		e.Value.(*pulledEntry).pulled = p
		c.order.MoveToFront(e)
		return
	}
	c.entries[key] = c.order.PushFront(&pulledEntry{key, p})
	if c.order.Len() > c.size {
		last := c.order.Back()
		c.order.Remove(last)
		delete(c.entries, last.Value.(*pulledEntry).key)
	}
}
