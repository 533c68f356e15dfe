package feed

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
)

const (
	maxRedirects = 5
	maxFailures  = 4 // in a row, without a byte in between
	maxWait      = 20 * time.Second
	idleTime     = 30 * time.Second // without a byte
	answerTime   = 2 * time.Minute  // for a whole answer that is kept in memory
)

// A fetcher gets files from HTTP servers. The authorization goes to the origin of home and nowhere else.
type fetcher struct {
	client        *http.Client
	home          *url.URL
	authorization secret.Text
	userAgent     string
	sleep         func(context.Context, time.Duration) error
}

func (f *fetcher) init(transport http.RoundTripper) {
	f.client = &http.Client{
		Transport: homeTransport{f, transport},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return fmt.Errorf("more than %d redirects", maxRedirects)
			}
			if req.URL.Scheme != "https" && via[len(via)-1].URL.Scheme == "https" {
				return errors.New("a redirect from https to plain http is not followed")
			}
			return nil
		},
	}
}

// homeTransport adds the authorization to what goes to home, whatever led there.
type homeTransport struct {
	f    *fetcher
	next http.RoundTripper
}

func (t homeTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Del("Authorization")
	req.Header.Del("Referer")
	if t.f.authorization.IsSet() && t.f.home != nil && req.URL.Scheme == t.f.home.Scheme && strings.EqualFold(req.URL.Host, t.f.home.Host) {
		req.Header.Set("Authorization", t.f.authorization.Reveal())
	}
	return t.next.RoundTrip(req)
}

// A statusError is an answer other than what was asked for.
type statusError struct {
	status int
	after  time.Duration // the server's wish
}

func (e *statusError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the server answered %d %s", e.status, http.StatusText(e.status)))
}

func statusOf(err error) int {
	var e *statusError
	if errors.As(err, &e) {
		return e.status
	}
	return 0
}

var (
	errChanged = errors.New("the file changed while it was fetched")
	errBytes   = errors.New("the bytes that came are not those of the server's checksum")
	errSize    = errors.New("it is larger than it may be")
	errStalled = fmt.Errorf("no byte came for %s", idleTime)
)

// transient reports whether another attempt may go better.
func transient(err error) bool {
	switch status := statusOf(err); {
	case status != 0:
		return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500 && status != http.StatusNotImplemented
	case errors.Is(err, errSize), errors.Is(err, os.ErrPermission), errors.Is(err, errBytes), errors.As(err, new(*os.PathError)), errors.As(err, new(interface{ Fix() string })):
		return false
	}
	return true
}

// retry tries until it goes well, fails for good, or has failed too often in a row. try reports whether anything came.
func (f *fetcher) retry(ctx context.Context, try func() (progress bool, err error)) error {
	for failures := 1; ; failures++ {
		progress, err := try()
		if err == nil {
			return nil
		}
		if progress {
			failures = 1
		}
		wait := 500 * time.Millisecond << (failures - 1)
		var e *statusError
		if errors.As(err, &e) && e.after > 0 {
			wait = e.after
		}
		if !transient(err) || failures >= maxFailures || wait > maxWait || ctx.Err() != nil {
			return err
		}
		if err := f.sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// request sends one GET. The body must be closed.
func (f *fetcher) request(ctx context.Context, address string, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", f.userAgent)
	req.Header.Set("Accept-Encoding", "identity")
	return f.client.Do(req)
}

func refused(resp *http.Response) error {
	e := &statusError{status: resp.StatusCode}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.after = time.Duration(seconds) * time.Second
	}
	return e
}

// version is the server's name for a state of a file: an ETag, else the time of its last change, else "".
func version(h http.Header) string {
	if etag := h.Get("ETag"); etag != "" && len(etag) <= 200 {
		return etag
	}
	return h.Get("Last-Modified")
}

func isETag(version string) bool {
	return strings.HasPrefix(version, `"`) || strings.HasPrefix(version, `W/"`)
}

// unless makes a request conditional on a version being out of date.
func unless(version string) http.Header {
	h := http.Header{}
	switch {
	case isETag(version):
		h.Set("If-None-Match", version)
	case version != "":
		h.Set("If-Modified-Since", version)
	}
	return h
}

// read gets a small file, or reports that the version is still that of the server.
func (f *fetcher) read(ctx context.Context, address, known string, limit int64) (body []byte, now string, unchanged bool, err error) {
	err = f.retry(ctx, func() (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, answerTime)
		defer cancel()
		resp, err := f.request(ctx, address, unless(known))
		if err != nil {
			return false, err
		}
		defer resp.Body.Close()
		switch {
		case resp.StatusCode == http.StatusNotModified && known != "":
			unchanged, now = true, known
			return true, nil
		case resp.StatusCode != http.StatusOK:
			return false, refused(resp)
		case resp.ContentLength > limit:
			return false, errSize
		}
		if body, err = io.ReadAll(io.LimitReader(resp.Body, limit+1)); err != nil {
			return false, err
		}
		if int64(len(body)) > limit {
			return false, errSize
		}
		sums := checksums(resp)
		sums.write(body)
		now, unchanged = version(resp.Header), false
		return false, sums.verify()
	})
	return body, now, unchanged, explained(address, err)
}

