package exception_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/landwaiter/landwaiter/internal/exception"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const head = "apiVersion: landwaiter.dev/v1\nkind: VulnerabilityException\nmetadata: {name: one}\nspec:\n"

const valid = head + `  kind: accepted
  cves: [CVE-2024-1234]
  components: ["openssl@3.0.*"]
  images: ["registry.example/team/**"]
  until: 2027-01-31
  reason: Only reached from inside.
  author: alice
  ticket: https://tickets.example/1
`

func parse(t testing.TB, document string) []exception.Exception {
	t.Helper()
	list, err := exception.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestParse_tells_every_mistake_with_its_place(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"unknown kind":           {"kind: accepted", "kind: ignored", "line 5, column 9: spec.kind: must be deferred, false-positive or accepted"},
		"accepted without end":   {"  until: 2027-01-31\n", "", "spec.until: is needed: a risk is accepted for a time"},
		"deferred without end":   {"kind: accepted", "kind: deferred\n  from: 2026-01-01", ""},
		"end that is no date":    {"2027-01-31", "soon", "line 9, column 10: spec.until: must be a date like 2026-12-31"},
		"end before beginning":   {"  until:", "  from: 2028-01-01\n  until:", "spec.until: must be later than from"},
		"no author":              {"  author: alice\n", "", "spec.author: is needed: an exception says who decided and why"},
		"no reason":              {"Only reached from inside.", `" "`, "line 10, column 11: spec.reason: is needed"},
		"no images":              {`  images: ["registry.example/team/**"]` + "\n", "", `write "**" for all images`},
		"image without registry": {"registry.example/team/**", "nginx:1.27", "line 8, column 12: spec.images[0]: matches no image, since names begin with the registry: write docker.io/library/nginx:1.27"},
		"star for all images":    {"registry.example/team/**", "*", `matches no image`},
		"all images":             {"registry.example/team/**", "**", ""},
		"digest":                 {"registry.example/team/**", "sha256:ab", ""},
		"no vulnerability":       {"CVE-2024-1234", "", "spec.cves: is needed"},
		"wildcard for CVEs":      {"CVE-2024-1234", "CVE-2024-*", "spec.cves[0]: must be the name of a CVE"},
		"all of a component":     {"CVE-2024-1234", `"*"`, ""},
		"all of everything":      {"[CVE-2024-1234]\n" + `  components: ["openssl@3.0.*"]`, `["*"]` + "\n" + `  components: ["**"]`, `"*" needs components that name some`},
		"ticket":                 {"https://tickets.example/1", "javascript:alert(1)", "spec.ticket: must be a URL"},
		"justification":          {"kind: accepted", "kind: false-positive\n  justification: because", "must be one of OpenVEX's"},
		"unknown key":            {"until:", "untill:", "did you mean until?"},
		"name":                   {"name: one", "name: ../one", "metadata.name: must be lower-case letters"},
		"other document":         {"kind: VulnerabilityException", "kind: Policy", "line 2, column 7: kind: must be VulnerabilityException"},
	} {
		t.Run(name, func(t *testing.T) {
			document := strings.Replace(valid, c.old, c.new, 1)
			if document == valid {
				t.Fatal("nothing was changed")
			}
			_, err := exception.Parse([]byte(document))
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || fault.CodeOf(err) != fault.Invalid {
				t.Errorf("%v, want %s", err, c.want)
			}
			if strings.Count(err.Error(), "\n") > 0 {
				t.Errorf("one mistake is told twice:\n%v", err)
			}
		})
	}
}

func TestFormat_is_read_back(t *testing.T) {
	hour, day := now.Add(time.Hour), time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
	for _, e := range []exception.Exception{
		parse(t, valid)[0],
		{
			ID: "x", Kind: exception.FalsePositive, CVEs: []string{"GHSA-1"}, Images: []string{"**"}, Reason: "a: \"b\"\n# c", Author: "x@y", Justification: "component_not_present",
			Created: now, Updated: &hour, Revoked: &hour, RevokedBy: "bob",
		},
		{ID: "y", Kind: exception.Deferred, CVEs: []string{"*"}, Components: []string{"@a/b"}, Images: []string{"sha256:ab"}, From: &hour, Until: &day, UntilFixable: true, Reason: "r", Author: "a"},
	} {
		again := parse(t, string(exception.Format(e)))[0]
		if fmt.Sprint(string(exception.Format(again))) != string(exception.Format(e)) {
			t.Errorf("%s became %s", exception.Format(e), exception.Format(again))
		}
	}
	if e := parse(t, valid)[0]; !e.Until.Equal(day) || e.End() != "2027-01-31" {
		t.Errorf("the day is not whole: %v, %s", e.Until, e.End())
	}
}

