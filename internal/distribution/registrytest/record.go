package registrytest

import (
	"bufio"
	"net"
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
		answering := &recordedWriter{ResponseWriter: w, answers: func(status int) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.requests = append(r.requests, Request{
				Method: req.Method, Path: path, Query: req.URL.RawQuery, Status: status,
				Authorization: req.Header.Get("Authorization"), Range: req.Header.Get("Range"),
			})
		}}
		defer answering.begin(http.StatusOK)
		h.ServeHTTP(answering, req)
	})
}

// recordedWriter tells when the answer begins, so that whoever got it finds it recorded.
type recordedWriter struct {
	http.ResponseWriter
	answers func(status int)
	begun   bool
}

func (w *recordedWriter) begin(status int) {
	if !w.begun {
		w.begun = true
		w.answers(status)
	}
}

func (w *recordedWriter) WriteHeader(status int) {
	w.begin(status)
	w.ResponseWriter.WriteHeader(status)
}

func (w *recordedWriter) Write(b []byte) (int, error) {
	w.begin(http.StatusOK)
	return w.ResponseWriter.Write(b)
}

func (w *recordedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.begin(http.StatusOK)
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

func (w *recordedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
