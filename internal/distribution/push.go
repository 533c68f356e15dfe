package distribution

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

// An Upload is something to be pushed. Open may be called several times.
type Upload struct {
	Digest    image.Digest
	MediaType string
	Size      int64
	Open      func() (io.ReadCloser, error)
}

// UploadOf is content that is at hand.
func UploadOf(mediaType string, b []byte) Upload {
	return Upload{
		Digest: image.DigestOf(b), MediaType: mediaType, Size: int64(len(b)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil },
	}
}

// Push puts blobs into a repository and then, under a tag, the manifest that names them. Blobs that the registry has are not
// sent. sent, if not nil, is told each blob when it is there.
func (c *Client) Push(ctx context.Context, src Source, ref image.Reference, manifest Upload, blobs []Upload, sent func(Upload)) error {
	const op = "push"
	s, err := c.session(src, ref.Repository)
	if err != nil {
		return fault.Wrap(fault.CodeOf(err), op, ref.String(), err)
	}
	for _, b := range blobs {
		if err := s.pushBlob(ctx, ref.Repository, b); err != nil {
			return s.problem(op, ref.String(), err)
		}
		if sent != nil {
			sent(b)
		}
	}
	r := s.pushRequest(http.MethodPut, ref.Repository, "/manifests/"+ref.Identifier())
	r.header, r.upload = http.Header{"Content-Type": {manifest.MediaType}}, &manifest
	a, err := s.do(ctx, r)
	if err != nil {
		return s.problem(op, ref.String(), err)
	}
	if _, _, err := announcedDigest(a, manifest.Digest); err != nil {
		return s.problem(op, ref.String(), err)
	}
	return nil
}

func (s *session) pushRequest(method, repository, path string) request {
	return request{kind: KindUpload, method: method, url: s.endpoint.url(repository + path), repository: repository, push: true, limit: s.c.o.MaxToken}
}

// pushBlob uploads in one piece. An upload that failed is begun anew, if that may help.
func (s *session) pushBlob(ctx context.Context, repository string, b Upload) error {
	for attempt := 1; ; attempt++ {
		err := s.upload(ctx, repository, b)
		if err == nil {
			return nil
		}
		wait, again := s.c.pause(ctx, err, attempt)
		if !again {
			return err
		}
		if err := s.c.sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func (s *session) upload(ctx context.Context, repository string, b Upload) error {
	_, err := s.do(ctx, s.pushRequest(http.MethodHead, repository, "/blobs/"+string(b.Digest)))
	if err == nil || !hasStatus(err, http.StatusNotFound) {
		return err
	}
	begun, err := s.do(ctx, s.pushRequest(http.MethodPost, repository, "/blobs/uploads/"))
	if err != nil {
		return err
	}
	to, err := s.uploadTarget(begun)
	if err != nil {
		return err
	}
	query := to.Query()
	query.Set("digest", string(b.Digest))
	to.RawQuery = query.Encode()
	r := s.pushRequest(http.MethodPut, repository, "")
	r.url, r.upload, r.header = to, &b, http.Header{"Content-Type": {"application/octet-stream"}}
	_, err = s.do(ctx, r)
	return err
}

// uploadTarget is where the registry wants a blob. The credential goes along, so it must be the registry itself.
func (s *session) uploadTarget(a *answer) (*url.URL, error) {
	to, err := url.Parse(a.header.Get("Location"))
	if err != nil || a.header.Get("Location") == "" {
		return nil, errors.New("the registry does not say where to send the upload")
	}
	to = a.url.ResolveReference(to)
	to.User, to.Fragment = nil, ""
	if originOf(to) != s.home {
		return nil, fault.New(fault.Invalid, "", "the registry wants the upload at another address than its own, %s", redact(&url.URL{Scheme: to.Scheme, Host: to.Host})).
			WithFix("The registry's administrator must set its own address (for distribution http.host or http.relativeurls, behind a proxy X-Forwarded-Proto).")
	}
	return to, nil
}
