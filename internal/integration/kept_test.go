package integration_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/secretref"
)

// elsewhere is where secrets are kept.
type elsewhere struct {
	mu      sync.Mutex
	held    map[string]string // by reference
	trusted map[string]string // for the operator's files only
	err     error
	looks   int
}

func (e *elsewhere) put(reference, value string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.held[reference] = value
}

func (e *elsewhere) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err = err
}

func (e *elsewhere) resolve(ctx context.Context, ref secretref.Reference, trusted bool) (secret.Text, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.looks++
	if err := ctx.Err(); err != nil {
		return secret.Text{}, err
	}
	if e.err != nil {
		return secret.Text{}, e.err
	}
	if value, ok := e.trusted[ref.String()]; ok && trusted {
		return secret.New(value), nil
	}
	value, ok := e.held[ref.String()]
	if !ok {
		return secret.Text{}, fault.New(fault.Unauthenticated, "read "+ref.String(), "it is not there").WithFix("Put it there.")
	}
	return secret.New(value), nil
}

func newElsewhere(t testing.TB, list ...integration.Type) (harness, *elsewhere) {
	e := &elsewhere{held: map[string]string{}, trusted: map[string]string{}}
	return newServiceWith(t, integration.Deps{References: e.resolve}, list...), e
}

const kept = "file:/secrets/password"

func (b harness) only(t testing.TB, ref string) integration.Candidate {
	t.Helper()
	found, err := b.Candidates(t.Context(), reference(t, ref))
	if err != nil || len(found) != 1 {
		t.Fatalf("%d candidates: %v", len(found), err)
	}
	return found[0]
}

// password is what the one candidate for registry.example signs in with.
func (b harness) password(t testing.TB, ctx context.Context) (string, error) {
	t.Helper()
	c := b.only(t, "registry.example/app:1")
	got, err := c.Source(ctx, reference(t, "registry.example/app:1")).Credential(ctx)
	return got.Password.Reveal(), err
}

func (b harness) wantPassword(t testing.TB, want string) {
	t.Helper()
	if got, err := b.password(t, t.Context()); err != nil || got != want {
		t.Errorf("it signs in with %q: %v, want %q", got, err, want)
	}
}

func TestReferences_are_looked_up_again_and_opened_only_when_they_differ(t *testing.T) {
	var opened atomic.Int32
	b, e := newElsewhere(t, counted(&opened))
	e.put(kept, "first")
	b.create(t, map[string]any{"plain.password": kept})
	b.wantPassword(t, "first")
	opens, looks := opened.Load(), e.looks
	for range 3 {
		b.wantPassword(t, "first")
	}
	if e.looks != looks {
		t.Errorf("%d more looks within a moment", e.looks-looks)
	}
	b.clock.Add(5)
	b.wantPassword(t, "first")
	if e.looks != looks+1 || opened.Load() != opens {
		t.Errorf("five seconds later: %d looks, opened %d times", e.looks-looks, opened.Load()-opens)
	}
	e.put(kept, "second")
	b.wantPassword(t, "first")
	b.clock.Add(5)
	b.wantPassword(t, "second")
	if opened.Load() != opens+1 {
		t.Errorf("opened %d times for one change", opened.Load()-opens)
	}
}

func TestReferences_are_looked_up_at_once_when_a_registry_refuses(t *testing.T) {
	r := newRegistry(t, "second")
	b, e := newElsewhere(t)
	e.put(kept, "first")
	b.create(t, map[string]any{"plain.password": kept, "plain.endpoint": r.URL})
	host := strings.TrimPrefix(r.URL, "http://")
	ref := reference(t, host+"/app:1")
	c := b.only(t, host+"/app:1")
	if got, err := c.Source(t.Context(), ref).Credential(t.Context()); err != nil || got.Password.Reveal() != "first" {
		t.Fatalf("got %q, %v", got.Password.Reveal(), err)
	}
	e.put(kept, "second")
	if err := distribution.New(distribution.Options{Now: b.now, Addresses: distribution.Addresses{Loopback: true}}).Ping(t.Context(), c.Source(t.Context(), ref)); err != nil {
		t.Errorf("the registry takes the new password, but: %v", err)
	}
}

func TestReferences_that_cannot_be_read_leave_a_candidate(t *testing.T) {
	b, e := newElsewhere(t)
	in := b.create(t, map[string]any{"plain.password": kept})
	_, err := b.password(t, t.Context())
	wantError(t, err, fault.Unauthenticated, "plain.password: read "+kept+": it is not there")
	if fault.FixOf(err) != "Put it there." {
		t.Errorf("the fix is %q", fault.FixOf(err))
	}
	if got := b.only(t, "registry.example/app:1").Reasons; strings.Join(got, ", ") != "host matches, has credentials, made by a person" {
		t.Errorf("reasons %v", got)
	}

	// Nobody is asked as somebody else.
	r := newRegistry(t, "")
	open := b.create(t, map[string]any{"name": "open", "plain.password": kept, "plain.endpoint": r.URL})
	d := b.draft(t, map[string]any{"name": "open", "plain.password": kept, "plain.endpoint": r.URL})
	d.ID = open.ID
	wantError(t, b.Test(t.Context(), d), fault.Invalid, "it is not there")
	if n := r.asked.Load(); n != 0 {
		t.Errorf("the registry was asked %d times without the secret", n)
	}

	e.put(kept, "there")
	b.clock.Add(5)
	b.wantPassword(t, "there")
	if err := b.Test(t.Context(), d); err != nil {
		t.Error(err)
	}
	if got := b.stored(t, in.ID).Config.Secret("password").Reveal(); got != kept {
		t.Errorf("%q is stored", got)
	}
}

