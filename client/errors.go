package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
)

// maxError bounds what is read of an error body.
const maxError = 4 << 20

// unreachable words an error of the network or of TLS.
func (c *Client) unreachable(ctx context.Context, err error) error {
	var known *fault.Error
	if errors.As(err, &known) { // from redirect
		return known
	}
	if ctx.Err() != nil {
		return fault.Wrap(fault.Unavailable, connect, c.base.String(), ctx.Err())
	}
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	e := fault.Wrap(fault.Unavailable, connect, c.base.String(), err)
	var (
		authority   x509.UnknownAuthorityError
		certificate *tls.CertificateVerificationError
	)
	switch {
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return e.WithFix("the server speaks plain HTTP: write http://%s", c.base.Host)
	case errors.As(err, &authority):
		return e.WithFix("trust the CA that signed the server's certificate; a generated one is ca.crt in the server's data directory")
	case errors.As(err, &certificate):
		return e.WithFix("use a name that the server's certificate is for")
	}
	return e.WithFix("check the address, and that the server runs: %s/healthz answers without signing in", c.base)
}

// errorBody is the server's one error shape.
type errorBody struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Error   string `json:"error"`
	Details []struct {
		Fix       string           `json:"fix"`
		Reference string           `json:"reference"`
		Attempts  []assess.Attempt `json:"attempts"`
		RequestID string           `json:"requestId"`
	} `json:"details"`
}

// decodeError turns an error answer into the error that the server had.
func (c *Client) decodeError(answer *http.Response) error {
	raw, _ := io.ReadAll(io.LimitReader(answer.Body, maxError))
	var body errorBody
	if json.Unmarshal(raw, &body) != nil || body.Message == "" && body.Error == "" {
		return c.foreign(answer, raw)
	}
	e := &fault.Error{Code: codeOf(body.Code, answer.StatusCode), What: body.Message}
	if e.What == "" {
		e.What = body.Error
	}
	var unserved *assess.Unserved
	for _, d := range body.Details {
		if e.Fix == "" {
			e.Fix = d.Fix
		}
		if d.RequestID != "" {
			e.What += " (request " + d.RequestID + ")"
		}
		if len(d.Attempts) > 0 {
			unserved = &assess.Unserved{Reference: d.Reference, Attempts: d.Attempts}
		}
	}
	if unserved == nil {
		return e
	}
	for _, a := range unserved.Attempts {
		unserved.Errs = append(unserved.Errs, &fault.Error{Code: a.Code, What: a.Error, Fix: a.Fix})
	}
	return unserved
}

var codes = []fault.Code{
	fault.Invalid, fault.Unauthenticated, fault.Forbidden, fault.NotFound, fault.Conflict, fault.Limited, fault.Unavailable,
	fault.Internal,
}

func codeOf(grpc, status int) fault.Code {
	for _, c := range codes {
		if c.GRPC() == grpc {
			return c
		}
	}
	return fault.OfHTTPStatus(status)
}

// foreign words an answer that is not Landwaiter's: from a proxy in between, or another server.
func (c *Client) foreign(answer *http.Response, raw []byte) error {
	e := fault.New(fault.OfHTTPStatus(answer.StatusCode), connect, "%s: it answered %s", c.base, answer.Status)
	if strings.Contains(string(raw), "HTTP request to an HTTPS server") {
		return e.WithFix("the server speaks TLS: write https://%s", c.base.Host)
	}
	return e.WithFix("check that %s is a Landwaiter server", c.base)
}
