package store_test

import (
	"testing"

	"github.com/landwaiter/landwaiter/internal/exception/exceptiontest"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
)

func TestExceptions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(t *testing.T) *store.Store) { exceptiontest.Store(t, open(t)) })
}