// A partial is a file whose transfer has begun, as it is noted beside it.
type partial struct {
	URL     string    `json:"url"`
	Version string    `json:"version"`
	Total   int64     `json:"total"` // -1 when the server does not say
	Sums    announced `json:"sums"`
	file    *os.File  // its bytes so far
	size    int64     // how many
	note    string    // path of the note
}

// download gets a file into path+".part", which it returns open, whole and verified. What came of an earlier attempt, of this process
// or another, is continued if the server still has the same file. It reports unchanged if known is still the server's version.
func (f *fetcher) download(ctx context.Context, address, path, known string, limit int64, progress func(done, total int64)) (file *os.File, now string, unchanged bool, err error) {
	p, err := openPartial(address, path)
	if err != nil {
		return nil, "", false, err
	}
	again := true // the bytes were damaged: once more from the beginning
	err = f.retry(ctx, func() (bool, error) {
		before := p.size
		var err error
		unchanged, err = f.proceed(ctx, p, known, limit, progress)
		if err == nil && !unchanged {
			err = p.verify()
		}
		if errors.Is(err, errBytes) || errors.Is(err, errChanged) {
			if dropped := p.restart(); dropped != nil {
				return false, dropped
			}
			if again {
				again = false
				return false, errors.New(err.Error())
			}
		}
		return p.size > before, err
	})
	if err != nil || unchanged {
		p.file.Close()
		if p.size == 0 {
			removePartial(path)
		}
		return nil, known, unchanged, explained(address, err)
	}
	return p.file, p.Version, false, nil
}

func openPartial(address, path string) (*partial, error) {
	p := &partial{note: path + ".part.json"}
	file, err := os.OpenFile(path+".part", os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return nil, err
	}
	p.file = file
	if raw, err := os.ReadFile(p.note); err != nil || json.Unmarshal(raw, p) != nil || p.URL != address {
		p.URL = address
		return p, p.restart()
	}
	p.size, err = file.Seek(0, io.SeekEnd)
	return p, err
}

func (p *partial) restart() error {
	p.Version, p.Total, p.Sums, p.size = "", -1, announced{}, 0
	os.Remove(p.note)
	if err := p.file.Truncate(0); err != nil {
		return err
	}
	_, err := p.file.Seek(0, io.SeekStart)
	return err
}

// begin notes which file the bytes to come are of, so that they can be continued.
func (p *partial) begin(resp *http.Response) error {
	if err := p.restart(); err != nil {
		return err
	}
	p.Version, p.Total, p.Sums = version(resp.Header), resp.ContentLength, checksums(resp).announced
	raw, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return os.WriteFile(p.note, raw, 0o640)
}

// resumable: a weak ETag names files that may differ in their bytes.
func (p *partial) resumable() bool {
	return p.size > 0 && p.Version != "" && !strings.HasPrefix(p.Version, "W/")
}

// proceed asks for what is missing and takes what comes.
func (f *fetcher) proceed(ctx context.Context, p *partial, known string, limit int64, progress func(done, total int64)) (unchanged bool, err error) {
	header, whole := unless(known), p.resumable() && p.size == p.Total
	switch {
	case whole: // an earlier process had it; it may have changed since
		header = unless(p.Version)
	case p.resumable():
		header = http.Header{"Range": {fmt.Sprintf("bytes=%d-", p.size)}, "If-Range": {p.Version}}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	resp, err := f.request(ctx, p.URL, header)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusNotModified:
		if !whole && (known == "" || header.Get("Range") != "") {
			return false, refused(resp)
		}
		return !whole, nil
	case http.StatusOK:
		if err := p.begin(resp); err != nil {
			return false, err
		}
	case http.StatusPartialContent:
		var from, to, total int64
		n, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &total)
		if err != nil || n != 3 || from != p.size || p.Total >= 0 && total != p.Total || version(resp.Header) != "" && version(resp.Header) != p.Version {
			return false, errChanged
		}
		p.Total = total
	case http.StatusRequestedRangeNotSatisfiable, http.StatusPreconditionFailed:
		return false, errChanged
	default:
		return false, refused(resp)
	}
	if p.Total > limit {
		return false, errSize
	}
	return false, p.take(&watched{body: resp.Body, cancel: cancel, ctx: ctx}, limit, progress)
}

