package feed

import (
	"context"
	"errors"
	"fmt"
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
