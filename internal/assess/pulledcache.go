package assess

import (
	"container/list"
	"fmt"
	"sync"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// pulledCache remembers what references pointed to, so that an unchanged image costs one HEAD. It is bounded by memory; the
// least recently used entry goes first.
type pulledCache struct {
	mu      sync.Mutex
	room    int64      // bytes that entries may still take
	largest int64      // an entry that weighs more is not kept
	order   *list.List // of pulledEntry, most recent first
	entries map[string]*list.Element
}

type pulledEntry struct {
	key    string
	pulled *distribution.Pulled
}

// weight is about what the entry takes in memory: the documents as they came, and as much again for what was read of them.
func (e pulledEntry) weight() int64 {
	n := 512 + len(e.key) + len(e.pulled.Config)
	for _, m := range []*image.Manifest{e.pulled.Index, e.pulled.Manifest} {
		if m != nil {
			n += 2 * len(m.Raw)
		}
	}
	return int64(n)
}

// pulledKey holds the integration's revision: a changed integration may point elsewhere.
func pulledKey(c integration.Candidate, req Request) string {
	return fmt.Sprintf("%s@%d %s %s", c.Integration.ID, c.Integration.Revision, req.Reference, req.Platform)
}

func newPulledCache(bytes int64) *pulledCache {
	return &pulledCache{room: bytes, largest: bytes / 8, order: list.New(), entries: map[string]*list.Element{}}
}

func (c *pulledCache) get(key string) *distribution.Pulled {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	if !ok {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(pulledEntry).pulled
}

func (c *pulledCache) put(key string, p *distribution.Pulled) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[key]; ok {
		c.remove(e)
	}
	entry := pulledEntry{key, p}
	if entry.weight() > c.largest {
		return
	}
	c.entries[key] = c.order.PushFront(entry)
	for c.room -= entry.weight(); c.room < 0; {
		c.remove(c.order.Back())
	}
}

func (c *pulledCache) remove(e *list.Element) {
	entry := c.order.Remove(e).(pulledEntry)
	delete(c.entries, entry.key)
	c.room += entry.weight()
}
