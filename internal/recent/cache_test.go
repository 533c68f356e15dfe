package recent

import (
	"fmt"
	"testing"
)

const room = 100

func weighed() *Cache[int] { return New(room, func(_ string, v int) int64 { return int64(v) }) }

func TestCache(t *testing.T) {
	t.Run("the_least_recently_used_goes_first", func(t *testing.T) {
		c := weighed()
		for i := range 10 {
			c.Put(fmt.Sprint(i), 10)
		}
		c.Get("0")
		c.Put("10", 10)
		c.Put("11", 10)
		for i := range 12 {
			if kept := c.Get(fmt.Sprint(i)) != 0; kept == (i == 1 || i == 2) {
				t.Errorf("%d: kept is %t", i, kept)
			}
		}
	})

	t.Run("what_is_kept_is_bounded", func(t *testing.T) {
		c := weighed()
		for i := range 5000 {
			c.Put(fmt.Sprint(i%700), 1+i*37%11)
			total := int64(0)
			for e := c.order.Front(); e != nil; e = e.Next() {
				total += e.Value.(entry[int]).weight
			}
			if total > room || total+c.room != room || len(c.entries) != c.order.Len() {
				t.Fatalf("after %d: %d in %d entries (%d keys), room for %d", i, total, c.order.Len(), len(c.entries), c.room)
			}
		}
		if len(c.entries) < 8 {
			t.Errorf("only %d entries are kept", len(c.entries))
		}
	})

	t.Run("a_giant_does_not_drive_out_the_others", func(t *testing.T) {
		c := weighed()
		c.Put("small", 1)
		c.Put("giant", room/2)
		if c.Get("giant") != 0 || c.Get("small") == 0 {
			t.Error("the giant is kept, or the small one is not")
		}
		c.Put("small", room/2)
		if c.Get("small") != 0 {
			t.Error("the value before is kept")
		}
	})
}
