package assess_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
)

// BenchmarkRejudge changes an exception, or a policy, over stored images. Of exceptions it reads only what they may touch.
func BenchmarkRejudge(b *testing.B) {
	x := newExcepting(b, storetest.Open(b, storetest.Options(storetest.SQLite(b))))
	for i := range benchImages {
		must(b, x.db.PutAssessment(b.Context(), benchImage(i), assess.Matching{}, nil))
	}
	feed(b, x.dir, now, benchAdvisories("2.0"))
	within := func() { x.rematchWithin(b, 10*time.Minute, 20*time.Millisecond) }
	within()
	n := 0
	except := func(images, cve string) {
		n++
		e := accept(images, now.Add(time.Hour))
		e.ID, e.CVEs = fmt.Sprint("e", n), []string{cve}
		x.add(e)
		within()
	}
	report := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*benchImages), "µs/image")
		b.ReportMetric(float64(x.db.read.Swap(0))/float64(b.N), "read/op")
		b.ReportMetric(float64(x.db.remade.Swap(0))/float64(b.N), "remade/op")
	}
	x.db.read.Store(0)
	x.db.remade.Store(0)
	b.Run("exception_for_one_team", func(b *testing.B) {
		for b.Loop() {
			except("registry.example/team/image-0000*", "CVE-2026-00000")
		}
		report(b)
	})
	b.Run("exception_for_all_images_and_one_CVE_in_25", func(b *testing.B) {
		for b.Loop() {
			except("**", fmt.Sprintf("CVE-2026-%05d", 10+10*n))
		}
		report(b)
	})
	b.Run("exception_that_touches_every_image", func(b *testing.B) {
		for b.Loop() {
			except("**", "CVE-2026-00000")
		}
		report(b)
	})
	b.Run("policy", func(b *testing.B) {
		for b.Loop() {
			n++
			_, err := x.policies.Apply(b.Context(), fmt.Appendf(nil, "%s\n  references: [https://example.com/%d]\n", ownPolicy, n), "alice")
			must(b, err)
			within()
		}
		report(b)
	})
}
