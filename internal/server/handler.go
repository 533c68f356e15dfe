package server

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxPage bounds what is sent to pages; the API has bounds of its own.
const maxPage = 1 << 20

// handler is the mux with the middleware around it.
func handler(o Options) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { health(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", o.readyz)
	for _, path := range []string{"/healthz", "/readyz"} { // the portal must not answer for them
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		})
	}
	if o.API != nil {
		o.API.Register(mux)
	}
	for pattern, h := range o.Routes {
		mux.Handle(pattern, h)
	}
	if o.Portal != nil {
		mux.Handle("/", http.MaxBytesHandler(o.Portal, maxPage))
	}
	return o.identify(o.logAccess(o.recoverPanics(limitStalls(o.Stall, o.separateGRPC(safeDefaults(compress(mux)))))))
}

// separateGRPC keeps gRPC from paths and headers that are meant for browsers.
func (o Options) separateGRPC(next http.Handler) http.Handler {
	if o.GRPC == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			o.GRPC.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (o Options) readyz(w http.ResponseWriter, r *http.Request) {
	if o.Ready != nil {
		ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
		defer cancel()
		if err := o.Ready(ctx); err != nil {
			o.Log.WarnContext(r.Context(), "not ready", "error", err)
			health(w, http.StatusServiceUnavailable, "unavailable")
			return
		}
	}
	health(w, http.StatusOK, "ok")
}

func health(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	io.WriteString(w, `{"status":"`+text+"\"}\n")
}
