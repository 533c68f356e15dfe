package distribution

import "sync"

// bounded is a map for what can be learnt again: when it is full, some entry makes room for a new one.
type bounded[K comparable, V any] struct {
	mu  sync.Mutex
	m   map[K]V
	max int
}

func newBounded[K comparable, V any](max int) *bounded[K, V] {
	return &bounded[K, V]{m: map[K]V{}, max: max}
}

func (b *bounded[K, V]) get(k K) (V, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, ok := b.m[k]
	return v, ok
}

func (b *bounded[K, V]) put(k K, v V) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set(k, v)
}

// obtain makes what is not there.
func (b *bounded[K, V]) obtain(k K, make func() V) V {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, ok := b.m[k]
	if !ok {
		v = make()
		b.set(k, v)
	}
	return v
}

func (b *bounded[K, V]) set(k K, v V) {
	if _, there := b.m[k]; !there && len(b.m) >= b.max {
		for other := range b.m {
			delete(b.m, other)
			break
		}
	}
	b.m[k] = v
}

// drop removes the entry if it is as the caller last saw it.
func (b *bounded[K, V]) drop(k K, same func(V) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if v, ok := b.m[k]; ok && same(v) {
		delete(b.m, k)
	}
}
