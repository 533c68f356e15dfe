// Package distribution is the one client of the OCI Distribution protocol: ping, resolve, manifest, blob, tags, referrers,
// with token reuse, retries, bounds and errors that say what a registry answered. It knows no vendor.
package distribution

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// CONTRACT (temporary): signatures other packages rely on. Replace with real files.

// An Endpoint says how to reach one registry's API. Its origin (scheme, host, port) is the only one credentials go to,
// apart from the token realm that this origin names.
type Endpoint struct {
	Scheme   string      // "https" or "http"
	Host     string      // host[:port] that is dialled, e.g. registry-1.docker.io
	Path     string      // "" or "/prefix" that stands before /v2
	Insecure bool        // do not verify the server's certificate
	TLS      *tls.Config // nil for the defaults; later: CA bundle, client certificate
}

// ParseEndpoint reads an endpoint as people write it: with or without a scheme, upper-case host, a port, a path, trailing
// slashes, a trailing /v1 or /v2; docker.io and its aliases become registry-1.docker.io. Errors are fault.Invalid. Plain
// HTTP only when the text says http://.
func ParseEndpoint(s string, insecure bool) (Endpoint, error) { panic("contract") }

func (e Endpoint) String() string { panic("contract") } // scheme://host/path
// RegistryHost is the host as image references write it: docker.io for registry-1.docker.io; lower case; a default port
// (443 for https, 80 for http) dropped.
func (e Endpoint) RegistryHost() string { panic("contract") }

// A Credential is what signs a request in. The zero value is anonymous.
type Credential struct {
	Username      string
	Password      secret.Text
	IdentityToken secret.Text // an OAuth2 refresh token
	RegistryToken secret.Text // a bearer token to be sent as it is
	Expires       time.Time   // zero when it does not expire or nobody knows
}

func (c Credential) Anonymous() bool { panic("contract") }

// A Source is a registry with the way to sign in to it. Credential is asked once per cold token, and once more after a
// 401; it may be nil for anonymous.
type Source struct {
	Endpoint   Endpoint
	Credential func(ctx context.Context) (Credential, error)
}

type Options struct {
	UserAgent string
	Now       func() time.Time
	Transport http.RoundTripper // tests only: replaces the network
	// AllowAddress is asked after name resolution and before connecting, for every address, redirects and token realms
	// included. nil allows everything but link-local and cloud metadata addresses.
	AllowAddress func(netip.Addr) error
	// Observe is called after each HTTP exchange, with a redacted URL. It must be quick.
	Observe func(Exchange)
	// Limits; zero means the default.
	ConnectTimeout, HeaderTimeout, StepTimeout time.Duration // 5 s, 10 s, 30 s (whole small-body request)
	MaxManifest, MaxConfig, MaxToken           int64         // 4 MiB, 8 MiB, 1 MiB
	MaxAttempts                                int           // 4
	MaxRetryAfter                              time.Duration // 20 s; a longer Retry-After is not waited for: the error says when
}

// An Exchange is one HTTP request as it went over the wire.
type Exchange struct {
	Method, URL string // URL redacted: no user info, no query values that could be secrets
	Status      int    // 0 when no answer came
	Kind        string // "challenge", "token", "manifest", "config", "blob", "ping", "tags", "referrers"
	Duration    time.Duration
	Err         error
}

type Client struct{}

func New(o Options) *Client { panic("contract") }

// Resolved is what a reference points to now, by HEAD (or by GET where a registry refuses HEAD or omits the digest).
type Resolved struct {
	Digest    image.Digest
	MediaType string
	Size      int64
}

func (c *Client) Resolve(ctx context.Context, src Source, ref image.Reference) (Resolved, error) {
	panic("contract")
}

// Pulled is everything about an image but its layers, with every digest verified.
type Pulled struct {
	Digest   image.Digest // of the index if there is one, else of the manifest
	Index    *image.Manifest
	Manifest *image.Manifest
	Config   []byte // nil for schema 1
	Platform image.Platform
}

// Pull resolves and fetches. A zero platform means linux/amd64. known, if not nil, is an earlier answer for the same
// reference and platform: when the digest is unchanged it is returned as it is, after one HEAD. A non-image fails with
// fault.Invalid and says what it is.
func (c *Client) Pull(ctx context.Context, src Source, ref image.Reference, platform image.Platform, known *Pulled) (*Pulled, error) {
	panic("contract")
}

// Blob opens a layer. The reader fails at the end with fault.Invalid if the bytes are not those of the digest, and as
// soon as more than the descriptor's size has come. Redirects to another origin carry no credential.
func (c *Client) Blob(ctx context.Context, src Source, repository string, d image.Descriptor) (io.ReadCloser, error) {
	panic("contract")
}

// Ping proves that the endpoint is a registry and, if there is a credential, that it was accepted where the registry
// lets that be told: GET /v2/, the challenge, and a token for it.
func (c *Client) Ping(ctx context.Context, src Source) error { panic("contract") }

func (c *Client) Tags(ctx context.Context, src Source, repository string) ([]string, error) {
	panic("contract")
}
func (c *Client) Referrers(ctx context.Context, src Source, repository string, d image.Digest, artifactType string) ([]image.Descriptor, error) {
	panic("contract")
}

// An Error is what a registry or token service answered. It is wrapped in a fault.Error with the fitting code.
type Error struct {
	Method, URL string // redacted
	Status      int    // 0 when there was no HTTP answer
	Code        string // the registry's own, e.g. MANIFEST_UNKNOWN, DENIED, TOOMANYREQUESTS
	Message     string // the registry's own, bounded, control characters removed
	Temporary   bool   // trying again may help
	RetryAfter  time.Duration
	Err         error
}

func (e *Error) Error() string { panic("contract") }