func TestReferences_outlive_a_failing_source(t *testing.T) {
	b, e := newElsewhere(t)
	e.put(kept, "first")
	b.create(t, map[string]any{"plain.password": kept})
	b.wantPassword(t, "first")
	e.fail(fault.New(fault.Unavailable, "", "the API is down"))
	b.clock.Add(5)
	b.wantPassword(t, "first")
	e.fail(fault.New(fault.Unauthenticated, "", "it is gone"))
	b.clock.Add(5)
	_, err := b.password(t, t.Context())
	wantError(t, err, fault.Unauthenticated, "it is gone")
	e.fail(nil)
	b.clock.Add(5)
	b.wantPassword(t, "first")
}

func TestReferences_a_cancelled_look_is_nobody_elses(t *testing.T) {
	b, e := newElsewhere(t)
	e.put(kept, "first")
	b.create(t, map[string]any{"plain.password": kept})
	c := b.only(t, "registry.example/app:1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Ready(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	b.wantPassword(t, "first")
}

func TestReferences_concurrently(t *testing.T) {
	b, e := newElsewhere(t)
	e.put(kept, "0")
	b.create(t, map[string]any{"plain.password": kept})
	c := b.only(t, "registry.example/app:1")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				if _, err := c.Source(t.Context(), image.Reference{}).Credential(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 50 {
		e.put(kept, strings.Repeat("x", i+1))
		b.clock.Add(5)
	}
	wg.Wait()
}

func TestReferences_to_what_does_not_fit(t *testing.T) {
	b, e := newElsewhere(t)
	e.put(kept, "not-JSON-but-secret")
	settings := map[string]any{"accountId": "a1", "useIdentity": false, "serviceKey": kept, "robotAccount": map[string]any{"name": "r", "token": "t"}}
	b.create(t, map[string]any{"type": "fancy", "plain": nil, "fancyCloud": settings})
	c := b.only(t, "a1.north.fancy.example/app:1")
	_, err := c.Source(t.Context(), image.Reference{}).Credential(t.Context())
	wantError(t, err, fault.Invalid, "Valid JSON is required for service key")
	if strings.Contains(err.Error()+fault.FixOf(err), "not-JSON") {
		t.Errorf("the secret is shown: %v", err)
	}
	e.put(kept, `{"key":"good"}`)
	b.clock.Add(5)
	if _, err := c.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestReferences_how_secrets_are_written(t *testing.T) {
	b, e := newElsewhere(t)
	in := b.create(t, map[string]any{"plain.password": "value:" + kept})
	b.wantPassword(t, kept) // a value, and not what is read
	if got := b.types.Encode(in)["plain"].(map[string]any)["password"]; got != "******" {
		t.Errorf("a value is shown as %q", got)
	}
	e.put(kept, "env:NOT_FOLLOWED")
	if _, err := b.Replace(t.Context(), in.ID, b.draft(t, map[string]any{"plain.password": kept})); err != nil {
		t.Fatal(err)
	}
	b.wantPassword(t, "env:NOT_FOLLOWED")
	for _, written := range []string{"env:marked secret", "file:marked", "kubernetes:marked"} {
		_, err := b.Create(t.Context(), b.draft(t, map[string]any{"name": "two", "plain.password": written}))
		wantError(t, err, fault.Invalid, "'plain.password' is not a reference to a secret")
		if strings.Contains(err.Error()+fault.FixOf(err), "marked") {
			t.Errorf("what may be a secret is shown: %v", err)
		}
	}
	_, err := b.Create(t.Context(), b.draft(t, map[string]any{"name": "two", "plain.username": "", "plain.password": "value:"}))
	if err != nil {
		t.Errorf("an empty value is none, but: %v", err)
	}
}

// A file of the operator's may refer to anything; whoever tests what it describes may not have it sent elsewhere.
func TestReferences_of_a_files_integration_are_trusted(t *testing.T) {
	r := newRegistry(t, "of the operator")
	evil := newRegistry(t, "")
	b, e := newElsewhere(t)
	const secretFile = "file:/etc/secret"
	e.trusted[secretFile] = "of the operator"
	settings := map[string]any{"plain.password": secretFile, "plain.endpoint": r.URL}
	_, err := b.Create(t.Context(), b.draft(t, map[string]any{"name": "thief", "skipTestIntegration": false, "plain.password": secretFile, "plain.endpoint": evil.URL}))
	wantError(t, err, fault.Invalid, "it is not there")

	owned := b.draft(t, settings).Integration
	owned.ID, owned.Revision, owned.Owner = "owned", 1, integration.FileOwner("team.yaml")
	if err := b.store.CreateIntegration(t.Context(), owned); err != nil {
		t.Fatal(err)
	}
	test := func(settings map[string]any, updatePassword bool) error {
		d := b.draft(t, settings)
		d.ID = "owned"
		return b.TestUpdated(t.Context(), d, updatePassword)
	}
	for _, updatePassword := range []bool{false, true} {
		if err := test(settings, updatePassword); err != nil {
			t.Errorf("updatePassword %t: %v", updatePassword, err)
		}
		for _, password := range []string{"******", "", secretFile} {
			if err := test(map[string]any{"plain.password": password, "plain.endpoint": evil.URL}, updatePassword); err == nil && password != "" {
				t.Errorf("updatePassword %t: %q was tried elsewhere", updatePassword, password)
			}
		}
	}
	if _, err := b.Create(t.Context(), b.draft(t, map[string]any{"name": "file:x", "skipTestIntegration": true, "owner": "file:x", "plain.password": secretFile})); err != nil {
		t.Fatal(err)
	}
	_, err = b.password(t, t.Context())
	wantError(t, err, fault.Unauthenticated, "it is not there")
}
