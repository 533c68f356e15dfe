package distribution

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/landwaiter/landwaiter/internal/image"
)

// trust is how an endpoint is reached and verified. What is learnt from one counts for nobody who does it otherwise. The
// pointers are one integration's own.
type trust struct {
	config   *tls.Config
	insecure bool
	proxy    *Proxy
}

func (e Endpoint) trust() trust { return trust{config: e.TLS, insecure: e.Insecure, proxy: e.Proxy} }

// A pool is what must be the same for requests to share connections.
type pool struct {
	trust
	foreign bool // a host other than the endpoint's: it gets its authorities, not its other settings
	outside bool // a host that a registry outside of private networks names
	proxied bool
	signIn  bool // services of clouds, where an identity comes from
}

// close ends all connections that nobody uses.
func (t *transports) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, tr := range t.made {
		tr.CloseIdleConnections()
	}
}

// guard says what may be dialled. Where the operator's own proxy is, is not asked.
func (c *Client) guard(p pool) func(netip.Addr) error {
	switch {
	case p.proxied && p.proxy == nil, p.signIn && !p.proxied:
		return func(netip.Addr) error { return nil }
	case p.proxied:
		p.outside = false // it is the proxy that is dialled
	}
	return func(addr netip.Addr) error { return c.o.Addresses.Allow(addr, p.outside) }
}

func (p pool) tls() *tls.Config {
	config := &tls.Config{}
	switch {
	case p.config != nil && p.foreign:
		config.RootCAs = p.config.RootCAs
	case p.config != nil:
		config = p.config.Clone()
	}
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	if p.insecure {
		config.InsecureSkipVerify = true
	}
	if config.GetClientCertificate == nil {
		config.GetClientCertificate = showCertificate(config.Certificates)
	}
	return config
}

// idleTime is how long a connection is kept that nobody uses.
const idleTime = 90 * time.Second

func (c *Client) newTransport(p pool) *http.Transport {
	guard := c.guard(p)
	dialer := &net.Dialer{
		Timeout:   c.o.ConnectTimeout,
		KeepAlive: 30 * time.Second,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			return guard(at.Addr())
		},
	}
	t := &http.Transport{
		Proxy:                  proxyOfWay,
		OnProxyConnectResponse: refusedConnect,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        p.tls(),
		TLSHandshakeTimeout:    c.o.ConnectTimeout,
		ResponseHeaderTimeout:  c.o.HeaderTimeout,
		MaxResponseHeaderBytes: 256 << 10,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        idleTime,
		ForceAttemptHTTP2:      true,
	}
	if p.proxied {
		t.DialContext = toProxy(dialer.DialContext)
		// A proxy that speaks TLS is verified as any other host is, and shown no client certificate.
		secure := &tls.Dialer{NetDialer: dialer, Config: pool{trust: trust{config: p.config}, foreign: true}.tls()}
		t.DialTLSContext = toProxy(func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, c.o.ConnectTimeout)
			defer cancel()
			return secure.DialContext(ctx, network, address)
		})
	}
	return t
}

type dial = func(ctx context.Context, network, address string) (net.Conn, error)

func toProxy(next dial) dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := next(ctx, network, address)
		if err != nil {
			return nil, &ProxyError{Proxy: address, Err: err}
		}
		return conn, nil
	}
}

// transports are the pools of connections.
type transports struct {
	now  func() time.Time
	make func(pool) *http.Transport

	mu   sync.Mutex
	made map[pool]*usedTransport
}

type usedTransport struct {
	*http.Transport
	at time.Time
}

// maxTransports is enough for some hundred integrations with settings of their own, which have up to three pools each. Those
// that were not used for longer than idleTime hold no connections and are dropped at no loss.
const maxTransports = 1024

func (t *transports) of(p pool) *http.Transport {
	if p.config == nil {
		p.foreign = false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if tr, ok := t.made[p]; ok {
		tr.at = now
		return tr.Transport
	}
	var longest pool
	for other, tr := range t.made {
		switch {
		case now.Sub(tr.at) > 2*idleTime:
			t.drop(other)
		case t.made[longest] == nil || tr.at.Before(t.made[longest].at):
			longest = other
		}
	}
	if len(t.made) >= maxTransports {
		t.drop(longest)
	}
	tr := t.make(p)
	t.made[p] = &usedTransport{tr, now}
	return tr
}

func (t *transports) drop(p pool) {
	t.made[p].CloseIdleConnections()
	delete(t.made, p)
}

// SignIn reaches the services at which clouds give out identities and credentials, with the authorities and the proxy of a
// connection. Those that serve a machine its own identity lie on its link, and are never reached through a proxy; so no
// setting of an integration may choose a host that is asked with that identity.
func (c *Client) SignIn(via Connection) http.RoundTripper { return signInTransport{c, via} }

type signInTransport struct {
	c   *Client
	via Connection
}

func (t signInTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	w := &way{pool: pool{trust: trust{config: t.via.TLS, proxy: t.via.Proxy}, foreign: true, signIn: true}}
	if !onMachine(req.URL.Hostname()) {
		var err error
		if w.proxy, err = t.c.proxyTo(t.via, req.URL); err != nil {
			return nil, err
		}
	}
	return t.c.send(req, w)
}

// Files reaches a file server that an operator names, and what it redirects to, as a registry is reached: a server outside of
// private networks may not lead into one.
func (c *Client) Files(home Endpoint) http.RoundTripper { return &filesTransport{c: c, home: home} }

type filesTransport struct {
	c      *Client
	home   Endpoint
	inside atomic.Bool // home was reached in a private network
}

func (t *filesTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	w, err := t.c.way(t.home, req.URL, t.inside.Load())
	if err != nil {
		return nil, err
	}
	resp, err := t.c.send(req, w)
	if w.inside {
		t.inside.Store(true)
	}
	return resp, err
}

// onMachine reports whether a host is this machine or serves it alone.
func onMachine(host string) bool {
	addr, err := netip.ParseAddr(host)
	return image.OnLoopback(host) || host == "metadata.google.internal" || err == nil && IsMetadata(addr)
}
