package distribution

import (
	"context"
	"testing"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

func TestArtifact(t *testing.T) {
	ctx := context.Background()
	r := registrytest.Start(t, registrytest.Options{})
	payload := r.PutBlob(t, "team/app", "application/spdx+json", []byte("{}"))
	d := r.PutManifest(t, "team/app", "a.sbom", image.MediaTypeOCIManifest, registrytest.Manifest(image.MediaTypeOCIManifest, payload, []image.Descriptor{payload}))
	b := newBench(t, Options{})
	for _, identifier := range []string{"a.sbom", string(d.Digest)} {
		m, err := b.Artifact(ctx, source(t, r.URL), "team/app", identifier)
		ok(t, err)
		if m.Digest != d.Digest || len(m.Layers) != 1 {
			t.Errorf("%s: %+v", identifier, m)
		}
	}
	_, err := b.Artifact(ctx, source(t, r.URL), "team/app", "b.sbom")
	wantFault(t, err, fault.NotFound)

	raw, err := b.Content(ctx, source(t, r.URL), "team/app", payload, 2)
	ok(t, err)
	if string(raw) != "{}" {
		t.Errorf("%q", raw)
	}
	_, err = b.Content(ctx, source(t, r.URL), "team/app", payload, 1)
	wantFault(t, err, fault.Invalid, "the limit is 1")
	unsized := payload
	unsized.Size = image.SizeUnknown
	_, err = b.Content(ctx, source(t, r.URL), "team/app", unsized, 1)
	wantFault(t, err, fault.Invalid, "more than 1")
}
