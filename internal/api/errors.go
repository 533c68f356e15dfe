package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/policy"
)

// RequestIDHeader names a request in answers and logs.
const RequestIDHeader = "X-Request-Id"

// NewRequestID makes a name for a request that has none.
func NewRequestID() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

type requestIDKey struct{}

func withRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// Error is the body of every error.
type Error struct {
	status  int
	Code    int      `json:"code" doc:"gRPC status number"`
	Message string   `json:"message" doc:"what went wrong"`
	Text    string   `json:"error" doc:"the same as message"`
	Details []Detail `json:"details" nullable:"false"`
}

// Detail is one thing more about an error.
type Detail struct {
	Fix       string           `json:"fix,omitempty" doc:"what to do next"`
	Reference string           `json:"reference,omitempty" doc:"the image that no integration could serve"`
	Attempts  []assess.Attempt `json:"attempts,omitempty" doc:"every integration that was tried for it"`
	Problems  policy.Problems  `json:"problems,omitempty" doc:"every mistake in policies that were sent, with its place"`
	RequestID string           `json:"requestId,omitempty" doc:"names the request in the server's log"`
}

func (e *Error) Error() string  { return e.Message }
func (e *Error) GetStatus() int { return e.status }

const internalError = "internal error"

// newError makes the error of an HTTP status. What is wrong inside the server is not told, only the request's ID.
func newError(ctx context.Context, status int, message string) *Error {
	e := &Error{status: status, Code: fault.OfHTTPStatus(status).GRPC(), Message: message, Text: message, Details: []Detail{}}
	if status == http.StatusInternalServerError {
		e.Code, e.Message, e.Text = fault.Internal.GRPC(), internalError, internalError
		e.Details = append(e.Details, Detail{
			Fix: "Look for the request ID in the server's log.", RequestID: requestID(ctx),
		})
	}
	return e
}

// fail turns a handler's error into the answer; it is the only place that does.
func (a *API) fail(ctx context.Context, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	code := fault.CodeOf(err)
	e = newError(ctx, code.HTTPStatus(), err.Error())
	e.Code = code.GRPC()
	if code == fault.Internal {
		a.Log.ErrorContext(ctx, "request failed", "request", requestID(ctx), "error", err)
		return e
	}
	if fix := fault.FixOf(err); fix != "" {
		e.Details = append(e.Details, Detail{Fix: fix})
	}
	var problems policy.Problems
	if errors.As(err, &problems) {
		e.Details = append(e.Details, Detail{Problems: problems})
	}
	var unserved *assess.Unserved
	if errors.As(err, &unserved) {
		e.Details = append(e.Details, Detail{Reference: unserved.Reference, Attempts: unserved.Attempts})
		if code == fault.Unauthenticated || code == fault.Forbidden {
			e.status = http.StatusFailedDependency // 401 and 403 are about the caller; here a registry refuses the server
		}
	}
	return e
}

func (a *API) recovered(w *answer, r *http.Request, p any) {
	if p == http.ErrAbortHandler {
		panic(p)
	}
	a.Log.ErrorContext(r.Context(), "panic", "request", requestID(r.Context()), "method", r.Method, "path", r.URL.Path,
		"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	if w.started {
		panic(http.ErrAbortHandler) // half an answer must not look whole
	}
	writeError(w, newError(r.Context(), http.StatusInternalServerError, ""))
}

func writeError(w http.ResponseWriter, e *Error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.status)
	json.NewEncoder(w).Encode(e)
}

// overrideErrors replaces huma's error body, which has another shape and repeats the values that were sent, secrets
// included. The hooks are huma's globals.
var overrideErrors = sync.OnceFunc(func() {
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return fromHuma(context.Background(), status, msg, errs)
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		return fromHuma(ctx.Context(), status, msg, errs)
	}
})

// fromHuma words what huma finds wrong with a request before its handler runs.
func fromHuma(ctx context.Context, status int, msg string, errs []error) *Error {
	switch {
	case status == http.StatusRequestEntityTooLarge:
		msg, errs = fmt.Sprintf("the request body is larger than %d KiB", maxBody>>10), nil
	case status == http.StatusUnprocessableEntity:
		status = http.StatusBadRequest
	case status == http.StatusInternalServerError && strings.Contains(msg, "request body"):
		status, msg, errs = http.StatusBadRequest, "the request body could not be read", nil
	}
	var parts []string
	for _, err := range errs {
		if err == nil {
			continue
		}
		var detail *huma.ErrorDetail
		if errors.As(err, &detail) {
			parts = append(parts, strings.TrimPrefix(detail.Location+": "+detail.Message, ": "))
			continue
		}
		parts = append(parts, err.Error())
	}
	if len(parts) > 0 {
		msg = strings.Join(parts, "; ")
	}
	return newError(ctx, status, msg)
}
