package distribution

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/landwaiter/landwaiter/internal/secret"
)

// A Proxy is what the connections of one integration go through.
type Proxy struct {
	URL      *url.URL // http, https or socks5, without user info; nil connects directly
	Username string
	Password secret.Text
}

// secrets are the forms in which the password goes over the wire.
func (p *Proxy) secrets() []string {
	if p == nil {
		return nil
	}
	return Credential{Username: p.Username, Password: p.Password}.secrets()
}

// withUser is the URL as http.Transport wants it.
func (p *Proxy) withUser() *url.URL {
	if p.URL == nil || p.Username == "" {
		return p.URL
	}
	u := *p.URL
	u.User = url.UserPassword(p.Username, p.Password.Reveal())
	return &u
}

// proxyTo is the URL of the proxy on the way to u, nil for none. It may hold a password.
func (c *Client) proxyTo(via Connection, u *url.URL) (*url.URL, error) {
	switch {
	case via.Proxy != nil:
		return via.Proxy.withUser(), nil
	case c.o.Proxy == nil:
		return nil, nil
	}
	return c.o.Proxy(&http.Request{URL: u})
}

// A ProxyError is a connection that ended at the proxy.
type ProxyError struct {
	Proxy  string // host:port
	Status int    // of its answer to CONNECT; 0 if it was not reached
	Err    error  // why it was not reached, or what a SOCKS proxy says
}

func (e *ProxyError) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("the proxy %s answered %d %s", e.Proxy, e.Status, http.StatusText(e.Status))
	}
	if isSOCKS(e.Err) {
		return "the proxy " + e.Proxy + " gives no connection: " + e.Err.Error()
	}
	return "the proxy " + e.Proxy + " cannot be reached: " + e.Err.Error()
}

func (e *ProxyError) Unwrap() error { return e.Err }

// isSOCKS reports whether an error is the answer of a SOCKS proxy.
func isSOCKS(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && strings.HasPrefix(op.Op, "socks")
}

// Fix says what a person can do.
func (e *ProxyError) Fix() string {
	const which = " The proxy is the integration's own (connection.proxy), else that of the server (HTTPS_PROXY, HTTP_PROXY, NO_PROXY)."
	switch {
	case e.Status == http.StatusProxyAuthRequired, isSOCKS(e.Err) && strings.Contains(e.Err.Error(), "authentication"):
		return "The proxy wants a user name and a password that it knows." + which
	case e.Status != 0, isSOCKS(e.Err):
		return "The proxy does not let this host be reached, or does not reach it itself: ask its administrator to allow it." + which
	}
	return "Check the address of the proxy, and whether it is running." + which
}

func refusedConnect(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &ProxyError{Proxy: proxy.Host, Status: resp.StatusCode}
}

func proxyOfWay(req *http.Request) (*url.URL, error) { return wayOf(req.Context()).proxy, nil }
