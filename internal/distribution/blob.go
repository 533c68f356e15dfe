package distribution

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

// maxResumes bounds how often one blob is continued after its connection broke.
const maxResumes = 5

// Blob opens a layer. The reader fails at the end with fault.Invalid if the bytes are not those of the digest, and as soon
// as more than the descriptor's size has come (more than Options.MaxBlob, where the size is not known). A transfer that
// breaks off is continued where it stopped. Redirects to another origin carry no credential. Addresses in the descriptor
// are not followed. ctx governs the reader too.
func (c *Client) Blob(ctx context.Context, src Source, repository string, d image.Descriptor) (io.ReadCloser, error) {
	const op = "read blob"
	s, err := c.session(src, repository)
	if err != nil {
		return nil, fault.Wrap(fault.CodeOf(err), op, repository, err)
	}
	b := &blob{
		s: s, ctx: ctx, what: s.endpoint.RegistryHost() + "/" + repository + "@" + string(d.Digest), want: d, limit: c.o.MaxBlob,
		request: request{
			kind: KindBlob, method: http.MethodGet, url: s.endpoint.url(repository + "/blobs/" + string(d.Digest)),
			stream: true, repository: repository,
		},
	}
	if b.hash, err = d.Digest.NewHash(); err != nil {
		return nil, fault.Wrap(fault.Invalid, op, b.what, err)
	}
	if d.Size > b.limit {
		return nil, fault.New(fault.Invalid, op, "%s: the manifest says it is %s long; the limit is %s", b.what, image.SizeText(d.Size), image.SizeText(b.limit))
	}
	if b.sized() {
		b.limit = d.Size
	}
	if err := b.open(); err != nil {
		var e *Error
		if len(d.URLs) > 0 && errors.As(err, &e) && e.Status == http.StatusNotFound {
			return nil, fault.Wrap(fault.NotFound, op, b.what, fault.New(fault.NotFound, "", "the registry does not hold this layer; the manifest says to fetch it from elsewhere, which is not done").
				WithFix("Layers like this (of Windows base images, mostly) can be pushed into the registry by building with --allow-nondistributable-artifacts or a current tool."))
		}
		return nil, s.problem(op, b.what, err)
	}
	return b, nil
}

// blob is the verifying reader.
type blob struct {
	s       *session
	ctx     context.Context
	what    string // host/repository@digest
	want    image.Descriptor
	limit   int64
	request request
	hash    hash.Hash
	read    int64
	body    io.ReadCloser
	encoded string // Content-Encoding, which was not asked for
	resumes int
	err     error // sticky

	mu     sync.Mutex // Close may come while a Read goes on
	closed bool
}

// sized says whether the manifest states a size. An empty blob that is not empty is one whose size is not known.
func (b *blob) sized() bool { return b.want.Size > 0 }

// open starts or continues the transfer at b.read.
func (b *blob) open() error {
	b.request.from = b.read
	a, err := b.s.do(b.ctx, b.request)
	if err != nil {
		return err
	}
	total, skip := a.length, int64(0)
	switch {
	case b.read == 0:
	case a.status == http.StatusPartialContent:
		if got := a.header.Get("Content-Range"); !strings.HasPrefix(got, fmt.Sprintf("bytes %d-", b.read)) {
			a.stream.Close()
			return b.invalid("asked for the bytes from %d, the registry sent %q", b.read, clean(got, 60))
		}
		if total >= 0 {
			total += b.read
		}
	default: // the server starts all over
		skip = b.read
	}
	if b.sized() && total >= 0 && total != b.want.Size && a.header.Get("Content-Encoding") == "" {
		a.stream.Close()
		return b.invalid("the registry sends %d bytes, but the manifest says %d", total, b.want.Size)
	}
	if _, err := io.CopyN(io.Discard, a.stream, skip); err != nil {
		a.stream.Close()
		return b.broken(err)
	}
	b.encoded = a.header.Get("Content-Encoding")
	b.mu.Lock()
	defer b.mu.Unlock()
	b.body = a.stream
	if b.closed {
		a.stream.Close()
	}
	return nil
}

func (b *blob) Read(p []byte) (int, error) {
	for b.err == nil {
		if b.isClosed() {
			return 0, errors.New("read blob: " + b.what + ": closed")
		}
		n, err := b.body.Read(p)
		n = b.take(p[:n])
		if err != nil && b.err == nil {
			b.finish(err)
		}
		if n > 0 {
			return n, nil
		}
		if len(p) == 0 {
			break
		}
	}
	return 0, b.err
}

// take counts what came and returns how much of it may be handed on.
func (b *blob) take(p []byte) int {
	if room := b.limit - b.read; int64(len(p)) > room {
		p = p[:room]
		b.err = b.fault(b.invalid("more bytes come than the %d that it may have", b.limit))
	}
	b.hash.Write(p)
	b.read += int64(len(p))
	return len(p)
}

// finish settles b.err at the end of a transfer, or continues it if it broke off.
func (b *blob) finish(err error) {
	short := b.sized() && b.read < b.want.Size
	switch {
	case err == io.EOF && !short:
		b.err = b.verify()
		return
	case b.ctx.Err() != nil:
		b.err = b.fault(context.Cause(b.ctx))
		return
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	b.body.Close()
	if b.resumes++; b.resumes > maxResumes {
		b.err = b.fault(b.broken(err))
		return
	}
	if err = b.s.c.sleep(b.ctx, b.s.c.backoff(b.resumes)); err == nil {
		err = b.open()
	}
	if err != nil {
		b.err = b.fault(err)
	}
}

func (b *blob) verify() error {
	if b.want.Digest.Matches(b.hash) {
		return io.EOF
	}
	hint := ""
	if b.encoded != "" {
		hint = fmt.Sprintf(" (sent with the content encoding %s, which was not asked for)", clean(b.encoded, 40))
	}
	return b.fault(b.invalid("the %d bytes that came are not those of the digest: theirs is %x%s", b.read, b.hash.Sum(nil), hint))
}

func (b *blob) invalid(format string, args ...any) error {
	return fault.New(fault.Invalid, "", format, args...).
		WithFix("The layer was damaged or replaced on its way or in the registry. Push the image again, and check what stands between here and the registry.")
}

func (b *blob) broken(err error) error {
	r := b.request
	r.secrets = b.s.secrets()
	e := r.error(r.url, 0, fmt.Errorf("the transfer broke off after %d bytes: %w", b.read, err))
	e.Temporary, e.again, e.signedIn = true, true, !b.s.anonymous()
	return e
}

func (b *blob) fault(err error) error { return b.s.problem("read blob", b.what, err) }

func (b *blob) isClosed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

// Close ends the transfer. What was read so far is then not verified.
func (b *blob) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return b.body.Close()
}
