package assess_test

import (
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/scan"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
)

const (
	benchImages     = 10_000
	benchComponents = 500
	benchPackages   = 20_000 // that the components are taken from
)

// BenchmarkRematch imports advisories over stored images: such that say nothing new of them, and such that alter every one.
func BenchmarkRematch(b *testing.B) {
	k := newKeeper(b, storetest.Open(b, storetest.Options(storetest.SQLite(b))), b.TempDir(), nil)
	at := now
	for i := range benchImages {
		must(b, k.store.PutAssessment(b.Context(), benchImage(i), assess.Matching{}, nil))
	}
	run := func(fixed string) {
		at = at.Add(time.Hour)
		k.set(at)
		feed(b, k.dir, at, benchAdvisories(fixed))
		k.rematchWithin(b, 10*time.Minute, 50*time.Millisecond)
	}
	run("2.0")
	b.Run("unchanged", func(b *testing.B) {
		for b.Loop() {
			run("2.0")
		}
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N*benchImages), "ms/image")
	})
	b.Run("all_changed", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n++
			run(fmt.Sprintf("3.%d", n))
		}
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N*benchImages), "ms/image")
	})
}

// benchImage has its last component in common with all others.
func benchImage(i int) assess.Assessment {
	a := imageOf(fmt.Sprintf("image-%05d", i))
	for c := range benchComponents {
		n := (i*37 + c*41) % benchPackages
		if c == benchComponents-1 {
			n = 0
		}
		name := fmt.Sprint("package-", n)
		a.Scan.Components = append(a.Scan.Components, assess.Component{Line: c % 20, Component: scan.Component{
			Name: name, Version: "1.0." + fmt.Sprint(n%50), Type: "deb", Ecosystem: "Debian:12", PURL: "pkg:deb/debian/" + name + "@1.0", Licenses: []string{"MIT"},
			SourceName: "source-of-" + name, Location: "/var/lib/dpkg/status", Layer: image.Digest(fmt.Sprintf("sha256:%064x", n)), LayerIndex: c % 8,
		}})
	}
	return a
}

// benchAdvisories are about a tenth of the packages, and so about fifty of each image.
func benchAdvisories(fixed string) fstest.MapFS {
	records := fstest.MapFS{}
	for n := 0; n < benchPackages; n += 10 {
		of := "2.0"
		if n == 0 {
			of = fixed
		}
		id := fmt.Sprintf("CVE-2026-%05d", n)
		records[fmt.Sprintf("Debian/%d.json", n)] = record("DEBIAN-"+id, id, "Debian:12", fmt.Sprint("source-of-package-", n), of, lowVector)
	}
	return records
}
