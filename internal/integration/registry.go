package integration

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/secretref"
)

// Deps is what an opened registry may use.
type Deps struct {
	Now func() time.Time
	// Jitter returns numbers from 0 up to 1; nil stands for 0.
	Jitter func() float64
	// SignIn makes HTTP for an integration that is reached in a way of its own. nil leaves HTTP as it is.
	SignIn func(distribution.Connection) http.RoundTripper
	// HTTP reaches the sign-in services of clouds. Link-local addresses are allowed, since a machine's own identity is served
	// there, so a type must not let a setting choose the host that it asks with that identity. nil stands for
	// http.DefaultTransport.
	HTTP http.RoundTripper
	// References looks up what references to secrets refer to; secretref.Resolver.Resolve is meant. trusted says that a file of
	// the operator's owns the integration. nil looks nothing up.
	References func(ctx context.Context, ref secretref.Reference, trusted bool) (secret.Text, error)
	// Identity is the identity of this machine or pod, as environment variables name it to the clouds' SDKs. It is asked only
	// by types that sign in with it. nil stands for no variables.
	Identity func(name string) string
}

// Transport is HTTP, or what stands for it.
func (d Deps) Transport() http.RoundTripper {
	if d.HTTP == nil {
		return http.DefaultTransport
	}
	return d.HTTP
}

// maxAnswer is far more than sign-in services answer with.
const maxAnswer = 64 << 10

// Ask sends a request to a sign-in service, once, and reads the answer. No redirect is followed, since what is sent is secret.
func (d Deps) Ask(req *http.Request) (status int, body []byte, err error) {
	resp, err := d.Transport().RoundTrip(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, body, err
}

// Variable is one of Identity.
func (d Deps) Variable(name string) string {
	if d.Identity == nil {
		return ""
	}
	return d.Identity(name)
}

// A Registry is an opened integration: where it applies and how to sign in. It may also have these methods:
//
//   - Host() string: the one registry host it can ever serve, as distribution.Endpoint.RegistryHost writes it. A registry
//     without it is asked about every image.
//   - Anonymous() bool: whether it signs in at all. One without it is anonymous when no secret is stored for it.
type Registry interface {
	// Serves is pure.
	Serves(ref image.Reference) bool
	// Endpoint is where the API for ref is. A path in the setting is a repository prefix when ref's repository lies below
	// it, and the base path of the API otherwise. The zero reference asks for the endpoint as configured.
	Endpoint(ref image.Reference) distribution.Endpoint
	// Credential may call a cloud; it is asked only when a token is needed.
	Credential(ctx context.Context, ref image.Reference) (distribution.Credential, error)
}

// AtOneHost is the registry at one endpoint.
type AtOneHost interface {
	Registry
	Host() string
	Anonymous() bool
}

// Basic is the registry at one endpoint with one user name and password; both empty is anonymous.
func Basic(endpoint distribution.Endpoint, username string, password secret.Text) AtOneHost {
	claims, _ := distribution.ClaimsOf(password)
	return Fixed(endpoint, distribution.Credential{Username: username, Password: password, Expires: claims.Expires})
}

// Fixed is the registry at one endpoint with one credential.
func Fixed(endpoint distribution.Endpoint, credential distribution.Credential) AtOneHost {
	return &basic{endpoint: endpoint, host: endpoint.RegistryHost(), credential: credential}
}

// OpenBasic is the Open of every type whose settings are called endpoint, username, password and insecure, the last three
// if declared.
func OpenBasic(c Config, _ Deps) (Registry, error) {
	endpoint, err := distribution.ParseEndpoint(c.Text("endpoint"), c.On("insecure"))
	if err != nil {
		return nil, err
	}
	return Basic(endpoint, c.Text("username"), c.Secret("password")), nil
}

type basic struct {
	endpoint   distribution.Endpoint
	host       string
	credential distribution.Credential
}

func (b *basic) Host() string    { return b.host }
func (b *basic) Anonymous() bool { return b.credential.Anonymous() }

func (b *basic) Serves(ref image.Reference) bool {
	return sameHost(b.host, b.endpoint.Scheme, ref.Registry)
}

func (b *basic) Endpoint(ref image.Reference) distribution.Endpoint {
	endpoint := b.endpoint
	if repositoryPrefix(endpoint, ref.Repository) != "" {
		endpoint.Path = ""
	}
	return endpoint
}

func (b *basic) Credential(context.Context, image.Reference) (distribution.Credential, error) {
	return b.credential, nil
}

// Leased is the registry at one endpoint that is signed in to with what fetch lends.
func Leased(endpoint distribution.Endpoint, deps Deps, fetch func(context.Context) (distribution.Credential, error)) AtOneHost {
	return &leased{&basic{endpoint: endpoint, host: endpoint.RegistryHost()}, NewLease(deps, fetch)}
}

type leased struct {
	*basic
	lease *Lease
}

func (l *leased) Anonymous() bool { return false }

func (l *leased) Credential(ctx context.Context, _ image.Reference) (distribution.Credential, error) {
	return l.lease.Credential(ctx)
}

// sameHost compares a registry host with the host of a reference, whose case and default port do not matter.
func sameHost(host, scheme, referenced string) bool {
	if strings.EqualFold(host, referenced) {
		return true
	}
	port := defaultPort(scheme)
	return len(referenced) == len(host)+len(port) && strings.HasSuffix(referenced, port) &&
		strings.EqualFold(host, referenced[:len(host)])
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return ":80"
	}
	return ":443"
}

// repositoryPrefix is the endpoint's path without slashes if the repository is that path or lies below it, else "".
func repositoryPrefix(endpoint distribution.Endpoint, repository string) string {
	prefix := strings.Trim(endpoint.Path, "/")
	if rest, ok := strings.CutPrefix(repository, prefix); ok && (rest == "" || rest[0] == '/') {
		return prefix
	}
	return ""
}
