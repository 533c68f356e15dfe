package distribution

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

// artifact is a manifest with two blobs, one of them large.
func artifact() (manifest Upload, blobs []Upload) {
	blobs = []Upload{UploadOf(image.MediaTypeOCIEmpty, []byte("{}")), UploadOf("application/x-test", bytes.Repeat([]byte("0123456789abcdef"), 100_000))}
	d := func(u Upload) image.Descriptor {
		return image.Descriptor{MediaType: u.MediaType, Digest: u.Digest, Size: u.Size}
	}
	return UploadOf(image.MediaTypeOCIManifest, registrytest.Manifest(image.MediaTypeOCIManifest, d(blobs[0]), []image.Descriptor{d(blobs[1])})), blobs
}

func TestPush(t *testing.T) {
	ctx := context.Background()
	users := map[string]string{"ann": testPassword}
	for name, c := range map[string]struct {
		options registrytest.Options
		cred    Credential
		first   string
	}{
		"anonymous": {registrytest.Options{}, Credential{}, "HEAD upload, POST upload, PUT upload, HEAD upload, POST upload, PUT upload, PUT upload"},
		"basic": {registrytest.Options{Users: users}, user("ann", testPassword),
			"HEAD challenge, HEAD upload, POST upload, PUT upload, HEAD upload, POST upload, PUT upload, PUT upload"},
		"token": {registrytest.Options{Tokens: true, Users: users}, user("ann", testPassword),
			"HEAD challenge, GET token, HEAD upload, POST upload, PUT upload, HEAD upload, POST upload, PUT upload, PUT upload"},
		"prefix": {registrytest.Options{Prefix: "/base"}, Credential{}, "HEAD upload, POST upload, PUT upload, HEAD upload, POST upload, PUT upload, PUT upload"},
	} {
		t.Run(name, func(t *testing.T) {
			r := registrytest.Start(t, c.options)
			if r.Tokens != nil {
				r.Tokens.Actions = []string{"pull", "push"}
			}
			src := with(source(t, r.URL), c.cred)
			b := newBench(t, Options{})
			ref := reference(t, r.Host, "team/data:v1")
			manifest, blobs := artifact()
			ok(t, b.Push(ctx, src, ref, manifest, blobs, nil))
			wantDid(t, b, c.first)
			if r.Tokens != nil {
				if asked := r.Tokens.Requests(); len(asked) != 1 || !strings.Contains(asked[0].Query, "pull%2Cpush") {
					t.Errorf("%+v", asked)
				}
			}
			m, err := b.Artifact(ctx, src, ref.Repository, "v1")
			ok(t, err)
			if m.Digest != manifest.Digest {
				t.Errorf("%s is there, %s was pushed", m.Digest, manifest.Digest)
			}
			got, err := b.Content(ctx, src, ref.Repository, m.Layers[0], 1<<30)
			ok(t, err)
			if image.DigestOf(got) != blobs[1].Digest {
				t.Error("other bytes are there")
			}
			b.did()
			ok(t, b.Push(ctx, src, ref, manifest, blobs, nil))
			wantDid(t, b, "HEAD upload, HEAD upload, PUT upload")
		})
	}
	t.Run("who_may_only_pull_is_told", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{Tokens: true})
		manifest, blobs := artifact()
		err := newBench(t, Options{}).Push(ctx, source(t, r.URL), reference(t, r.Host, "team/data:v1"), manifest, blobs, nil)
		if code := fault.CodeOf(err); err == nil || code != fault.Unauthenticated && code != fault.Forbidden || fault.FixOf(err) == "" {
			t.Errorf("%v (%s)", err, fault.FixOf(err))
		}
	})
	t.Run("content_that_is_not_that_of_its_digest_is_refused", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{})
		manifest, blobs := artifact()
		blobs[1].Open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(make([]byte, blobs[1].Size))), nil }
		if err := newBench(t, Options{}).Push(ctx, source(t, r.URL), reference(t, r.Host, "team/data:v1"), manifest, blobs, nil); err == nil || !strings.Contains(err.Error(), "digest") {
			t.Error(err)
		}
	})
	t.Run("what_cannot_be_read_is_told", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{})
		manifest, blobs := artifact()
		gone := errors.New("the file is gone")
		blobs[1].Open = func() (io.ReadCloser, error) { return nil, gone }
		if err := newBench(t, Options{}).Push(ctx, source(t, r.URL), reference(t, r.Host, "team/data:v1"), manifest, blobs, nil); !errors.Is(err, gone) {
			t.Error(err)
		}
	})
}

// before puts something in front of a registry.
func before(t *testing.T, r *registrytest.Registry, h func(w http.ResponseWriter, req *http.Request) bool, change func(*http.Response) error) string {
	t.Helper()
	to, err := url.Parse(r.URL)
	ok(t, err)
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ModifyResponse = change
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !h(w, req) {
			proxy.ServeHTTP(w, req)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestPushThroughTrouble(t *testing.T) {
	ctx := context.Background()
	manifest, blobs := artifact()
	pass := func(http.ResponseWriter, *http.Request) bool { return false }
	t.Run("an_upload_that_broke_off_begins_anew", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{})
		var puts atomic.Int32
		front := before(t, r, func(w http.ResponseWriter, req *http.Request) bool {
			if req.Method == http.MethodPut && strings.Contains(req.URL.Path, "/uploads/") && puts.Add(1) == 2 {
				io.CopyN(io.Discard, req.Body, 1000)
				panic(http.ErrAbortHandler)
			}
			return false
		}, nil)
		ok(t, newBench(t, Options{}).Push(ctx, source(t, front), reference(t, strings.TrimPrefix(front, "http://"), "team/data:v1"), manifest, blobs, nil))
		if n := puts.Load(); n != 3 {
			t.Errorf("%d uploads", n)
		}
	})
	t.Run("an_upload_that_nobody_reads_ends", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{})
		done := make(chan struct{})
		front := before(t, r, func(w http.ResponseWriter, req *http.Request) bool {
			if req.Method == http.MethodPut && req.ContentLength > 1000 {
				<-done
			}
			return false
		}, nil)
		defer close(done)
		blobs := append(blobs[:1:1], UploadOf("application/x-test", make([]byte, 64<<20)))
		err := newBench(t, Options{IdleTimeout: 200_000_000, MaxAttempts: 1}).Push(ctx, source(t, front), reference(t, strings.TrimPrefix(front, "http://"), "team/data:v1"), manifest, blobs, nil)
		if err == nil || !strings.Contains(err.Error(), "stalled") {
			t.Error(err)
		}
	})
	t.Run("the_credential_goes_to_no_other_host", func(t *testing.T) {
		var leaked atomic.Bool
		elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			leaked.Store(true)
			w.WriteHeader(http.StatusCreated)
		}))
		defer elsewhere.Close()
		r := registrytest.Start(t, registrytest.Options{Users: map[string]string{"ann": testPassword}})
		front := before(t, r, pass, func(resp *http.Response) error {
			if resp.Request.Method == http.MethodPost {
				resp.Header.Set("Location", elsewhere.URL+"/upload")
			}
			return nil
		})
		err := newBench(t, Options{}).Push(ctx, with(source(t, front), user("ann", testPassword)), reference(t, strings.TrimPrefix(front, "http://"), "team/data:v1"), manifest, blobs, nil)
		if fault.CodeOf(err) != fault.Invalid || fault.FixOf(err) == "" || leaked.Load() {
			t.Errorf("%v, sent elsewhere: %v", err, leaked.Load())
		}
	})
}
