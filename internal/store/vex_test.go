package store_test

import (
	"fmt"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
	"github.com/landwaiter/landwaiter/internal/vex"
)

func TestVEX(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(t *testing.T) *store.Store) {
		s := open(t)
		put := func(key, id, body string) {
			t.Helper()
			if err := s.PutVEX(t.Context(), vex.Info{Key: key, ID: id, Imported: noon}, []byte(body)); err != nil {
				t.Fatal(err)
			}
		}
		put("2", "a", "first")
		put("1", "b", "other")
		put("2", "a", "second")
		list, err := s.ListVEX(t.Context())
		if got := fmt.Sprintln(len(list), list[0].ID, list[1].ID); err != nil || got != "2 a b\n" || !list[0].Imported.Equal(noon) {
			t.Errorf("%+v, %v", list, err)
		}
		if body, err := s.VEX(t.Context(), "2"); err != nil || string(body) != "second" {
			t.Errorf("%q, %v", body, err)
		}
		if err := s.DeleteVEX(t.Context(), "2"); err != nil {
			t.Fatal(err)
		}
		_, err = s.VEX(t.Context(), "2")
		wantFault(t, err, fault.NotFound)
		wantFault(t, s.DeleteVEX(t.Context(), "2"), fault.NotFound)
	})
}
