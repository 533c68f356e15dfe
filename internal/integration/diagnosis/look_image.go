package diagnosis

import (
	"context"
	"net/http"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/image"
)

// images looks at the named image as a pull does: what it points to, the manifest for the platform, the config, a layer.
func (r *run) images() {
	var manifest *image.Manifest
	r.step(StepManifest, func(ctx context.Context, o *Observation) { manifest = r.manifest(ctx, o) }, StepCredential)
	r.step(StepConfig, func(ctx context.Context, o *Observation) {
		if manifest.Config.Digest == "" {
			o.Skipped = "images of this old format have none"
			return
		}
		body := r.blob(ctx, o, ForConfig, manifest.Config, false)
		if len(body) > 0 {
			o.Image = &Image{Problem: r.problem(manifest.Config.Digest.Verify(body))}
		}
	}, StepManifest)
	r.step(StepBlobs, func(ctx context.Context, o *Observation) {
		if len(manifest.Layers) == 0 {
			o.Skipped = "the image has no layers"
			return
		}
		r.blob(ctx, o, ForBlob, manifest.Layers[len(manifest.Layers)-1], true)
	}, StepConfig)
}

// manifest reads the manifest for the client's platform; nil where the step fails.
func (r *run) manifest(ctx context.Context, o *Observation) *image.Manifest {
	o.Image = &Image{}
	path := func(identifier string) string { return r.ref.Repository + "/manifests/" + identifier }
	read := func(identifier string) *image.Manifest {
		a := r.look(ctx, o, ForManifest, Owner, distribution.Look{
			Method: http.MethodGet, Path: path(identifier), Manifest: true, Authorization: r.authorized,
		})
		if a.Status != http.StatusOK {
			return nil
		}
		m, err := image.ParseManifest(a.Header.Get("Content-Type"), a.Body)
		if digest, bad := image.ParseDigest(identifier); err == nil && bad == nil {
			err = m.Verify(digest)
		}
		if err == nil && m.NotImage() != "" {
			err = image.NotImageError(r.ref, m.NotImage())
		}
		if o.Image.Problem = r.problem(err); err != nil {
			return nil
		}
		return m
	}
	m := read(r.ref.Identifier())
	if m == nil {
		return nil
	}
	o.Image.Digest = string(m.Digest)
	if m.IsIndex {
		for _, p := range m.Platforms() {
			o.Image.Platforms = append(o.Image.Platforms, bounded(r.hide(p.String()), 80))
			if len(o.Image.Platforms) == 32 {
				break
			}
		}
		platform := r.Client.Platform()
		o.Image.Platform = platform.String()
		d, err := m.Select(platform)
		if o.Image.Problem = r.problem(err); err != nil {
			return nil
		}
		if m = read(string(d.Digest)); m == nil {
			return nil
		}
	}
	o.Image.Layers, r.manifestAt = len(m.Layers), m.Digest
	return m
}

// blob goes where a blob is, from host to host. Of a layer only the first bytes are read.
func (r *run) blob(ctx context.Context, o *Observation, what string, d image.Descriptor, peek bool) []byte {
	l := distribution.Look{
		Method: http.MethodGet, Path: r.ref.Repository + "/blobs/" + string(d.Digest), Authorization: r.authorized, Peek: peek,
	}
	a := r.look(ctx, o, what, Owner, l)
	for range maxFollowed {
		if a.Location == "" {
			break
		}
		next, _ := r.send(what, Owner, func() (distribution.Answer, distribution.Route, error) { return r.probe.Follow(ctx, a, l) })
		o.Exchanges = append(o.Exchanges, next)
		a = next.Answer
	}
	if a.Status/100 != 2 {
		return nil
	}
	return a.Body
}

// hubPreview is the repository by which Docker Hub tells its limits, as its documentation says.
const hubPreview = "ratelimitpreview/test"

func (r *run) quota(ctx context.Context, o *Observation) {
	if r.probe.Endpoint.RegistryHost() != image.DockerHub || r.ref.Repository != "" || r.glance || r.stopped[StepCredential] != "" {
		return // what the answers so far say is enough
	}
	authorization := r.askToken(ctx, o, ForToken, Owner, r.credential, "repository:"+hubPreview+":pull")
	r.look(ctx, o, ForQuota, Owner, distribution.Look{
		Method: http.MethodHead, Path: hubPreview + "/manifests/latest", Manifest: true, Authorization: authorization,
	})
}

// clock and expiry need no requests: what they are about was seen by other steps.
func (r *run) clock(context.Context, *Observation)  {}
func (r *run) expiry(context.Context, *Observation) {}
