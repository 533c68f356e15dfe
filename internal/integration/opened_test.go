package integration_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// counted is the plain type that counts how often it is opened.
func counted(opened *atomic.Int32) integration.Type {
	typ := plain()
	typ.Open = func(c integration.Config, d integration.Deps) (integration.Registry, error) {
		opened.Add(1)
		if c.Text("username") == "broken" {
			return nil, errors.New("cannot be opened")
		}
		return integration.OpenBasic(c, d)
	}
	return typ
}

func (b harness) names(t testing.TB, ref string) string {
	t.Helper()
	found, err := b.Candidates(t.Context(), reference(t, ref))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range found {
		names = append(names, c.Integration.Name)
	}
	return strings.Join(names, " ")
}

func TestServiceCandidates_follow_changes(t *testing.T) {
	b := newService(t)
	want := func(want string) {
		t.Helper()
		if got := b.names(t, "registry.example/app:1"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	want("")
	in := b.create(t, nil)
	want("one")
	b.create(t, map[string]any{"name": "elsewhere", "plain.endpoint": "other.example"})
	want("one")
	if _, err := b.Replace(t.Context(), in.ID, b.draft(t, map[string]any{"name": "renamed"})); err != nil {
		t.Fatal(err)
	}
	want("renamed")
	if err := b.Delete(t.Context(), in.ID); err != nil {
		t.Fatal(err)
	}
	want("")
}

func TestServiceCandidates_of_any_registry_shape(t *testing.T) {
	b := newService(t)
	b.create(t, map[string]any{"name": "port", "plain.endpoint": "registry.example:443"})
	b.create(t, map[string]any{"name": "plain-http", "plain.endpoint": "http://registry.example:80"})
	b.create(t, map[string]any{"name": "fancy", "type": "fancy", "plain": nil, "fancyCloud": map[string]any{"accountId": "a1"}})
	for ref, want := range map[string]string{
		"registry.example/app:1":         "plain-http port",
		"Registry.Example:443/app:1":     "port",
		"registry.example:80/app:1":      "plain-http",
		"a1.north.fancy.example/app:1":   "fancy",
		"a2.north.fancy.example/app:1":   "",
		"registry.example.evil.com/a:1":  "",
		"a1.north.fancy.example.x/app:1": "",
	} {
		if got := b.names(t, ref); got != want {
			t.Errorf("%s: got %q, want %q", ref, got, want)
		}
	}
}

func TestServiceCandidates_open_once_per_revision(t *testing.T) {
	var opened atomic.Int32
	b := newService(t, counted(&opened))
	in := b.create(t, nil)
	b.create(t, map[string]any{"name": "two"})
	opened.Store(0)
	for range 3 {
		b.names(t, "registry.example/app:1")
		b.clock.Add(10)
	}
	if got := opened.Load(); got != 2 {
		t.Errorf("opened %d times, want 2", got)
	}
	changed := b.stored(t, in.ID)
	changed.Revision++
	if err := b.store.UpdateIntegration(t.Context(), changed, in.Revision); err != nil {
		t.Fatal(err)
	}
	b.clock.Add(10)
	b.names(t, "registry.example/app:1")
	if got := opened.Load(); got != 3 {
		t.Errorf("opened %d times, want 3", got)
	}
}

func TestServiceCandidates_notice_what_another_server_stores(t *testing.T) {
	b := newService(t)
	b.names(t, "registry.example/app:1")
	lists := b.store.lists
	b.names(t, "registry.example/app:1")
	if b.store.lists != lists {
		t.Error("the store is asked for every reference")
	}
	other := b.draft(t, nil).Integration
	other.ID, other.Revision = "other", 1
	if err := b.store.CreateIntegration(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	b.clock.Add(1)
	if got := b.names(t, "registry.example/app:1"); got != "one" {
		t.Errorf("a second later it sees %q", got)
	}
}

func TestServiceCandidates_a_change_during_listing_is_not_lost(t *testing.T) {
	b := newService(t)
	in := b.create(t, nil)
	b.store.onList = func() {
		if err := b.Delete(context.Background(), in.ID); err != nil {
			t.Error(err)
		}
	}
	b.names(t, "registry.example/app:1")
	if got := b.names(t, "registry.example/app:1"); got != "" {
		t.Errorf("%q is deleted and still used", got)
	}
}

func TestServiceCandidates_leave_out_what_cannot_be_opened(t *testing.T) {
	var log bytes.Buffer
	store := newMemory()
	types := newTypes(t, counted(new(atomic.Int32)))
	now := func() time.Time { return time.Unix(1_700_000_000, 0) }
	s := integration.NewService(integration.ServiceOptions{
		Store: store, Types: types, Now: now, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	good := harness{types: types}.draft(t, nil).Integration
	good.ID, good.Name = "1", "good"
	broken, gone := good, good
	broken.ID, broken.Name, broken.Config = "2", "bad", good.Config.With("username", "broken")
	gone.ID, gone.Name, gone.Type = "3", "gone", "no-longer-there"
	for _, in := range []integration.Integration{good, broken, gone} {
		if err := store.CreateIntegration(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	found, err := s.Candidates(t.Context(), reference(t, "registry.example/app:1"))
	if err != nil || len(found) != 1 || found[0].Integration.Name != "good" {
		t.Errorf("got %v, %v", found, err)
	}
	for _, want := range []string{"integration=bad", "integration=gone", "cannot be opened"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, log.String())
		}
	}
}

func TestServiceCandidates_waiting_ends_with_the_context(t *testing.T) {
	b := newService(t)
	listing, release := make(chan struct{}), make(chan struct{})
	b.store.onList = func() { close(listing); <-release }
	done := make(chan error)
	go func() {
		_, err := b.Candidates(context.Background(), image.Reference{})
		done <- err
	}()
	<-listing
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Candidates(ctx, image.Reference{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestServiceCandidates_concurrently_with_changes(t *testing.T) {
	b := newService(t)
	b.create(t, nil)
	draft := b.draft(t, map[string]any{"plain.password": "******"})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				found, err := b.Candidates(t.Context(), image.Reference{Registry: "registry.example", Repository: "app", Tag: "1"})
				if err != nil || len(found) != 1 {
					t.Errorf("got %v, %v", found, err)
				}
			}
		})
	}
	for range 50 {
		if _, err := b.Replace(t.Context(), b.onlyID(), draft); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
}

func (b harness) onlyID() string {
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	for id := range b.store.byID {
		return id
	}
	return ""
}

func BenchmarkCandidates(b *testing.B) {
	const stored = 10_000
	for _, bm := range []struct {
		name     string
		endpoint func(i int) string
		ref      image.Reference
	}{
		{"10000 hosts", func(i int) string { return fmt.Sprintf("r%d.example", i) },
			image.Reference{Registry: "r77.example", Repository: "team/app", Tag: "1"}},
		{"100 on each of 100 hosts", func(i int) string { return fmt.Sprintf("r%d.example/team%d", i%100, i/100) },
			image.Reference{Registry: "r77.example", Repository: "team5/app", Tag: "1"}},
		{"10000 on one host", func(i int) string { return fmt.Sprintf("r.example/team%d", i) },
			image.Reference{Registry: "r.example", Repository: "team5/app", Tag: "1"}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			h := newService(b)
			for i := range stored {
				in := h.draft(b, map[string]any{"name": fmt.Sprint(i), "plain.endpoint": bm.endpoint(i)}).Integration
				in.ID, in.Revision = fmt.Sprint(i), 1
				if err := h.store.CreateIntegration(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				found, err := h.Candidates(b.Context(), bm.ref)
				if err != nil || len(found) == 0 {
					b.Fatal(found, err)
				}
			}
		})
	}
}
