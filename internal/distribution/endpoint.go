package distribution

import (
	"crypto/tls"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

// An Endpoint says how to reach one registry's API. Its origin (scheme, host, port) is the only one credentials go to,
// apart from the token realm that this origin names, which may be on any host, as Docker Hub's is, but must be https if the
// origin is.
type Endpoint struct {
	Scheme   string // "https" or "http"
	Host     string // host[:port] that is dialled, e.g. registry-1.docker.io
	Path     string // "" or "/prefix" that stands before /v2
	Insecure bool   // do not verify the certificate of this host; other hosts' certificates are verified all the same
	Connection

	// SignInFirst is for servers that may serve anybody and then never ask for a credential: one that there is goes with the
	// first request, as a token of the server's own token service at /v2/token, else as user name and password.
	SignInFirst bool
}

// A Connection is how the hosts of one registry are reached: its own, those that it names, and those where its credentials
// come from. The zero value is the client's way. Connections are only kept for those with the same pointers.
type Connection struct {
	TLS    *tls.Config // nil for the defaults; its client certificate goes to the endpoint's own host only
	Proxy  *Proxy      // nil for Options.Proxy
	Budget Budget
}

// dockerHubAPI serves the registry that image references call docker.io.
const dockerHubAPI = "registry-1.docker.io"

const maxEndpoint = 2048

var (
	schemePattern  = regexp.MustCompile(`^([a-zA-Z][a-zA-Z0-9+.-]*)://`)
	labelPattern   = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$`)
	segmentPattern = regexp.MustCompile(`^[A-Za-z0-9._~+-]+$`)
)

// ParseEndpoint reads an endpoint as people write it: with or without a scheme, upper-case host, a port, a path, trailing
// slashes, a trailing /v1 or /v2; docker.io and its aliases become registry-1.docker.io, a default port is dropped. Errors
// are fault.Invalid. Plain HTTP only when the text says http://.
func ParseEndpoint(s string, insecure bool) (Endpoint, error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return Endpoint{}, endpointError("an endpoint is required").WithFix("Write the registry's host, for example registry.example.com or registry.example.com:5000.")
	case len(s) > maxEndpoint:
		return Endpoint{}, endpointError("the endpoint is longer than %d characters", maxEndpoint)
	case strings.Contains(s, "@"):
		return Endpoint{}, endpointError("the endpoint contains an '@'").WithFix("Leave user name and password out of the endpoint: they have fields of their own.")
	case strings.ContainsAny(s, "?#"):
		return Endpoint{}, endpointError("the endpoint contains a query or a fragment").WithFix("Leave out what follows the '?' or '#'.")
	}
	e := Endpoint{Scheme: "https", Insecure: insecure}
	rest := s
	if m := schemePattern.FindStringSubmatch(s); m != nil {
		e.Scheme, rest = strings.ToLower(m[1]), s[len(m[0]):]
	}
	if e.Scheme != "https" && e.Scheme != "http" {
		return Endpoint{}, endpointError("%q is not a registry's scheme", e.Scheme).WithFix("Begin with https:// or http://, or leave the scheme out.")
	}
	authority, path, _ := strings.Cut(rest, "/")
	host, err := parseHost(authority, e.Scheme)
	if err != nil {
		return Endpoint{}, err
	}
	if e.Path, err = parsePath(path); err != nil {
		return Endpoint{}, err
	}
	if isDockerHub(host) {
		host = dockerHubAPI
	}
	e.Host = host
	return e, nil
}

func endpointError(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "parse endpoint", format, args...)
}

// parseHost normalises host[:port]: lower case, no trailing dot, no default port.
func parseHost(authority, scheme string) (string, error) {
	if authority == "" {
		return "", endpointError("the endpoint has no host").WithFix("Write the registry's host, for example registry.example.com.")
	}
	host, port := authority, ""
	switch {
	case strings.HasPrefix(authority, "["):
		inner, after, closed := strings.Cut(authority[1:], "]")
		addr, err := netip.ParseAddr(inner)
		if !closed || err != nil || !addr.Is6() || addr.Zone() != "" || (after != "" && after[0] != ':') {
			return "", endpointError("%q is not an IPv6 address in brackets", authority)
		}
		host, port = "["+addr.String()+"]", strings.TrimPrefix(after, ":")
		if after == ":" {
			return "", endpointError("the port is missing after the ':'")
		}
	case strings.Count(authority, ":") > 1:
		fix := "Write host or host:port."
		if _, err := netip.ParseAddr(authority); err == nil {
			fix = "Write an IPv6 address in brackets: [" + authority + "]."
		}
		return "", endpointError("%q has more than one ':'", authority).WithFix("%s", fix)
	default:
		var hasPort bool
		host, port, hasPort = strings.Cut(authority, ":")
		if hasPort && port == "" {
			return "", endpointError("the port is missing after the ':'")
		}
		host = strings.ToLower(strings.TrimSuffix(host, "."))
		if !validName(host) {
			return "", endpointError("%q is not a host name", host).WithFix("A host name has letters, digits, '-' and '.'; write other alphabets in their ASCII form (xn--...).")
		}
	}
	if port == "" {
		return host, nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", endpointError("%q is not a port", port).WithFix("A port is a number from 1 to 65535.")
	}
	return withoutDefaultPort(host+":"+strconv.FormatUint(n, 10), scheme), nil
}

func validName(host string) bool {
	if host == "" || len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if !labelPattern.MatchString(label) {
			return false
		}
	}
	return true
}

// parsePath returns "" or "/a/b", without the API's version at its end.
func parsePath(path string) (string, error) {
	var segments []string
	for segment := range strings.SplitSeq(path, "/") {
		switch {
		case segment == "":
		case segment == "." || segment == ".." || !segmentPattern.MatchString(segment):
			return "", endpointError("the path part %q is not allowed", segment)
		default:
			segments = append(segments, segment)
		}
	}
	if n := len(segments); n > 0 && (segments[n-1] == "v1" || segments[n-1] == "v2") {
		segments = segments[:n-1]
	}
	if len(segments) == 0 {
		return "", nil
	}
	return "/" + strings.Join(segments, "/"), nil
}

func isDockerHub(host string) bool {
	return host == image.DockerHub || host == "index.docker.io" || host == dockerHubAPI
}

func withoutDefaultPort(host, scheme string) string {
	if scheme == "http" {
		return strings.TrimSuffix(host, ":80")
	}
	return strings.TrimSuffix(host, ":443")
}

// String is scheme://host/path, which ParseEndpoint reads back.
func (e Endpoint) String() string { return e.Scheme + "://" + e.Host + e.Path }

// RegistryHost is the host as image references write it: docker.io for registry-1.docker.io; lower case; a default port
// (443 for https, 80 for http) dropped.
func (e Endpoint) RegistryHost() string {
	host := withoutDefaultPort(strings.ToLower(e.Host), e.Scheme)
	if isDockerHub(host) {
		return image.DockerHub
	}
	return host
}

// owns reports whether a URL is at the endpoint's host, whatever the port.
func (e Endpoint) owns(u *url.URL) bool { return originOf(e.url("")).host == originOf(u).host }

// url is the address of a part of the API.
func (e Endpoint) url(path string) *url.URL {
	return &url.URL{Scheme: e.Scheme, Host: e.Host, Path: e.Path + "/v2/" + path}
}

// at is the address of a part of the API, or of anything else at the host where path is a whole one, with a query or without.
func (e Endpoint) at(path string) (*url.URL, error) {
	u := e.url(path)
	if strings.HasPrefix(path, "/") {
		whole, err := url.Parse(path)
		if err != nil || whole.Host != "" || whole.Scheme != "" {
			return nil, fault.New(fault.Invalid, "look at registry", "%q is not a path", clean(path, 200))
		}
		u.Path, u.RawPath, u.RawQuery = whole.Path, whole.RawPath, whole.RawQuery
	}
	return u, nil
}

// dialled is e in the form that is safe to dial and compare, however it was made.
func (e Endpoint) dialled() (Endpoint, error) {
	if e.Scheme == "" {
		e.Scheme = "https"
	}
	clean, err := ParseEndpoint(e.String(), e.Insecure)
	clean.Connection, clean.SignInFirst = e.Connection, e.SignInFirst
	return clean, err
}

// An origin is what credentials are bound to.
type origin struct{ scheme, host, port string }

func originOf(u *url.URL) origin {
	o := origin{strings.ToLower(u.Scheme), strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), u.Port()}
	if o.port == "" {
		o.port = "443"
		if o.scheme == "http" {
			o.port = "80"
		}
	}
	return o
}
