package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
)

var codes = []fault.Code{
	fault.Invalid, fault.Unauthenticated, fault.Forbidden, fault.NotFound, fault.Conflict, fault.Limited, fault.Unavailable, fault.Internal,
}

func TestCode(t *testing.T) {
	// gRPC's numbers are those of google.golang.org/grpc/codes.
	want := map[fault.Code][3]int{
		fault.Invalid: {400, 3, 2}, fault.Unauthenticated: {401, 16, 2}, fault.Forbidden: {403, 7, 2}, fault.NotFound: {404, 5, 2},
		fault.Conflict: {409, 6, 2}, fault.Limited: {429, 8, 2}, fault.Unavailable: {503, 14, 2}, fault.Internal: {500, 13, 2},
		"": {500, 13, 2}, "unheard of": {500, 13, 2},
	}
	for code, w := range want {
		if got := [3]int{code.HTTPStatus(), code.GRPC(), code.Exit()}; got != w {
			t.Errorf("%q: %v, want %v", code, got, w)
		}
	}
	for _, code := range codes {
		if _, ok := want[code]; !ok {
			t.Errorf("%q is not tested", code)
		}
	}
}

func TestOfHTTPStatus(t *testing.T) {
	for status, want := range map[int]fault.Code{
		400: fault.Invalid, 401: fault.Unauthenticated, 403: fault.Forbidden, 404: fault.NotFound, 405: fault.Invalid, 408: fault.Unavailable,
		409: fault.Conflict, 410: fault.NotFound, 413: fault.Invalid, 422: fault.Invalid, 429: fault.Limited, 451: fault.Invalid,
		500: fault.Unavailable, 502: fault.Unavailable, 503: fault.Unavailable, 504: fault.Unavailable, 599: fault.Unavailable,
		0: fault.Internal, 200: fault.Internal, 302: fault.Internal,
	} {
		if got := fault.OfHTTPStatus(status); got != want {
			t.Errorf("%d %s: %q, want %q", status, http.StatusText(status), got, want)
		}
	}
	for _, code := range codes {
		if code != fault.Internal && fault.OfHTTPStatus(code.HTTPStatus()) != code {
			t.Errorf("%q does not come back from its status", code)
		}
	}
}

func TestError(t *testing.T) {
	for want, err := range map[string]error{
		"pull: quay.io/app:1: EOF": fault.Wrap(fault.Unavailable, "pull", "quay.io/app:1", io.EOF),
		"pull: quay.io/app:1":      fault.New(fault.NotFound, "pull", "%s:%d", "quay.io/app", 1),
		"pull: EOF":                fault.Wrap(fault.Unavailable, "pull", "", io.EOF),
		"only this":                fault.New(fault.NotFound, "", "only this"),
		"":                         &fault.Error{},
	} {
		if got := err.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if err := fault.Wrap(fault.Unavailable, "a", "b", fmt.Errorf("c: %w", io.EOF)); !errors.Is(err, io.EOF) {
		t.Error("the cause is lost")
	}
}

func TestCodeOf(t *testing.T) {
	inner := fault.New(fault.NotFound, "read", "x")
	for name, tt := range map[string]struct {
		err  error
		want fault.Code
	}{
		"its_own":                     {inner, fault.NotFound},
		"the_outermost_counts":        {fault.Wrap(fault.Invalid, "do", "y", inner), fault.Invalid},
		"through_other_errors":        {fmt.Errorf("on the way: %w", inner), fault.NotFound},
		"through_joined_errors":       {errors.Join(io.EOF, inner), fault.NotFound},
		"a_cancelled_context":         {fmt.Errorf("stop: %w", context.Canceled), fault.Unavailable},
		"a_deadline":                  {context.DeadlineExceeded, fault.Unavailable},
		"a_context_error_with_a_code": {fault.Wrap(fault.Conflict, "do", "y", context.Canceled), fault.Conflict},
		"any_other":                   {io.EOF, fault.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fault.CodeOf(tt.err); got != tt.want {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestFixOf(t *testing.T) {
	advised := fault.New(fault.NotFound, "read", "x").WithFix("look %s", "there")
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"none":                           {fault.New(fault.NotFound, "read", "x"), ""},
		"its_own":                        {advised, "look there"},
		"wrapping_keeps_it":              {fault.Wrap(fault.Invalid, "do", "y", fmt.Errorf("on the way: %w", advised)), "look there"},
		"the_outermost_counts":           {fault.Wrap(fault.Invalid, "do", "y", advised).WithFix("look here"), "look here"},
		"an_inner_one_if_outer_has_none": {&fault.Error{Err: fmt.Errorf("on the way: %w", advised)}, "look there"},
		"of_other_errors":                {io.EOF, ""},
		"of_no_error":                    {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fault.FixOf(tt.err); got != tt.want {
				t.Errorf("%q", got)
			}
		})
	}
	shared := fault.New(fault.NotFound, "read", "x")
	if shared.WithFix("for one"); shared.Fix != "" {
		t.Error("WithFix changes the error that it copies")
	}
}

func TestNameOf(t *testing.T) {
	known := fault.New(fault.Limited, "pull", "x").Named("throttled")
	for want, err := range map[string]error{
		"throttled":   fmt.Errorf("on the way: %w", fault.Wrap(fault.Limited, "do", "y", known)),
		"no-identity": fault.Wrap(fault.Unauthenticated, "do", "y", known).Named("no-identity"),
		"":            fault.Wrap(fault.Limited, "do", "y", io.EOF),
	} {
		if got := fault.NameOf(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if known.Error() != "pull: x" {
		t.Errorf("the name is shown: %v", known)
	}
}
