package distribution

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

func platform(t testing.TB, s string) image.Platform {
	t.Helper()
	p, err := image.ParsePlatform(s)
	ok(t, err)
	return p
}

func TestPullQuirks(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name  string
		q     registrytest.Quirks
		did   string // of a cold pull
		again string // of a pull that knows the first
	}{
		{"none", registrytest.Quirks{}, "HEAD manifest, GET manifest, GET config", "HEAD manifest"},
		{"HEAD_405", registrytest.Quirks{RefuseHEAD: 405}, "HEAD manifest, GET manifest, GET config", "GET manifest"},
		{"HEAD_501", registrytest.Quirks{RefuseHEAD: 501}, "HEAD manifest, GET manifest, GET config", "GET manifest"},
		{"HEAD_404_though_it_is_there", registrytest.Quirks{RefuseHEAD: 404}, "HEAD manifest, GET manifest, GET config", "HEAD manifest, GET manifest"},
		{"no_digest_header", registrytest.Quirks{NoDigest: true}, "HEAD manifest, GET manifest, GET config", "HEAD manifest, GET manifest"},
		{"content_type_with_parameters", registrytest.Quirks{Parameters: "; charset=utf-8"}, "HEAD manifest, GET manifest, GET config", "HEAD manifest"},
		{"content_encoding", registrytest.Quirks{Gzip: true}, "HEAD manifest, GET manifest, GET config", "HEAD manifest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := registrytest.NewFake(t, nil, c.q)
			d := starter(t, f)
			b := newBench(t, Options{})
			ref := reference(t, f.Host, "team/app:v1")
			p, err := b.Pull(ctx, source(t, f.URL), ref, image.Platform{}, nil)
			ok(t, err)
			wantDid(t, b, c.did)
			if p.Digest != d.Digest || p.Manifest.MediaType != d.MediaType || p.Platform != *d.Platform || len(p.Config) == 0 {
				t.Errorf("pulled %+v", p)
			}
			again, err := b.Pull(ctx, source(t, f.URL), ref, image.Platform{}, p)
			ok(t, err)
			wantDid(t, b, c.again)
			if again != p {
				t.Error("what was known must be returned")
			}
			r, err := b.Resolve(ctx, source(t, f.URL), ref)
			ok(t, err)
			if r.Digest != d.Digest || r.MediaType != d.MediaType || r.Size != d.Size {
				t.Errorf("resolved to %+v, want %+v", r, d)
			}
		})
	}

	t.Run("only_the_tag_is_cached", func(t *testing.T) {
		f := registrytest.NewFake(t, nil, registrytest.Quirks{})
		d := starter(t, f)
		f.Set(registrytest.Quirks{Answer: func(w http.ResponseWriter, r *http.Request) bool {
			byDigest := strings.HasSuffix(r.URL.Path, "/manifests/"+string(d.Digest))
			if byDigest {
				http.NotFound(w, r)
			}
			return byDigest
		}})
		_, err := newBench(t, Options{}).Pull(ctx, source(t, f.URL), reference(t, f.Host, "team/app:v1"), image.Platform{}, nil)
		ok(t, err)
	})

	t.Run("tag_moved", func(t *testing.T) {
		f := registrytest.NewFake(t, nil, registrytest.Quirks{})
		starter(t, f)
		b := newBench(t, Options{})
		ref := reference(t, f.Host, "team/app:v1")
		old, err := b.Pull(ctx, source(t, f.URL), ref, image.Platform{}, nil)
		ok(t, err)
		moved := registrytest.Push(t, f, "team/app", "v1", registrytest.Image{Lines: []string{"RUN true"}})
		p, err := b.Pull(ctx, source(t, f.URL), ref, image.Platform{}, old)
		ok(t, err)
		if p.Digest != moved.Digest {
			t.Errorf("got %s, want %s", p.Digest, moved.Digest)
		}
	})

	t.Run("Accept_puts_schema_1_last", func(t *testing.T) {
		accept := ""
		f := registrytest.NewFake(t, nil, registrytest.Quirks{Answer: func(_ http.ResponseWriter, r *http.Request) bool {
			accept = r.Header.Get("Accept")
			return false
		}})
		starter(t, f)
		_, err := newBench(t, Options{}).Resolve(ctx, source(t, f.URL), reference(t, f.Host, "team/app:v1"))
		ok(t, err)
		for _, mediaType := range []string{image.MediaTypeOCIManifest, image.MediaTypeOCIIndex, image.MediaTypeDockerManifest, image.MediaTypeDockerList} {
			if i := strings.Index(accept, mediaType); i < 0 || i > strings.Index(accept, image.MediaTypeDockerSchema1Signed) {
				t.Errorf("Accept: %s", accept)
			}
		}
	})
}

