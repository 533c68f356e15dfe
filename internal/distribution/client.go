package distribution

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/landwaiter/landwaiter/internal/image"
)

// DefaultPlatform is pulled when nobody asks for another one.
var DefaultPlatform = image.Platform{OS: "linux", Architecture: "amd64"}

// Options are all optional but Now.
type Options struct {
	UserAgent string
	Now       func() time.Time
	Jitter    func() float64    // in [0,1), spreads retries; nil for none
	Platform  image.Platform    // zero means DefaultPlatform
	Transport http.RoundTripper // tests only: replaces the network
	// Proxy is that of http.Transport, for endpoints without one of their own; nil for none. It is the operator's: where it
	// leads is not judged by Addresses.
	Proxy     func(*http.Request) (*url.URL, error)
	Addresses Addresses
	// Observe is called after each HTTP exchange, with a redacted URL. It must be quick and safe for concurrent use.
	Observe func(Exchange)
	// Limits; zero means the default.
	ConnectTimeout, HeaderTimeout, StepTimeout time.Duration // 5 s, 10 s, 30 s (whole small-body request)
	IdleTimeout                                time.Duration // 30 s without a byte of a blob
	MaxManifest, MaxConfig, MaxToken           int64         // 4 MiB, 8 MiB, 1 MiB
	MaxBlob                                    int64         // 64 GiB
	MaxAttempts                                int           // 4
	MaxRetryAfter                              time.Duration // 20 s; a longer Retry-After is not waited for: the error says when
}

func (o *Options) fill() {
	if o.Now == nil {
		panic("distribution: Options.Now is required")
	}
	orDefault(&o.UserAgent, "landwaiter")
	orDefault(&o.Platform, DefaultPlatform)
	orDefault(&o.ConnectTimeout, 5*time.Second)
	orDefault(&o.HeaderTimeout, 10*time.Second)
	orDefault(&o.StepTimeout, 30*time.Second)
	orDefault(&o.IdleTimeout, 30*time.Second)
	orDefault(&o.MaxManifest, image.MaxManifestBytes)
	orDefault(&o.MaxConfig, 8<<20)
	orDefault(&o.MaxToken, 1<<20)
	orDefault(&o.MaxBlob, 64<<30)
	orDefault(&o.MaxAttempts, 4)
	orDefault(&o.MaxRetryAfter, 20*time.Second)
	if o.Jitter == nil {
		o.Jitter = func() float64 { return 1 }
	}
	if o.Observe == nil {
		o.Observe = func(Exchange) {}
	}
}

func orDefault[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}

// A Kind says what a request is for.
type Kind string

const (
	KindChallenge Kind = "challenge" // a request without credentials that was answered with how to sign in
	KindToken     Kind = "token"
	KindManifest  Kind = "manifest"
	KindConfig    Kind = "config"
	KindBlob      Kind = "blob"
	KindPing      Kind = "ping"
	KindTags      Kind = "tags"
	KindReferrers Kind = "referrers"
	KindUpload    Kind = "upload"
)

// An Exchange is one HTTP request as it went over the wire.
type Exchange struct {
	Method, URL string // URL redacted: no user info, no query values that could be secrets
	Status      int    // 0 when no answer came
	Kind        Kind
	Duration    time.Duration // of a blob: until its first byte
	Err         error
}

// A Client talks to any number of registries and is safe for concurrent use. It keeps tokens, connections, and what it
// learnt about each registry; nothing of it is needed to be right, all of it may be forgotten.
type Client struct {
	o          Options
	transports transports
	tokens     *bounded[tokenKey, token]
	exchanges  singleflight.Group
	challenges *bounded[place, challenge]
	headless   *bounded[origin, bool] // origins that do not know HEAD
	unreferred *bounded[origin, bool] // origins that do not know the referrers API
	budgets    *bounded[Budget, *allowance]
	sleep      func(context.Context, time.Duration) error
}

// New makes a Client.
func New(o Options) *Client {
	o.fill()
	c := &Client{
		o:          o,
		tokens:     newBounded[tokenKey, token](1024),
		challenges: newBounded[place, challenge](4096),
		headless:   newBounded[origin, bool](1024),
		unreferred: newBounded[origin, bool](1024),
		budgets:    newBounded[Budget, *allowance](4096),
		transports: transports{now: o.Now, made: map[pool]*usedTransport{}},
		sleep:      sleep,
	}
	c.transports.make = c.newTransport
	return c
}

// Platform is what is pulled when nobody asks for another one.
func (c *Client) Platform() image.Platform { return c.o.Platform }
