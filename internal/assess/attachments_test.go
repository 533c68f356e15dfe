package assess_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/image"
)

// attach pushes a manifest whose layers have the media types and annotations of the descriptors, and fill their content.
func attach(t testing.TB, to registrytest.Target, tag string, layers ...image.Descriptor) image.Descriptor {
	t.Helper()
	empty := to.PutBlob(t, "team/app", image.MediaTypeOCIConfig, []byte("{}"))
	for i, l := range layers {
		pushed := to.PutBlob(t, "team/app", l.MediaType, []byte(tag+l.MediaType))
		layers[i].Digest, layers[i].Size = pushed.Digest, pushed.Size
	}
	return to.PutManifest(t, "team/app", tag, image.MediaTypeOCIManifest, registrytest.Manifest(image.MediaTypeOCIManifest, empty, layers))
}

func tagOf(d image.Digest, suffix string) string {
	return strings.Replace(string(d), ":", "-", 1) + suffix
}

// lines shortens attachments for comparison.
func lines(list []assess.Attachment) string {
	var all []string
	for _, a := range list {
		all = append(all, strings.Join(strings.Fields(a.From+" "+a.Kind+" "+a.Format), " "))
	}
	return strings.Join(all, "; ")
}

func TestAttachments(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{}) // which has no referrers API
	d := registrytest.Push(t, r, "team/app", "1", registrytest.Image{
		Layers: [][]byte{registrytest.Layer(map[string]string{
			"etc/os-release":                         "ID=wolfi\n",
			"lib/apk/db/installed":                   "P:busybox\nV:1.36.1-r0\nA:x86_64\n\n",
			"var/lib/db/sbom/busybox-1.36.spdx.json": `{"spdxVersion":"SPDX-2.3","name":"busybox"}`,
			"opt/bitnami/redis/.spdx-redis.spdx":     `{"SPDXID":"SPDXRef-DOCUMENT","spdxVersion":"SPDX-2.3"}`,
			"app/bom.json":                           `{"bomFormat":"CycloneDX","specVersion":"1.6"}`,
			"app/sbom.json":                          `{"something":"else"}`,
			"root/buildinfo/content_manifests/ubi9-container-9.4.json": `{"metadata":{"icm_version":1},"image_contents":[]}`,
		})},
	})
	signature := attach(t, r, tagOf(d.Digest, ".sig"), image.Descriptor{MediaType: "application/vnd.dev.cosign.simplesigning.v1+json"})
	attach(t, r, tagOf(d.Digest, ".att"), image.Descriptor{
		MediaType: "application/vnd.dsse.envelope.v1+json", Annotations: map[string]string{"predicateType": "https://cyclonedx.org/bom"},
	})
	attach(t, r, tagOf(d.Digest, ".sbom"), image.Descriptor{MediaType: "text/spdx+json"})
	bill := attach(t, r, "referrer")
	bill.ArtifactType = "application/vnd.cyclonedx+json"
	bundle := signature
	bundle.ArtifactType, bundle.Annotations = "application/vnd.dev.sigstore.bundle.v0.3+json", map[string]string{"dev.sigstore.bundle.predicateType": "https://slsa.dev/provenance/v1"}
	index, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": image.MediaTypeOCIIndex, "manifests": descriptors(bill, bundle)})
	must(t, err)
	r.PutManifest(t, "team/app", tagOf(d.Digest, ""), image.MediaTypeOCIIndex, index)

	f := start(t, nil, nil)
	f.connect("team", r.URL, "", "")

	t.Run("a look at the facts finds everything beside the image", func(t *testing.T) {
		a := f.assess(r.Host+"/team/app:1", assess.Inspect)
		if got := lines(a.Attachments); got != "referrer sbom CycloneDX; referrer attestation SLSA provenance; cosign tag signature cosign; cosign tag attestation CycloneDX; cosign tag sbom SPDX" || len(a.AttachmentNotes) > 0 {
			t.Errorf("%s %q", got, a.AttachmentNotes)
		}
		if at := a.Attachments[3]; at.Place != tagOf(d.Digest, ".att") || at.Subject != d.Digest || at.Size == 0 || at.PredicateType != "https://cyclonedx.org/bom" {
			t.Errorf("%+v", at)
		}
	})

	t.Run("a scan asks once, and finds files inside", func(t *testing.T) {
		r.Requests()
		a := f.assess(r.Host+"/team/app:1", assess.ScanIt)
		if got := lines(a.Attachments); got != "referrer sbom CycloneDX; referrer attestation SLSA provenance; layer sbom CycloneDX; layer sbom SPDX; layer sbom Red Hat content manifest; layer sbom SPDX" {
			t.Error(got)
		}
		if at := a.Attachments[2]; at.Place != "/app/bom.json" || at.Digest != image.DigestOf([]byte(`{"bomFormat":"CycloneDX","specVersion":"1.6"}`)) || at.Subject != a.Facts.Layers[0].Digest {
			t.Errorf("%+v", at)
		}
		asked, all := 0, paths(r.Requests())
		for _, p := range all {
			if strings.HasPrefix(p, "GET") && strings.Contains(p, "/manifests/sha256-") || strings.Contains(p, "/referrers/") {
				asked++
			}
		}
		if asked != 1 {
			t.Errorf("%d requests for attachments: %q", asked, all)
		}
		if again := f.assess(r.Host+"/team/app:1", assess.ScanIt); lines(again.Attachments) != lines(a.Attachments) {
			t.Errorf("from the cache: %s", lines(again.Attachments))
		}
	})
}