func TestPullVerifies(t *testing.T) {
	ctx := context.Background()
	pull := func(t *testing.T, f *registrytest.Fake, o Options, tag string) error {
		t.Helper()
		_, err := newBench(t, o).Pull(ctx, source(t, f.URL), reference(t, f.Host, "team/app"+tag), image.Platform{}, nil)
		return err
	}

	t.Run("manifest_that_is_not_its_digests", func(t *testing.T) {
		f := registrytest.NewFake(t, nil, registrytest.Quirks{WrongContent: true})
		d := starter(t, f)
		wantFault(t, pull(t, f, Options{}, ":v1"), fault.Invalid, string(d.Digest), "its digest is sha256:")
		f.Set(registrytest.Quirks{WrongContent: true, NoDigest: true})
		wantFault(t, pull(t, f, Options{}, "@"+string(d.Digest)), fault.Invalid, string(d.Digest), "its digest is sha256:")
		f.Set(registrytest.Quirks{WrongContent: true, RefuseHEAD: 405})
		wantFault(t, pull(t, f, Options{}, ":v1"), fault.Invalid, string(d.Digest), "its digest is sha256:")
	})

	t.Run("another_digest_than_asked_for", func(t *testing.T) {
		f := registrytest.NewFake(t, nil, registrytest.Quirks{})
		d := starter(t, f)
		other := image.DigestOf([]byte("other"))
		f.Set(registrytest.Quirks{Answer: func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, string(other)) {
				return false
			}
			r.URL.Path = strings.Replace(r.URL.Path, string(other), string(d.Digest), 1)
			return false
		}})
		wantFault(t, pull(t, f, Options{}, "@"+string(other)), fault.Invalid, string(d.Digest), string(other))
	})

	t.Run("endless_manifest", func(t *testing.T) {
		f := registrytest.NewFake(t, nil, registrytest.Quirks{EndlessBody: true})
		starter(t, f)
		started := time.Now()
		wantFault(t, pull(t, f, Options{}, ":v1"), fault.Invalid, "longer than the limit")
		if took := time.Since(started); took > 5*time.Second {
			t.Errorf("took %s", took)
		}
	})

	t.Run("config_of_200_MB", func(t *testing.T) {
		f := registrytest.NewFake(t, nil, registrytest.Quirks{})
		layer := f.PutBlob(t, "team/app", registrytest.MediaTypeLayer, registrytest.Layer(nil))
		config := image.Descriptor{MediaType: image.MediaTypeOCIConfig, Digest: image.DigestOf([]byte("huge")), Size: 200 << 20}
		f.PutManifest(t, "team/app", "honest", image.MediaTypeOCIManifest, registrytest.Manifest(image.MediaTypeOCIManifest, config, []image.Descriptor{layer}))
		f.Requests()
		wantFault(t, pull(t, f, Options{}, ":honest"), fault.Invalid, "config", "limit")
		for _, r := range f.Requests() {
			if strings.Contains(r.Path, "/blobs/") {
				t.Error("it was asked for")
			}
		}
		config.Size = 100
		f.Corrupt(config.Digest, make([]byte, 200<<20))
		f.PutManifest(t, "team/app", "lying", image.MediaTypeOCIManifest, registrytest.Manifest(image.MediaTypeOCIManifest, config, []image.Descriptor{layer}))
		wantFault(t, pull(t, f, Options{}, ":lying"), fault.Invalid, "longer than the limit")
		config.Size = 0
		f.PutManifest(t, "team/app", "silent", image.MediaTypeOCIManifest, registrytest.Manifest(image.MediaTypeOCIManifest, config, []image.Descriptor{layer}))
		wantFault(t, pull(t, f, Options{}, ":silent"), fault.Invalid, "longer than the limit")
	})

	t.Run("config_of_another_size_or_content", func(t *testing.T) {
		f := registrytest.NewFake(t, nil, registrytest.Quirks{})
		layer := f.PutBlob(t, "team/app", registrytest.MediaTypeLayer, registrytest.Layer(nil))
		config := f.PutBlob(t, "team/app", image.MediaTypeOCIConfig, []byte(`{"os":"linux","architecture":"amd64"}`))
		config.Size += 10
		f.PutManifest(t, "team/app", "size", image.MediaTypeOCIManifest, registrytest.Manifest(image.MediaTypeOCIManifest, config, []image.Descriptor{layer}))
		wantFault(t, pull(t, f, Options{}, ":size"), fault.Invalid, "37 bytes", "says 47")
		config.Size -= 10
		f.PutManifest(t, "team/app", "content", image.MediaTypeOCIManifest, registrytest.Manifest(image.MediaTypeOCIManifest, config, []image.Descriptor{layer}))
		f.Corrupt(config.Digest, []byte(`{"os":"linux","architecture":"arm64"}`))
		wantFault(t, pull(t, f, Options{}, ":content"), fault.Invalid, string(config.Digest))
	})

	t.Run("artifacts_say_what_they_are", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{})
		config := r.PutBlob(t, "team/chart", "application/vnd.cncf.helm.config.v1+json", []byte(`{"name":"x"}`))
		layer := r.PutBlob(t, "team/chart", "application/vnd.cncf.helm.chart.content.v1.tar+gzip", registrytest.Layer(nil))
		r.PutManifest(t, "team/chart", "v1", image.MediaTypeOCIManifest, registrytest.Manifest(image.MediaTypeOCIManifest, config, []image.Descriptor{layer}))
		b := newBench(t, Options{})
		_, err := b.Pull(ctx, source(t, r.URL), reference(t, r.Host, "team/chart:v1"), image.Platform{}, nil)
		wantFault(t, err, fault.Invalid, "a Helm chart")
		wantDid(t, b, "HEAD manifest, GET manifest")
	})

	t.Run("web_page_instead_of_a_manifest", func(t *testing.T) {
		f := registrytest.NewFake(t, nil, registrytest.Quirks{Answer: func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, "<!doctype html><title>MARKED-SECRET</title>")
			return true
		}})
		wantFault(t, pull(t, f, Options{}, ":v1"), fault.Invalid, "web page", "does not look like a registry")
	})

	t.Run("unknown_tag", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{})
		starter(t, r)
		b := newBench(t, Options{})
		_, err := b.Pull(ctx, source(t, r.URL), reference(t, r.Host, "team/app:v2"), image.Platform{}, nil)
		wantFault(t, err, fault.NotFound, "MANIFEST_UNKNOWN", "spelling")
		e := answered(t, err)
		if e.Code != "MANIFEST_UNKNOWN" || e.Status != 404 || e.Temporary || e.Method != "GET" || e.URL != r.URL+"/v2/team/app/manifests/v2" {
			t.Errorf("%+v", e)
		}
	})

	t.Run("forbidden_with_the_registrys_words", func(t *testing.T) {
		f := registrytest.NewFake(t, nil, registrytest.Quirks{Challenge: []string{`Basic realm="x"`}, Answer: func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Authorization") == "" {
				return false
			}
			w.WriteHeader(403)
			fmt.Fprint(w, `{"errors":[{"code":"DENIED","message":"no\u001b[31m\r\npull\u0000 right"}]}`)
			return true
		}})
		_, err := newBench(t, Options{}).Pull(ctx, with(source(t, f.URL), user("ann", testPassword)), reference(t, f.Host, "team/app:v1"), image.Platform{}, nil)
		wantFault(t, err, fault.Forbidden, "DENIED: no[31m pull right", "right to pull")
	})
}

