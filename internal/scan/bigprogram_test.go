package scan

import (
	"bytes"
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
)

// thisProgram is a Go program at hand: the test itself.
func thisProgram(t testing.TB) []byte {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// inPassing gathers what a program is made of while it goes by.
func inPassing(t testing.TB, body io.Reader) (*bigProgram, []Component) {
	t.Helper()
	b, f := newBigProgram(body), &found{room: 10_000}
	if _, err := io.Copy(io.Discard, b); err != nil {
		t.Fatal(err)
	}
	b.look()
	b.readGo(f)
	return b, f.components
}

func TestBigProgram(t *testing.T) {
	program := thisProgram(t)
	f := &found{room: 10_000}
	if err := readExecutable(t.Context(), &content{path: "x", size: int64(len(program)), at: bytesAt(program)}, f); err != nil || len(f.components) < 2 {
		t.Fatalf("%d components, %v", len(f.components), err)
	}
	want := f.components
	same := func(a, b Component) bool { return a.key() == b.key() }

	t.Run("in_passing_it_gives_the_same_as_read_whole", func(t *testing.T) {
		b, got := inPassing(t, bytes.NewReader(program))
		if b.whole || !slices.EqualFunc(got, want, same) {
			t.Errorf("%d components instead of %d; whole is %t", len(got), len(want), b.whole)
		}
	})

	t.Run("wherever_the_mark_lies_in_what_is_read_at_a_time", func(t *testing.T) {
		at := bytes.LastIndex(program, []byte(goInfoMagic+"\x08\x02"))
		for cut := at - 20; cut < at+60; cut += 19 {
			b, got := inPassing(t, io.MultiReader(bytes.NewReader(program[:cut]), bytes.NewReader(program[cut:])))
			if b.whole || len(got) != len(want) {
				t.Errorf("cut at %d: %d components instead of %d", cut-at, len(got), len(want))
			}
		}
	})

	t.Run("a_program_inside_another_is_not_taken_for_it", func(t *testing.T) {
		outer := elfWith(".dep", bytes.Repeat([]byte{0}, 1<<20))
		_, got := inPassing(t, bytes.NewReader(append(outer, program...)))
		if len(got) != 0 {
			t.Errorf("%d components of a program that is only carried along", len(got))
		}
	})

	t.Run("is_not_held_in_memory", func(t *testing.T) {
		l := layerOf(archiveOf(t, entry{name: "bin/big", body: string(program), mode: 0o755}))
		r := scannedWith(t, Options{Limits: Limits{Memory: 1, Disk: 1, FileInMemory: 1}}, l)
		expectComplete(t, r)
		if len(r.Components) != len(want) {
			t.Errorf("%d components instead of %d", len(r.Components), len(want))
		}
	})

	t.Run("Rust_is_read_whole_in_a_second_pass", func(t *testing.T) {
		body := elfWith(".dep-v0", deflated([]byte(`{"packages":[{"name":"a","version":"1"}]}`)))
		big := append(slices.Clone(body), make([]byte, wholeProgram)...)
		opened := 0
		l := layer(t, entry{name: "bin/big", body: string(big), mode: 0o755}, hardlink("bin/other", "bin/big"))
		open := l.Open
		l.Open = func(ctx context.Context) (io.ReadCloser, error) {
			opened++
			return open(ctx)
		}
		r := scanned(t, l)
		expect(t, r, "cargo a 1 @0 /bin/big")
		if opened != 2 {
			t.Errorf("opened %d times", opened)
		}
	})

	t.Run("build_information_that_is_cut_or_changed", func(t *testing.T) {
		at := bytes.LastIndex(program, []byte(goInfoMagic+"\x08\x02"))
		for _, change := range []func([]byte) []byte{
			func(b []byte) []byte { return b[:at+20] },
			func(b []byte) []byte { return b[:at+100] },
			func(b []byte) []byte { b[at+32] = 0xff; return b },
			func(b []byte) []byte { copy(b[at+33:], strings.Repeat("\xff", 300)); return b },
		} {
			_, got := inPassing(t, bytes.NewReader(change(bytes.Clone(program))))
			if len(got) > 1 {
				t.Errorf("%d components", len(got))
			}
		}
		b, _ := inPassing(t, bytes.NewReader(func() []byte { b := bytes.Clone(program); b[at+15] = 0; return b }()))
		if !b.whole {
			t.Error("build information of old Go is not read whole")
		}
	})
}

func FuzzBigProgram(f *testing.F) {
	f.Add([]byte(elfOfNames(3, 20, 0)))
	f.Add(elfWith(".go.buildinfo", []byte(goInfoMagic+"\x08\x02")))
	f.Add(elfWith(".dep-v0", deflated([]byte(`{"packages":[{"name":"a","version":"1"}]}`))))
	f.Fuzz(func(t *testing.T, b []byte) { inPassing(t, bytes.NewReader(b)) })
}
