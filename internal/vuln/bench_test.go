//go:build unix

package vuln

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// benchVariable names a directory with archives to measure on, ECOSYSTEM/NAME.zip. If it does not exist, as many records as
// osv.dev publishes are written there, of like shapes. Without it the benchmarks run on a hundredth of that.
const benchVariable = "LANDWAITER_BENCH_OSV"

// A share is a part of what osv.dev publishes: how many records of 630,000, and of what shape.
type share struct {
	archive, ecosystem string
	records            int
	packages           int // names that the records are about
	releases           int // entries for each package of a record
	names              int // packages of a record
	versions           int // enumerated, in each entry
	version            func(major, minor int) string
	malware            bool
}

func dots(a, b int) string { return fmt.Sprintf("%d.%d.%d", a, b, b%7) }
func debs(a, b int) string { return fmt.Sprintf("%d:%d.%d.%d-%d+deb12u%d", a%2, a, b, b%9, b%5, a%4) }
func ubuntus(a, b int) string {
	return fmt.Sprintf("%d.%d.%d-%dubuntu%d.%d", a, b, b%9, b%5, a%3, b%11)
}
func rpms(a, b int) string { return fmt.Sprintf("%d.%d.%d-%d.el9_%d", a, b, b%9, b%50, a%8) }

var shares = []share{
	{"npm", "npm", 213_000, 210_000, 1, 1, 2, dots, true},
	{"npm", "npm", 4_500, 2_500, 1, 1, 40, dots, false},
	{"GIT", "", 81_000, 1, 1, 1, 150, dots, false},
	{"Debian", "Debian:%d", 54_500, 4_000, 4, 1, 12, debs, false},
	{"Ubuntu", "Ubuntu:%d.04:LTS", 52_400, 3_000, 6, 2, 15, ubuntus, false},
	{"MinimOS", "MinimOS", 26_900, 900, 1, 1, 0, rpms, false},
	{"SUSE", "SUSE:Linux Enterprise Server 15 SP%d", 33_000, 3_000, 5, 6, 0, rpms, false},
	{"Red Hat", "Red Hat:enterprise_linux:%d::appstream", 19_400, 4_000, 3, 12, 0, rpms, false},
	{"PyPI", "PyPI", 18_700, 9_000, 1, 1, 60, dots, false},
	{"Linux", "Linux", 15_400, 1, 1, 1, 0, dots, false},
	{"Azure Linux", "Azure Linux:%d", 12_000, 1_500, 1, 1, 0, rpms, false},
	{"Bitnami", "Bitnami", 7_000, 300, 1, 1, 0, dots, false},
	{"Go", "Go", 6_600, 2_500, 1, 2, 0, dots, false},
	{"Maven", "Maven", 6_300, 3_000, 1, 1, 50, dots, false},
	{"Packagist", "Packagist", 6_100, 1_500, 1, 1, 40, dots, false},
	{"AlmaLinux", "AlmaLinux:%d", 4_700, 2_000, 1, 25, 0, rpms, false},
	{"Alpine", "Alpine:v3.%d", 4_000, 1_500, 8, 1, 0, func(a, b int) string { return fmt.Sprintf("%d.%d.%d-r%d", a, b, b%9, b%4) }, false},
}

