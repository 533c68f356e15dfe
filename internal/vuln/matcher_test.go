package vuln

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
)

func TestMatcher(t *testing.T) {
	x := indexOf(t, osv("T-1", "npm", "a", below("2.0.0")), osv("T-2", "AlmaLinux:9", "a-libs", below("2.0.0-1")))
	m, ctx := x.Matcher(), context.Background()
	t.Run("answers_as_the_index", func(t *testing.T) {
		for _, q := range []question{
			{Package{"npm", "a", "1.0.0", ""}, Package{"npm", "a", "1.0.0", ""}}, {Package{"npm", "a", "2.0.0", ""}, Package{"npm", "a", "2.0.0", ""}},
			{Package{"AlmaLinux:9", "a", "1-1", ""}, Package{"AlmaLinux:9", "a-libs", "1-1", ""}}, {Package{"AlmaLinux:9", "a", "1-1", ""}, Package{"AlmaLinux:9", "a", "1-1", ""}},
			{Package{"npm", "a", "latest", ""}, Package{"npm", "a", "latest", ""}}, {Package{"PyPI", "a", "1", ""}, Package{"PyPI", "a", "1", ""}},
		} {
			want, wantErr := x.MatchBinary(ctx, q.source, q.binary)
			for range 2 {
				got, err := m.MatchBinary(ctx, q.source, q.binary)
				if !reflect.DeepEqual(got, want) || fault.CodeOf(err) != fault.CodeOf(wantErr) {
					t.Errorf("%v: %v %v, want %v %v", q, idsOf(got), err, idsOf(want), wantErr)
				}
			}
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := m.MatchBinary(ctx, Package{"npm", "a", "1.0.0", ""}, Package{}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Run("remembers_only_so_much", func(t *testing.T) {
		var all sync.WaitGroup
		for w := range 4 {
			all.Go(func() {
				for i := range maxRemembered / 3 {
					p := Package{"PyPI", fmt.Sprint("package-", w, "-", i), "1", ""}
					m.MatchBinary(ctx, p, p)
				}
			})
		}
		all.Wait()
		if n := len(m.answers); n == 0 || n > maxRemembered {
			t.Errorf("%d answers are kept", n)
		}
	})
	t.Run("a_closed_index_is_no_answer_to_remember", func(t *testing.T) {
		x := indexOf(t, osv("T-1", "npm", "a", below("2.0.0")))
		m := x.Matcher()
		x.Close()
		_, err := m.MatchBinary(ctx, Package{"npm", "a", "1.0.0", ""}, Package{"npm", "a", "1.0.0", ""})
		wantCode(t, err, fault.Internal)
		if len(m.answers) != 0 {
			t.Error("it is remembered")
		}
	})
}
