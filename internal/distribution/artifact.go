package distribution

import (
	"context"
	"io"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

// Artifact reads the manifest that a tag or digest points to, whatever it is of. Its digest is verified.
func (c *Client) Artifact(ctx context.Context, src Source, repository, identifier string) (*image.Manifest, error) {
	const op = "read artifact"
	s, err := c.session(src, repository)
	if err != nil {
		return nil, fault.Wrap(fault.CodeOf(err), op, repository, err)
	}
	digest, err := image.ParseDigest(identifier)
	if err != nil {
		digest = "" // a tag
	}
	m, err := s.manifest(ctx, repository, identifier, digest)
	if err != nil {
		return nil, s.problem(op, s.endpoint.RegistryHost()+"/"+repository+":"+identifier, err)
	}
	return m, nil
}

// Content reads a blob of at most limit bytes whole. Its digest is verified.
func (c *Client) Content(ctx context.Context, src Source, repository string, d image.Descriptor, limit int64) ([]byte, error) {
	if d.Size > limit {
		return nil, fault.New(fault.Invalid, "read blob", "%s has %s; the limit is %s", d.Digest, image.SizeText(d.Size), image.SizeText(limit))
	}
	blob, err := c.Blob(ctx, src, repository, d)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	raw, err := io.ReadAll(io.LimitReader(blob, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = fault.New(fault.Invalid, "read blob", "%s has more than %s", d.Digest, image.SizeText(limit))
	}
	return raw, err
}