// write appends a record as osv.dev writes them, indented and with the parts that are of no use here.
func (s share) write(b *strings.Builder, n int, r *rand.Rand) {
	prose := func(words int) string {
		list := strings.Fields("a crafted request allows remote attackers to read arbitrary memory because the parser of headers fails to check lengths before it copies")
		out := make([]string, words)
		for i := range out {
			out[i] = list[r.IntN(len(list))]
		}
		return strings.Join(out, " ")
	}
	id, name := fmt.Sprintf("X%s-CVE-%d-%d", strings.ToUpper(strings.Fields(s.archive)[0]), 2015+n%11, 1000+n), fmt.Sprintf("package-%d", r.IntN(s.packages))
	fmt.Fprintf(b, `{"id":%q,"modified":"2026-05-%02dT07:08:09.123456Z","published":"2025-04-%02dT01:02:03Z","schema_version":"1.7.3",`, id, 1+n%28, 1+n%28)
	if s.malware {
		id = fmt.Sprintf("MAL-2025-%d", n)
		b.Reset()
		fmt.Fprintf(b, `{"id":%q,"modified":"2026-05-%02dT07:08:09Z","published":"2025-04-%02dT01:02:03Z","schema_version":"1.7.3","summary":"Malicious code in %s (npm)",`, id, 1+n%28, 1+n%28, name)
		fmt.Fprintf(b, `"database_specific":{"malicious-packages-origins":[{"id":"GHSA-%d","import_time":"2025-04-05T01:02:03Z","sha256":"%064x","source":"ghsa-malware","versions":["1.0.0"]}]},`, n, n)
	} else {
		fmt.Fprintf(b, `"upstream":["CVE-%d-%d"],"related":["CVE-%d-%d"],"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:%c"}],"summary":%q,`,
			2015+n%11, 1000+n, 2015+n%11, 1000+n, "NLH"[n%3], prose(8))
	}
	fmt.Fprintf(b, `"details":%q,"references":[{"type":"ADVISORY","url":"https://security.example.org/tracker/%s"},{"type":"REPORT","url":"https://www.example.com/bugs/%d"},{"type":"FIX","url":"https://github.com/example/%s/commit/%040x"}],"affected":[`,
		prose(40+r.IntN(60)), id, n, name, n)
	for entry := range s.releases * s.names {
		release, sub := entry/s.names, entry%s.names
		if entry > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('{')
		major, minor := 1+r.IntN(4), r.IntN(60)
		if s.ecosystem == "" {
			fmt.Fprintf(b, `"ranges":[{"type":"GIT","repo":"https://github.com/example/%s","events":[{"introduced":"0"},{"fixed":"%040x"}]}],`, name, n)
		} else {
			ecosystem := s.ecosystem
			if strings.Contains(ecosystem, "%d") {
				ecosystem = fmt.Sprintf(ecosystem, 8+release)
			}
			full := name
			if sub > 0 {
				full += "-sub" + strconv.Itoa(sub)
			}
			fmt.Fprintf(b, `"package":{"ecosystem":%q,"name":%q,"purl":"pkg:generic/%s?arch=source"},`, ecosystem, full, full)
			fmt.Fprintf(b, `"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":%q}]}],`, s.version(major, minor))
		}
		b.WriteString(`"versions":[`)
		for v := range s.versions {
			if v > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(b, "%q", s.version(major*v/max(1, s.versions), v))
		}
		fmt.Fprintf(b, `],"ecosystem_specific":{"urgency":"not yet assigned","binaries":[{"binary_name":%q,"binary_version":"1"}]},"database_specific":{"source":"https://storage.googleapis.com/%s.json"}}`, name, id)
	}
	b.WriteString("]}")
}

