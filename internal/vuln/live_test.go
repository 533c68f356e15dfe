package vuln

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

func itoa(i int) string { return strconv.Itoa(i) }

func TestLive(t *testing.T) {
	dir := t.TempDir()
	l, err := OpenLive(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	x, release := l.Acquire()
	if !x.Empty() {
		t.Error("there is an index before the first import")
	}
	release()

	source := func(fix string) string {
		return writeFiles(t, map[string]string{"1.json": osv("T-1", "npm", "a", below(fix))})
	}
	mustImport(t, dir, source("2.0.0"))
	old, releaseOld := l.Acquire()
	mustImport(t, dir, source("3.0.0"))
	fresh, releaseFresh := l.Acquire()
	for _, c := range []struct {
		x    *Index
		want string
	}{{old, "2.0.0"}, {fresh, "3.0.0"}} {
		if found := match(t, c.x, Package{"npm", "a", "1.0.0", ""}); len(found) != 1 || found[0].FixedVersion != c.want {
			t.Errorf("got %+v, want %s", found, c.want)
		}
	}
	again, releaseAgain := l.Acquire()
	if again != fresh {
		t.Error("an unchanged index was opened again")
	}
	releaseOld()
	releaseOld()
	if _, err := old.Match(context.Background(), Package{"npm", "a", "1.0.0", ""}); err == nil {
		t.Error("the replaced index is still open after its last user")
	}
	releaseFresh()
	releaseAgain()

	t.Run("a_damaged_file_does_not_take_the_good_index_away", func(t *testing.T) {
		broken := filepath.Join(dir, "broken")
		if err := os.WriteFile(broken, []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(broken, filepath.Join(dir, indexName)); err != nil {
			t.Fatal(err)
		}
		x, release := l.Acquire()
		defer release()
		if len(match(t, x, Package{"npm", "a", "1.0.0", ""})) != 1 || l.Err() == nil {
			t.Error("no index, or no error", l.Err())
		}
		if _, err := OpenLive(dir); err == nil {
			t.Error("a damaged file opens")
		}
	})
	t.Run("a_removed_file_is_no_index", func(t *testing.T) {
		if err := os.Remove(filepath.Join(dir, indexName)); err != nil {
			t.Fatal(err)
		}
		x, release := l.Acquire()
		defer release()
		if !x.Empty() || l.Err() != nil {
			t.Error("there is still one", l.Err())
		}
	})
}

// TestReplacedUnderReaders has readers match while imports replace the index: each sees one whole index.
func TestReplacedUnderReaders(t *testing.T) {
	dir := t.TempDir()
	source := func(n int) string {
		files := map[string]string{}
		for i := range 40 {
			files[fmt.Sprintf("%d.json", i)] = osv(fmt.Sprintf("T-%d", i), "npm", "a", below(fmt.Sprintf("2.0.%d", n)))
		}
		return writeFiles(t, files)
	}
	sources := []string{source(0), source(1), source(2)}
	mustImport(t, dir, sources[0])
	l, err := OpenLive(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var done atomic.Bool
	var seen [3]atomic.Int64
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for !done.Load() {
				x, release := l.Acquire()
				found, err := x.Match(context.Background(), Package{"npm", "a", "1.0.0", ""})
				if err != nil || len(found) != 40 {
					t.Errorf("%d found, %v", len(found), err)
				}
				for _, v := range found {
					if v.FixedVersion != found[0].FixedVersion {
						t.Errorf("%s beside %s", v.FixedVersion, found[0].FixedVersion)
					}
				}
				if len(found) > 0 {
					seen[found[0].FixedVersion[4]-'0'].Add(1)
				}
				release()
			}
		})
	}
	for round := 1; round < 10; round++ {
		if _, err := Import(context.Background(), dir, sources[round%3], ImportOptions{Now: now}); err != nil {
			t.Error(err)
		}
	}
	done.Store(true)
	readers.Wait()
	if seen[0].Load() == 0 || seen[1].Load()+seen[2].Load() == 0 {
		t.Errorf("the readers saw %d, %d, %d", seen[0].Load(), seen[1].Load(), seen[2].Load())
	}
}
