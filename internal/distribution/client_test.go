package distribution

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// testPassword must never turn up in an error.
const testPassword = "MARKED-SECRET-pa55/word+"

// bench is a client with what it did.
type bench struct {
	*Client
	t  testing.TB
	mu sync.Mutex

	exchanges []Exchange
	slept     []time.Duration
	now       time.Time
}

// newBench makes a client of this machine's servers.
func newBench(t testing.TB, o Options) *bench {
	o.Addresses.Loopback = true
	b := &bench{t: t, now: time.Now()}
	o.Now = func() time.Time {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.now
	}
	o.Observe = func(x Exchange) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.exchanges = append(b.exchanges, x)
	}
	b.Client = New(o)
	b.Client.sleep = func(ctx context.Context, d time.Duration) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.slept = append(b.slept, d)
		return ctx.Err()
	}
	return b
}

func (b *bench) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// did says what went over the wire since the last call: "HEAD challenge, GET token, HEAD manifest".
func (b *bench) did() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []string
	for _, x := range b.exchanges {
		list = append(list, x.Method+" "+string(x.Kind))
	}
	b.exchanges = nil
	return strings.Join(list, ", ")
}

func wantDid(t testing.TB, b *bench, want string) {
	t.Helper()
	if got := b.did(); got != want {
		t.Errorf("went over the wire:\n got %s\nwant %s", got, want)
	}
}

func source(t testing.TB, url string) Source {
	t.Helper()
	e, err := ParseEndpoint(url, false)
	if err != nil {
		t.Fatal(err)
	}
	return Source{Endpoint: e}
}

func with(src Source, c Credential) Source {
	src.Credential = func(context.Context) (Credential, error) { return c, nil }
	return src
}

func user(name, password string) Credential {
	return Credential{Username: name, Password: secret.New(password)}
}

func reference(t testing.TB, host, rest string) image.Reference {
	t.Helper()
	ref, err := image.ParseReference(host + "/" + rest)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// wantFault checks an error's code, that its text or fix holds certain words, and that nothing secret is in it.
func wantFault(t testing.TB, err error, code fault.Code, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that is %q", code)
	}
	if got := fault.CodeOf(err); got != code {
		t.Errorf("code is %q, want %q: %v", got, code, err)
	}
	text := err.Error() + "\nFix: " + fault.FixOf(err)
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("the error does not say %q:\n%s", w, text)
		}
	}
	if strings.Contains(text, "MARKED-SECRET") || strings.ContainsAny(text, "\x00\x1b\r") {
		t.Errorf("the error gives away a secret or holds control characters:\n%q", text)
	}
}

func answered(t testing.TB, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("no *Error in %v", err)
	}
	return e
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v\nFix: %s", err, fault.FixOf(err))
	}
}

// starter is an image that every test may pull.
func starter(t testing.TB, to registrytest.Target) image.Descriptor {
	t.Helper()
	return registrytest.Push(t, to, "team/app", "v1", registrytest.Image{})
}

// blockOnce holds the first request to a server up.
func blockOnce(once *sync.Once, entered, release chan struct{}) func(http.ResponseWriter, *http.Request) bool {
	return func(http.ResponseWriter, *http.Request) bool {
		once.Do(func() {
			close(entered)
			<-release
		})
		return false
	}
}