// benchSource is the directory with the records.
func benchSource(b *testing.B) string {
	b.Helper()
	dir := os.Getenv(benchVariable)
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	scale, part := 1.0, dir+".part"
	if dir == "" {
		dir, scale = b.TempDir(), 0.01
		part = dir
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i, s := range shares {
		s.records = max(1, int(float64(s.records)*scale))
		s.packages = max(1, int(float64(s.packages)*scale))
		s.archiveTo(b, filepath.Join(part, s.archive, fmt.Sprintf("%d.zip", i)), r)
	}
	if err := os.Rename(part, dir); err != nil && part != dir {
		b.Fatal(err)
	}
	return dir
}

// processor reports how much processor time an operation takes, which is less noisy than what the clock says.
func processor(b *testing.B, run func()) {
	used := func() int64 {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	var total int64
	for b.Loop() {
		before := used()
		run()
		total += used() - before
	}
	b.ReportMetric(float64(total)/float64(b.N), "cpu-ns/op")
}

// archiveTo writes the share as one archive, unless an earlier run has.
func (s share) archiveTo(b *testing.B, path string, r *rand.Rand) {
	if _, err := os.Stat(path); err == nil {
		return
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.Fatal(err)
	}
	f, err := os.Create(path + ".part")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	buffered := bufio.NewWriter(f)
	z := zip.NewWriter(buffered)
	var text strings.Builder
	for n := range s.records {
		text.Reset()
		s.write(&text, n, r)
		w, err := z.Create(fmt.Sprintf("%s-%d.json", s.archive, n))
		if err == nil {
			_, err = w.Write([]byte(text.String()))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if z.Close() != nil || buffered.Flush() != nil || os.Rename(path+".part", path) != nil {
		b.Fatal("writing the archive failed")
	}
}

// BenchmarkImport is run with GOMAXPROCS=1 to see what one core does, and under /usr/bin/time -v for its memory.
func BenchmarkImport(b *testing.B) {
	source := benchSource(b)
	var res ImportResult
	processor(b, func() { res = mustImport(b, b.TempDir(), source) })
	b.ReportMetric(float64(res.Status.Size)/float64(res.Status.Records), "B/record")
	b.ReportMetric(float64(res.Records+res.Unusable+res.Withdrawn), "records")
}

func BenchmarkIndex(b *testing.B) {
	source, dir := benchSource(b), b.TempDir()
	mustImport(b, dir, source)
	b.Run("open", func(b *testing.B) {
		processor(b, func() {
			x, err := Open(dir)
			if err != nil {
				b.Fatal(err)
			}
			x.Close()
		})
	})
	packages := packagesIn(b, source)
	x := mustOpen(b, dir)
	for name, list := range map[string][]Package{"some": every(packages, 1000), "worst": worst(b, x, packages, 1000)} {
		b.Run("match_1000_packages_"+name, func(b *testing.B) {
			found := 0
			processor(b, func() { found = matchAll(b, x, list) })
			b.ReportMetric(float64(found), "findings")
		})
		b.Run("match_1000_packages_first_time_"+name, func(b *testing.B) {
			processor(b, func() {
				x.blocks = map[uint32]block{}
				matchAll(b, x, list)
			})
		})
	}
	// 10,000 images of 500 packages each, of which most are in many images.
	b.Run("rematch_10000_images", func(b *testing.B) {
		found := 0
		processor(b, func() {
			m, r := x.Matcher(), rand.New(rand.NewPCG(1, 2))
			for range 10_000 {
				base := r.IntN(50) * 300
				for i := range 500 {
					p := packages[(base+i)%len(packages)]
					if i > 450 {
						p = packages[r.IntN(len(packages))]
					}
					list, err := m.MatchBinary(context.Background(), p, p)
					if err != nil {
						b.Fatal(err)
					}
					found += len(list)
				}
			}
		})
		b.ReportMetric(float64(found)/float64(b.N)/10_000, "findings/image")
	})
}

// worst are those of the packages that have the most findings, up to about four each as in long-neglected images.
func worst(b *testing.B, x *Index, packages []Package, n int) (some []Package) {
	const wanted = 4300
	found := 0
	for _, p := range packages {
		k := matchAll(b, x, []Package{p})
		if left := n - len(some); k*left >= wanted-found && left > 0 && k < 50 {
			some, found = append(some, p), found+k
		}
	}
	return some
}

func matchAll(b *testing.B, x *Index, packages []Package) (found int) {
	for _, p := range packages {
		list, err := x.Match(context.Background(), p)
		if err != nil {
			b.Fatal(err)
		}
		found += len(list)
	}
	return found
}

// packagesIn are the packages that records are about, each in the middle one of the versions that they name.
func packagesIn(t testing.TB, source string) []Package {
	t.Helper()
	type named struct{ ecosystem, name string }
	versions := map[named][]string{}
	err := newSource(os.DirFS(source), ".", "", source).items(context.Background(), func(i item) error {
		data, err := i.read()
		if err != nil {
			return err
		}
		var record struct {
			Affected []struct {
				Package  struct{ Ecosystem, Name string }
				Versions []string
				Ranges   []struct {
					Type   string
					Events []struct{ Fixed string }
				}
			}
		}
		if err := json.Unmarshal(data, &record); err != nil {
			return err
		}
		for _, a := range record.Affected {
			n := named{a.Package.Ecosystem, a.Package.Name}
			if _, ok := ecosystems[parseEcosystem(n.ecosystem).base]; !ok {
				continue
			}
			list := a.Versions
			for _, r := range a.Ranges {
				for _, e := range r.Events {
					if e.Fixed != "" && r.Type != "GIT" {
						list = append(list, e.Fixed)
					}
				}
			}
			if len(list) > 0 {
				versions[n] = append(versions[n], list[0], list[len(list)/2], list[len(list)-1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []Package
	for n, list := range versions {
		e := ecosystems[parseEcosystem(n.ecosystem).base]
		list = slices.DeleteFunc(list, func(v string) bool {
			clean, err := cleanVersion(parseEcosystem(n.ecosystem).base, n.name, v)
			if err == nil {
				_, err = e.key(clean)
			}
			return err != nil
		})
		slices.SortFunc(list, func(a, b string) int {
			x, _ := e.key(a)
			y, _ := e.key(b)
			return cmp.Or(bytes.Compare(x, y), cmp.Compare(a, b))
		})
		if len(list) > 0 {
			all = append(all, Package{n.ecosystem, n.name, list[len(list)/2], ""})
		}
	}
	// In an order that has nothing to do with the index's.
	slices.SortFunc(all, func(a, b Package) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Ecosystem, b.Ecosystem))
	})
	return all
}

func every(all []Package, n int) (some []Package) {
	for i := range min(n, len(all)) {
		some = append(some, all[i*len(all)/min(n, len(all))])
	}
	return some
}
