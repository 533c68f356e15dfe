package vuln

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
)

func names(st Status) (out []string) {
	for _, e := range st.Ecosystems {
		out = append(out, fmt.Sprintf("%s=%d", e.Name, e.Records))
	}
	return out
}

func TestImportSources(t *testing.T) {
	a, b := osv("T-1", "npm", "a", below("2.0.0")), osv("T-2", "Go", "b", below("2.0.0"))
	broken := map[string]string{"README.md": "no", "modified_id.csv": "x", "package.json": `{"name":"x"}`, "bad.json": `{"id":`}
	files := func(more map[string]string) map[string]string {
		for k, v := range broken {
			if _, ok := more[k]; !ok {
				more[k] = v
			}
		}
		return more
	}
	for _, c := range []struct {
		name, source string
		files        map[string]string
	}{
		{"directory", "", files(map[string]string{"x/y/T-1.json": a, "T-2.json": b})},
		{"zip", "all.ZIP", map[string]string{"all.ZIP": zipOf(t, files(map[string]string{"deep/T-1.json": a, "T-2.JSON": b, "nested.zip": zipOf(t, map[string]string{"T-3.json": a})}))}},
		{"zips_in_a_directory", "", files(map[string]string{"npm/all.zip": zipOf(t, map[string]string{"T-1.json": a}), "Go/all.zip": zipOf(t, map[string]string{"T-2.json": b})})},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			res := mustImport(t, dir, filepath.Join(writeFiles(t, c.files), c.source))
			if res.Records != 2 || res.Skipped != 2 || len(res.Problems) != 2 || !strings.Contains(strings.Join(res.Problems, "\n"), "package.json: not an OSV record: it has no id") {
				t.Errorf("%+v", res)
			}
			if got := names(res.Status); !slices.Equal(got, []string{"Go=1", "npm=1"}) {
				t.Error(got)
			}
			if st := mustOpen(t, dir).Status(); !reflect.DeepEqual(st, res.Status) || !st.Imported.Equal(now) || st.Records != 2 || st.Size == 0 ||
				st.Newest.Format(time.RFC3339) != "2024-05-06T07:08:09Z" {
				t.Errorf("%+v", st)
			}
		})
	}
	t.Run("one_file_with_a_byte_order_mark", func(t *testing.T) {
		res := mustImport(t, t.TempDir(), filepath.Join(writeFiles(t, map[string]string{"T-1.json": "\ufeff" + a}), "T-1.json"))
		if res.Records != 1 {
			t.Errorf("%+v", res)
		}
	})
	t.Run("file_system", func(t *testing.T) {
		res, err := ImportFS(context.Background(), t.TempDir(), fstest.MapFS{"npm/T-1.json": {Data: []byte(a)}}, ImportOptions{Now: now})
		if err != nil || res.Records != 1 {
			t.Errorf("%+v %v", res, err)
		}
	})
	t.Run("the_same_input_gives_the_same_index", func(t *testing.T) {
		source := writeFiles(t, map[string]string{"T-1.json": a, "T-2.json": b})
		var first []byte
		for range 3 {
			dir := t.TempDir()
			mustImport(t, dir, source)
			got, err := os.ReadFile(filepath.Join(dir, indexName))
			if err != nil || first != nil && string(got) != string(first) {
				t.Fatal("the index differs", err)
			}
			first = got
		}
	})
}

