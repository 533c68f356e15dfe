package integration_test

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

// memory is a Store in memory.
type memory struct {
	mu     sync.Mutex
	byID   map[string]integration.Integration
	seeded bool
	lists  int
	onList func() // called once, at the end of the next listing
}

func newMemory() *memory { return &memory{byID: map[string]integration.Integration{}} }

func (m *memory) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	return nil
}

func (m *memory) Integrations(ctx context.Context) ([]integration.Integration, error) {
	if err := m.lock(ctx); err != nil {
		return nil, err
	}
	list := make([]integration.Integration, 0, len(m.byID))
	for _, in := range m.byID {
		list = append(list, in)
	}
	m.lists++
	onList := m.onList
	m.onList = nil
	m.mu.Unlock()
	slices.SortFunc(list, func(a, b integration.Integration) int { return cmp.Compare(a.Name, b.Name) })
	if onList != nil {
		onList()
	}
	return list, nil
}

func (m *memory) Integration(ctx context.Context, id string) (integration.Integration, error) {
	if err := m.lock(ctx); err != nil {
		return integration.Integration{}, err
	}
	defer m.mu.Unlock()
	in, ok := m.byID[id]
	if !ok {
		return in, fault.New(fault.NotFound, "find integration", "there is none with this ID")
	}
	return in, nil
}

func (m *memory) nameTaken(in integration.Integration) bool {
	for _, other := range m.byID {
		if other.Name == in.Name && other.ID != in.ID {
			return true
		}
	}
	return false
}

func (m *memory) CreateIntegration(ctx context.Context, in integration.Integration) error {
	if err := m.lock(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if _, there := m.byID[in.ID]; there || m.nameTaken(in) {
		return fault.New(fault.Conflict, "create integration", "the name or ID is taken")
	}
	m.byID[in.ID] = in
	return nil
}

func (m *memory) UpdateIntegration(ctx context.Context, in integration.Integration, fromRevision int64) error {
	if err := m.lock(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	stored, ok := m.byID[in.ID]
	switch {
	case !ok:
		return fault.New(fault.NotFound, "update integration", "there is none with this ID")
	case stored.Revision != fromRevision:
		return fault.New(fault.Conflict, "update integration", "somebody else changed it")
	case m.nameTaken(in):
		return fault.New(fault.Conflict, "update integration", "the name is taken")
	}
	in.Created = stored.Created
	m.byID[in.ID] = in
	return nil
}

func (m *memory) DeleteIntegration(ctx context.Context, id string) error {
	if err := m.lock(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if _, ok := m.byID[id]; !ok {
		return fault.New(fault.NotFound, "delete integration", "there is none with this ID")
	}
	delete(m.byID, id)
	return nil
}

func (m *memory) SeedIntegrations(ctx context.Context, list []integration.Integration) (bool, error) {
	if err := m.lock(ctx); err != nil {
		return false, err
	}
	defer m.mu.Unlock()
	if m.seeded || len(m.byID) > 0 {
		return false, nil
	}
	m.seeded = true
	for _, in := range list {
		m.byID[in.ID] = in
	}
	return true, nil
}

func TestMemoryStore(t *testing.T) {
	integrationtest.Store(t, func(*testing.T) integration.Store { return newMemory() })
}
