//go:build linux

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{roleRegistry, roleFloor, roleArchive}, os.Args[1]) {
		main()
		return
	}
	status := m.Run()
	_ = os.RemoveAll(programDir)
	os.Exit(status)
}

var programDir string

// landwaiter is the program that the tests measure, without the race detector, which takes several times the memory.
var landwaiter = sync.OnceValues(func() (string, error) {
	var err error
	if programDir, err = os.MkdirTemp("", "bench-"); err != nil {
		return "", err
	}
	program := filepath.Join(programDir, "landwaiter")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/landwaiter").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return program, nil
})

func newTestBench(t *testing.T) (*bench, *bytes.Buffer) {
	t.Helper()
	program, err := landwaiter()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	b, err := newBench(t.Context(), t.TempDir(), program, nil, &out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	return b, &out
}

// pushed packs layers and pushes them as one image.
func pushed(t *testing.T, b *bench, tag string, e encoding, writers ...func(*tar.Writer) error) subject {
	t.Helper()
	s := subject{title: tag, ref: b.registry.host + "/bench:" + tag, answers: filepath.Join(b.cache, "answers", tag)}
	ref, err := name.ParseReference(s.ref)
	if err != nil {
		t.Fatal(err)
	}
	var layers []*blob
	var lines []string
	for i, write := range writers {
		packed := &blob{path: filepath.Join(t.TempDir(), fmt.Sprintf("%s-%d", tag, i)), mediaType: e.layer}
		if err := packed.pack(e, write); err != nil {
			t.Fatal(err)
		}
		layers, lines = append(layers, packed), append(lines, fmt.Sprintf("COPY layer%d /", i))
	}
	if err := push(context.Background(), ref, e, layers, lines, tag); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEncodingsOfOneImage(t *testing.T) {
	b, out := newTestBench(t)
	tree := t.TempDir()
	for p, text := range map[string]string{
		"etc/os-release":                         "ID=debian\nVERSION_ID=\"12\"\n",
		"var/lib/dpkg/status":                    "Package: bash\nStatus: install ok installed\nVersion: 5.2.15-2+b8\nArchitecture: amd64\n\n",
		"app/node_modules/ms/package.json":       `{"name": "ms", "version": "2.1.2"}`,
		"app/node_modules/@x/y/package.json":     `{"name": "@x/y", "version": "1.0.0"}`,
		"app/node_modules/@x/y/lib/package.json": `{"type": "module"}`,
	} {
		writeFile(t, filepath.Join(tree, p), text)
	}
	for _, e := range []encoding{gzipOCI, zstdOCI, plainOCI, gzipDocker} {
		s := pushed(t, b, "small"+e.suffix, e, treeWriter(tree))
		measured, err := b.measure(t.Context(), s, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range []string{rowFloor, rowOurs, rowOurs + warm} {
			if len(measured[row]) != 2 || measured[row][0].cpu <= 0 || measured[row][0].rss < 1<<20 {
				t.Errorf("%s: %s was measured as %+v", s.title, row, measured[row])
			}
		}
		answer, err := os.ReadFile(filepath.Join(s.answers, rowOurs+".json"))
		if err != nil {
			t.Fatal(err)
		}
		found, err := parseOurs(answer, false)
		if err != nil {
			t.Fatal(err)
		}
		d := compare(found, []component{{"deb", "bash", "5.2.15-2"}, {"npm", "ms", "2.1.2"}, {"npm", "@x/y", "1.0.0"}})
		if len(d.missing)+len(d.extra) > 0 {
			t.Errorf("%s: missing %v, too many %v", s.title, d.missing, d.extra)
		}
		measured.print(out, s.title)
		measured.judge(out, recipe{name: "small"})
	}
	for _, want := range []string{"small-zstd (medians of 2 rounds", "landwaiter warm", "the floor's CPU", "written to disk"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in what was printed:\n%s", want, out)
		}
	}
}

func TestTreeBecomesLayer(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may make an overlay's whiteouts")
	}
	tree := t.TempDir()
	writeFile(t, filepath.Join(tree, "a/first"), "content")
	writeFile(t, filepath.Join(tree, "anew/file"), "")
	if err := os.Link(filepath.Join(tree, "a/first"), filepath.Join(tree, "a/second")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a/first", filepath.Join(tree, "link")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mknod(filepath.Join(tree, "a/gone"), syscall.S_IFCHR, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.Lsetxattr(filepath.Join(tree, "anew"), "trusted.overlay.opaque", []byte("y"), 0); err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := treeWriter(tree)(w); err != nil {
		t.Fatal(err)
	}
	w.Close()
	var got []string
	for r := tar.NewReader(&archive); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.TrimSpace(fmt.Sprintf("%c %s %s", h.Typeflag, h.Name, h.Linkname)))
	}
	want := []string{"5 a/", "0 a/first", "0 a/.wh.gone", "1 a/second a/first", "5 anew/", "0 anew/.wh..wh..opq", "0 anew/file", "2 link a/first"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