func TestPlatforms(t *testing.T) {
	ctx := context.Background()
	f := registrytest.NewFake(t, nil, registrytest.Quirks{})
	push := func(p string) image.Descriptor {
		return registrytest.Push(t, f, "team/app", "", registrytest.Image{Platform: platform(t, p)})
	}
	amd, arm, s390x := push("linux/amd64"), push("linux/arm64/v8"), push("linux/s390x")
	registrytest.PushIndex(t, f, "team/app", "both", arm, amd)
	registrytest.PushIndex(t, f, "team/app", "arm", arm)
	registrytest.PushIndex(t, f, "team/app", "none", arm, s390x)
	registrytest.Push(t, f, "team/app", "single", registrytest.Image{Platform: platform(t, "linux/arm64")})
	nest := func(tag string, d image.Descriptor) image.Descriptor {
		d.Platform = nil
		return registrytest.PushIndex(t, f, "team/app", tag, d)
	}
	nest("nested2", nest("", registrytest.PushIndex(t, f, "team/app", "", amd)))
	nest("nested3", nest("", nest("", registrytest.PushIndex(t, f, "team/app", "", amd))))
	attestation := push("linux/amd64")
	attestation.Platform = &image.Platform{OS: "unknown", Architecture: "unknown"}
	registrytest.PushIndex(t, f, "team/app", "attested", attestation, amd)
	lying := amd
	lying.Size++
	registrytest.PushIndex(t, f, "team/app", "lying", lying)
	var many []image.Descriptor
	for i := range 20 {
		raw, _ := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": image.MediaTypeOCIIndex, "manifests": []image.Descriptor{arm}, "annotations": map[string]string{"n": fmt.Sprint(i)}})
		many = append(many, f.PutManifest(t, "team/app", "", image.MediaTypeOCIIndex, raw))
	}
	registrytest.PushIndex(t, f, "team/app", "many", many...)

	for _, c := range []struct {
		tag, want string
		code      fault.Code
		says      string // the platform that comes, or the error
	}{
		{"both", "", "", "linux/amd64"},
		{"both", "linux/arm64", "", "linux/arm64/v8"},
		{"both", "linux/s390x", fault.NotFound, "there is linux/arm64/v8, linux/amd64"},
		{"arm", "", fault.NotFound, "no image for linux/amd64; there is linux/arm64/v8"},
		{"arm", "linux/amd64", fault.NotFound, "there is linux/arm64"},
		{"none", "", fault.NotFound, "linux/s390x"},
		{"single", "", "", "linux/arm64"},
		{"single", "linux/arm64", "", "linux/arm64"},
		{"single", "linux/amd64", fault.NotFound, "no image for linux/amd64; there is linux/arm64"},
		{"nested2", "", "", "linux/amd64"},
		{"nested2", "linux/arm64", fault.NotFound, "linux/arm64"},
		{"nested3", "", fault.Invalid, "nested more than 3 deep"},
		{"attested", "", "", "linux/amd64"},
		{"lying", "", fault.Invalid, "the index says"},
		{"many", "linux/amd64", fault.Invalid, "more than 8"},
	} {
		t.Run(c.tag+"_"+strings.ReplaceAll(c.want, "/", "-"), func(t *testing.T) {
			p, err := newBench(t, Options{}).Pull(ctx, source(t, f.URL), reference(t, f.Host, "team/app:"+c.tag), platform(t, c.want), nil)
			if c.code != "" {
				wantFault(t, err, c.code, c.says)
				return
			}
			ok(t, err)
			if p.Platform.String() != c.says {
				t.Errorf("got %s, want %s", p.Platform, c.says)
			}
		})
	}

	t.Run("default_is_the_clients", func(t *testing.T) {
		b := newBench(t, Options{Platform: platform(t, "linux/arm64")})
		p, err := b.Pull(ctx, source(t, f.URL), reference(t, f.Host, "team/app:both"), image.Platform{}, nil)
		ok(t, err)
		if p.Platform.Architecture != "arm64" {
			t.Errorf("got %s", p.Platform)
		}
	})
}

