package distribution

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

// acceptManifests asks for schema 1, and for anything else, only where there is nothing better.
var acceptManifests = strings.Join([]string{
	image.MediaTypeOCIIndex, image.MediaTypeDockerList, image.MediaTypeOCIManifest, image.MediaTypeDockerManifest,
	image.MediaTypeDockerSchema1Signed + ";q=0.2", "*/*;q=0.1",
}, ", ")

// Bounds of indexes that hold indexes.
const (
	maxIndexDepth = 3
	maxIndexReads = 8
)

// Resolved is what a reference points to now, by HEAD (or by GET where a registry refuses HEAD or omits the digest).
type Resolved struct {
	Digest    image.Digest
	MediaType string
	Size      int64 // -1 when the registry does not say
}

// Pulled is everything about an image but its layers, with every digest verified.
type Pulled struct {
	Digest   image.Digest // of the index if there is one, else of the manifest
	Index    *image.Manifest
	Manifest *image.Manifest
	Config   []byte // nil for schema 1
	Platform image.Platform
}

// Resolve asks what a reference points to.
func (c *Client) Resolve(ctx context.Context, src Source, ref image.Reference) (Resolved, error) {
	const op = "resolve"
	s, err := c.session(src, ref.Repository)
	if err != nil {
		return Resolved{}, fault.Wrap(fault.CodeOf(err), op, ref.String(), err)
	}
	r, _, err := s.resolve(ctx, ref)
	if err != nil {
		return Resolved{}, s.problem(op, ref.String(), err)
	}
	return r, nil
}

// Pull resolves and fetches. A zero platform means the default one of Options; an image that is not in an index is taken whatever its platform then. known, if not nil,
// is an earlier answer for the same reference and platform: when the digest is unchanged it is returned as it is, after
// one HEAD. A non-image fails with fault.Invalid and says what it is.
func (c *Client) Pull(ctx context.Context, src Source, ref image.Reference, platform image.Platform, known *Pulled) (*Pulled, error) {
	const op = "pull"
	s, err := c.session(src, ref.Repository)
	if err != nil {
		return nil, fault.Wrap(fault.CodeOf(err), op, ref.String(), err)
	}
	p, err := s.pull(ctx, ref, platform, known)
	if err != nil {
		return nil, s.problem(op, ref.String(), err)
	}
	return p, nil
}

func (s *session) pull(ctx context.Context, ref image.Reference, platform image.Platform, known *Pulled) (*Pulled, error) {
	top, err := s.top(ctx, ref, known)
	if err != nil {
		return nil, err
	}
	if top == nil {
		return known, nil
	}
	p := &Pulled{Digest: top.Digest, Manifest: top}
	wanted := want{ref: ref, platform: platform, explicit: !platform.IsZero()}
	if !wanted.explicit {
		wanted.platform = s.c.o.Platform
	}
	stated := false
	if top.IsIndex {
		p.Index = top
		if p.Manifest, stated, err = s.child(ctx, top, &wanted, 1); err != nil {
			return nil, err
		}
	}
	if what := p.Manifest.NotImage(); what != "" {
		return nil, image.NotImageError(ref, what)
	}
	if p.Manifest.Config.Digest != "" {
		if p.Config, err = s.config(ctx, ref.Repository, p.Manifest.Config); err != nil {
			return nil, err
		}
	}
	facts, err := image.FromManifest(image.Source{Reference: ref, Index: p.Index, Manifest: p.Manifest, Config: p.Config})
	if err != nil {
		return nil, err
	}
	p.Platform = facts.Platform
	if has := p.Platform; !stated && wanted.explicit && has.OS != "" && has.Architecture != "" {
		if _, ok := wanted.platform.Accepts(has); !ok {
			return nil, fault.New(fault.NotFound, "", "there is no image for %s; there is %s", wanted.platform, has).
				WithFix("Ask for the platform that is there: %s.", has)
		}
	}
	return p, nil
}

