package distribution

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"syscall"
	"time"
)

// metadataAddresses give out a machine's own cloud credentials, or lie on the link where such services are put.
var metadataAddresses = []netip.Prefix{
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("fd00:ec2::/32"),      // AWS
	netip.MustParsePrefix("fd20:ce::/32"),       // Google
	netip.MustParsePrefix("100.100.100.200/32"), // Alibaba
	netip.MustParsePrefix("168.63.129.16/32"),   // Azure
	netip.MustParsePrefix("192.0.0.192/32"),     // Oracle
}

// embedding are the IPv6 prefixes whose addresses hold an IPv4 address that a gateway may deliver to, from a byte on.
var embedding = []struct {
	prefix netip.Prefix
	from   int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},   // NAT64
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12}, // NAT64 of a site's own
	{netip.MustParsePrefix("2002::/16"), 2},       // 6to4
	{netip.MustParsePrefix("::/96"), 12},          // IPv4-compatible
}

// DenyMetadata refuses link-local addresses and those of cloud metadata services. Loopback and private networks are
// allowed, since registries live there.
func DenyMetadata(addr netip.Addr) error {
	addr = addr.Unmap().WithZone("")
	for _, e := range embedding {
		if e.prefix.Contains(addr) {
			b := addr.As16()
			addr = netip.AddrFrom4([4]byte(b[e.from:]))
			break
		}
	}
	for _, p := range metadataAddresses {
		if p.Contains(addr) {
			return fmt.Errorf("%s is a link-local address or a cloud's metadata service, which no registry has", addr)
		}
	}
	return nil
}

// addressError is an address that AllowAddress refuses.
type addressError struct{ cause error }

func (e *addressError) Error() string { return "connection not allowed: " + e.cause.Error() }
func (e *addressError) Unwrap() error { return e.cause }

// transports are the connection pools, one for each way to verify servers.
type transports struct {
	mu   sync.Mutex
	made map[trust]*http.Transport
	make func(*tls.Config) *http.Transport
}

// trust is how a server is verified and what it is shown.
type trust struct {
	config   *tls.Config
	insecure bool
	foreign  bool // a host other than the endpoint's: it gets its authorities, not its other settings
}

// maxTransports bounds how many pools stay open when endpoints keep coming with a tls.Config of their own.
const maxTransports = 64

func (t *transports) of(k trust) *http.Transport {
	if k.config == nil {
		k.foreign = false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if tr, ok := t.made[k]; ok {
		return tr
	}
	if t.made == nil {
		t.made = map[trust]*http.Transport{}
	}
	for other, tr := range t.made {
		if len(t.made) < maxTransports {
			break
		}
		delete(t.made, other)
		tr.CloseIdleConnections()
	}
	tr := t.make(k.tls())
	t.made[k] = tr
	return tr
}

// close ends all connections that nobody uses.
func (t *transports) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, tr := range t.made {
		tr.CloseIdleConnections()
	}
}

func (k trust) tls() *tls.Config {
	config := &tls.Config{}
	switch {
	case k.config != nil && k.foreign:
		config.RootCAs = k.config.RootCAs
	case k.config != nil:
		config = k.config.Clone()
	}
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	if k.insecure {
		config.InsecureSkipVerify = true
	}
	if config.GetClientCertificate == nil {
		config.GetClientCertificate = showCertificate(config.Certificates)
	}
	return config
}

func (c *Client) newTransport(config *tls.Config) *http.Transport {
	dialer := &net.Dialer{
		Timeout:   c.o.ConnectTimeout,
		KeepAlive: 30 * time.Second,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				return &addressError{err}
			}
			return c.allow(at.Addr())
		},
	}
	return &http.Transport{
		Proxy:                  c.o.Proxy,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    c.o.ConnectTimeout,
		ResponseHeaderTimeout:  c.o.HeaderTimeout,
		MaxResponseHeaderBytes: 256 << 10,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        90 * time.Second,
		ForceAttemptHTTP2:      true,
	}
}

func (c *Client) allow(addr netip.Addr) error {
	if err := c.o.AllowAddress(addr); err != nil {
		return &addressError{err}
	}
	return nil
}

// transport is the one for a URL that was reached from an endpoint: what the endpoint says about verification counts for
// its own host only.
func (c *Client) transport(e Endpoint, u *url.URL) http.RoundTripper {
	if c.o.Transport != nil {
		return c.o.Transport
	}
	own := originOf(e.url("")).host == originOf(u).host
	return c.transports.of(trust{config: e.TLS, insecure: e.Insecure && own, foreign: !own})
}
