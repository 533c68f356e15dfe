// Package recent keeps what was used last, within a bound of memory.
package recent

import (
	"container/list"
	"sync"
)

// A Cache holds values until others need their room; the one used longest ago goes first. It is safe for concurrent use.
type Cache[V any] struct {
	weigh func(key string, v V) int64

	mu      sync.Mutex
	room    int64      // bytes that entries may still take
	largest int64      // an entry that weighs more is not kept
	order   *list.List // of entry[V], most recent first
	entries map[string]*list.Element
}

type entry[V any] struct {
	key    string
	value  V
	weight int64
}

// New makes a cache that takes about so many bytes. What weighs more than an eighth of that is not kept.
func New[V any](bytes int64, weigh func(key string, v V) int64) *Cache[V] {
	return &Cache[V]{weigh: weigh, room: bytes, largest: bytes / 8, order: list.New(), entries: map[string]*list.Element{}}
}

// Get returns what Put kept, or the zero value.
func (c *Cache[V]) Get(key string) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	if !ok {
		var none V
		return none
	}
	c.order.MoveToFront(e)
	return e.Value.(entry[V]).value
}

// Put replaces what is kept under the key.
func (c *Cache[V]) Put(key string, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[key]; ok {
		c.remove(e)
	}
	weight := c.weigh(key, v)
	if weight > c.largest {
		return
	}
	c.entries[key] = c.order.PushFront(entry[V]{key, v, weight})
	for c.room -= weight; c.room < 0; {
		c.remove(c.order.Back())
	}
}

func (c *Cache[V]) remove(e *list.Element) {
	gone := c.order.Remove(e).(entry[V])
	delete(c.entries, gone.key)
	c.room += gone.weight
}
