package store_test

import (
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/health/healthtest"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
)

func TestHealth(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		healthtest.Store(t, func(t *testing.T) healthtest.Stores { return open(t) })
	})
}