func (p *partial) take(body io.Reader, limit int64, progress func(done, total int64)) error {
	buffer := make([]byte, 256<<10)
	for {
		n, err := body.Read(buffer)
		if p.size+int64(n) > limit {
			return errSize
		}
		if _, failed := p.file.Write(buffer[:n]); failed != nil {
			return failed
		}
		p.size += int64(n)
		progress(p.size, p.Total)
		switch {
		case err == io.EOF && p.Total >= 0 && p.size != p.Total:
			return fmt.Errorf("the connection ended after %d of %d bytes: %w", p.size, p.Total, io.ErrUnexpectedEOF)
		case err == io.EOF:
			p.Total = p.size
			return nil
		case err != nil:
			return fmt.Errorf("the connection broke off after %d bytes: %w", p.size, err)
		}
	}
}

// verify reads the whole file, since an earlier process may have written its beginning.
func (p *partial) verify() error {
	sums := sums{announced: p.Sums}
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	buffer := make([]byte, 256<<10)
	for {
		n, err := p.file.Read(buffer)
		sums.write(buffer[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	_, err := p.file.Seek(0, io.SeekEnd)
	return errors.Join(err, sums.verify())
}

// removePartial removes what came of a file, which is not needed any more.
func removePartial(path string) {
	os.Remove(path + ".part")
	os.Remove(path + ".part.json")
}

// announced are the checksums that a server gave, in base64.
type announced struct {
	CRC32C string `json:"crc32c,omitempty"`
	MD5    string `json:"md5,omitempty"`
}

type sums struct {
	announced
	crc  uint32
	hash interface {
		io.Writer
		Sum([]byte) []byte
	}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksums are those of the whole file: X-Goog-Hash of Cloud Storage, else Content-MD5. What the server stores compressed and
// sends otherwise has none that could be compared.
func checksums(resp *http.Response) *sums {
	s := &sums{}
	stored := resp.Header.Get("X-Goog-Stored-Content-Encoding")
	if stored != "" && stored != "identity" && resp.Header.Get("Content-Encoding") != stored {
		return s
	}
	for _, line := range resp.Header.Values("X-Goog-Hash") {
		for field := range strings.SplitSeq(line, ",") {
			switch name, value, _ := strings.Cut(strings.TrimSpace(field), "="); name {
			case "crc32c":
				s.CRC32C = value
			case "md5":
				s.MD5 = value
			}
		}
	}
	if s.CRC32C == "" && s.MD5 == "" && resp.StatusCode == http.StatusOK {
		s.MD5 = resp.Header.Get("Content-MD5")
	}
	return s
}

func (s *sums) write(b []byte) {
	if s.CRC32C != "" {
		s.crc = crc32.Update(s.crc, castagnoli, b)
	}
	if s.MD5 != "" {
		if s.hash == nil {
			s.hash = md5.New()
		}
		s.hash.Write(b)
	}
}

func (s *sums) verify() error {
	if s.CRC32C != "" && base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, s.crc)) != s.CRC32C {
		return errBytes
	}
	if s.MD5 == "" {
		return nil
	}
	s.write(nil)
	if base64.StdEncoding.EncodeToString(s.hash.Sum(nil)) != s.MD5 {
		return errBytes
	}
	return nil
}

// watched is a body that fails when no byte comes for a while.
type watched struct {
	body   io.Reader
	ctx    context.Context
	cancel context.CancelCauseFunc
}

func (w *watched) Read(p []byte) (int, error) {
	timer := time.AfterFunc(idleTime, func() { w.cancel(errStalled) })
	defer timer.Stop()
	n, err := w.body.Read(p)
	if err != nil && err != io.EOF && context.Cause(w.ctx) == errStalled {
		err = errStalled
	}
	return n, err
}

// explained says what failed with which address, and what to do.
func explained(address string, err error) error {
	if err == nil {
		return nil
	}
	const op = "fetch advisories"
	code, fix := fault.Unavailable, "Check the address of the source, and whether it can be reached from here; what was fetched so far is kept."
	var fixed interface{ Fix() string }
	switch status := statusOf(err); {
	case errors.Is(err, context.Canceled):
		return fault.Wrap(fault.Unavailable, op, "it was stopped; what was fetched so far is kept", err)
	case errors.As(err, new(*os.PathError)):
		code, fix = fault.Internal, "Check the disk of the data directory: free space and permissions."
	case errors.As(err, &fixed):
		code, fix = fault.Forbidden, fixed.Fix()
	case status == http.StatusNotFound:
		code, fix = fault.NotFound, "Check the address of the source: it must have the layout of OSV's bulk archives, ECOSYSTEM/all.zip."
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		code, fix = fault.Forbidden, "Check the credential for the source, LANDWAITER_ADVISORY_CREDENTIAL."
	case errors.Is(err, errBytes), errors.Is(err, errSize):
		code, fix = fault.Invalid, "Try again later. If it stays so, something between here and the source changes what it sends, or a mirror is broken."
	}
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err // the address is said already
	}
	return fault.Wrap(code, op, address, err).WithFix("%s", fix)
}