func TestImportOfNothing(t *testing.T) {
	withdrawn := `{"id":"T-1","withdrawn":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"a"},` + below("2") + `}]}`
	gitOnly := `{"id":"CVE-2024-0001","affected":[{"ranges":[{"type":"GIT","repo":"https://a.example","events":[{"introduced":"0"}]}]}]}`
	for _, c := range []struct {
		name, source, want string
		files              map[string]string
		code               fault.Code
	}{
		{"missing", "absent.zip", "does not exist", nil, fault.NotFound},
		{"empty_directory", "", "no OSV record", map[string]string{"README.md": "x"}, fault.Invalid},
		{"other_kind_of_file", "x.txt", "no OSV record", map[string]string{"x.txt": "x"}, fault.Invalid},
		{"no_zip", "all.zip", "not a readable zip", map[string]string{"all.zip": "PK\x03\x04 cut off"}, fault.Invalid},
		{"broken_zip_among_good_records", "", "npm/all.zip is not a readable zip", map[string]string{"npm/all.zip": "x", "Go/T-1.json": osv("T-1", "Go", "a", below("2.0.0"))}, fault.Invalid},
		{"only_broken", "", "none of 2 files is a good OSV record; the first: a.json: ", map[string]string{"a.json": "[]", "b.json": "{}"}, fault.Invalid},
		{"only_withdrawn_or_unusable", "", "1 are withdrawn, and 1 name no package", map[string]string{"a.json": withdrawn, "b.json": gitOnly}, fault.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := Import(context.Background(), dir, filepath.Join(writeFiles(t, c.files), c.source), ImportOptions{Now: now})
			wantCode(t, err, c.code)
			if !strings.Contains(err.Error(), c.want) || c.code == fault.Invalid && fault.FixOf(err) == "" {
				t.Errorf("%v (%s)", err, fault.FixOf(err))
			}
			if x, err := Open(dir); x != nil || err != nil {
				t.Error("there is an index", err)
			}
			wantOnly(t, dir, lockName)
		})
	}
}

// wantOnly checks which of the files of an import there are.
func wantOnly(t *testing.T, dir string, want ...string) {
	t.Helper()
	var got []string
	list, err := os.ReadDir(dir)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return
		}
		t.Fatal(err)
	}
	for _, e := range list {
		got = append(got, e.Name())
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("left over: %s", g)
		}
	}
}

