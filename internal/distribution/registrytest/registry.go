package registrytest

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/distribution/distribution/v3/configuration"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd" // registers the auth method
	_ "github.com/distribution/distribution/v3/registry/auth/token"    // registers the auth method
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory" // registers the storage
	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/bcrypt"

	"github.com/landwaiter/landwaiter/internal/image"
)

var discard = log.New(io.Discard, "", 0)

// Options say what kind of registry to start. The zero value is an anonymous one over plain HTTP.
type Options struct {
	Users  map[string]string // user name → password; asked for by Basic, or by the token service
	Tokens bool              // tokens are wanted; without users, everybody gets them
	TLS    *Authority        // of the registry and of its token service
	Prefix string            // "/base" that stands before /v2
}

// A Registry is a real one, in this process.
type Registry struct {
	Recorder                // what came in, pushes of the test excepted
	URL       string        // scheme://host:port with the prefix
	Host      string        // host:port, as image references write it
	Tokens    *TokenService // nil unless asked for
	TLS       *tls.Config   // for clients, with the authority; nil without TLS
	app       http.Handler
	prefix    string
	authorize func(r *http.Request, repository string)
}

// Start starts a registry that ends with the test.
func Start(t testing.TB, o Options) *Registry {
	t.Helper()
	logrus.SetOutput(io.Discard)
	r := &Registry{prefix: o.Prefix, authorize: func(*http.Request, string) {}}
	config := &configuration.Configuration{
		Storage: configuration.Storage{
			"inmemory":    configuration.Parameters{},
			"maintenance": configuration.Parameters{"uploadpurging": map[any]any{"enabled": false}},
		},
	}
	config.Log.Level, config.Log.AccessLog.Disabled = "panic", true
	config.HTTP.Prefix, config.HTTP.Secret = o.Prefix+"/", "registrytest"
	config.Catalog.MaxEntries = 1000
	// A test may push an index of platforms that it has no manifests for.
	config.Validation.Manifests.Indexes.Platforms = "none"
	switch {
	case o.Tokens:
		r.Tokens = newTokenService(t, o.TLS)
		r.Tokens.Users = maps.Clone(o.Users)
		r.Tokens.Closed = len(o.Users) > 0
		config.Auth = configuration.Auth{"token": configuration.Parameters{
			"realm": r.Tokens.URL, "issuer": issuer, "service": service, "jwks": r.Tokens.jwks(t),
		}}
		r.authorize = func(req *http.Request, repository string) {
			all := []access{{"repository", repository, []string{"pull", "push"}}}
			req.Header.Set("Authorization", "Bearer "+r.Tokens.sign("test", all))
		}
	case len(o.Users) > 0:
		config.Auth = configuration.Auth{"htpasswd": configuration.Parameters{"realm": "test", "path": htpasswd(t, o.Users)}}
		user := slices.Sorted(maps.Keys(o.Users))[0]
		r.authorize = func(req *http.Request, _ string) { req.SetBasicAuth(user, o.Users[user]) }
	}
	app := handlers.NewApp(context.Background(), config)
	t.Cleanup(func() { app.Shutdown() })
	r.app = app
	server := serve(t, r.wrap(app), o.TLS)
	r.URL, r.Host = server.URL+o.Prefix, strings.TrimPrefix(strings.TrimPrefix(server.URL, "https://"), "http://")
	if o.TLS != nil {
		r.TLS = &tls.Config{RootCAs: o.TLS.Pool()}
	}
	return r
}

func htpasswd(t testing.TB, users map[string]string) string {
	t.Helper()
	var b strings.Builder
	for user, password := range users {
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s:%s\n", user, hash)
	}
	path := filepath.Join(t.TempDir(), "htpasswd")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// call is a request of the test itself. It does not go over the network and is not recorded.
func (r *Registry) call(t testing.TB, method, path, repository, contentType string, body []byte, want int) *http.Response {
	t.Helper()
	req := httptest.NewRequest(method, path, bytes.NewReader(body))
	req.Header.Set("Content-Type", contentType)
	r.authorize(req, repository)
	w := httptest.NewRecorder()
	r.app.ServeHTTP(w, req)
	if w.Code != want {
		t.Fatalf("%s %s: %d: %s", method, path, w.Code, w.Body)
	}
	return w.Result()
}

// PutBlob pushes a blob.
func (r *Registry) PutBlob(t testing.TB, repository, mediaType string, content []byte) image.Descriptor {
	t.Helper()
	d := image.Descriptor{MediaType: mediaType, Digest: image.DigestOf(content), Size: int64(len(content))}
	upload := r.call(t, http.MethodPost, r.prefix+"/v2/"+repository+"/blobs/uploads/", repository, "", nil, http.StatusAccepted)
	to, err := url.Parse(upload.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	query := to.Query()
	query.Set("digest", string(d.Digest))
	r.call(t, http.MethodPut, to.Path+"?"+query.Encode(), repository, "application/octet-stream", content, http.StatusCreated)
	return d
}

// PutManifest pushes a manifest as it is; an empty tag pushes it by digest.
func (r *Registry) PutManifest(t testing.TB, repository, tag, mediaType string, raw []byte) image.Descriptor {
	t.Helper()
	d := image.Descriptor{MediaType: mediaType, Digest: image.DigestOf(raw), Size: int64(len(raw))}
	if tag == "" {
		tag = string(d.Digest)
	}
	r.call(t, http.MethodPut, r.prefix+"/v2/"+repository+"/manifests/"+tag, repository, mediaType, raw, http.StatusCreated)
	return d
}
