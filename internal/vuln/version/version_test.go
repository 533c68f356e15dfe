package version

import (
	"bufio"
	"bytes"
	"fmt"
	"go/build"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/osv-scalibr/semantic"
	"pgregory.net/rapid"
)

// schemes are all schemes with the ecosystem for which osv-scalibr compares likewise.
var schemes = map[string]struct {
	scheme   Scheme
	alphabet []string // what versions are made of
}{
	"Alpine":    {Alpine, []string{"1", "2", "10", "0", ".", ".", "a", "_rc", "_alpha", "_p", "_git", "-r", "~abc"}},
	"CRAN":      {Numbers, []string{"1", "2", "10", "0", ".", "-"}},
	"Debian":    {Debian, []string{"1", "2", "10", "0", ".", "-", "~", "+", "a", "B", "deb", ":", "ubuntu"}},
	"Hackage":   {Numbers, []string{"1", "2", "10", "0", "."}},
	"Maven":     {Maven, []string{"1", "2", "10", "0", ".", ".", "-", "alpha", "beta", "rc", "snapshot", "final", "sp", "foo", "b"}},
	"NuGet":     {NuGet, []string{"1", "2", "10", "0", ".", ".", "-", "rc", "Beta", "+", "v"}},
	"Packagist": {Packagist, []string{"1", "2", "10", "0", ".", ".", "-", "RC", "alpha", "b", "dev", "p", "foo"}},
	"Pub":       {Pub, []string{"1", "2", "10", "0", ".", ".", "-", "rc", "+", "v"}},
	"PyPI":      {PyPI, []string{"1", "2", "10", "0", ".", ".", "a", "rc", ".post", ".dev", "-", "+", "!", "pre"}},
	"Red Hat":   {RPM, []string{"1", "2", "10", "0", ".", "-", "~", "^", "el", "A", ":", "_"}},
	"RubyGems":  {RubyGems, []string{"1", "2", "10", "0", ".", ".", "rc", "a", "-"}},
	"npm":       {SemVer, []string{"1", "2", "10", "0", ".", ".", "-", "rc", "beta", "+", "v"}},
}

func compare(t *testing.T, s Scheme, a, b string) (int, bool) {
	x, err := s(nil, a)
	if err != nil {
		return 0, false
	}
	y, err := s(nil, b)
	return bytes.Compare(x, y), err == nil
}

// unfollowed are verdicts with the reason not to follow them. Most would make three versions each lower than the next.
var unfollowed = map[string]string{
	"0.8.21.r2 < 0.8.21r2":                    "apk compares two versions it cannot read as strings, and either with others by its numbers",
	"1-ruff2 = 1--ruff1":                      "as above",
	"1.2.3.# = 1.2.3":                         "# is PHP's own mark for the place of a number, and stands in no version",
	"1.2.3.# = 1.2.3.1":                       "as above",
	"1.2.3.#.1 > 1.2.3":                       "as above",
	"1.2.3.#.p3 > 1.2.3":                      "as above",
	"1.0.0-gradle-rework-beta3 < 1.0.0.RC7-3": "Maven: 1.0.0.RC7 < 1.0.0 < 1.0.0-gradle",
	"2.9.0-1 < 2.9.0.RC1":                     "Maven: 2.9.0.RC1 < 2.9.0 < 2.9.0-1",
	"1.1.0-01-glassfish < 1.1.0.Beta1":        "Maven: 1.1.0.Beta1 < 1.1.0 < 1.1.0-01",
}

// TestVerdictsOfTheRealTools compares with what dpkg, rpm, apk, Maven and the others say of thousands of versions: the
// fixtures that osv-scalibr comes with.
func TestVerdictsOfTheRealTools(t *testing.T) {
	pkg, err := build.Import("github.com/google/osv-scalibr/semantic", ".", build.FindOnly)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(pkg.Dir, "testdata", "*-versions*.txt"))
	if err != nil || len(files) < 12 {
		t.Fatal("the fixtures are not where they were:", files, err)
	}
	names := map[string]string{"alpine": "Alpine", "cran": "CRAN", "debian": "Debian", "hackage": "Hackage", "maven": "Maven", "nuget": "NuGet",
		"packagist": "Packagist", "pub": "Pub", "pypi": "PyPI", "redhat": "Red Hat", "rubygems": "RubyGems", "semver": "npm"}
	for _, file := range files {
		base, _, _ := strings.Cut(filepath.Base(file), "-")
		t.Run(filepath.Base(file), func(t *testing.T) {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			lines := bufio.NewScanner(f)
			for n := 1; lines.Scan(); n++ {
				if line := strings.TrimSpace(lines.Text()); line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "//") {
					checkFixture(t, schemes[names[base]].scheme, fmt.Sprintf("%d: %s", n, line), strings.Fields(line))
				}
			}
		})
	}
}

