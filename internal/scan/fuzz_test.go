package scan

import (
	"bytes"
	"context"
	"encoding/binary"
	"strings"
	"testing"
	"time"
)

// FuzzLayer feeds arbitrary bytes as two layers. Whatever they are, there is a report, and it is the same from the cache.
func FuzzLayer(f *testing.F) {
	jar := zipOf(f, map[string]string{"META-INF/maven/g/a/pom.properties": pomOf("g", "a", "1"), "in.jar": zipOf(f, nil)})
	plain := archiveOf(f, file("etc/os-release", bookworm), file("var/lib/dpkg/status", stanzaOf("bash", "5.2-1")), file("a.jar", jar),
		hardlink("b.jar", "a.jar"), symlink("lib", "usr/lib"), program("bin/x", string(elfWith(".dep-v0", deflated([]byte(`{"packages":[]}`))))),
		file("x/.wh..wh..opq", ""), file("x/.wh.y", ""), file("../node_modules/z/package.json", packageJSONOf("z", "1")),
		file("var/lib/rpm/rpmdb.sqlite", string(sqliteOf(f, rpmHeaderOf("bash", "5.1", "1", 0))[:8192])), hardlink("lib/apk/db/installed", "x/obj"))
	f.Add(plain)
	f.Add(gzipped(f, plain))
	f.Add(zstded(f, plain))
	f.Add([]byte{})
	limits := Limits{LayerBytes: 16 << 20, FileInMemory: 1 << 20, LayerEntries: 1000, FileTime: 5 * time.Second, ArchiveBytes: 4 << 20}
	f.Fuzz(func(t *testing.T, blob []byte) {
		cache := &memoryCache{}
		s := New(Options{Limits: limits, TempDir: t.TempDir(), Cache: cache})
		layers := []Layer{layerOf(plain), layerOf(blob)}
		r, err := s.Image(context.Background(), layers, nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.Image(context.Background(), layers, nil)
		if err != nil || brief(r) != brief(again) || r.Status != again.Status {
			t.Fatalf("%v\n%s\n%s", err, brief(r), brief(again))
		}
	})
}

func FuzzPackageJSON(f *testing.F) {
	f.Add([]byte(`{"name":"x","version":"1.0.0","license":["MIT",{"type":"ISC"}],"engines":{"node":1}}`))
	f.Add([]byte("\xef\xbb\xbf{\"name\":1e5,\"version\":[{}]}"))
	f.Add([]byte(`{"name":"x","version":"1.0.0","a":`))
	f.Fuzz(func(t *testing.T, b []byte) {
		name, version, _, _ := packageJSON(bytes.NewReader(b))
		if len(name) > len(b)*3 || len(version) > len(b)*3 {
			t.Errorf("%q %q", name, version)
		}
	})
}

// FuzzRPM covers the three database formats; reading must end, with bounded work.
func FuzzRPM(f *testing.F) {
	h := rpmHeaderOf("bash", "5.1.8", "6.el9", 1)
	f.Add(sqliteOf(f, h))
	f.Add(ndbOf(h))
	f.Add(bdbOf(h, binary.LittleEndian))
	f.Add(bdbOf(h, binary.BigEndian))
	f.Fuzz(func(t *testing.T, b []byte) {
		found := &found{room: 1000}
		c := &content{size: int64(len(b)), at: bytesAt(b), free: func(bool) {}}
		_ = readRPM(context.Background(), c, found)
		for _, x := range found.components {
			if x.Name == "" || strings.Contains(x.Name, "\x00") {
				t.Errorf("%+v", x)
			}
		}
	})
}

// FuzzProgram covers the view that keeps the standard library's readers of programs from costing too much.
func FuzzProgram(f *testing.F) {
	f.Add([]byte(elfOfNames(3, 20, 0)))
	f.Add([]byte(peOf(2, 3, 4, 5)))
	f.Add(elfWith(".dep-v0", deflated([]byte(`{"packages":[{"name":"a","version":"1"}]}`))))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := &content{size: int64(len(b)), at: bytesAt(b), free: func(bool) {}}
		if n := allocated(func() { _ = readExecutable(context.Background(), c, &found{room: 1000}) }); n > 300 {
			t.Errorf("%d MiB were allocated for %d bytes", n, len(b))
		}
	})
}
