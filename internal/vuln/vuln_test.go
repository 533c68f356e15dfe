package vuln

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// osv is the text of a record with one affected package.
func osv(id, ecosystem, name, rest string) string {
	return fmt.Sprintf(`{"id":%q,"modified":"2024-05-06T07:08:09Z","affected":[{"package":{"ecosystem":%q,"name":%q},%s}]}`, id, ecosystem, name, rest)
}

func below(version string) string {
	return fmt.Sprintf(`"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":%q}]}]`, version)
}

func writeFiles(t testing.TB, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func zipOf(t testing.TB, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(files[name]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func mustImport(t testing.TB, dir, source string) ImportResult {
	t.Helper()
	res, err := Import(context.Background(), dir, source, ImportOptions{Now: now})
	if err != nil {
		t.Fatalf("%v (%s)", err, fault.FixOf(err))
	}
	return res
}

func mustOpen(t testing.TB, dir string) *Index {
	t.Helper()
	x, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x
}

// indexOf imports records and opens the index.
func indexOf(t testing.TB, records ...string) *Index {
	t.Helper()
	files := map[string]string{}
	for i, r := range records {
		files[fmt.Sprintf("records/%03d.json", i)] = r
	}
	dir := t.TempDir()
	if res := mustImport(t, dir, writeFiles(t, files)); res.Skipped > 0 {
		t.Fatal(res.Problems)
	}
	return mustOpen(t, dir)
}

func match(t testing.TB, x *Index, p Package) []Vulnerability {
	t.Helper()
	found, err := x.Match(context.Background(), p)
	if err != nil {
		t.Fatalf("%v: %v", p, err)
	}
	return found
}

func idsOf(found []Vulnerability) []string {
	out := []string{}
	for _, v := range found {
		out = append(out, v.ID)
	}
	return out
}

func wantCode(t testing.TB, err error, code fault.Code) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != code {
		t.Fatalf("got error %v (%s), want one that is %s", err, fault.CodeOf(err), code)
	}
}

func TestRealRecords(t *testing.T) {
	dir := t.TempDir()
	res := mustImport(t, dir, "testdata/osv")
	if res.Records != 10 || res.Withdrawn != 1 || res.Skipped != 0 || res.Unusable != 0 {
		t.Fatalf("%+v", res)
	}
	x := mustOpen(t, dir)
	for _, c := range []struct {
		p    Package
		want Vulnerability // only what is set is compared
	}{
		{Package{"Debian:11", "openssl", "1.1.1k-1", ""},
			Vulnerability{ID: "DSA-5103-1", CVE: "CVE-2021-4160", FixedVersion: "1.1.1k-1+deb11u2", Severity: Unknown, Source: "Debian:11",
				URL: "https://osv.dev/vulnerability/DSA-5103-1"}},
		{Package{"Debian:10", "openssl", "1.1.1d-0+deb10u7", ""}, Vulnerability{ID: "DSA-5103-1", FixedVersion: "1.1.1d-0+deb10u8", Source: "Debian:10"}},
		{Package{"Alpine:v3.11", "openssl", "1.1.1d-r2", ""}, Vulnerability{ID: "ALPINE-CVE-2019-1551", CVE: "CVE-2019-1551", FixedVersion: "1.1.1d-r3"}},
		{Package{"AlmaLinux:9", "openssl-libs", "1:3.0.1-41.el9_0", ""},
			Vulnerability{ID: "ALSA-2022:7288", CVE: "CVE-2022-3602", FixedVersion: "1:3.0.1-43.el9_0", Severity: Important}},
		{Package{"Bitnami", "airflow", "1.10.12", ""},
			Vulnerability{ID: "BIT-airflow-2020-17511", CVE: "CVE-2020-17511", Severity: Moderate, Score: 6.5, Vector: "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:N/A:N"}},
		{Package{"npm", "marked", "0.3.5", ""}, Vulnerability{ID: "NSWG-NPM-101", Severity: Unknown}},
		{Package{"Packagist", "CodeIgniter4/framework", "4.2.10", ""},
			Vulnerability{ID: "FOP-codeigniter4-framework-CVE-2022-46170", FixedVersion: "4.2.11", URL: "https://nvd.nist.gov/vuln/detail/CVE-2022-46170"}},
		{Package{"crates.io", "image", "0.20.0", ""}, Vulnerability{ID: "RUSTSEC-2019-0014", CVE: "CVE-2019-16138", FixedVersion: "0.21.3", Severity: Critical, Score: 9.8}},
		{Package{"Go", "stdlib", "go1.20", ""}, Vulnerability{ID: "GO-2023-1571", FixedVersion: "1.20.1"}},
		{Package{"Go", "golang.org/x/net", "v0.6.0", ""}, Vulnerability{ID: "GO-2023-1571", FixedVersion: "0.7.0"}},
		{Package{"PyPI", "GDAL", "3.0.1", ""}, Vulnerability{ID: "PYSEC-2019-241", CVE: "CVE-2019-17545", FixedVersion: "3.0.2"}},
		{Package{"Hackage", "xmonad-contrib", "0.11", ""}, Vulnerability{ID: "HSEC-2023-0003", Severity: Important, Score: 7.5, Vector: "AV:N/AC:L/Au:N/C:P/I:P/A:P"}},
	} {
		t.Run(c.p.Ecosystem+"_"+c.p.Name, func(t *testing.T) {
			found := match(t, x, c.p)
			if len(found) != 1 {
				t.Fatalf("found %v", idsOf(found))
			}
			got, want := found[0], c.want
			if got.ID != want.ID || want.CVE != "" && got.CVE != want.CVE || got.FixedVersion != want.FixedVersion && want.FixedVersion != "" ||
				want.Severity != "" && got.Severity != want.Severity || got.Score != want.Score && want.Score != 0 ||
				want.Vector != "" && got.Vector != want.Vector || want.URL != "" && got.URL != want.URL || want.Source != "" && got.Source != want.Source {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
	for _, p := range []Package{
		{"Debian:11", "openssl", "1.1.1k-1+deb11u2", ""}, {"Debian:11", "openssl-other", "1.0", ""}, {"npm", "marked", "0.3.6", ""}, {"Go", "stdlib", "1.19.6", ""},
		{"Alpine:v3.11", "openssl", "1.1.1d-r3", ""}, {"AlmaLinux:9", "openssl-libs", "1:3.0.1-43.el9_0", ""}, {"PyPI", "gdal", "3.0.2", ""},
	} {
		if found := match(t, x, p); len(found) != 0 {
			t.Errorf("%v: found %v", p, idsOf(found))
		}
	}
}

func TestMatch(t *testing.T) {
	t.Run("nil_index_holds_nothing_and_does_not_call_that_safe", func(t *testing.T) {
		var x *Index
		if !x.Empty() || x.Covers("npm") || x.Status().Records != 0 || x.Close() != nil {
			t.Error("a nil index holds something")
		}
		_, err := x.Match(context.Background(), Package{"npm", "a", "1.0.0", ""})
		wantCode(t, err, fault.NotFound)
	})
	x := indexOf(t, osv("T-npm", "npm", "a", below("2.0.0")), osv("T-go", "Go", "m", below("2.0.0")), osv("T-deb", "Debian:12", "d", below("2-1")),
		osv("T-mvn", "Maven", "g:a", below("2")), osv("T-py", "PyPI", "p", below("2")))
	t.Run("ecosystem_without_records_is_an_error", func(t *testing.T) {
		for _, e := range []string{"Debian:11", "Debian", "crates.io", "", "Nonsense:1"} {
			_, err := x.Match(context.Background(), Package{e, "a", "1.0.0", ""})
			wantCode(t, err, fault.NotFound)
		}
	})
	t.Run("version_that_cannot_be_compared_is_an_error", func(t *testing.T) {
		for _, p := range []Package{
			{"Go", "m", "(devel)", ""}, {"Go", "m", "", ""}, {"Go", "m", "unknown", ""}, {"npm", "a", "git+https://example.com/a.git#1", ""}, {"npm", "a", "latest", ""},
			{"npm", "a", "file:../a1", ""}, {"Maven", "g:a", "${project.version}", ""}, {"Debian:12", "d", " ", ""}, {"Debian:12", "d", "x:1", ""},
			{"npm", "a", "1 || 2", ""}, {"npm", "a", string(bytes.Repeat([]byte("9"), 100_000)), ""}, {"Go", "m", "devel +abc123 2024", ""},
		} {
			_, err := x.Match(context.Background(), p)
			wantCode(t, err, fault.Invalid)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := x.Match(ctx, Package{"npm", "a", "1.0.0", ""}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Run("most_severe_first", func(t *testing.T) {
		word := func(id, s string) string {
			return fmt.Sprintf(`{"id":%q,"database_specific":{"severity":%q},"affected":[{"package":{"ecosystem":"npm","name":"a"},%s}]}`, id, s, below("2.0.0"))
		}
		x := indexOf(t, word("GHSA-low", "LOW"), word("GHSA-none", ""), word("GHSA-crit", "CRITICAL"), word("GHSA-high", "HIGH"), word("GHSA-mod", "MODERATE"))
		want := []string{"GHSA-crit", "GHSA-high", "GHSA-mod", "GHSA-low", "GHSA-none"}
		if got := idsOf(match(t, x, Package{"npm", "a", "1.0.0", ""})); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
	t.Run("after_close_is_an_error", func(t *testing.T) {
		x := indexOf(t, osv("T-1", "npm", "a", below("2.0.0")))
		x.Close()
		x.Close()
		_, err := x.Match(context.Background(), Package{"npm", "a", "1.0.0", ""})
		wantCode(t, err, fault.Internal)
	})
}

func TestMatchBinary(t *testing.T) {
	x := indexOf(t,
		osv("ALSA-1", "AlmaLinux:9", "krb5-libs", below("1.20.1-9.el9")),
		osv("ALSA-2", "AlmaLinux:9", "openssl", below("1:3.0.7-25.el9")),
		osv("SUSE-1", "SUSE:Linux Enterprise Server 15 SP5", "krb5", below("1.20.1-9")),
		osv("DSA-1", "Debian:12", "libssl3", below("4")),
	)
	for _, c := range []struct {
		source, binary Package
		want           []string
	}{
		{Package{"AlmaLinux:9", "krb5", "1.20.1-8.el9", ""}, Package{"AlmaLinux:9", "krb5-libs", "1.20.1-8.el9", ""}, []string{"ALSA-1"}},
		{Package{"AlmaLinux:9", "krb5", "1.20.1-8.el9", ""}, Package{"AlmaLinux:9", "krb5-libs", "1.20.1-9.el9", ""}, nil},
		{Package{"AlmaLinux:9", "openssl", "1:3.0.7-24.el9", ""}, Package{"AlmaLinux:9", "openssl-libs", "1:3.0.7-24.el9", ""}, []string{"ALSA-2"}},
		{Package{"AlmaLinux:9", "openssl", "1:3.0.7-24.el9", ""}, Package{"AlmaLinux:9", "openssl", "1:3.0.7-24.el9", ""}, []string{"ALSA-2"}},
		{Package{"SUSE:15.5", "krb5", "1.20.1-8", ""}, Package{"SUSE:15.5", "libkrb5-3", "1.20.1-8", ""}, []string{"SUSE-1"}},
		{Package{"Debian:12", "openssl", "3", ""}, Package{"Debian:12", "libssl3", "3", ""}, nil},
	} {
		found, err := x.MatchBinary(context.Background(), c.source, c.binary)
		if err != nil || !slices.Equal(idsOf(found), c.want) {
			t.Errorf("%v %v: %v, %v, want %v", c.source, c.binary, idsOf(found), err, c.want)
		}
	}
}
