package diagnosis_test

import (
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/image"
)

// pulled is a registry that everybody may pull from, with an image to be tested.
func pulled(change func(t *testing.T, p *patient, f *registrytest.Fake)) func(*testing.T, *patient) {
	return func(t *testing.T, p *patient) {
		f := p.fake(t, nil, registrytest.Quirks{})
		p.named(f.Host)
		change(t, p, f)
	}
}

// layersAt is a registry whose blobs are elsewhere.
func layersAt(address string, say ...string) func(*testing.T, *patient) {
	return pulled(func(t *testing.T, p *patient, f *registrytest.Fake) {
		f.Set(registrytest.Quirks{BlobRedirect: address})
		p.says = append(say, strings.TrimPrefix(address, "https://"))
	})
}

// imageRows are about a named image, and limits.
var imageRows = []row{
	{"a tag that does not exist", "image-not-found", "manifest", pulled(func(_ *testing.T, p *patient, f *registrytest.Fake) {
		p.image = f.Host + "/" + zooImage + ":gone"
		p.says = []string{zooImage, "gone"}
	})},
	{"a repository that is hidden", "repository-not-found-or-hidden", "manifest", withImage(sold(registrytest.Gitea, "gitea", "guest", zooRight, zooImage, "guest"))},
	{"a repository that does not exist", "image-not-found", "manifest", func(t *testing.T, p *patient) {
		r := p.real(t, registrytest.Options{})
		p.image = r.Host + "/team/other:1"
		p.says = []string{"team/other"}
	}},
	{"Nexus without the privilege to read", "pull-denied", "manifest", withImage(sold(registrytest.Nexus, "nexus", "guest", zooRight, zooImage, "guest", "403"))},
	{"OpenShift without image-puller", "openshift-puller-role", "docker-openshift-role", and(withImage(sold(registrytest.OpenShift, "docker", "guest", zooRight, "team", "image-puller")), "pull-denied")},
	{"Quay without the right to read", "scope-narrowed", "credential", withImage(sold(registrytest.Quay, "quay", "guest", zooRight, zooImage))},
	{"an image of other platforms", "platform-missing", "manifest", pulled(func(t *testing.T, p *patient, f *registrytest.Fake) {
		arm := registrytest.Push(t, f, zooImage, "", registrytest.Image{Platform: image.Platform{OS: "linux", Architecture: "s390x"}})
		registrytest.PushIndex(t, f, zooImage, "1", arm)
		p.says = []string{"linux/amd64", "linux/s390x", zooImage}
	})},
	{"a manifest that is none", "manifest-broken", "manifest", pulled(func(t *testing.T, p *patient, f *registrytest.Fake) {
		f.PutManifest(t, zooImage, "1", image.MediaTypeOCIManifest, []byte("{"))
		p.says = []string{zooImage}
	})},
	{"a config that was changed", "config-broken", "config", pulled(func(t *testing.T, p *patient, f *registrytest.Fake) {
		config := f.PutBlob(t, zooImage, image.MediaTypeOCIConfig, []byte(`{"os":"linux"}`))
		f.PutManifest(t, zooImage, "1", image.MediaTypeOCIManifest, registrytest.Manifest(image.MediaTypeOCIManifest, config, []image.Descriptor{}))
		f.Corrupt(config.Digest, []byte(`{"os":"minix"}`))
		p.says = []string{zooImage}
	})},
	{"layers at a host that is not there", "blob-host-unreachable", "config", layersAt("https://"+registrytest.ClosedPort, "firewalls")},
	{"layers at a host that does not exist", "blob-host-unreachable", "config", layersAt("https://blobs-nowhere.test")},
	{"layers at a host with a certificate of nobody", "blob-host-certificate", "config", func(t *testing.T, p *patient) {
		other := registrytest.NewFake(t, registrytest.NamedAuthority(t, "Another Root"), registrytest.Quirks{})
		layersAt(other.URL)(t, p)
	}},
	{"layers that are to come over plain HTTP", "redirect-not-followed", "config", func(t *testing.T, p *patient) {
		p.trust = registrytest.NewAuthority(t)
		plain := registrytest.NewFake(t, nil, registrytest.Quirks{})
		f := p.fake(t, p.trust, registrytest.Quirks{})
		f.Set(registrytest.Quirks{BlobRedirect: plain.URL})
		p.named(f.Host)
		p.says = []string{f.Host, plain.Host, "X-Forwarded-Proto"}
	}},
	{"a layer that is gone", "blob-not-served", "blobs", pulled(func(t *testing.T, p *patient, f *registrytest.Fake) {
		config := f.PutBlob(t, zooImage, image.MediaTypeOCIConfig, []byte(`{"os":"linux","architecture":"amd64"}`))
		gone := image.Descriptor{MediaType: registrytest.MediaTypeLayer, Digest: image.DigestOf([]byte("gone")), Size: 4}
		f.PutManifest(t, zooImage, "1", image.MediaTypeOCIManifest, registrytest.Manifest(image.MediaTypeOCIManifest, config, []image.Descriptor{gone}))
		p.says = []string{f.Host, zooImage, "BLOB_UNKNOWN"}
	})},
	{"429 when an image is pulled", "rate-limited", "manifest", func(t *testing.T, p *patient) {
		shop := p.shop(t, registrytest.DockerHub, registrytest.Site{})
		p.named(shop.Host)
		shop.Quota = &registrytest.Quota{Limit: 100}
		p.says = []string{shop.Host, "429", "TOOMANYREQUESTS"}
		p.also = []string{"quota-used-up"}
	}},
	{"a limit that is nearly used up", "quota-nearly-used", "quota", func(t *testing.T, p *patient) {
		shop := p.shop(t, registrytest.DockerHub, registrytest.Site{})
		p.named(shop.Host)
		shop.Quota = &registrytest.Quota{Limit: 100, Left: 6}
		p.says = []string{"100", "5", "6 hours"}
	}},
	{"a limit whose last pull this was", "quota-used-up", "quota", func(t *testing.T, p *patient) {
		shop := p.shop(t, registrytest.DockerHub, registrytest.Site{})
		p.named(shop.Host)
		shop.Quota = &registrytest.Quota{Limit: 100, Left: 1}
		p.says = []string{"100", "6 hours"}
	}},
}
