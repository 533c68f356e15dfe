package feed

import (
	"archive/zip"
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A bucket answers as Cloud Storage does for a public bucket: strong ETags, generations, checksums of the whole object with
// every answer, ranges, If-Range, If-None-Match, 416 and 404. What goes wrong on the way is put in by path.
type bucket struct {
	URL string
	t   testing.TB

	mu         sync.Mutex
	objects    map[string]object
	generation int
	requests   []string // METHOD path status [range]
	cut        map[string][]int
	answer     map[string]func(w http.ResponseWriter, r *http.Request) bool
	corrupt    map[string]int // how many answers have a byte changed
	silent     bool           // about checksums and ETags, as a plain file server
	auth       []string       // Authorization headers that came
}

type object struct {
	data       []byte
	generation int
	modified   time.Time
}

func newBucket(t testing.TB) *bucket {
	b := &bucket{
		t: t, objects: map[string]object{}, cut: map[string][]int{}, corrupt: map[string]int{},
		answer: map[string]func(http.ResponseWriter, *http.Request) bool{},
	}
	s := httptest.NewServer(b)
	t.Cleanup(s.Close)
	b.URL = s.URL
	return b
}

func (b *bucket) put(path string, data []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.generation++
	b.objects[path] = object{data, b.generation, time.Date(2026, 1, 1, 0, 0, b.generation, 0, time.UTC)}
}

// publish writes an ecosystem as OSV's exporter does: each record, the archive, and the list, newest first.
func (b *bucket) publish(ecosystem string, records ...record) {
	b.mu.Lock()
	for path := range b.objects {
		if strings.HasPrefix(path, ecosystem+"/") {
			delete(b.objects, path)
		}
	}
	b.mu.Unlock()
	for _, r := range records {
		b.put(ecosystem+"/"+r.id+".json", []byte(r.String()))
	}
	b.put(ecosystem+"/all.zip", archiveOf(b.t, records...))
	b.list(ecosystem, records...)
	b.put("ecosystems.txt", []byte("Debian\nGIT\n[EMPTY]\nnpm\n"))
}

func (b *bucket) list(ecosystem string, records ...record) {
	list := slices.SortedFunc(slices.Values(records), func(x, y record) int { return strings.Compare(y.modified, x.modified) })
	var csv strings.Builder
	for _, r := range list {
		fmt.Fprintf(&csv, "%s,%s\n", r.modified, r.id)
	}
	b.put(ecosystem+"/"+listName, []byte(csv.String()))
}

func archiveOf(t testing.TB, records ...record) []byte {
	var buffer bytes.Buffer
	w := zip.NewWriter(&buffer)
	for _, r := range records {
		e, err := w.Create(r.id + ".json")
		if err == nil {
			_, err = e.Write([]byte(r.String()))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

// took returns the requests since the last call.
func (b *bucket) took() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.requests
	b.requests = nil
	slices.Sort(list)
	return list
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	rec := &recorder{ResponseWriter: w}
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		line := fmt.Sprintf("%s %s %d", r.Method, path, rec.status)
		if want := r.Header.Get("Range"); want != "" {
			line += " " + want
		}
		b.requests = append(b.requests, line)
		b.auth = append(b.auth, r.Header.Get("Authorization"))
	}()
	b.mu.Lock()
	o, ok := b.objects[path]
	answer, silent := b.answer[path], b.silent
	if n := b.corrupt[path]; n > 0 {
		b.corrupt[path]--
		o.data = slices.Clone(o.data)
		o.data[len(o.data)/2] ^= 1
	}
	if cuts := b.cut[path]; len(cuts) > 0 {
		b.cut[path] = cuts[1:]
		rec.left, rec.cuts = cuts[0], true
	}
	original := b.objects[path].data
	b.mu.Unlock()
	if answer != nil && answer(rec, r) {
		return
	}
	if !ok {
		rec.Header().Set("Content-Type", "application/xml")
		rec.WriteHeader(http.StatusNotFound)
		fmt.Fprint(rec, "<?xml version='1.0'?><Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>")
		return
	}
	if !silent {
		sum := md5.Sum(original)
		crc := binary.BigEndian.AppendUint32(nil, crc32.Checksum(original, castagnoli))
		h := rec.Header()
		h.Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
		h.Set("X-Goog-Generation", strconv.Itoa(o.generation))
		h.Set("X-Goog-Stored-Content-Encoding", "identity")
		h.Add("X-Goog-Hash", "crc32c="+base64.StdEncoding.EncodeToString(crc))
		h.Add("X-Goog-Hash", "md5="+base64.StdEncoding.EncodeToString(sum[:]))
	}
	http.ServeContent(rec, r, path, o.modified, bytes.NewReader(o.data))
}

type recorder struct {
	http.ResponseWriter
	status int
	cuts   bool
	left   int // bytes until the connection is cut

	written int
	pause   func(written int) // called after each write
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	if r.pause != nil { // in small pieces, so that there are many moments
		for piece := range slices.Chunk(p, 20_000) {
			n, err := r.ResponseWriter.Write(piece)
			if err != nil {
				return n, err
			}
			r.ResponseWriter.(http.Flusher).Flush()
			r.written += n
			r.pause(r.written)
		}
		return len(p), nil
	}
	if !r.cuts {
		return r.ResponseWriter.Write(p)
	}
	if len(p) < r.left {
		r.left -= len(p)
		return r.ResponseWriter.Write(p)
	}
	r.ResponseWriter.Write(p[:r.left])
	r.ResponseWriter.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// A record is one of OSV's, about a version of one package below its fix.
type record struct {
	id, modified, ecosystem, name, fixed string
	withdrawn                            bool
	pad                                  int
}

func rec(id, modified, ecosystem, fixed string) record {
	return record{id: id, modified: modified, ecosystem: ecosystem, name: "pkg-" + strings.ToLower(id), fixed: fixed}
}

func (r record) String() string {
	withdrawn := ""
	if r.withdrawn {
		withdrawn = `"withdrawn":"` + r.modified + `",`
	}
	return fmt.Sprintf(`{"schema_version":"1.7.3","id":%q,"modified":%q,%s"details":%q,"affected":[{"package":{"ecosystem":%q,"name":%q},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":%q}]}]}]}`,
		r.id, r.modified, withdrawn, noise(r.pad), r.ecosystem, r.name, r.fixed)
}

// noise does not compress well.
func noise(n int) string {
	var b strings.Builder
	x := uint64(n)*2654435761 + 1
	for b.Len() < n {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		fmt.Fprintf(&b, "%016x", x)
	}
	return b.String()[:n]
}
