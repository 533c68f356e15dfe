//go:build linux

package main

import (
	"archive/tar"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
)

// TestMemoryAndDisk measures the program itself: its memory is bounded whatever an image holds, and nothing is written.
func TestMemoryAndDisk(t *testing.T) {
	for _, test := range []struct {
		name   string
		write  func(*tar.Writer) error
		memory int64
	}{
		{"bomb", bomb(1 << 30), 64 << 20},
		{"many_files", manyFiles(20_000, 32<<10), memoryGoal},
		{"large_programs", manyPrograms(6), memoryGoal},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, _ := newTestBench(t)
			s := pushed(t, b, test.name, gzipMembers(), test.write)
			home := t.TempDir()
			u, err := measure(t.Context(), home, os.DevNull, b.tools[0].cold(s.ref, home))
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", u)
			if u.rss > test.memory {
				t.Errorf("%d MB of memory, at most %d wanted", u.rss>>20, test.memory>>20)
			}
			if u.written > writtenGoal {
				t.Errorf("%d KB written to disk", u.written>>10)
			}
		})
	}
}

// manyFiles resembles a Node.js application.
func manyFiles(count, size int) func(*tar.Writer) error {
	random := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, 0, size+16)
	for len(text) < size {
		text = fmt.Appendf(text, "%x ", random.Uint64()>>random.IntN(56))
	}
	text = text[:size]
	return func(w *tar.Writer) error {
		for i := range count {
			name, content := fmt.Sprintf("app/node_modules/p%d/f%d.js", i/20, i), text
			if i%20 == 0 {
				name, content = fmt.Sprintf("app/node_modules/p%d/package.json", i/20), fmt.Appendf(nil, `{"name": "p%d", "version": "1.0.0"}`, i/20)
			}
			if err := writeEntry(w, name, content); err != nil {
				return err
			}
		}
		return nil
	}
}

// manyPrograms are copies of a Go program, of which nobody knows that they are.
func manyPrograms(count int) func(*tar.Writer) error {
	return func(w *tar.Writer) error {
		path, err := landwaiter()
		if err != nil {
			return err
		}
		program, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i := range count {
			if err := writeEntry(w, fmt.Sprintf("usr/local/bin/program%d", i), program); err != nil {
				return err
			}
		}
		return nil
	}
}

// TestManyImagesAtOnce asks one server for all at once; each comes, and memory stays within its budget.
func TestManyImagesAtOnce(t *testing.T) {
	b, _ := newTestBench(t)
	references, err := b.pushCrowd(t.Context(), 24, manyFiles(500, 32<<10))
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.serveCrowd(t.Context(), references, len(references))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", c)
	if c.rss > crowdMemory {
		t.Errorf("%d MB of memory, at most %d wanted", c.rss>>20, int64(crowdMemory)>>20)
	}
}
