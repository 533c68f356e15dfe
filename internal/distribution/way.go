package distribution

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
)

// A way is how one request goes.
type way struct {
	pool
	proxy  *url.URL    // nil for a direct connection
	inside bool        // the registry was reached in a private network
	asked  atomic.Bool // the server asked for a client certificate while the request waited for its connection
}

type wayKey struct{}

func wayOf(ctx context.Context) *way {
	w, _ := ctx.Value(wayKey{}).(*way)
	return w
}

// way chooses the way to u, which the endpoint, or something that it answered, names. inside is what is known of the registry
// so far.
func (c *Client) way(e Endpoint, u *url.URL, inside bool) (*way, error) {
	own := e.owns(u)
	w := &way{pool: pool{trust: e.trust(), foreign: !own, outside: !own && !inside}, inside: inside}
	w.insecure = w.insecure && own
	var err error
	if w.proxy, err = c.proxyTo(e.Connection, u); err != nil {
		return nil, errors.New("the address of the proxy is malformed")
	}
	addr, written, err := writtenAddress(u.Hostname())
	if err == nil && written {
		err = c.o.Addresses.Allow(addr, w.outside)
	}
	if own {
		w.inside = written && isInside(addr)
	}
	return w, err
}

// noting notes where the registry's own host is, once that is known.
func (w *way) noting(ctx context.Context) context.Context {
	if w.foreign || w.proxy != nil {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		if at, err := netip.ParseAddrPort(got.Conn.RemoteAddr().String()); err == nil {
			w.inside = isInside(at.Addr())
		}
	}})
}

// send makes a request.
func (c *Client) send(req *http.Request, w *way) (*http.Response, error) {
	if c.o.Transport != nil {
		return c.o.Transport.RoundTrip(req)
	}
	p := w.pool
	p.proxied = w.proxy != nil
	resp, err := c.transports.of(p).RoundTrip(req.WithContext(context.WithValue(w.noting(req.Context()), wayKey{}, w)))
	if err != nil {
		return nil, w.explain(err)
	}
	return resp, nil
}

// explain says whom an error is about, and of a connection that broke off what the reason seems to be: under TLS 1.3 a server that does not like the client
// certificate that it got, or got none, just ends the connection.
func (w *way) explain(err error) error {
	if isSOCKS(err) {
		return &ProxyError{Proxy: w.proxy.Host, Err: err}
	}
	broken := errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || strings.Contains(err.Error(), "http2: ")
	if !w.asked.Load() || !broken {
		return err
	}
	return &certificateError{err}
}

// certificateError is a connection that the server ended after it had asked for a client certificate.
type certificateError struct{ cause error }

func (e *certificateError) Error() string {
	return e.cause.Error() + ", after the server had asked for a client certificate"
}
func (e *certificateError) Unwrap() error { return e.cause }
