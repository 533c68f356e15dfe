package distribution

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// A request is one thing to be had from a registry, whatever number of exchanges it takes.
type request struct {
	kind       Kind
	method     string
	url        *url.URL
	accept     string
	header     http.Header // more of them
	form       url.Values  // of a POST
	limit      int64       // of the body
	stream     bool        // the body is handed on unread, without limits of size and time
	from       int64       // first byte wanted, of a stream
	repository string      // "" for requests that are not about one
	list       bool        // of tags: some registries want another scope for it
	push       bool        // a token must allow more than pulling
	upload     *Upload     // of a PUT; it may be sent several times
	secrets    []string    // must not be shown, wherever the other side repeats them
	inside     bool        // the registry was reached in a private network, and may name other hosts there
}

// An answer is a response whose body was read, or is a stream.
type answer struct {
	status int
	header http.Header
	length int64 // as announced; -1 when it was not
	body   []byte
	stream io.ReadCloser
	url    *url.URL // that answered in the end
	inside bool     // so did the registry itself, in a private network
}

var (
	errTooSlow = errors.New("no complete answer in time")
	errTooLong = errors.New("the answer is longer than the limit")
)

// maxRedirects is more than any registry needs: storage and a CDN are two.
const maxRedirects = 5

// follow sends a request and follows redirects. Authorization goes to the origin of the request's URL only, and is not
// taken up again once that was left.
func (c *Client) follow(ctx context.Context, e Endpoint, r request, authorization secret.Text) (*answer, error) {
	home, u := originOf(r.url), r.url
	for range maxRedirects + 1 {
		a, err := c.exchange(ctx, e, r, u, authorization)
		if err != nil {
			return nil, err
		}
		if !redirects(a.status) || r.form != nil || r.upload != nil {
			return a, nil
		}
		r.inside = a.inside
		next, err := redirectTarget(u, a.header.Get("Location"))
		if err != nil {
			return nil, r.error(u, a.status, err)
		}
		if originOf(next) != home {
			authorization = secret.Text{}
		}
		u = next
	}
	return nil, r.error(r.url, 0, fmt.Errorf("more than %d redirects", maxRedirects))
}

// error is what went wrong with an exchange of r that went to u.
func (r request) error(u *url.URL, status int, err error) *Error {
	e := &Error{kind: r.kind, Method: r.method, URL: r.shown(u), Status: status, Err: err}
	if err != nil {
		if text := err.Error(); mask(text, r.secrets) != text {
			e.Err = errors.New(mask(text, r.secrets))
		}
	}
	return e
}

// shown is u without secrets.
func (r request) shown(u *url.URL) string { return mask(redact(u), r.secrets) }

func redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

func redirectTarget(from *url.URL, location string) (*url.URL, error) {
	to, err := url.Parse(location)
	if location == "" || err != nil {
		return nil, errors.New("a redirect without a valid address")
	}
	to = from.ResolveReference(to)
	to.Scheme, to.User, to.Fragment, to.RawFragment = strings.ToLower(to.Scheme), nil, "", ""
	switch {
	case to.Hostname() == "" || (to.Scheme != "https" && to.Scheme != "http"):
		return nil, errors.New("a redirect to something other than http or https")
	case from.Scheme == "https" && to.Scheme == "http":
		return nil, fmt.Errorf("a redirect from https to plain http (%s) is not followed", clean(to.Host, 200))
	}
	return to, nil
}

