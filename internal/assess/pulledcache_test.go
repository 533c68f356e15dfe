package assess

import (
	"fmt"
	"testing"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func pulledOf(bytes int) *distribution.Pulled {
	return &distribution.Pulled{Manifest: &image.Manifest{Raw: make([]byte, bytes/2)}, Config: make([]byte, bytes-bytes/2*2)}
}

func TestPulledCache(t *testing.T) {
	const room = 100 << 10

	t.Run("the_least_recently_used_goes_first", func(t *testing.T) {
		c := newPulledCache(room)
		for i := range 9 {
			c.put(fmt.Sprint(i), pulledOf(10<<10))
		}
		c.get("0")
		c.put("9", pulledOf(10<<10))
		c.put("10", pulledOf(10<<10))
		for i := range 11 {
			if kept := c.get(fmt.Sprint(i)) != nil; kept == (i == 1 || i == 2) {
				t.Errorf("%d: kept is %t", i, kept)
			}
		}
	})

	t.Run("what_is_remembered_is_bounded", func(t *testing.T) {
		c := newPulledCache(room)
		for i := range 5000 {
			c.put(fmt.Sprint(i%700), pulledOf(i*37%(11<<10)))
			total := int64(0)
			for e := c.order.Front(); e != nil; e = e.Next() {
				total += e.Value.(pulledEntry).weight()
			}
			if total > room || total+c.room != room || len(c.entries) != c.order.Len() {
				t.Fatalf("after %d: %d bytes in %d entries (%d keys), room for %d", i, total, c.order.Len(), len(c.entries), c.room)
			}
		}
		if len(c.entries) < 8 {
			t.Errorf("only %d entries are kept", len(c.entries))
		}
	})

	t.Run("a_giant_does_not_drive_out_the_others", func(t *testing.T) {
		c := newPulledCache(room)
		c.put("small", pulledOf(1<<10))
		c.put("giant", pulledOf(room/2))
		if c.get("giant") != nil || c.get("small") == nil {
			t.Error("the giant is kept, or the small one is not")
		}
		c.put("small", pulledOf(room/2))
		if c.get("small") != nil {
			t.Error("the answer before is kept")
		}
	})

	t.Run("another_revision_or_platform_or_reference_is_another_entry", func(t *testing.T) {
		ref := image.Reference{Registry: "r.example", Repository: "app", Tag: "1"}
		other := ref
		other.Tag = "2"
		at := func(id string, revision int64) integration.Candidate {
			return integration.Candidate{Integration: integration.Integration{ID: id, Revision: revision}}
		}
		arm := image.Platform{OS: "linux", Architecture: "arm64"}
		seen := map[string]bool{}
		for _, key := range []string{
			pulledKey(at("a", 1), Request{Reference: ref}), pulledKey(at("a", 2), Request{Reference: ref}),
			pulledKey(at("b", 1), Request{Reference: ref}), pulledKey(at("a", 1), Request{Reference: other}),
			pulledKey(at("a", 1), Request{Reference: ref, Platform: arm}),
		} {
			if seen[key] {
				t.Errorf("%q stands for two", key)
			}
			seen[key] = true
		}
		if pulledKey(at("a", 1), Request{Reference: ref, Depth: Judge}) != pulledKey(at("a", 1), Request{Reference: ref}) {
			t.Error("the depth makes a difference")
		}
	})
}
