package scan

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cpb "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/golang/gobinary"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/packagejson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/condameta"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/wheelegg"
	"github.com/google/osv-scalibr/extractor/filesystem/language/ruby/gemspec"
	"github.com/google/osv-scalibr/extractor/filesystem/language/rust/cargoauditable"
	"github.com/google/osv-scalibr/extractor/filesystem/os/apk"
	"github.com/google/osv-scalibr/extractor/filesystem/os/chisel"
	"github.com/google/osv-scalibr/extractor/filesystem/os/dpkg"
	"github.com/google/osv-scalibr/extractor/filesystem/os/pacman"
	"github.com/google/osv-scalibr/extractor/filesystem/os/rpm"
)

// TestLikeScalibr compares the readers that stand in for osv-scalibr's extractors with them, on the files that scalibr itself is
// tested with, as Go's module cache has them. Files that make one of the two fail are left out: what ours do there is tested
// elsewhere.
func TestLikeScalibr(t *testing.T) {
	root := scalibrSource(t)
	readers, err := newReaders(Limits{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	type extractor func(*cpb.PluginConfig) (filesystem.Extractor, error)
	compared := 0
	for name, c := range map[string]struct {
		new    extractor
		files  string // below extractor/filesystem
		path   string // under which the reader is chosen; "*" is the file's name
		differ map[string]string
	}{
		"dpkg": {dpkg.New, "os/dpkg/testdata/dpkg/*", "var/lib/dpkg/status", map[string]string{
			"transitional": "only ours: a transitional package is installed all the same", "transitional_dummy": "likewise", "transitional_empty": "likewise",
			"statusfield": "only ours: a package that is unpacked, half-configured or waiting for a trigger has its files in place",
		}},
		"apk":    {apk.New, "os/apk/testdata/*", "lib/apk/db/installed", nil},
		"sqlite": {rpm.New, "os/rpm/testdata/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite", nil},
		"ndb":    {rpm.New, "os/rpm/testdata/Packages.db", "var/lib/rpm/Packages.db", nil},
		"bdb":    {rpm.New, "os/rpm/testdata/Packages*", "var/lib/rpm/Packages", nil},
		"pacman": {pacman.New, "os/pacman/testdata/valid*", "var/lib/pacman/local/x/desc", nil},
		"chisel": {chisel.New, "os/chisel/testdata/chisel/*.wall", "var/lib/chisel/manifest.wall", nil},
		"npm": {packagejson.New, "language/javascript/packagejson/testdata/*.json", "node_modules/x/package.json", map[string]string{
			"vscode-extension-only-required.json": "an extension of an editor, which ours report as that",
		}},
		"npm_of_dependencies": {packagejson.New, "language/javascript/packagejson/testdata/deps/*/package.json", "node_modules/x/package.json", nil},
		"python":              {wheelegg.New, "language/python/wheelegg/testdata/*", "x.dist-info/METADATA", nil},
		"python_egg":          {wheelegg.New, "language/python/wheelegg/testdata/*.egg", "*", nil},
		"gem": {gemspec.New, "language/ruby/gemspec/testdata/*.gemspec", "specifications/*", map[string]string{
			"badspec.gemspec":        "ours do not need the first line",
			"version_inline.gemspec": "RubyGems writes the version itself into the specification of an installed gem",
		}},
		"conda": {condameta.New, "language/python/condameta/testdata/*", "opt/conda/envs/x/conda-meta/x.json", nil},
		"go":    {gobinary.New, "language/golang/gobinary/testdata/*linux*", "bin/*", nil},
		"rust":  {cargoauditable.New, "language/rust/cargoauditable/testdata/*/*", "bin/*", nil},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join(root, "extractor/filesystem", c.files))
			if err != nil || len(files) == 0 {
				t.Fatalf("no files: %v", err)
			}
			alike := func(name, version string) string {
				if strings.Contains(c.path, "lib/rpm/") {
					_, after, ok := strings.Cut(version, ":") // scalibr keeps the epoch elsewhere
					if ok {
						version = after
					}
				}
				if name == "go" {
					name = "stdlib" // OSV's name
				}
				return strings.ToLower(pythonSeparators().ReplaceAllString(name, "-")) + " " + strings.TrimSuffix(version, "(devel)")
			}
			for _, f := range files {
				body, err := os.ReadFile(f)
				if err != nil {
					continue
				}
				base := filepath.Base(f)
				p := strings.Replace(c.path, "*", base, 1)
				theirs, ok := extracted(t, c.new, f, p, alike)
				if !ok {
					continue
				}
				r, _ := readers.of(p)
				found := &found{room: 100_000, mayDescribe: readers.mayDescribe}
				if err := r.read(context.Background(), &content{path: p, size: int64(len(body)), at: bytesAt(body), free: func(bool) {}}, found); err != nil {
					t.Logf("%s: %v", base, err)
				}
				ours := map[string]bool{}
				for _, x := range found.components {
					ours[alike(x.Name, x.Version)] = true
				}
				compared += len(theirs)
				if !maps.Equal(ours, theirs) && c.differ[base] == "" {
					t.Errorf("%s:\nours   %q\ntheirs %q", base, slices.Sorted(maps.Keys(ours)), slices.Sorted(maps.Keys(theirs)))
				}
			}
		})
	}
	if compared < 500 {
		t.Errorf("only %d packages were compared", compared)
	}
}

// extracted is what an extractor of scalibr's finds in a file; not ok when it fails.
func extracted(t *testing.T, newExtractor func(*cpb.PluginConfig) (filesystem.Extractor, error), file, p string, alike func(name, version string) string) (map[string]bool, bool) {
	t.Helper()
	silenceScalibr()
	e, err := newExtractor(&cpb.PluginConfig{})
	if err != nil {
		t.Fatal(err)
	}
	// The extractor for RPM opens its file by path.
	root := t.TempDir()
	copied := filepath.Join(root, filepath.FromSlash(p))
	body, err := os.ReadFile(file)
	if err != nil {
		return nil, false
	}
	if err := os.MkdirAll(filepath.Dir(copied), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, body, 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := os.Open(copied)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		t.Fatal(err)
	}
	inventory, err := e.Extract(context.Background(), &filesystem.ScanInput{FS: dirFS{os.DirFS(root)}, Path: p, Root: root, Info: info, Reader: r})
	if err != nil {
		return nil, false
	}
	names := map[string]bool{}
	for _, x := range inventory.Packages {
		if x.Name != "gpg-pubkey" { // a key, no software
			names[alike(x.Name, x.Version)] = true
		}
	}
	return names, true
}

// dirFS is a folder as scalibr wants it.
type dirFS struct{ fs.FS }

func (d dirFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(d.FS, name) }
func (d dirFS) Stat(name string) (fs.FileInfo, error)      { return fs.Stat(d.FS, name) }

func scalibrSource(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/google/osv-scalibr").Output()
	if err != nil {
		t.Skipf("the source of osv-scalibr is not at hand: %v", err)
	}
	return strings.TrimSpace(string(out))
}
