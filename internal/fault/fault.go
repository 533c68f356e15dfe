// Package fault is the one vocabulary of errors: a code that maps to HTTP, gRPC and exit status, what was attempted on
// what, the cause, and what a person can do next. It holds no domain knowledge.
package fault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// A Code says what kind of failure an error is.
type Code string

const (
	Invalid         Code = "invalid"         // the request is malformed or breaks a rule
	Unauthenticated Code = "unauthenticated" // credentials are missing or wrong
	Forbidden       Code = "forbidden"       // the credentials are good but do not allow it
	NotFound        Code = "not found"       // the thing does not exist, or may not be seen
	Conflict        Code = "conflict"        // it clashes with something that exists or changed meanwhile
	Limited         Code = "limited"         // a rate limit or quota is used up
	Unavailable     Code = "unavailable"     // the other side cannot be reached or is failing; trying again may help
	Internal        Code = "internal"        // a defect or a broken installation
)

// An Error reads "operation: what: cause". Fix is a sentence that tells a person what to do next; it is shown beside the
// error, not inside it. Name is a stable word for a failure that is known, good for looking up.
type Error struct {
	Code Code
	Op   string
	What string
	Name string
	Fix  string
	Err  error
}

// New makes an Error without a cause.
func New(code Code, op, format string, args ...any) *Error {
	return &Error{Code: code, Op: op, What: fmt.Sprintf(format, args...)}
}

// Wrap makes an Error around a cause and keeps the cause's fix.
func Wrap(code Code, op, what string, err error) *Error {
	return &Error{Code: code, Op: op, What: what, Fix: FixOf(err), Err: err}
}

// WithFix returns a copy of e that tells what to do next.
func (e *Error) WithFix(format string, args ...any) *Error {
	c := *e
	c.Fix = fmt.Sprintf(format, args...)
	return &c
}

// Named returns a copy of e that has a name.
func (e *Error) Named(name string) *Error {
	c := *e
	c.Name = name
	return &c
}

func (e *Error) Error() string {
	parts := make([]string, 0, 3)
	for _, p := range []string{e.Op, e.What} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(parts, ": ")
}

func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of the outermost Error in err's chain. Context errors without one are Unavailable; every other
// error is Internal.
func CodeOf(err error) Code {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Unavailable
	}
	return Internal
}

// FixOf returns the first fix in err's chain, or "".
func FixOf(err error) string { return first(err, func(e *Error) string { return e.Fix }) }

// NameOf returns the first name in err's chain, or "".
func NameOf(err error) string { return first(err, func(e *Error) string { return e.Name }) }

func first(err error, of func(*Error) string) string {
	var e *Error
	for errors.As(err, &e) {
		if text := of(e); text != "" {
			return text
		}
		err = e.Err
	}
	return ""
}

type row struct{ http, grpc, exit int }

var table = map[Code]row{
	Invalid:         {http.StatusBadRequest, 3, 2},
	Unauthenticated: {http.StatusUnauthorized, 16, 2},
	Forbidden:       {http.StatusForbidden, 7, 2},
	NotFound:        {http.StatusNotFound, 5, 2},
	Conflict:        {http.StatusConflict, 6, 2},
	Limited:         {http.StatusTooManyRequests, 8, 2},
	Unavailable:     {http.StatusServiceUnavailable, 14, 2},
	Internal:        {http.StatusInternalServerError, 13, 2},
}

// row treats a code that nobody declared as a defect.
func (c Code) row() row {
	if r, ok := table[c]; ok {
		return r
	}
	return table[Internal]
}

// HTTPStatus is the HTTP status that answers with this code.
func (c Code) HTTPStatus() int { return c.row().http }

// GRPC is the gRPC status number, also used in REST error bodies.
func (c Code) GRPC() int { return c.row().grpc }

// Exit is the process exit status: 2 for every failure, since 1 means an enforced policy violation.
func (c Code) Exit() int { return c.row().exit }

// OfHTTPStatus is the code that a remote server's HTTP status stands for.
func OfHTTPStatus(status int) Code {
	for code, r := range table {
		if r.http == status && code != Internal {
			return code
		}
	}
	switch {
	case status == http.StatusGone:
		return NotFound
	case status == http.StatusRequestTimeout, status >= 500:
		return Unavailable
	case status >= 400:
		return Invalid
	}
	return Internal
}