// top is what the reference points to, or nil if that is still known.
func (s *session) top(ctx context.Context, ref image.Reference, known *Pulled) (*image.Manifest, error) {
	if ref.Digest != "" && known == nil {
		return s.manifest(ctx, ref.Repository, string(ref.Digest), ref.Digest)
	}
	found, m, err := s.resolve(ctx, ref)
	switch {
	case err != nil:
		return nil, err
	case known != nil && known.Digest == found.Digest:
		return nil, nil
	case m != nil:
		return m, nil
	}
	m, err = s.manifest(ctx, ref.Repository, string(found.Digest), found.Digest)
	if hasStatus(err, http.StatusNotFound) && ref.Digest == "" { // a cache that fills by tag only
		return s.manifest(ctx, ref.Repository, ref.Tag, found.Digest)
	}
	return m, err
}

// resolve returns the manifest too where it had to be read.
func (s *session) resolve(ctx context.Context, ref image.Reference) (Resolved, *image.Manifest, error) {
	if useless, _ := s.c.headless.get(s.home); !useless {
		r := s.manifestRequest(http.MethodHead, ref.Repository, ref.Identifier())
		a, err := s.do(ctx, r)
		var e *Error
		switch {
		case err == nil:
			digest, ok, err := announcedDigest(a, ref.Digest)
			if err != nil {
				return Resolved{}, nil, err
			}
			if ok {
				return Resolved{Digest: digest, MediaType: mediaType(a), Size: a.length}, nil, nil
			}
		case !errors.As(err, &e) || e.kind == KindToken:
			return Resolved{}, nil, err
		case e.Status == http.StatusMethodNotAllowed || e.Status == http.StatusNotImplemented:
			s.c.headless.put(s.home, true)
		case e.Status/100 != 4 || e.Status == http.StatusUnauthorized || e.Status == http.StatusTooManyRequests:
			return Resolved{}, nil, err
		}
		// Some registries know a manifest only by GET; and only a GET's answer has a body that says what is wrong.
	}
	m, err := s.manifest(ctx, ref.Repository, ref.Identifier(), ref.Digest)
	if err != nil {
		return Resolved{}, nil, err
	}
	return Resolved{Digest: m.Digest, MediaType: m.MediaType, Size: int64(len(m.Raw))}, m, nil
}

func (s *session) manifestRequest(method, repository, identifier string) request {
	return request{
		kind: KindManifest, method: method, url: s.endpoint.url(repository + "/manifests/" + identifier),
		accept: acceptManifests, limit: s.c.o.MaxManifest, repository: repository,
	}
}

// announcedDigest is the digest that an answer's header gives, and what was asked for if there is none. An answer for
// another digest than the one asked for is an error.
func announcedDigest(a *answer, asked image.Digest) (image.Digest, bool, error) {
	digest, err := image.ParseDigest(strings.TrimSpace(a.header.Get("Docker-Content-Digest")))
	switch {
	case err != nil:
		return asked, asked != "", nil
	case asked != "" && digest != asked && len(digest) == len(asked): // of the same algorithm
		return "", false, fault.New(fault.Invalid, "", "the registry answered with %s when asked for %s", digest, asked)
	case asked != "":
		return asked, true, nil
	}
	return digest, true, nil
}

