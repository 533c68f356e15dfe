package vuln

import (
	"context"
	"sync"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// A Matcher answers as its index does and remembers its answers, for a run over many images: they hold the same packages
// over and over. It is safe for concurrent use, and is of use only as long as its index is open. What it returns is shared
// and must not be changed.
type Matcher struct {
	index *Index

	mu      sync.Mutex
	answers map[question]answer
	weight  int
}

type question struct{ source, binary Package }

type answer struct {
	found []Vulnerability
	err   error
}

// maxRemembered bounds what a Matcher keeps: findings, and one more for each package. A finding takes about 500 bytes.
const maxRemembered = 1 << 17

// Matcher returns a new one that remembers nothing yet.
func (x *Index) Matcher() *Matcher { return &Matcher{index: x, answers: map[question]answer{}} }

// MatchBinary is Index.MatchBinary.
func (m *Matcher) MatchBinary(ctx context.Context, source, binary Package) ([]Vulnerability, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	q := question{source, binary}
	m.mu.Lock()
	a, ok := m.answers[q]
	m.mu.Unlock()
	if ok {
		return a.found, a.err
	}
	a.found, a.err = m.index.MatchBinary(ctx, source, binary)
	if a.err != nil && fault.CodeOf(a.err) != fault.NotFound && fault.CodeOf(a.err) != fault.Invalid {
		return nil, a.err // a failure of this moment, not an answer
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.weight += 1 + len(a.found); m.weight > maxRemembered {
		clear(m.answers)
		m.weight = 1 + len(a.found)
	}
	m.answers[q] = a
	return a.found, a.err
}