func FuzzParse(f *testing.F) {
	f.Add(valid)
	f.Add(strings.Replace(valid, "kind: accepted", "kind: false-positive\n  justification: component_not_present\n  revoked: 2026-01-01T00:00:00Z", 1))
	f.Add("{}\n---\n[]")
	f.Fuzz(func(t *testing.T, document string) {
		list, err := exception.Parse([]byte(document))
		if err != nil {
			return
		}
		for _, e := range list {
			again, err := exception.Parse(exception.Format(e))
			if err != nil || string(exception.Format(again[0])) != string(exception.Format(e)) {
				t.Errorf("%q: %v", exception.Format(e), err)
			}
		}
		exception.NewSet(list, now).On(app).About([]string{"CVE-2024-1234"}, exception.Component{Name: "openssl", Version: "3.0.1"}, false)
	})
}

const digest = image.Digest("sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")

var app = exception.Image{Reference: reference("registry.example/team/app:1.2"), Digests: []image.Digest{digest}}

func reference(s string) image.Reference {
	r, err := image.ParseReference(s)
	if err != nil {
		panic(err)
	}
	return r
}

func TestSet_sets_aside_what_an_exception_is_about(t *testing.T) {
	openssl := exception.Component{Name: "libssl3", Version: "3.0.2-1", SourceName: "openssl", SourceVersion: "3.0.2"}
	for name, c := range map[string]struct {
		old, new string
		want     bool
	}{
		"as it is":                     {"alice", "alice", true},
		"by an alias in another case":  {"CVE-2024-1234", "ghsa-aaaa", true},
		"another vulnerability":        {"CVE-2024-1234", "CVE-2024-123", false},
		"any vulnerability":            {"CVE-2024-1234", `"*"`, true},
		"by the binary package":        {"openssl@3.0.*", "libssl*", true},
		"by its version":               {"openssl@3.0.*", "libssl3@3.0.2-1", true},
		"by another version":           {"openssl@3.0.*", "openssl@3.1.*", false},
		"by a mix of versions":         {"openssl@3.0.*", "openssl@3.0.2-1", false},
		"another component":            {"openssl@3.0.*", "openssh", false},
		"by the tag":                   {"registry.example/team/**", "registry.example/team/app:1.*", true},
		"by another tag":               {"registry.example/team/**", "registry.example/team/app:2", false},
		"by the repository":            {"registry.example/team/**", "registry.example/team/app", true},
		"by a part of the repository":  {"registry.example/team/**", "registry.example/team/ap", false},
		"by a star that goes no depth": {"registry.example/team/**", "registry.example/*", false},
		"by a digest":                  {"registry.example/team/**", string(digest), true},
		"by name and digest":           {"registry.example/team/**", "registry.example/*/app@" + string(digest), true},
		"all images":                   {"registry.example/team/**", "**", true},
		"expired":                      {"2027-01-31", "2026-11-23", false},
		"on its last day":              {"2027-01-31", "2026-11-24", true},
		"not yet in force":             {"until:", "from: 2026-11-25\n  until:", false},
		"begun today":                  {"until:", "from: 2026-11-24\n  until:", true},
		"revoked":                      {"until:", "revoked: 2026-11-01\n  until:", false},
	} {
		t.Run(name, func(t *testing.T) {
			set := exception.NewSet(parse(t, strings.Replace(valid, c.old, c.new, 1)), now)
			got := set.On(app).About([]string{"GHSA-aaaa", "CVE-2024-1234", ""}, openssl, true)
			if (got != nil) != c.want {
				t.Errorf("set aside by %+v, want %t", got, c.want)
			}
			if got != nil && (got.Author != "alice" || got.Images != nil) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestSet_ends_with_a_fix(t *testing.T) {
	set := exception.NewSet(parse(t, strings.NewReplacer("accepted", "deferred", "until: 2027-01-31", "untilFixable: true", `["openssl@3.0.*"]`, "[]").Replace(valid)), now)
	for fixable, want := range map[bool]bool{false: true, true: false} {
		if got := set.On(app).About([]string{"CVE-2024-1234"}, exception.Component{Name: "x"}, fixable); (got != nil) != want {
			t.Errorf("fixable %t: %+v", fixable, got)
		}
	}
}

func TestSet_is_named_by_what_is_in_force(t *testing.T) {
	one := parse(t, valid)
	two := append(parse(t, strings.ReplaceAll(valid, "name: one", "name: two")), one...)
	name := func(list []exception.Exception, at time.Time) string { return exception.NewSet(list, at).Name() }
	end := time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
	switch {
	case name(one, now) == "" || name(one, now) != name(one, end.Add(-1)):
		t.Error("the name changes while nothing does")
	case name(one, end) != "":
		t.Error("what is expired is named")
	case name(two, now) == name(one, now):
		t.Error("two are named as one is")
	case name(two, now) != name([]exception.Exception{two[1], two[0]}, now):
		t.Error("the order counts")
	}
}

func TestSet_of_several_tells_the_firmest(t *testing.T) {
	with := func(old, new string) exception.Exception {
		return parse(t, strings.NewReplacer("name: one", "name: other", old, new).Replace(valid))[0]
	}
	one := parse(t, valid)[0]
	for want, other := range map[string]exception.Exception{
		"other": with("kind: accepted", "kind: false-positive"), "one": with("kind: accepted", "kind: deferred"),
	} {
		for _, list := range [][]exception.Exception{{one, other}, {other, one}} {
			if got := exception.NewSet(list, now).On(app).About([]string{"CVE-2024-1234"}, exception.Component{Name: "openssl", Version: "3.0.1"}, false); got.ID != want {
				t.Errorf("%s is told, want %s", got.ID, want)
			}
		}
	}
}

// What Touching says is the same must give the same answers.
func TestTouching_is_the_same_only_where_the_answers_are(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) []exception.Exception {
			var list []exception.Exception
			for i := range rapid.IntRange(0, 4).Draw(t, label) {
				until := now.Add(time.Duration(rapid.IntRange(-1, 2).Draw(t, "days")) * 24 * time.Hour)
				list = append(list, exception.Exception{
					ID: fmt.Sprint(label, i), Kind: exception.Accepted, Until: &until,
					CVEs:       []string{rapid.SampledFrom([]string{"CVE-1", "cve-2", "CVE-3", "*"}).Draw(t, "cve")},
					Components: []string{rapid.SampledFrom([]string{"a", "b", "c*"}).Draw(t, "component")},
					Images:     []string{rapid.SampledFrom([]string{"**", "registry.example/**", "other.example/**", string(digest)}).Draw(t, "image")},
				})
			}
			return list
		}
		shared := draw("shared")
		before, after := exception.NewSet(append(draw("before"), shared...), now), exception.NewSet(append(draw("after"), shared...), now)
		found := []string{"CVE-1", "CVE-2"}
		hashes := []uint32{exception.Hash(found[0]), exception.Hash(found[1])}
		if before.Touching(app, hashes) != after.Touching(app, hashes) {
			return
		}
		for _, name := range found {
			for _, component := range []string{"a", "b", "cc"} {
				c := exception.Component{Name: component}
				was, is := before.On(app).About([]string{name}, c, false), after.On(app).About([]string{name}, c, false)
				if (was == nil) != (is == nil) || was != nil && was.ID != is.ID {
					t.Fatalf("%s of %s: %+v, then %+v", name, component, was, is)
				}
			}
		}
	})
}

func TestReadPath_reads_directories_and_tells_all_mistakes(t *testing.T) {
	dir := t.TempDir()
	write := func(name, document string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(document), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.yaml", valid)
	write("deep/b.yml", strings.Replace(valid, "one", "two", 1)+"---\n"+strings.Replace(valid, "one", "three", 1))
	write("readme.md", "# not read")
	write(".git/c.yaml", "nor this: 1")
	list, err := exception.ReadPath(dir)
	if err != nil || len(list) != 3 {
		t.Fatalf("%d, %v", len(list), err)
	}
	write("c.yaml", valid)
	write("d.yaml", "kind: [")
	if _, err := exception.ReadPath(dir); err == nil || !strings.Contains(err.Error(), "c.yaml: metadata.name: one is in ") || !strings.Contains(err.Error(), "d.yaml: line 1") {
		t.Error(err)
	}
	if _, err := exception.ReadPath(filepath.Join(dir, "none")); fault.CodeOf(err) != fault.Invalid || fault.FixOf(err) == "" {
		t.Error(err)
	}
}

// many are as many as a large site may have: most are about one image, some about all.
func many(n int) []exception.Exception {
	until := now.Add(time.Hour)
	list := make([]exception.Exception, n)
	for i := range list {
		list[i] = exception.Exception{
			ID: fmt.Sprint("e", i), Kind: exception.Accepted, CVEs: []string{fmt.Sprint("CVE-2024-", i%6000)}, Components: []string{"lib*"},
			Images: []string{fmt.Sprintf("registry.example/team%d/**", i%100)}, Until: &until, Author: "a", Reason: "r",
		}
		if i%20 == 0 {
			list[i].Images = []string{"**"}
		}
	}
	return list
}

func BenchmarkSet_5000_findings_10000_exceptions(b *testing.B) {
	set := exception.NewSet(many(10_000), now)
	image := exception.Image{Reference: reference("registry.example/team7/app:1"), Digests: []image.Digest{digest}}
	names, components := make([][]string, 5000), make([]exception.Component, 5000)
	for i := range names {
		names[i], components[i] = []string{fmt.Sprint("GHSA-", i), fmt.Sprint("CVE-2024-", i)}, exception.Component{Name: fmt.Sprint("lib", i%500), Version: "1.2.3"}
	}
	for b.Loop() {
		on, aside := set.On(image), 0
		for i := range names {
			if on.About(names[i], components[i], true) != nil {
				aside++
			}
		}
		if aside == 0 {
			b.Fatal("nothing is set aside")
		}
	}
}

func BenchmarkNewSet_10000(b *testing.B) {
	list := many(10_000)
	for b.Loop() {
		exception.NewSet(list, now)
	}
}
