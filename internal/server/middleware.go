package server

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/landwaiter/landwaiter/internal/api"
)

var acceptableID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// identify gives every request a name, the caller's if it has an acceptable one.
func (o Options) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(api.RequestIDHeader)
		if !acceptableID.MatchString(id) {
			id = api.NewRequestID()
		}
		w.Header().Set(api.RequestIDHeader, id)
		next.ServeHTTP(w, r)
	})
}

// logAccess writes one line a request. Queries and headers are left out: they may hold secrets.
func (o Options) logAccess(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := o.Now()
		rec := &recorder{ResponseWriter: w}
		defer func() {
			level := slog.LevelInfo
			if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
				level = slog.LevelDebug
			}
			attrs := []slog.Attr{
				slog.String("request", w.Header().Get(api.RequestIDHeader)), slog.String("method", r.Method),
				slog.String("path", r.URL.Path), slog.Int("status", rec.status), slog.Int64("bytes", rec.bytes),
				slog.Duration("took", o.Now().Sub(start)), slog.String("remote", r.RemoteAddr), slog.String("protocol", r.Proto),
			}
			// Failures of gRPC have the status 200; which header tells of them depends on the form of the answer.
			if code := cmp.Or(w.Header().Get("Grpc-Status"), w.Header().Get(http.TrailerPrefix+"Grpc-Status")); code != "" {
				attrs = append(attrs, slog.String("grpc", code))
			}
			o.Log.LogAttrs(r.Context(), level, "request", attrs...)
		}()
		next.ServeHTTP(rec, r)
		if rec.status == 0 {
			rec.status = http.StatusOK
		}
	})
}

// A recorder remembers what was answered; status 0 means nothing was.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (o Options) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler {
				panic(p)
			}
			id := w.Header().Get(api.RequestIDHeader)
			o.Log.ErrorContext(r.Context(), "panic", "request", id, "method", r.Method, "path", r.URL.Path,
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			if rec, ok := w.(*recorder); ok && rec.status != 0 {
				panic(http.ErrAbortHandler) // half an answer must not look whole
			}
			http.Error(w, "internal error, request "+id, http.StatusInternalServerError)
		}()
		next.ServeHTTP(w, r)
	})
}

// safeDefaults are headers that pages may replace.
func safeDefaults(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		next.ServeHTTP(w, r)
	})
}

// limitStalls ends connections whose other side stops reading or sending for too long. A whole request has no limit: a
// large assessment or upload takes its time.
func limitStalls(stall time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		control.SetWriteDeadline(time.Time{}) // of the request before on this connection
		if r.Body != nil && r.Body != http.NoBody {
			body := &stallingBody{ReadCloser: r.Body, control: control, stall: stall}
			// A copy: net/http looks at its own request's body to see whether the connection can be used again.
			r = r.WithContext(r.Context())
			r.Body = body
			defer body.limitRest()
		}
		next.ServeHTTP(&stallingWriter{w, control, stall}, r)
	})
}

type stallingBody struct {
	io.ReadCloser
	control *http.ResponseController
	stall   time.Duration
	ended   bool
}

func (b *stallingBody) Read(p []byte) (int, error) {
	b.control.SetReadDeadline(time.Now().Add(b.stall))
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		// From now on the server only watches for the connection to end; a deadline would look like that.
		b.ended = true
		b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// limitRest is for what the handler left, which net/http may read before it sends a short answer.
func (b *stallingBody) limitRest() {
	if !b.ended {
		b.control.SetReadDeadline(time.Now().Add(b.stall))
		b.control.SetWriteDeadline(time.Now().Add(2 * b.stall))
	}
}

type stallingWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
}

func (w *stallingWriter) WriteHeader(status int) {
	w.control.SetWriteDeadline(time.Now().Add(w.stall))
	w.ResponseWriter.WriteHeader(status)
}

func (w *stallingWriter) Write(b []byte) (int, error) {
	w.control.SetWriteDeadline(time.Now().Add(w.stall))
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *stallingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
