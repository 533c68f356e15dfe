package distribution

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"syscall"
)

// A certificateRequest tells whether a server asked for a client certificate while a request waited for its connection.
// Under TLS 1.3 a server that does not like what it got just ends the connection.
type certificateRequest struct{ asked atomic.Bool }

type certificateRequestKey struct{}

func (r *certificateRequest) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, certificateRequestKey{}, r)
}

// explain says of a connection that broke off what the reason seems to be.
func (r *certificateRequest) explain(err error) error {
	broken := errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || strings.Contains(err.Error(), "http2: ")
	if !r.asked.Load() || !broken {
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