func checkFixture(t *testing.T, s Scheme, shown string, fields []string) {
	if len(fields) != 3 {
		t.Fatalf("line %s", shown)
	}
	if reason := unfollowed[strings.Join(fields, " ")]; reason != "" {
		return
	}
	want := strings.Index("<=>", fields[1]) - 1
	if got, ok := compare(t, s, fields[0], fields[2]); got != want || !ok {
		t.Errorf("line %s: got %d %v", shown, got, ok)
	}
	if got, ok := compare(t, s, fields[2], fields[0]); got != -want || !ok {
		t.Errorf("line %s: the other way %d %v", shown, got, ok)
	}
}

func TestKeysOrderAsTheLibraryCompares(t *testing.T) {
	for name, c := range schemes {
		t.Run(name, func(t *testing.T) {
			version := rapid.Custom(func(t *rapid.T) string {
				return "1" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(c.alphabet), 0, 7).Draw(t, "parts"), "")
			})
			rapid.Check(t, func(r *rapid.T) {
				a, b := version.Draw(r, "a"), version.Draw(r, "b")
				if differs(name, a) || differs(name, b) {
					r.Skip()
				}
				got, ok := compare(t, c.scheme, a, b)
				x, err1 := semantic.Parse(a, name)
				y, err2 := semantic.Parse(b, name)
				if !ok || err1 != nil || err2 != nil {
					if ok && (err1 != nil || err2 != nil) {
						r.Fatalf("%q %q: only the library refuses them: %v %v", a, b, err1, err2)
					}
					r.Skip()
				}
				if want, err := x.Compare(y); err != nil || got != max(-1, min(1, want)) {
					r.Fatalf("%q %q: got %d, the library %d %v", a, b, got, want, err)
				}
			})
		})
	}
}

// regular are the versions of schemes whose tools give no order to others.
var regular = map[string]*regexp.Regexp{
	"Alpine": regexp.MustCompile(`^\d+(\.(0|[1-9]\d*))*[a-z]?(_(alpha|rc|git|p)\d*)*(~[0-9a-f]+)?(-r\d+)?$`),
	"NuGet":  signless, "Pub": signless, "npm": signless, // the library reads "1--1" as a negative number
	"RubyGems": regexp.MustCompile(`^\d+(\.([a-z]+|0|[1-9]\d*))*$`),
	"Maven":    regexp.MustCompile(`^\d+(\.\d+)*(-[a-z]+(-?\d+)?)?$`),
}

var signless = regexp.MustCompile(`^[0-9v.]*(-[0-9a-zA-Z.]*)?(\+[0-9A-Za-z.]*)?$`)

func differs(name, s string) bool { return regular[name] != nil && !regular[name].MatchString(s) }

func FuzzKeys(f *testing.F) {
	for _, s := range []string{"1:1.1.1k-1+deb11u2", "1.0.0-rc.1+x", "2!1.0.post1.dev3+local", "1.0-alpha-SNAPSHOT", "3.0.7-24.el9", "1.2.3_rc1-r0", "v1.2.3-RC1", strings.Repeat("9", 200)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, c := range schemes {
			if key, err := c.scheme(nil, s); err == nil && len(key) > 64+8*len(s) {
				t.Errorf("%s: the key of %q has %d bytes", name, s, len(key))
			}
		}
	})
}

func BenchmarkKeys(b *testing.B) {
	for name, s := range map[string]string{"Debian": "1:1.1.1k-1+deb11u2", "npm": "10.2.3-beta.1", "PyPI": "4.2.11", "Maven": "4.1.100.Final", "Red Hat": "1:3.0.7-24.el9_4", "Alpine": "3.1.4-r5"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var key []byte
			for b.Loop() {
				key, _ = schemes[name].scheme(key[:0], s)
			}
			b.ReportMetric(float64(len(key)), "B/key")
		})
	}
}
