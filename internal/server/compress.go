package server

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
)

// worthwhile is the size from which an answer is compressed.
const worthwhile = 2 << 10

// compress sends JSON answers as gzip to clients that take it. Pages are left alone: they carry both secrets and what a
// visitor sent, and compressed sizes would tell the one from the other.
func compress(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead || !acceptsGzip(r.Header.Get("Accept-Encoding")) {
			next.ServeHTTP(w, r)
			return
		}
		c := &compressor{ResponseWriter: w}
		next.ServeHTTP(c, r)
		c.finish() // not when it panics: what was held back is then dropped
	})
}

func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, quality, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q := strings.ReplaceAll(quality, " ", "")
			return q != "q=0" && !strings.HasPrefix(q, "q=0.0")
		}
	}
	return false
}

// A compressor holds back the start of a JSON answer until it knows whether compressing is worthwhile.
type compressor struct {
	http.ResponseWriter
	status  int
	held    bytes.Buffer
	zip     *gzip.Writer
	through bool // written as it comes
}

func (c *compressor) WriteHeader(status int) {
	if status < 200 {
		c.ResponseWriter.WriteHeader(status)
		return
	}
	if c.status != 0 {
		return
	}
	c.status = status
	h := c.Header()
	if !strings.HasPrefix(h.Get("Content-Type"), "application/json") || h.Get("Content-Encoding") != "" {
		c.through = true
		c.ResponseWriter.WriteHeader(status)
		return
	}
	h.Add("Vary", "Accept-Encoding")
}

func (c *compressor) Write(b []byte) (int, error) {
	if c.status == 0 {
		c.WriteHeader(http.StatusOK)
	}
	switch {
	case c.through:
		return c.ResponseWriter.Write(b)
	case c.zip != nil:
		return c.zip.Write(b)
	}
	c.held.Write(b)
	if c.held.Len() < worthwhile {
		return len(b), nil
	}
	h := c.Header()
	h.Set("Content-Encoding", "gzip")
	h.Del("Content-Length")
	c.ResponseWriter.WriteHeader(c.status)
	c.zip = gzip.NewWriter(c.ResponseWriter)
	_, err := c.held.WriteTo(c.zip)
	return len(b), err
}

func (c *compressor) finish() {
	switch {
	case c.status == 0 || c.through:
	case c.zip != nil:
		c.zip.Close()
	default:
		c.ResponseWriter.WriteHeader(c.status)
		c.held.WriteTo(c.ResponseWriter)
	}
}

// FlushError is for http.ResponseController; what is being compressed stays until the end.
func (c *compressor) FlushError() error {
	if !c.through {
		return nil
	}
	return http.NewResponseController(c.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController.
func (c *compressor) Unwrap() http.ResponseWriter { return c.ResponseWriter }