// exchange is one request and its response.
func (c *Client) exchange(ctx context.Context, e Endpoint, r request, u *url.URL, authorization secret.Text) (*answer, error) {
	leave, err := c.budgets.obtain(e.Budget, func() *allowance { return newAllowance(e.Budget) }).enter(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	context.AfterFunc(ctx, leave)
	if !r.stream && r.upload == nil {
		timer := time.AfterFunc(c.o.StepTimeout, func() { cancel(errTooSlow) })
		defer timer.Stop()
	}
	started := c.o.Now()
	a, err := c.roundTrip(ctx, e, r, u, authorization, cancel)
	if err != nil && context.Cause(ctx) == errTooSlow {
		err = fmt.Errorf("%w (%s)", errTooSlow, c.o.StepTimeout)
	}
	x := Exchange{Method: r.method, URL: r.shown(u), Kind: r.kind, Duration: c.o.Now().Sub(started)}
	if err != nil {
		cancel(nil)
		x.Err = c.transportError(r, u, authorization, err)
		c.o.Observe(x)
		return nil, x.Err
	}
	if a.stream == nil {
		cancel(nil)
	}
	x.Status = a.status
	if a.status == http.StatusUnauthorized && !authorization.IsSet() && r.kind != KindToken {
		x.Kind = KindChallenge
	}
	c.o.Observe(x)
	return a, nil
}

func (c *Client) roundTrip(ctx context.Context, e Endpoint, r request, u *url.URL, authorization secret.Text, cancel context.CancelCauseFunc) (*answer, error) {
	w, err := c.way(e, u, r.inside)
	if err != nil {
		return nil, err
	}
	var body io.Reader
	switch {
	case r.form != nil:
		body = strings.NewReader(r.form.Encode())
	case r.upload != nil:
		sent, err := r.upload.Open()
		if err != nil {
			return nil, err
		}
		body = &watchedBody{body: sent, ctx: ctx, cancel: cancel, idle: c.o.IdleTimeout, sent: true}
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), body)
	if err != nil {
		return nil, errors.New("the address is malformed")
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	if r.upload != nil {
		req.ContentLength = r.upload.Size
	}
	req.Header.Set("User-Agent", c.o.UserAgent)
	if r.accept != "" {
		req.Header.Set("Accept", r.accept)
	}
	if authorization.IsSet() {
		req.Header.Set("Authorization", authorization.Reveal())
	}
	if r.form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if r.stream {
		req.Header.Set("Accept-Encoding", "identity")
	}
	if r.from > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", r.from))
	}
	resp, err := c.send(req, w)
	if err != nil {
		return nil, err
	}
	a := &answer{status: resp.StatusCode, header: resp.Header, length: resp.ContentLength, url: u, inside: w.inside}
	if r.stream && resp.StatusCode/100 == 2 {
		a.stream = &watchedBody{body: resp.Body, ctx: ctx, cancel: cancel, idle: c.o.IdleTimeout}
		return a, nil
	}
	defer resp.Body.Close()
	limit := r.limit
	if resp.StatusCode/100 != 2 {
		limit = maxErrorBody
	}
	if r.method == http.MethodHead {
		return a, nil
	}
	if resp.StatusCode/100 == 2 && resp.ContentLength > limit {
		return nil, fmt.Errorf("%w: %d bytes announced, %d allowed", errTooLong, resp.ContentLength, limit)
	}
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case resp.StatusCode/100 != 2:
		return a, nil // the status says enough
	case err != nil:
		return nil, err
	case int64(len(a.body)) > limit:
		return nil, fmt.Errorf("%w of %d bytes", errTooLong, limit)
	}
	return a, nil
}

// answerError is an answer that is not what was asked for.
func (c *Client) answerError(r request, a *answer, authorization secret.Text) *Error {
	e := r.error(a.url, a.status, nil)
	e.Temporary, e.again, e.signedIn = worthAnotherAttempt(a.status), worthAnotherAttempt(a.status), authorization.IsSet()
	e.readErrorBody(a.header, a.body, r.secrets)
	if a.status == http.StatusTooManyRequests || a.status == http.StatusServiceUnavailable {
		if e.RetryAfter = retryAfter(a.header, c.o.Now()); e.RetryAfter > 0 {
			e.until = c.o.Now().Add(e.RetryAfter)
		}
	}
	return e
}

// watchedBody is a stream that fails when no byte goes through for a while. Of one that is read here only the time spent waiting
// for bytes counts, of one that is sent the time until the next bytes are wanted.
type watchedBody struct {
	body   io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	idle   time.Duration
	sent   bool
	timer  *time.Timer
}

var errStalled = errors.New("the transfer stalled")

func (w *watchedBody) Read(p []byte) (int, error) {
	if w.timer == nil {
		w.timer = time.AfterFunc(w.idle, func() { w.cancel(errStalled) })
	} else {
		w.timer.Reset(w.idle)
	}
	n, err := w.body.Read(p)
	if !w.sent || err != nil {
		w.timer.Stop()
	}
	if err != nil && err != io.EOF && context.Cause(w.ctx) == errStalled {
		err = fmt.Errorf("%w: no byte for %s", errStalled, w.idle)
	}
	return n, err
}

func (w *watchedBody) Close() error {
	if w.sent { // the answer to it may still be to come
		if w.timer != nil {
			w.timer.Stop()
		}
		return w.body.Close()
	}
	w.cancel(nil)
	return w.body.Close()
}

// problem wraps what went wrong with one thing in the fault that fits it. Secrets that the other side repeated in what was
// read well, such as a manifest, are hidden here at the latest.
func (s *session) problem(op, what string, err error) error {
	f := s.fault(op, what, err)
	text, fix, secrets := err.Error(), f.Fix, s.secrets()
	if mask(text, secrets) == text && mask(fix, secrets) == fix {
		return f
	}
	return &fault.Error{Code: f.Code, Op: op, What: what, Fix: mask(fix, secrets), Err: errors.New(mask(text, secrets))}
}

func (s *session) fault(op, what string, err error) *fault.Error {
	var e *Error
	if !errors.As(err, &e) {
		return fault.Wrap(fault.CodeOf(err), op, what, err)
	}
	if outer := (*fault.Error)(nil); errors.As(err, &outer) {
		return fault.Wrap(outer.Code, op, what, err)
	}
	code, fix := s.explain(e)
	wrapped := fault.Wrap(code, op, what, err)
	if fix != "" {
		wrapped.Fix = fix
	}
	return wrapped
}