func TestAttachments_of_BuildKit(t *testing.T) {
	r := registrytest.Start(t, registrytest.Options{})
	app := registrytest.Push(t, r, "team/app", "", registrytest.Image{})
	statement := attach(t, r, "attestation",
		image.Descriptor{MediaType: "application/vnd.in-toto+json", Annotations: map[string]string{"in-toto.io/predicate-type": "https://spdx.dev/Document"}},
		image.Descriptor{MediaType: "application/vnd.in-toto+json", Annotations: map[string]string{"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"}})
	statement.Platform = &image.Platform{OS: "unknown", Architecture: "unknown"}
	statement.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": string(app.Digest)}
	foreign := statement
	foreign.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": string(image.DigestOf(nil))}
	registrytest.PushIndex(t, r, "team/app", "1", app, statement, foreign)
	f := start(t, nil, nil)
	f.connect("team", r.URL, "", "")
	if got := lines(f.assess(r.Host+"/team/app:1", assess.ScanIt).Attachments); got != "index attestation" {
		t.Error(got)
	}
	if got := lines(f.assess(r.Host+"/team/app:1", assess.Inspect).Attachments); got != "index attestation SPDX; index attestation SLSA provenance" {
		t.Error(got)
	}
}

func TestAttachments_that_cannot_be_had_are_said(t *testing.T) {
	fake := registrytest.NewFake(t, nil, registrytest.Quirks{})
	registrytest.Push(t, fake, "team/app", "1", debian())
	fake.Set(registrytest.Quirks{Answer: func(w http.ResponseWriter, r *http.Request) bool {
		return strings.Contains(r.URL.Path, "/referrers/") && refuse(w, http.StatusForbidden, "DENIED")
	}})
	f := start(t, nil, nil)
	f.connect("team", fake.URL, "", "")
	a := f.assess(fake.Host+"/team/app:1", assess.ScanIt)
	if a.Scan.Status != "complete" || len(a.Attachments) > 0 || len(a.AttachmentNotes) != 1 || !strings.Contains(a.AttachmentNotes[0], "DENIED") {
		t.Errorf("%s %v %q", a.Scan.Status, a.Attachments, a.AttachmentNotes)
	}
}
