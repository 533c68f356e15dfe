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
		p, _ := packageJSON(bytes.NewReader(b))
		if len(p.Name) > len(b)*3+1 || len(p.Version) > len(b)*3 {
			t.Errorf("%+v", p)
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

// FuzzReaders gives arbitrary content to the reader of each kind of file, which must end with components that can be shown.
func FuzzReaders(f *testing.F) {
	l := Limits{}.withDefaults()
	l.ArchiveBytes = 4 << 20
	readers, err := newReaders(l)
	if err != nil {
		f.Fatal(err)
	}
	paths := []string{
		"etc/os-release", "var/lib/dpkg/status", "var/lib/dpkg/info/a.list", "var/lib/dpkg/status.d/a.md5sums", "usr/share/doc/a/copyright", "var/lib/chisel/manifest.wall",
		"lib/apk/db/installed", "var/lib/rpmmanifest/container-manifest-2", "usr/share/bottlerocket/application-inventory.json", "etc/cos-package-info.json",
		"var/lib/pacman/local/a/desc", "var/db/pkg/a/b/PF", "node_modules/a/package.json", "a.dist-info/METADATA", "a.egg", "a.jar", "specifications/a.gemspec",
		"vendor/composer/installed.json", "a.deps.json", "root/.nuget/packages/a/1/a.nuspec", "l/rocks-5.1/a/1-1/a-1-1.rockspec", "a/DESCRIPTION", "a/ebin/a.app",
		"a/package.conf.d/a.conf", "packages/A/abcde/Project.toml", "a/.opam-switch/switch-state", "a/.meta/a/install.json", "a/.pub-cache/hosted/a/pubspec.yaml",
		"a/vcpkg/status", "a/conda-meta/a.json", "a/.spack/spec.json", "snap/a/1/meta/snap.yaml", "flatpak/app/a/export/share/metainfo/a.metainfo.xml", "a/.spdx-a.spdx",
		"a/wp-includes/version.php", "wp-content/plugins/a/a.php", "a/release", "a/OTP_VERSION", "bin/node",
	}
	for i, seed := range []string{
		bookworm, stanzaOf("a", "1"), "/usr/a.jar\n", packageJSONOf("a", "1"), pomOf("g", "a", "1"), `{"packages":[{"name":"a","version":"1"}]}`, `{application,a,[{vsn,"1"}]}.`,
		"installed: [\"a.1\"]\n", "name: a\nversion: 1\n", "s.name = \"a\"\ns.version = \"1\"\n", "<package><metadata><id>a</id></metadata></package>", "\x7fELF node.js/v1.2.3",
		string(zstded(f, []byte(`{"kind":"package","name":"a","version":"1"}`))), zipOf(f, map[string]string{"EGG-INFO/PKG-INFO": "Name: a\nVersion: 1\n"}),
	} {
		f.Add(byte(i), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, which byte, b []byte) {
		p := paths[int(which)%len(paths)]
		r, _ := readers.of(p)
		found := &found{room: 1000, mayDescribe: readers.mayDescribe}
		c := &content{path: p, size: int64(len(b)), at: bytesAt(b), free: func(bool) {}}
		_ = r.read(context.Background(), c, found)
		for _, x := range found.components {
			if x.Name == "" || len(x.Name) > maxName || printable(x.Name+x.Version) != x.Name+x.Version {
				t.Errorf("%s: %+v", p, x)
			}
		}
	})
}
