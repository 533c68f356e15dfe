package registrytest

import (
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/image"
)

// Quirks are what a Fake does differently from a good registry. They may be changed between requests.
type Quirks struct {
	RefuseHEAD     int                                           // status of every answer to HEAD
	NoDigest       bool                                          // no Docker-Content-Digest
	Parameters     string                                        // appended to every Content-Type, e.g. "; charset=utf-8"
	Gzip           bool                                          // manifests and configs come gzip-encoded, asked for or not
	WrongContent   bool                                          // manifests have a space too many
	EndlessBody    bool                                          // manifests and blobs never end
	Challenge      []string                                      // WWW-Authenticate of the 401 for requests without Authorization
	BlobRedirect   string                                        // blobs are at this base URL
	CutBlobAfter   int                                           // each answer with a blob breaks off after so many bytes
	StallBlobAfter int                                           // each answer with a blob stalls after so many bytes
	NoRange        bool                                          // ranges are ignored
	Answer         func(http.ResponseWriter, *http.Request) bool // if it returns true, it has answered
}

// A Fake keeps what it is given and checks nothing.
type Fake struct {
	Recorder
	URL  string
	Host string

	mu        sync.Mutex
	quirks    Quirks
	blobs     map[string][]byte // by digest
	manifests map[string]content
	failures  []Failure
	done      chan struct{}
}

// A Failure is an answer that is given instead of the right one.
type Failure struct {
	Status int
	Header map[string]string
	Body   string
}

func (f *Failure) write(w http.ResponseWriter) {
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(f.Status)
	io.WriteString(w, f.Body)
}

type content struct {
	mediaType string
	raw       []byte
}

// NewFake starts one that ends with the test, with TLS if there is an authority.
func NewFake(t testing.TB, a *Authority, q Quirks) *Fake {
	t.Helper()
	return newFake(t, nil, a, q)
}

// NewFakeAt starts one at a listener, without TLS.
func NewFakeAt(t testing.TB, l net.Listener, q Quirks) *Fake {
	t.Helper()
	return newFake(t, l, nil, q)
}

func newFake(t testing.TB, l net.Listener, a *Authority, q Quirks) *Fake {
	t.Helper()
	f := &Fake{quirks: q, blobs: map[string][]byte{}, manifests: map[string]content{}, done: make(chan struct{})}
	server := serveAt(t, l, f.wrap(f), a)
	t.Cleanup(func() { close(f.done) })
	f.URL = server.URL
	f.Host = strings.TrimPrefix(strings.TrimPrefix(server.URL, "https://"), "http://")
	return f
}

// Set changes the quirks.
func (f *Fake) Set(q Quirks) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.quirks = q
}

// Fail puts failures in front of the next right answers.
func (f *Fake) Fail(list ...Failure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failures = append(f.failures, list...)
}

// PutBlob stores a blob under its digest.
func (f *Fake) PutBlob(_ testing.TB, _, mediaType string, raw []byte) image.Descriptor {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := image.DigestOf(raw)
	f.blobs[string(d)] = raw
	return image.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(raw))}
}

// PutManifest stores a manifest under its digest, and under a tag if there is one.
func (f *Fake) PutManifest(_ testing.TB, repository, tag, mediaType string, raw []byte) image.Descriptor {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := image.DigestOf(raw)
	f.manifests[repository+"/manifests/"+string(d)] = content{mediaType, raw}
	if tag != "" {
		f.manifests[repository+"/manifests/"+tag] = content{mediaType, raw}
	}
	return image.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(raw))}
}

// Corrupt replaces a blob's content, so that it no longer has its digest.
func (f *Fake) Corrupt(d image.Digest, raw []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.blobs[string(d)] = raw
}

func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	q := f.quirks
	var failure *Failure
	if len(f.failures) > 0 && (len(q.Challenge) == 0 || r.Header.Get("Authorization") != "") {
		failure, f.failures = &f.failures[0], f.failures[1:]
	}
	f.mu.Unlock()
	switch {
	case q.Answer != nil && q.Answer(w, r):
	case len(q.Challenge) > 0 && r.Header.Get("Authorization") == "":
		for _, c := range q.Challenge {
			w.Header().Add("WWW-Authenticate", c)
		}
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
	case failure != nil:
		failure.write(w)
	case r.Method == http.MethodHead && q.RefuseHEAD != 0:
		w.WriteHeader(q.RefuseHEAD)
	case r.URL.Path == "/v2/":
		w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
		io.WriteString(w, "{}")
	case strings.HasSuffix(r.URL.Path, "/tags/list"):
		io.WriteString(w, `{"tags":[]}`)
	case strings.Contains(r.URL.Path, "/manifests/"):
		f.manifest(w, r, q)
	case strings.Contains(r.URL.Path, "/blobs/"):
		f.blob(w, r, q)
	default:
		refuse(w, http.StatusNotFound, "NAME_UNKNOWN", "repository name not known to registry")
	}
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errors":[{"code":%q,"message":%q}]}`, code, message)
}

func (f *Fake) manifest(w http.ResponseWriter, r *http.Request, q Quirks) {
	f.mu.Lock()
	c, ok := f.manifests[strings.TrimPrefix(r.URL.Path, "/v2/")]
	f.mu.Unlock()
	if !ok {
		refuse(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown")
		return
	}
	w.Header().Set("Content-Type", c.mediaType+q.Parameters)
	if !q.NoDigest {
		w.Header().Set("Docker-Content-Digest", string(image.DigestOf(c.raw)))
	}
	if q.WrongContent {
		c.raw = append(append([]byte{}, c.raw...), ' ')
	}
	f.send(w, r, c.raw, q)
}

func (f *Fake) blob(w http.ResponseWriter, r *http.Request, q Quirks) {
	digest := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	if q.BlobRedirect != "" {
		http.Redirect(w, r, q.BlobRedirect+r.URL.Path+"?signature=SIGNATURE", http.StatusTemporaryRedirect)
		return
	}
	f.mu.Lock()
	raw, ok := f.blobs[digest]
	f.mu.Unlock()
	if !ok {
		refuse(w, http.StatusNotFound, "BLOB_UNKNOWN", "blob unknown to registry")
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream"+q.Parameters)
	f.send(w, r, raw, q)
}

func (f *Fake) send(w http.ResponseWriter, r *http.Request, raw []byte, q Quirks) {
	status := http.StatusOK
	length := len(raw)
	if first, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok && !q.NoRange {
		n, _ := strconv.Atoi(strings.TrimSuffix(first, "-"))
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", n, length-1, length))
		raw, status = raw[n:], http.StatusPartialContent
	}
	stop := len(raw)
	isBlob := strings.Contains(r.URL.Path, "/blobs/")
	switch {
	case q.EndlessBody && r.Method == http.MethodGet:
		w.WriteHeader(status)
		for {
			select {
			case <-f.done:
				return
			case <-r.Context().Done():
				return
			default:
			}
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	case q.Gzip && r.Method == http.MethodGet:
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(status)
		z := gzip.NewWriter(w)
		z.Write(raw)
		z.Close()
		return
	case isBlob && q.CutBlobAfter > 0:
		stop = min(stop, q.CutBlobAfter)
	case isBlob && q.StallBlobAfter > 0:
		stop = min(stop, q.StallBlobAfter)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	w.Write(raw[:stop])
	if stop == len(raw) {
		return
	}
	http.NewResponseController(w).Flush()
	if q.StallBlobAfter > 0 {
		select {
		case <-f.done:
		case <-r.Context().Done():
		case <-time.After(time.Minute):
		}
	}
	panic(http.ErrAbortHandler)
}
