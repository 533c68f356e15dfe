package scan

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"testing"

	cpb "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor/filesystem"
	srpm "github.com/google/osv-scalibr/extractor/filesystem/os/rpm"
	"github.com/google/osv-scalibr/extractor/filesystem/os/apk"
	"github.com/google/osv-scalibr/extractor/filesystem/os/dpkg"
	"github.com/google/osv-scalibr/extractor/filesystem/language/java/archive"
	"github.com/google/osv-scalibr/extractor/filesystem/language/golang/gobinary"
	"github.com/google/osv-scalibr/extractor/filesystem/language/rust/cargoauditable"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/wheelegg"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/packagejson"
)

const tdir = "/root/go/pkg/mod/github.com/google/osv-scalibr@v0.5.3/extractor/filesystem/"

func mineOf(t *testing.T, rd func(context.Context, *content, *found) error, p string) (map[string]bool, *found) {
	b, err := os.ReadFile(p)
	if err != nil { t.Fatal(err) }
	f := &found{room: 1 << 20}
	if err := rd(context.Background(), &content{path: filepath.Base(p), size: int64(len(b)), at: bytesAt(b), free: func() {}}, f); err != nil { fmt.Println("MINE ERR", p, err) }
	m := map[string]bool{}
	for _, c := range f.components { v := c.Version; m[c.Name+"@"+v] = true }
	return m, f
}
func theirs(t *testing.T, mk func(*cpb.PluginConfig) (filesystem.Extractor, error), p string) map[string]bool {
	e, _ := mk(&cpb.PluginConfig{})
	f, _ := os.Open(p); defer f.Close()
	st, _ := f.Stat()
	inv, err := e.Extract(context.Background(), &filesystem.ScanInput{FS: emptyFS{}, Path: filepath.Base(p), Root: "", Info: st, Reader: f})
	if err != nil { fmt.Println("THEIR ERR", p, err) }
	m := map[string]bool{}
	for _, x := range inv.Packages { m[x.Name+"@"+x.Version] = true }
	return m
}
func diff(t *testing.T, what string, a, b map[string]bool) {
	var out []string
	for k := range a { if !b[k] { out = append(out, "  mine only "+k) } }
	for k := range b { if !a[k] { out = append(out, "  theirs only "+k) } }
	sort.Strings(out)
	fmt.Printf("%s: mine %d theirs %d diffs %d\n", what, len(a), len(b), len(out))
	for i, s := range out { if i < 15 { fmt.Println(s) } }
}

func TestTmpDiff(t *testing.T) {
	silenceScalibr()
	rp := "/root/go/pkg/mod/github.com/erikvarga/"
	var files []string
	filepath.Walk(rp, func(p string, i os.FileInfo, e error) error { if e == nil && !i.IsDir() && (i.Name() == "Packages" || i.Name() == "rpmdb.sqlite" || i.Name() == "Packages.db") { files = append(files, p) }; return nil })
	filepath.Walk(tdir+"os/rpm/testdata", func(p string, i os.FileInfo, e error) error { if e == nil && !i.IsDir() { files = append(files, p) }; return nil })
	for _, p := range files {
		m, f := mineOf(t, readRPM, p)
		m2 := map[string]bool{}
		for k := range m { // strip epoch
			n := k
			for i := range n { if n[i] == '@' { rest := n[i+1:]; for j := range rest { if rest[j] == ':' { n = n[:i+1] + rest[j+1:]; break }; if rest[j] < '0' || rest[j] > '9' { break } }; break } }
			m2[n] = true
		}
		diff(t, p, m2, theirs(t, srpm.New, p))
		if len(f.components) > 0 { fmt.Printf("   %+v dropped %d owned %d\n", f.components[0], f.dropped, len(f.owned)) }
	}
	type job struct { sub, glob string; rd func(context.Context, *content, *found) error; mk func(*cpb.PluginConfig) (filesystem.Extractor, error) }
	j := &javaReader{maxBytes: 256 << 20, maxDepth: 6, nested: make(chan struct{}, 1)}
	for _, x := range []job{
		{"os/dpkg/testdata", "*/*", readDpkg, dpkg.New}, {"os/dpkg/testdata", "*", readDpkg, dpkg.New}, {"os/apk/testdata", "*", readApk, apk.New},
		{"language/java/archive/testdata", "*", j.read, archive.New},
		{"language/golang/gobinary/testdata", "*", readExecutable, gobinary.New},
		{"language/rust/cargoauditable/testdata", "*/*", readExecutable, cargoauditable.New},
		{"language/rust/cargoauditable/testdata", "*", readExecutable, cargoauditable.New},
		{"language/python/wheelegg/testdata", "*", readPythonMetadata, wheelegg.New},
		{"language/javascript/packagejson/testdata", "*", readPackageJSON, packagejson.New},
		{"language/javascript/packagejson/testdata", "*/*", readPackageJSON, packagejson.New},
	} {
		fs, _ := filepath.Glob(tdir + x.sub + "/" + x.glob)
		for _, p := range fs {
			if st, _ := os.Stat(p); st == nil || st.IsDir() { continue }
			m, _ := mineOf(t, x.rd, p)
			diff(t, p[len(tdir):], m, theirs(t, x.mk, p))
		}
	}
	m, _ := mineOf(t, readDpkg, "/var/lib/dpkg/status")
	diff(t, "host", m, theirs(t, dpkg.New, "/var/lib/dpkg/status"))
}
