package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
)

func BenchmarkOpen(b *testing.B) {
	b.Run("fresh", func(b *testing.B) {
		for b.Loop() {
			open(b, storetest.SQLite(b)).Close()
		}
	})
	b.Run("existing", func(b *testing.B) {
		url := storetest.SQLite(b)
		open(b, url).Close()
		for b.Loop() {
			open(b, url).Close()
		}
	})
}

func open(b *testing.B, url string) *store.Store {
	b.Helper()
	s, err := store.Open(b.Context(), storetest.Options(url))
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func BenchmarkAssessments(b *testing.B) {
	for name, fresh := range map[string]func(testing.TB) string{"SQLite": storetest.SQLite, "PostgreSQL": storetest.PostgreSQL} {
		b.Run(name, func(b *testing.B) {
			s := storetest.Open(b, storetest.Options(fresh(b)))
			n := 0
			put := func() {
				n++
				a := assessed(fmt.Sprint("id", n), fmt.Sprintf("quay.io/org/app-%d:1", n%2000), noon.Add(time.Duration(n)*time.Second), 400)
				if err := s.PutAssessment(b.Context(), a, assess.Matching{}, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.Run("put", func(b *testing.B) {
				for b.Loop() {
					put()
				}
			})
			for n < 2000 {
				put()
			}
			for what, query := range map[string]string{"list": "", "search": "app-1999"} {
				b.Run(what, func(b *testing.B) {
					for b.Loop() {
						if list, _, err := s.Assessments(b.Context(), query, 50, ""); err != nil || len(list) == 0 {
							b.Fatal(len(list), err)
						}
					}
				})
			}
		})
	}
}
