package rhacs

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/fault"
	v1 "github.com/landwaiter/landwaiter/internal/rhacs/v1"
)

const fails = "/v1.TestService/Fail"

// serverThat answers the procedure fails with a handler's outcome.
func serverThat(logged *bytes.Buffer, handle func(context.Context, *v1.Empty) (*v1.DeployDetectionResponse, error)) *Server {
	s := NewServer(ServerOptions{
		Service: &Service{}, RequestID: "X-Request-Id", Log: slog.New(slog.NewTextHandler(logged, nil)),
		SignIn: func(context.Context, string) (Caller, error) {
			return Caller{Identity: auth.Identity{Role: auth.Administrator}}, nil
		},
	})
	serve(s, fails, signedIn, handle)
	return s
}

// post sends one call and returns status and message, wherever they stand.
func post(s *Server, path, kind, body string) (w *httptest.ResponseRecorder, code, message string) {
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	w = httptest.NewRecorder()
	w.Header().Set("X-Request-Id", "r-1")
	s.ServeHTTP(w, r)
	for _, h := range []http.Header{w.Header(), w.Result().Trailer} {
		for _, prefix := range []string{"", http.TrailerPrefix} {
			if c := h.Get(prefix + "Grpc-Status"); c != "" {
				code, message = c, h.Get(prefix+"Grpc-Message")
			}
		}
	}
	if text, err := url.PathUnescape(message); err == nil {
		message = text
	}
	return w, code, message
}

func TestStatus(t *testing.T) {
	refused := fault.New(fault.Unauthenticated, "pull", "no")
	for name, c := range map[string]struct {
		err           error
		code, message string
	}{
		"wrong":               {fault.New(fault.Invalid, "read", "bad").WithFix("Write better."), "3", "read: bad. Write better"},
		"not there":           {fault.New(fault.NotFound, "find", "it"), "3", "find: it"},
		"clashing":            {fault.New(fault.Conflict, "do", "it"), "3", "do: it"},
		"not signed in":       {fault.New(fault.Unauthenticated, "", "who?"), "16", "who?"},
		"not allowed":         {fault.New(fault.Forbidden, "", "no"), "7", "no"},
		"refused by others":   {&assess.Unserved{Reference: "a", Attempts: []assess.Attempt{{Error: "no"}}, Errs: []error{refused}}, "3", `get image: a: "": no`},
		"limited for a while": {fault.New(fault.Limited, "ask", "wait"), "13", "ask: wait"},
		"out of reach":        {fault.New(fault.Unavailable, "ask", "gone"), "13", "ask: gone"},
		"a defect":            {errors.New("secret detail"), "13", "internal error. Look for the request ID r-1 in the server's log"},
	} {
		var logged bytes.Buffer
		s := serverThat(&logged, func(context.Context, *v1.Empty) (*v1.DeployDetectionResponse, error) { return nil, c.err })
		for _, kind := range []string{"application/grpc", "application/grpc-web"} {
			w, code, message := post(s, fails, kind, "\x00\x00\x00\x00\x00")
			if w.Code != 200 || code != c.code || message != c.message {
				t.Errorf("%s: HTTP %d, %s %s", name, w.Code, code, message)
			}
		}
		if told := strings.Contains(logged.String(), "secret detail"); told != (name == "a defect") {
			t.Errorf("%s: logged %s", name, &logged)
		}
	}
	t.Run("a_panic_is_a_status_too", func(t *testing.T) {
		var logged bytes.Buffer
		s := serverThat(&logged, func(context.Context, *v1.Empty) (*v1.DeployDetectionResponse, error) { panic("oh") })
		w, code, message := post(s, fails, "application/grpc", "\x00\x00\x00\x00\x00")
		if w.Code != 200 || code != "13" || strings.Contains(message, "oh") || !strings.Contains(logged.String(), "panic: oh") {
			t.Errorf("HTTP %d, %s %s, %s", w.Code, code, message, &logged)
		}
	})
	t.Run("an_answer_that_roxctl_cannot_take_says_so", func(t *testing.T) {
		s := serverThat(new(bytes.Buffer), func(context.Context, *v1.Empty) (*v1.DeployDetectionResponse, error) {
			return &v1.DeployDetectionResponse{IgnoredObjectRefs: []string{strings.Repeat("x", maxAnswer)}}, nil
		})
		if _, code, message := post(s, fails, "application/grpc", "\x00\x00\x00\x00\x00"); code != "3" || !strings.Contains(message, "the answer has 24 MiB") {
			t.Errorf("%s %s", code, message)
		}
	})
}

// Whatever is sent, the answer is one that roxctl reads: status 200 with a gRPC status.
func FuzzServer(f *testing.F) {
	for _, body := range []string{"", "\x00\x00\x00\x00\x00", "\x01\x00\x00\x00\x00", "\x00\x00\x00\x00\x02\x0a\x00", "\x00\xff\xff\xff\xff", "\x00\x00\x00\x00\x01\xff"} {
		f.Add(fails, "application/grpc", body)
	}
	f.Add("/v1/ping", "application/grpc-web-text", "AAAA")
	s := serverThat(new(bytes.Buffer), func(context.Context, *v1.Empty) (*v1.DeployDetectionResponse, error) {
		return &v1.DeployDetectionResponse{}, nil
	})
	f.Fuzz(func(t *testing.T, path, suffix, body string) {
		path = "/" + url.PathEscape(strings.TrimPrefix(path, "/"))
		suffix = strings.TrimPrefix(suffix, "application/grpc")
		w, code, message := post(s, path, "application/grpc"+suffix, body)
		if inBody := strings.Contains(w.Body.String(), "grpc-status: 0"); w.Code != 200 || code == "" && !inBody {
			t.Errorf("HTTP %d, status %q %s", w.Code, code, message)
		}
	})
}
