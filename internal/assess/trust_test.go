package assess_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/attestation"
	"github.com/landwaiter/landwaiter/internal/attestation/attestationtest"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/image"
)

// rules believe a signer about images of a pattern.
func rules(t testing.TB, s attestationtest.Signer, pattern string) []attestation.Rule {
	t.Helper()
	list, err := attestation.ParseRules(nil, "rules", s.Rule(pattern))
	must(t, err)
	return list
}

// layersRead counts the layers of debian that were asked for.
func layersRead(r *registrytest.Registry) (n int) {
	for _, req := range r.Requests() {
		for _, layer := range debian().Layers {
			if strings.HasSuffix(req.Path, string(image.DigestOf(layer))) {
				n++
			}
		}
	}
	return n
}

func noted(a *assess.Assessment, part string) bool {
	for _, n := range a.Scan.Notes {
		if strings.Contains(n.Message, part) && !n.Lossy {
			return true
		}
	}
	return false
}

const lodashPURL = "pkg:npm/lodash@4.17.15"

func TestTrust(t *testing.T) {
	signer, stranger := attestationtest.New(t), attestationtest.New(t)
	const created = "2026-11-01T00:00:00Z"
	// with pushes an image, lets prepare attach what it likes, and checks the image by the signer's rule.
	with := func(t *testing.T, prepare func(r *registrytest.Registry, d image.Digest)) (*assess.Assessment, *registrytest.Registry) {
		t.Helper()
		r := registrytest.Start(t, registrytest.Options{})
		d := registrytest.Push(t, r, "team/app", "1", debian())
		prepare(r, d.Digest)
		f := start(t, both(), func(o *assess.Options) { o.SignerRules = rules(t, signer, r.Host+"/team/*") })
		f.connect("team", r.URL, "", "")
		r.Requests()
		return f.assess(r.Host+"/team/app:1", assess.Judge), r
	}

	t.Run("a signed bill of materials stands for the layers", func(t *testing.T) {
		var signed []byte
		a, r := with(t, func(r *registrytest.Registry, d image.Digest) {
			signed = signer.Envelope(d, created, lodashPURL, "pkg:deb/debian/libssl1.1@1.1.1k-1?distro=debian-11&upstream=openssl")
			attestationtest.Attach(t, r, "team/app", d, signed)
		})
		if n := layersRead(r); n != 0 {
			t.Errorf("%d layers were read", n)
		}
		from := a.Scan.Source
		if from.Kind != "attestation" || from.SignerRule != "team builds" || !strings.HasPrefix(from.Key, "sha256:") || from.Tool != "builder 7" ||
			from.Attestation != image.DigestOf(signed) || from.Subject != a.Facts.ManifestDigest || from.Format != "CycloneDX 1.5" || from.Digest == "" || from.Created == nil {
			t.Errorf("%+v", from)
		}
		if a.Scan.Status != "complete" || len(a.Scan.Components) != 2 || len(a.Findings) != 2 || a.Check.Status != assess.Checked {
			t.Errorf("%s, %d components, %d findings, %s", a.Scan.Status, len(a.Scan.Components), len(a.Findings), a.Check.Status)
		}
		if len(a.Policy.Undecided) > 0 {
			t.Errorf("the image's configuration is known, yet: %+v", a.Policy.Undecided)
		}
		if len(a.Attachments) != 1 || a.Attachments[0].SignerRule != "team builds" || a.Attachments[0].From != "cosign tag" {
			t.Errorf("%+v", a.Attachments)
		}
	})

	t.Run("a bundle among the referrers counts as well", func(t *testing.T) {
		a, r := with(t, func(r *registrytest.Registry, d image.Digest) {
			bundle := fmt.Appendf(nil, `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"}},"dsseEnvelope":%s}`, signer.Envelope(d, created, lodashPURL))
			blob := r.PutBlob(t, "team/app", "application/vnd.dev.sigstore.bundle.v0.3+json", bundle)
			empty := r.PutBlob(t, "team/app", image.MediaTypeOCIConfig, []byte("{}"))
			m := r.PutManifest(t, "team/app", "bundle", image.MediaTypeOCIManifest, registrytest.Manifest(image.MediaTypeOCIManifest, empty, []image.Descriptor{blob}))
			m.ArtifactType = blob.MediaType
			index, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": image.MediaTypeOCIIndex, "manifests": descriptors(m)})
			must(t, err)
			r.PutManifest(t, "team/app", tagOf(d, ""), image.MediaTypeOCIIndex, index)
		})
		if a.Scan.Source.Kind != assess.FromAttestation || layersRead(r) != 0 || len(a.Attachments) != 1 || a.Attachments[0].SignerRule == "" {
			t.Errorf("%+v %+v", a.Scan.Source, a.Attachments)
		}
	})

	t.Run("the latest of several counts", func(t *testing.T) {
		a, _ := with(t, func(r *registrytest.Registry, d image.Digest) {
			attestationtest.Attach(t, r, "team/app", d, signer.Envelope(d, "2026-11-02T00:00:00Z", lodashPURL), signer.Envelope(d, "2026-11-03T00:00:00Z", lodashPURL, "pkg:npm/left@1"), signer.Envelope(d, created, "pkg:npm/x@1"))
		})
		if len(a.Scan.Components) != 2 {
			t.Errorf("%+v", a.Scan.Components)
		}
	})

	for name, tt := range map[string]struct {
		envelope func(d image.Digest) []byte
		why      string
	}{
		"another signer":       {func(d image.Digest) []byte { return stranger.Envelope(d, created, lodashPURL) }, "no key of a signer rule made its signature"},
		"another image":        {func(image.Digest) []byte { return signer.Envelope(image.DigestOf(nil), created, lodashPURL) }, "it is about another image"},
		"an old document":      {func(d image.Digest) []byte { return signer.Envelope(d, "2026-01-01T00:00:00Z", lodashPURL) }, "is of 2026-01-01, and the signer rule team builds"},
		"an empty document":    {func(d image.Digest) []byte { return signer.Envelope(d, created) }, "lists no component"},
		"something else there": {func(image.Digest) []byte { return []byte("hello") }, "it is no envelope"},
	} {
		t.Run(name+" is not used, and the layers are read", func(t *testing.T) {
			a, r := with(t, func(r *registrytest.Registry, d image.Digest) {
				attestationtest.Attach(t, r, "team/app", d, tt.envelope(d))
			})
			if a.Scan.Source.Kind != assess.FromLayers || len(a.Scan.Components) != 4 || layersRead(r) != 2 || a.Scan.Status != "complete" {
				t.Errorf("%+v, %d components", a.Scan.Source, len(a.Scan.Components))
			}
			if !noted(a, "was not used: "+tt.why) && !noted(a, tt.why) {
				t.Errorf("the answer does not say why: %+v", a.Scan.Notes)
			}
		})
	}

	t.Run("without an attestation the layers are read, and the answer says so", func(t *testing.T) {
		a, r := with(t, func(*registrytest.Registry, image.Digest) {})
		if a.Scan.Source.Kind != assess.FromLayers || layersRead(r) != 2 || !noted(a, "no attestation was found that the signer rule team builds could accept") {
			t.Errorf("%+v %+v", a.Scan.Source, a.Scan.Notes)
		}
	})

	t.Run("an attestation of the index counts, and the answer says so", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{})
		d := registrytest.Push(t, r, "team/app", "", debian())
		index := registrytest.PushIndex(t, r, "team/app", "1", d)
		attestationtest.Attach(t, r, "team/app", index.Digest, signer.Envelope(index.Digest, created, lodashPURL))
		f := start(t, both(), func(o *assess.Options) { o.SignerRules = rules(t, signer, r.Host+"/**") })
		f.connect("team", r.URL, "", "")
		a := f.assess(r.Host+"/team/app:1", assess.ScanIt)
		if a.Scan.Source.Subject != index.Digest || !noted(a, "about the index") {
			t.Errorf("%+v %+v", a.Scan.Source, a.Scan.Notes)
		}
		attestationtest.Attach(t, r, "team/app", d.Digest, signer.Envelope(d.Digest, "2026-10-01T00:00:00Z", lodashPURL))
		if a := f.assess(r.Host+"/team/app:1", assess.ScanIt); a.Scan.Source.Subject != d.Digest {
			t.Errorf("that of the platform's manifest does not come first: %+v", a.Scan.Source)
		}
	})

	t.Run("a rule for other images asks for nothing", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{})
		d := registrytest.Push(t, r, "team/app", "1", debian())
		attestationtest.Attach(t, r, "team/app", d.Digest, signer.Envelope(d.Digest, created, lodashPURL))
		f := start(t, both(), func(o *assess.Options) { o.SignerRules = rules(t, signer, "registry.example/**") })
		f.connect("team", r.URL, "", "")
		r.Requests()
		a := f.assess(r.Host+"/team/app:1", assess.ScanIt)
		for _, p := range paths(r.Requests()) {
			if strings.HasSuffix(p, ".att") {
				t.Errorf("%s", p)
			}
		}
		if a.Scan.Source.Kind != assess.FromLayers || len(a.Scan.Notes) > 0 {
			t.Errorf("%+v %+v", a.Scan.Source, a.Scan.Notes)
		}
	})
}
