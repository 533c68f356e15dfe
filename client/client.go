// Package client is the Go client of Landwaiter's REST API. Its errors are those of the server: a fault.Error with the
// same code, text and fix, or an assess.Unserved with every attempt.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 256 << 20

// Options need a URL. A token is used rather than a user and password.
type Options struct {
	URL       string // http:// or https://, with a path if the server is below one
	Token     secret.Text
	Username  string
	Password  secret.Text
	CAFile    string         // PEM, trusted besides the system's
	RootCAs   *x509.CertPool // instead of the system's
	Insecure  bool           // do not verify certificates, and send credentials over plain HTTP too
	UserAgent string
	Proxy     func(*http.Request) (*url.URL, error)
	// HTTPClient brings its own transport: CAFile, RootCAs and Proxy are then not used, nor is Insecure for certificates.
	HTTPClient *http.Client
}

// Client is safe for concurrent use.
type Client struct {
	base      *url.URL
	authorize func(*http.Request)
	agent     string
	http      *http.Client
}

// New checks the options; it sends nothing. Errors are fault.Invalid.
func New(o Options) (*Client, error) {
	base, err := parseURL(o.URL)
	if err != nil {
		return nil, err
	}
	c := &Client{base: base, agent: o.UserAgent, authorize: func(*http.Request) {}}
	switch {
	case o.Token.IsSet():
		c.authorize = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(o.Token.Reveal())) }
	case o.Password.IsSet():
		c.authorize = func(r *http.Request) { r.SetBasicAuth(o.Username, o.Password.Reveal()) }
	}
	if (o.Token.IsSet() || o.Password.IsSet()) && base.Scheme == "http" && !loopback(base.Hostname()) && !o.Insecure {
		return nil, fault.New(fault.Invalid, connect, "%s: credentials would cross the network in plain text", base.Redacted()).
			WithFix("use https://, or say that it may be insecure")
	}
	c.http = &http.Client{}
	if o.HTTPClient != nil {
		*c.http = *o.HTTPClient
	} else if c.http.Transport, err = transport(o); err != nil {
		return nil, err
	}
	c.http.Jar = nil
	c.http.CheckRedirect = c.redirect
	return c, nil
}

const connect = "connect to the server"

func parseURL(s string) (*url.URL, error) {
	invalid := func(why string) error {
		return fault.New(fault.Invalid, connect, "the server's URL %s", why).WithFix("write it as https://HOST:PORT, or http://127.0.0.1:8080")
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, invalid("cannot be read")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, invalid("must start with http:// or https://")
	case u.Hostname() == "":
		return nil, invalid("names no host")
	case u.User != nil:
		return nil, invalid("must not hold credentials")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, invalid("must end with its path")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

func transport(o Options) (*http.Transport, error) {
	t := &http.Transport{
		Proxy:                 o.Proxy,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: 5 * time.Second,
		IdleConnTimeout:       90 * time.Second,
		ForceAttemptHTTP2:     true,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs, InsecureSkipVerify: o.Insecure},
	}
	if o.CAFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(o.CAFile)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, connect, "read CA file", err)
	}
	pool := o.RootCAs
	if pool == nil {
		if pool, err = x509.SystemCertPool(); err != nil {
			pool = x509.NewCertPool()
		}
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fault.New(fault.Invalid, connect, "%s holds no PEM certificate", o.CAFile)
	}
	t.TLSClientConfig.RootCAs = pool
	return t, nil
}

// redirect follows within the server only: elsewhere, credentials and secrets in bodies would be given away.
func (c *Client) redirect(r *http.Request, via []*http.Request) error {
	if r.URL.Scheme != c.base.Scheme || r.URL.Host != c.base.Host {
		return fault.New(fault.Unavailable, connect, "it redirects to %s://%s", r.URL.Scheme, r.URL.Host).
			WithFix("give that URL if it is the right server")
	}
	if len(via) >= 5 {
		return fault.New(fault.Unavailable, connect, "it redirects in circles")
	}
	return nil
}

// A call is one request. in is sent as JSON; body is sent as it is.
type call struct {
	method, path string
	query        url.Values
	in           any
	body         io.Reader
	bodyType     string
	bodySize     int64
	out          any
	text         *[]byte               // instead of out: takes the answer as it is
	lines        func(io.Reader) error // reads an answer of one JSON value a line, while it comes
}

func (c *Client) do(ctx context.Context, k call) error {
	body, bodyType := k.body, k.bodyType
	if k.in != nil {
		b, err := json.Marshal(k.in)
		if err != nil {
			return fault.Wrap(fault.Invalid, k.method, k.path, err)
		}
		body, bodyType = bytes.NewReader(b), "application/json"
	}
	u := c.base.JoinPath(k.path)
	u.RawQuery = k.query.Encode()
	r, err := http.NewRequestWithContext(ctx, k.method, u.String(), body)
	if err != nil {
		return fault.Wrap(fault.Invalid, k.method, k.path, err)
	}
	if k.body != nil {
		r.ContentLength = k.bodySize
		r.Header.Set("Expect", "100-continue") // a refusal comes before a large body is sent
	}
	if bodyType != "" {
		r.Header.Set("Content-Type", bodyType)
	}
	r.Header.Set("Accept", "application/json")
	switch {
	case k.lines != nil:
		r.Header.Set("Accept", "application/x-ndjson")
	case k.text != nil:
		r.Header.Set("Accept", "*/*")
	}
	if c.agent != "" {
		r.Header.Set("User-Agent", c.agent)
	}
	c.authorize(r)
	answer, err := c.http.Do(r)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return c.decodeError(answer)
	}
	if k.lines != nil {
		return c.readLines(ctx, k, u, io.LimitReader(answer.Body, maxAnswer))
	}
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return c.unreachable(ctx, err)
	case len(b) > maxAnswer:
		return fault.New(fault.Unavailable, k.method+" "+u.Path, "the answer is larger than %d MiB", maxAnswer>>20)
	case k.text != nil:
		*k.text = b
		return nil
	case k.out == nil:
		return nil
	}
	if err := json.Unmarshal(b, k.out); err != nil {
		return c.notOurs(k, u)
	}
	return nil
}

func (c *Client) readLines(ctx context.Context, k call, u *url.URL, r io.Reader) error {
	err := k.lines(r)
	var syntax *json.SyntaxError
	var mistyped *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax), errors.As(err, &mistyped):
		return c.notOurs(k, u)
	}
	return c.unreachable(ctx, err)
}

func (c *Client) notOurs(k call, u *url.URL) error {
	return fault.New(fault.Unavailable, k.method+" "+u.Path, "the answer is not what Landwaiter sends").
		WithFix("check that %s is a Landwaiter server", c.base)
}
