package vuln

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// benchSource is 10,000 records about 4,000 packages of three ecosystems.
func benchSource(b *testing.B) (source string, size int64) {
	files := map[string]map[string]string{"npm": {}, "Debian": {}, "PyPI": {}}
	for i := range 10_000 {
		eco, folder := []string{"npm", "Debian:12", "PyPI"}[i%3], []string{"npm", "Debian", "PyPI"}[i%3]
		events := fmt.Sprintf(`"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.%d.3"},{"introduced":"2.0.0"},{"fixed":"2.%d.0"}]}]`, i%20, i%30)
		files[folder][fmt.Sprintf("T-%d.json", i)] = osv(fmt.Sprintf("T-%d", i), eco, fmt.Sprintf("package-%d", i%4000), events)
	}
	all := map[string]string{}
	for folder, list := range files {
		for _, text := range list {
			size += int64(len(text))
		}
		all[folder+"/all.zip"] = zipOf(b, list)
	}
	return writeFiles(b, all), size
}

func BenchmarkImport(b *testing.B) {
	source, size := benchSource(b)
	b.SetBytes(size)
	for b.Loop() {
		mustImport(b, b.TempDir(), source)
	}
}

func BenchmarkOpen(b *testing.B) {
	source, _ := benchSource(b)
	dir := b.TempDir()
	mustImport(b, dir, source)
	for b.Loop() {
		x, err := Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		x.Close()
	}
	st, err := os.Stat(filepath.Join(dir, indexName))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(st.Size())/10_000, "B/record")
}

func BenchmarkMatch1000Packages(b *testing.B) {
	source, _ := benchSource(b)
	dir := b.TempDir()
	mustImport(b, dir, source)
	x := mustOpen(b, dir)
	var packages []Package
	for i := range 1000 {
		packages = append(packages, Package{[]string{"npm", "Debian:12", "PyPI"}[i%3], fmt.Sprintf("package-%d", i*9), "2.9.1"})
	}
	found := 0
	for b.Loop() {
		found = 0
		for _, p := range packages {
			list, err := x.Match(context.Background(), p)
			if err != nil {
				b.Fatal(err)
			}
			found += len(list)
		}
	}
	b.ReportMetric(float64(found), "findings")
}
