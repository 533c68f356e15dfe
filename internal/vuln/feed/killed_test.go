package feed

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// updateEnv makes the test's binary run one update of npm from SOURCE into DIR and end.
const updateEnv = "FEED_TEST_UPDATE"

func TestMain(m *testing.M) {
	if os.Getenv(updateEnv) == "" {
		os.Exit(m.Run())
	}
	_, err := Update(context.Background(), Options{
		Dir: os.Getenv("DIR"), Source: os.Getenv("SOURCE"), Ecosystems: []string{"npm"}, Transport: http.DefaultTransport, Now: time.Now,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// victim is a child process that can be killed once.
type victim struct {
	*exec.Cmd
	started chan struct{}
	once    sync.Once
}

func (v *victim) kill() {
	<-v.started // it may ask for something before Start has returned
	v.once.Do(func() { v.Process.Kill() })
}

func TestKilledAtAnyMoment(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	b := newBucket(t)
	b.publish("npm", big()...)
	s := newSite(t, b, "npm")
	s.update()

	// run lets an update go until a moment: the answer of so many bytes of the archive, or so long after its last one.
	run := func(bytes int, after time.Duration) (killed bool) {
		t.Helper()
		v := &victim{Cmd: exec.Command(program), started: make(chan struct{})}
		v.Env = append(os.Environ(), updateEnv+"=1", "DIR="+s.dir, "SOURCE="+b.URL)
		b.mu.Lock()
		b.answer["npm/all.zip"] = func(w http.ResponseWriter, r *http.Request) bool {
			if after > 0 {
				time.AfterFunc(after, v.kill)
				return false
			}
			w.(*recorder).pause = func(written int) {
				if written >= bytes {
					v.kill()
				}
			}
			return false
		}
		b.mu.Unlock()
		if err := v.Start(); err != nil {
			t.Fatal(err)
		}
		close(v.started)
		err := v.Wait()
		v.once.Do(func() {})
		if err != nil && v.ProcessState.ExitCode() != -1 {
			t.Fatalf("the update failed: %v", err)
		}
		return err != nil
	}
	before := "1.0.0"
	check := func(newer record) {
		t.Helper()
		if got := s.fixes(newer)["T-000"]; got != before && got != newer.fixed {
			t.Fatalf("after a kill the index says %q, which is neither %s nor %s", got, before, newer.fixed)
		}
	}
	type moment struct {
		bytes int
		after time.Duration
	}
	var moments []moment
	for n := 0; n < 500_000; n += 120_000 {
		moments = append(moments, moment{bytes: n})
	}
	for d := time.Millisecond; d < 400*time.Millisecond; d = 2*d + time.Millisecond {
		moments = append(moments, moment{after: d})
	}
	kills := 0
	for i, m := range moments {
		newer := big()
		for j := range newer {
			newer[j].modified, newer[j].fixed = fmt.Sprintf("2026-02-01T00:%02d:00Z", i), fmt.Sprintf("2.0.%d", i)
		}
		b.publish("npm", newer...)
		if run(m.bytes, m.after) {
			kills++
		}
		check(newer[0])
		b.mu.Lock()
		delete(b.answer, "npm/all.zip")
		b.mu.Unlock()
		s.update()
		s.wantFixes(map[string]string{"T-000": newer[0].fixed}, newer[0])
		before = newer[0].fixed
	}
	if kills < len(moments)/2 {
		t.Errorf("only %d of %d updates were killed before they ended", kills, len(moments))
	}
}
