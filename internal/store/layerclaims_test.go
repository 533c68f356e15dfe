package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
)

func TestLayerClaims(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, fresh func(testing.TB) string) {
		now := noon
		o := storetest.Options(fresh(t))
		o.Now = func() time.Time { return now }
		first, second := storetest.Open(t, o), storetest.Open(t, o)

		release, err := first.ClaimLayer(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		other, err := second.ClaimLayer(t.Context(), "b")
		if err != nil {
			t.Fatalf("another layer: %v", err)
		}
		other()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := second.ClaimLayer(ctx, "a"); fault.CodeOf(err) != fault.Unavailable {
			t.Fatalf("claimed twice: %v", err)
		}
		release()
		again, err := second.ClaimLayer(t.Context(), "a")
		if err != nil {
			t.Fatalf("after its release: %v", err)
		}
		defer again()
		now = now.Add(time.Minute) // the second server has died
		after, err := first.ClaimLayer(t.Context(), "a")
		if err != nil {
			t.Fatalf("after its holder's end: %v", err)
		}
		after()
	})
}