func mediaType(a *answer) string {
	t, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// manifest reads one manifest and verifies it against the digest it must have, if any, and the one the registry claims.
func (s *session) manifest(ctx context.Context, repository, identifier string, must image.Digest) (*image.Manifest, error) {
	r := s.manifestRequest(http.MethodGet, repository, identifier)
	a, err := s.do(ctx, r)
	if err != nil {
		return nil, err
	}
	claimed, ok, err := announcedDigest(a, must)
	if err != nil {
		return nil, err
	}
	if looksLikePage(a) {
		return nil, fault.New(fault.Invalid, "", "%s %s: the answer is a web page", r.method, redact(a.url)).WithFix("%s", s.notARegistry())
	}
	m, err := image.ParseManifest(a.header.Get("Content-Type"), a.body)
	if err != nil {
		return nil, err
	}
	if ok {
		if err := m.Verify(claimed); err != nil {
			return nil, err
		}
		m.Digest = claimed
	}
	return m, nil
}

func looksLikePage(a *answer) bool {
	return strings.Contains(mediaType(a), "html") || strings.HasPrefix(strings.TrimSpace(string(a.body[:min(64, len(a.body))])), "<")
}

// want is what is looked for in indexes, with how much may still be read for it.
type want struct {
	ref      image.Reference
	platform image.Platform
	explicit bool
	reads    int
}

// child finds the manifest for a platform in an index and the indexes below it. stated says whether an index vouched for
// its platform.
func (s *session) child(ctx context.Context, index *image.Manifest, w *want, depth int) (m *image.Manifest, stated bool, err error) {
	if what := index.NotImage(); what != "" {
		return nil, false, image.NotImageError(w.ref, what)
	}
	d, err := index.Select(w.platform)
	if err != nil && fault.CodeOf(err) == fault.NotFound {
		for _, nested := range index.IndexChildren() {
			m, stated, below := s.below(ctx, nested, w, depth)
			if below == nil || fault.CodeOf(below) != fault.NotFound {
				return m, stated, below
			}
		}
	}
	if err != nil {
		return nil, false, err
	}
	m, stated, err = s.below(ctx, d, w, depth)
	return m, stated || d.Platform != nil, err
}

// below reads a child of an index, and goes on in it if it is one itself.
func (s *session) below(ctx context.Context, d image.Descriptor, w *want, depth int) (*image.Manifest, bool, error) {
	if w.reads++; w.reads > maxIndexReads {
		return nil, false, fault.New(fault.Invalid, "", "the index holds more than %d indexes to look through", maxIndexReads).
			WithFix("Ask for the digest of the platform's manifest instead.")
	}
	if d.Size > s.c.o.MaxManifest {
		return nil, false, fault.New(fault.Invalid, "", "the manifest %s is %s long; the limit is %s", d.Digest, image.SizeText(d.Size), image.SizeText(s.c.o.MaxManifest))
	}
	m, err := s.manifest(ctx, w.ref.Repository, string(d.Digest), d.Digest)
	switch {
	case err != nil:
		return nil, false, err
	case d.Size > 0 && int64(len(m.Raw)) != d.Size:
		return nil, false, fault.New(fault.Invalid, "", "the manifest %s has %d bytes, but the index says %d", d.Digest, len(m.Raw), d.Size)
	case !m.IsIndex:
		return m, false, nil
	case depth >= maxIndexDepth:
		return nil, false, fault.New(fault.Invalid, "", "indexes are nested more than %d deep", maxIndexDepth)
	}
	return s.child(ctx, m, w, depth+1)
}

// config reads a config. image.FromManifest verifies its digest.
func (s *session) config(ctx context.Context, repository string, d image.Descriptor) ([]byte, error) {
	limit := s.c.o.MaxConfig
	if d.Size > limit {
		return nil, fault.New(fault.Invalid, "", "the image's config is %s long; the limit is %s", image.SizeText(d.Size), image.SizeText(limit)).
			WithFix("No image needs so long a config: it was built wrongly or means harm.")
	}
	if d.Size > 0 {
		limit = d.Size
	}
	a, err := s.do(ctx, request{
		kind: KindConfig, method: http.MethodGet, url: s.endpoint.url(repository + "/blobs/" + string(d.Digest)),
		limit: limit, repository: repository,
	})
	if err != nil {
		return nil, err
	}
	if d.Size > 0 && int64(len(a.body)) != d.Size {
		return nil, fault.New(fault.Invalid, "", "the config %s has %d bytes, but the manifest says %d", d.Digest, len(a.body), d.Size)
	}
	return a.body, nil
}

func hasStatus(err error, status int) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == status && e.kind != KindToken
}
