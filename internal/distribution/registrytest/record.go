package registrytest

import (
	"net/http"
	"slices"
	"sync"
)

// A Request is what a server was asked, and what it answered.
type Request struct {
	Method, Path, Query  string
	Authorization, Range string
	Status               int
}

func (r Request) String() string { return r.Method + " " + r.Path }

// Recorder keeps the requests that came in.
type Recorder struct {
	mu       sync.Mutex
	requests []Request
	silent   bool
}

// Requests returns what came in since the last call, in the order of the answers.
func (r *Recorder) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.requests
	r.requests = nil
	return slices.Clip(list)
}

func (r *Recorder) wrap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		path := req.URL.Path
		if req.Method == http.MethodConnect {
			path = req.Host
		}
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.requests = append(r.requests, Request{
				Method: req.Method, Path: path, Query: req.URL.RawQuery, Status: seen.status,
				Authorization: req.Header.Get("Authorization"), Range: req.Header.Get("Range"),
			})
		}()
		h.ServeHTTP(seen, req)
	})
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