func TestImportReplacesByEcosystem(t *testing.T) {
	dir := t.TempDir()
	mustImport(t, dir, writeFiles(t, map[string]string{
		"1.json": osv("DSA-1", "Debian:11", "a", below("2")), "2.json": osv("DSA-2", "Debian:12", "a", below("2")), "3.json": osv("GHSA-3", "npm", "a", below("2.0.0")),
		"4.json": `{"id":"GHSA-4","summary":"Kept.","affected":[{"package":{"ecosystem":"npm","name":"a"},` + below("3.0.0") + `},{"package":{"ecosystem":"Maven","name":"g:a"},` + below("3") + `}]}`,
	}))
	res := mustImport(t, dir, writeFiles(t, map[string]string{"1.json": osv("DSA-9", "Debian:12", "b", below("2")), "2.json": osv("GHSA-9", "npm", "b", below("2.0.0"))}))
	if got := names(res.Status); !slices.Equal(got, []string{"Debian:12=1", "Maven=1", "npm=1"}) || res.Status.Records != 3 {
		t.Errorf("%v %+v", got, res)
	}
	if slices.Sort(res.Replaced); !slices.Equal(res.Replaced, []string{"Debian", "npm"}) {
		t.Error(res.Replaced)
	}
	later, err := Import(context.Background(), dir, writeFiles(t, map[string]string{"1.json": osv("GHSA-9", "npm", "b", below("2.0.0"))}), ImportOptions{Now: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range later.Status.Ecosystems {
		want := now
		if e.Name == "npm" {
			want = now.Add(time.Hour)
		}
		if !e.Imported.Equal(want) {
			t.Errorf("%s was imported %s, want %s", e.Name, e.Imported, want)
		}
	}
	x := mustOpen(t, dir)
	if x.Covers("Debian:11") {
		t.Error("the old release stayed")
	}
	for p, want := range map[Package]int{
		{"Debian:12", "a", "1", ""}: 0, {"Debian:12", "b", "1", ""}: 1, {"npm", "a", "1.0.0", ""}: 0, {"npm", "b", "1.0.0", ""}: 1, {"Maven", "g:a", "1", ""}: 1,
	} {
		if found := match(t, x, p); len(found) != want {
			t.Errorf("%v: %v", p, idsOf(found))
		}
	}
	if v := match(t, x, Package{"Maven", "g:a", "1", ""})[0]; v.ID != "GHSA-4" || v.Summary != "Kept." || v.FixedVersion != "3" {
		t.Errorf("what was kept has changed: %+v", v)
	}
}

func TestContainerNamedForAnEcosystemHoldsOnlyThat(t *testing.T) {
	both := `{"id":"GHSA-1","affected":[{"package":{"ecosystem":"npm","name":"a"},` + below("2.0.0") + `},{"package":{"ecosystem":"Maven","name":"g:a"},` + below("2") + `}]}`
	t.Run("records_about_other_ecosystems_claim_nothing", func(t *testing.T) {
		dir := t.TempDir()
		mustImport(t, dir, writeFiles(t, map[string]string{"x.json": osv("GHSA-m", "Maven", "g:b", below("2"))}))
		res := mustImport(t, dir, filepath.Join(writeFiles(t, map[string]string{"npm/all.zip": zipOf(t, map[string]string{"GHSA-1.json": both})}), "npm/all.zip"))
		if got := names(res.Status); !slices.Equal(got, []string{"Maven=1", "npm=1"}) || !slices.Equal(res.Replaced, []string{"npm"}) {
			t.Errorf("%v %+v", got, res)
		}
		if found := match(t, mustOpen(t, dir), Package{"Maven", "g:b", "1", ""}); len(found) != 1 {
			t.Error("Maven's records are gone")
		}
	})
	t.Run("one_record_in_two_containers_counts_once_and_matches_in_both", func(t *testing.T) {
		dir := t.TempDir()
		res := mustImport(t, dir, writeFiles(t, map[string]string{"npm/GHSA-1.json": both, "Maven/GHSA-1.json": both}))
		if got := names(res.Status); !slices.Equal(got, []string{"Maven=1", "npm=1"}) || res.Status.Records != 1 {
			t.Errorf("%v %+v", got, res)
		}
		x := mustOpen(t, dir)
		if len(match(t, x, Package{"npm", "a", "1.0.0", ""})) != 1 || len(match(t, x, Package{"Maven", "g:a", "1", ""})) != 1 {
			t.Error("it does not match in both")
		}
	})
	t.Run("the_newest_of_several_with_one_id_counts", func(t *testing.T) {
		version := func(modified, fix string) string {
			return strings.Replace(osv("T-1", "npm", "a", below(fix)), "2024-05-06T07:08:09Z", modified, 1)
		}
		x := indexOf(t, version("2024-01-01T00:00:00Z", "2.0.0"), version("2025-01-01T00:00:00Z", "3.0.0"), version("2023-01-01T00:00:00Z", "4.0.0"))
		if found := match(t, x, Package{"npm", "a", "1.0.0", ""}); len(found) != 1 || found[0].FixedVersion != "3.0.0" || x.Status().Records != 1 {
			t.Errorf("%+v %+v", found, x.Status())
		}
	})
}

func TestImportLimits(t *testing.T) {
	big := osv("T-big", "npm", "a", `"versions":["`+strings.Repeat("1", 4000)+`"]`)
	small := osv("T-1", "npm", "a", below("2.0.0"))
	run := func(t *testing.T, l limits, files map[string]string) (ImportResult, error) {
		s := newSource(os.DirFS(writeFiles(t, files)), ".", "", "files")
		s.limits = l
		return importFrom(context.Background(), t.TempDir(), s, ImportOptions{Now: now})
	}
	for name, files := range map[string]map[string]string{
		"file":                   {"big.json": big, "T-1.json": small},
		"entry_in_zip":           {"x.zip": zipOf(t, map[string]string{"big.json": big, "T-1.json": small})},
		"zip_that_lies_about_it": {"x.zip": lyingZip(t, "big.json", big), "T-1.json": small},
		"bomb":                   {"x.zip": zipOf(t, map[string]string{"big.json": strings.Repeat(" ", 1<<20)}), "T-1.json": small},
	} {
		t.Run("too_large_a_record_is_skipped_in_a_"+name, func(t *testing.T) {
			res, err := run(t, limits{record: 1000, entries: 10, total: 1 << 20}, files)
			if err != nil || res.Records != 1 || res.Skipped != 1 || name != "zip_that_lies_about_it" && !strings.Contains(res.Problems[0], errTooLarge.Error()) {
				t.Errorf("%+v %v", res, err)
			}
		})
	}
	many := map[string]string{}
	for i := range 20 {
		many[fmt.Sprintf("T-%d.json", i)] = small
	}
	t.Run("too_many_files", func(t *testing.T) {
		_, err := run(t, limits{record: 1000, entries: 10, total: 1 << 20}, many)
		wantCode(t, err, fault.Invalid)
		_, err = run(t, limits{record: 1000, entries: 10, total: 1 << 20}, map[string]string{"x.zip": zipOf(t, many)})
		wantCode(t, err, fault.Invalid)
	})
	t.Run("too_much_in_total", func(t *testing.T) {
		_, err := run(t, limits{record: 1000, entries: 100, total: 1000}, many)
		wantCode(t, err, fault.Invalid)
	})
	t.Run("only_the_first_problems_are_named", func(t *testing.T) {
		bad := map[string]string{"T.json": small}
		for i := range 30 {
			bad[fmt.Sprintf("bad-%d.json", i)] = "{"
		}
		res, err := run(t, defaultLimits, bad)
		if err != nil || res.Skipped != 30 || len(res.Problems) != maxProblems {
			t.Errorf("%+v %v", res, err)
		}
	})
}

// lyingZip holds one deflated file that its header calls ten bytes long.
func lyingZip(t *testing.T, name, text string) string {
	t.Helper()
	var packed, b bytes.Buffer
	d, _ := flate.NewWriter(&packed, flate.BestSpeed)
	io.WriteString(d, text)
	d.Close()
	z := zip.NewWriter(&b)
	w, err := z.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Deflate, CompressedSize64: uint64(packed.Len()), UncompressedSize64: 10})
	if err == nil {
		_, err = w.Write(packed.Bytes())
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestImportProgress(t *testing.T) {
	files := map[string]string{}
	for i := range 50 {
		files[fmt.Sprintf("T-%d.json", i)] = osv(fmt.Sprintf("T-%d", i), "npm", "a", below("2.0.0"))
	}
	source := writeFiles(t, map[string]string{"npm/all.zip": zipOf(t, files), "one.json": osv("T-x", "Go", "a", below("2.0.0"))})
	var last, of int64
	calls := 0
	_, err := Import(context.Background(), t.TempDir(), source, ImportOptions{Now: now, Progress: func(done, total int64) {
		if done < last || done > total || of != 0 && total != of {
			t.Errorf("%d of %d after %d of %d", done, total, last, of)
		}
		last, of, calls = done, total, calls+1
	}})
	if err != nil || last != of || last == 0 || calls < 10 {
		t.Error(err, last, of, calls)
	}
}

func TestInterruptedImportLeavesTheOldIndex(t *testing.T) {
	dir := t.TempDir()
	mustImport(t, dir, writeFiles(t, map[string]string{"1.json": osv("T-old", "npm", "a", below("2.0.0"))}))
	before, err := os.ReadFile(filepath.Join(dir, indexName))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for i := range 200 {
		files[fmt.Sprintf("T-%d.json", i)] = osv(fmt.Sprintf("T-%d", i), "npm", "a", below("2.0.0"))
	}
	source := writeFiles(t, map[string]string{"all.zip": zipOf(t, files)})
	for _, at := range []int{1, 50, 199, 201} {
		t.Run(fmt.Sprintf("cancelled_after_%d_records", at), func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			n := 0
			_, err := Import(ctx, dir, source, ImportOptions{Now: now, Progress: func(int64, int64) {
				if n++; n == at {
					cancel()
				}
			}})
			wantCode(t, err, fault.Unavailable)
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			if after, err := os.ReadFile(filepath.Join(dir, indexName)); err != nil || string(after) != string(before) {
				t.Error("the index has changed", err)
			}
			wantOnly(t, dir, lockName, indexName)
		})
	}
	t.Run("leftovers_of_a_killed_import_are_removed", func(t *testing.T) {
		for _, n := range []string{"advisories-1.tmp", "advisories-2.tmp"} {
			if err := os.WriteFile(filepath.Join(dir, n), []byte("half an index"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if found := match(t, mustOpen(t, dir), Package{"npm", "a", "1.0.0", ""}); len(found) != 1 || found[0].ID != "T-old" {
			t.Errorf("%+v", found)
		}
		mustImport(t, dir, source)
		wantOnly(t, dir, lockName, indexName)
	})
}

func TestTwoImportsDoNotInterleave(t *testing.T) {
	dir, source := t.TempDir(), writeFiles(t, map[string]string{"1.json": osv("T-1", "npm", "a", below("2.0.0"))})
	var second error
	_, err := Import(context.Background(), dir, source, ImportOptions{Now: now, Progress: func(int64, int64) {
		_, second = Import(context.Background(), dir, source, ImportOptions{Now: now})
	}})
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, second, fault.Conflict)
	mustImport(t, dir, source)
}

func TestImportOverADamagedIndexSaysSo(t *testing.T) {
	dir, source := t.TempDir(), writeFiles(t, map[string]string{"1.json": osv("T-1", "npm", "a", below("2.0.0"))})
	if err := os.WriteFile(filepath.Join(dir, indexName), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Import(context.Background(), dir, source, ImportOptions{Now: now})
	wantCode(t, err, fault.Internal)
	if !strings.Contains(fault.FixOf(err), "Remove") {
		t.Error(fault.FixOf(err))
	}
}

func FuzzRecord(f *testing.F) {
	list, _ := filepath.Glob("testdata/osv/*.json")
	for _, n := range list {
		b, err := os.ReadFile(n)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(osv("T-1", "Debian:12", "a", below("1:2-3~4"))))
	f.Add([]byte(`{"id":"T-1","affected":[{"package":{"ecosystem":"PyPI","name":"a"},"versions":["1","x","1!2.post3+é"],"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0","limit":"*"}]}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodeRecord(data)
		if err != nil {
			return
		}
		d, err := (&reader{b: r.detail.encode()}).detail()
		if err != nil || !reflect.DeepEqual(d.references, r.references) || d.id != r.id || d.summary != r.summary {
			t.Fatalf("%+v became %+v: %v", r.detail, d, err)
		}
		for _, a := range r.affected {
			entry := a.encode()
			probes := append(slices.Clone(a.keys), []byte("0"), nil)
			for _, i := range a.intervals {
				probes = append(probes, i.start, i.end)
			}
			for _, key := range probes {
				want := slices.ContainsFunc(a.intervals, func(i interval) bool { return i.contains(key) }) ||
					slices.ContainsFunc(a.keys, func(k []byte) bool { return bytes.Equal(k, key) })
				j, all, err := judge(entry, probe{key: key}, nil)
				if err != nil || len(all) != len(a.intervals) || j.affected != want {
					t.Fatalf("%+v became %+v: %+v %v, want %v for %x", a, all, j, err, want, key)
				}
				fixAbove(key, all)
			}
			for _, text := range a.texts {
				if j, _, err := judge(entry, probe{text: text}, nil); err != nil || !j.affected {
					t.Fatalf("%q is not found in %+v: %v", text, a, err)
				}
			}
		}
	})
}

func TestRecordsOfSquareCost(t *testing.T) {
	var events, versions []string
	for i := range 10_000 {
		events = append(events, fmt.Sprintf(`{"introduced":"1.%d.0"},{"fixed":"1.%d.5"}`, i, i))
		versions = append(versions, fmt.Sprintf(`"1.%d.9"`, i))
	}
	x := indexOf(t, osv("T-1", "npm", "a", fmt.Sprintf(`"ranges":[{"type":"SEMVER","events":[%s]}],"versions":["1.5.1",%s]`,
		strings.Join(events, ","), strings.Join(versions, ","))))
	for version, want := range map[string]int{"1.7000.4": 1, "1.7000.5": 0, "1.7000.9": 1, "1.5.1": 1, "1.10000.9": 0} {
		if found := match(t, x, Package{"npm", "a", version, ""}); len(found) != want {
			t.Errorf("%s: %v", version, found)
		}
	}

	many := `{"id":"T-2","affected":[` + strings.Repeat("{},", 1<<20) + `{}]}`
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := decodeRecord([]byte(many))
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "more than 100000 packages") {
		t.Error(err)
	}
	if n := (after.TotalAlloc - before.TotalAlloc) >> 20; n > 300 {
		t.Errorf("%d MiB were allocated for a record of 3 MiB", n)
	}
}