func TestPullSchema1(t *testing.T) {
	f := registrytest.NewFake(t, nil, registrytest.Quirks{})
	layer := f.PutBlob(t, "team/old", "", registrytest.Layer(map[string]string{"a": "b"}))
	var raw bytes.Buffer
	fmt.Fprintf(&raw, `{"schemaVersion":1,"name":"team/old","tag":"v1","architecture":"amd64","fsLayers":[{"blobSum":%q}],
"history":[{"v1Compatibility":"{\"id\":\"1\",\"os\":\"linux\",\"architecture\":\"amd64\",\"container_config\":{\"Cmd\":[\"/bin/sh\"]}}"}]}`, layer.Digest)
	f.PutManifest(t, "team/old", "v1", image.MediaTypeDockerSchema1, raw.Bytes())
	b := newBench(t, Options{})
	p, err := b.Pull(context.Background(), source(t, f.URL), reference(t, f.Host, "team/old:v1"), image.Platform{}, nil)
	ok(t, err)
	wantDid(t, b, "HEAD manifest, GET manifest")
	if p.Config != nil || len(p.Manifest.Layers) != 1 || p.Platform.String() != "linux/amd64" {
		t.Errorf("pulled %+v", p)
	}
	r, err := b.Blob(context.Background(), source(t, f.URL), "team/old", p.Manifest.Layers[0])
	ok(t, err)
	r.Close()
}

func BenchmarkResolveWarm(b *testing.B) {
	r := registrytest.Start(b, registrytest.Options{Tokens: true})
	starter(b, r)
	c := New(Options{Now: time.Now, Addresses: Addresses{Loopback: true}})
	src, ref := source(b, r.URL), reference(b, r.Host, "team/app:v1")
	if _, err := c.Resolve(b.Context(), src, ref); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Resolve(b.Context(), src, ref); err != nil {
			b.Fatal(err)
		}
	}
}
