// Package authtest starts OpenID Connect issuers, whose tokens are exchanged in tests.
package authtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/landwaiter/landwaiter/internal/secret"
)

// Audience is what the tokens are made for.
const Audience = "https://landwaiter.example"

// An Issuer has the key "first" until it is rotated.
type Issuer struct {
	URL     string
	Private map[string]any // every key there ever was, by its ID
	Server  *httptest.Server

	mu     sync.Mutex
	keys   []jose.JSONWebKey
	asked  int
	answer func(http.ResponseWriter) bool
	about  func(map[string]any)
}

// Start starts an issuer on loopback, by plain HTTP.
func Start(t testing.TB) *Issuer {
	t.Helper()
	i := &Issuer{Private: map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		document := map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"}}
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.about != nil {
			i.about(document)
		}
		json.NewEncoder(w).Encode(document)
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.asked++
		if i.answer == nil || !i.answer(w) {
			json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: i.keys})
		}
	})
	i.Server = httptest.NewServer(mux)
	i.URL = i.Server.URL
	t.Cleanup(i.Server.Close)
	i.Rotate(t, "first")
	return i
}

// Rotate puts a new key in the place of all there are.
func (i *Issuer) Rotate(t testing.TB, kid string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.Private[kid], i.keys = key, []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: kid, Algorithm: "ES256", Use: "sig"}}
}

// Publish adds a public key.
func (i *Issuer) Publish(key any, kid string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append(i.keys, jose.JSONWebKey{Key: key, KeyID: kid})
}

// Answer has f answer for the keys, unless it returns false; nil ends that.
func (i *Issuer) Answer(f func(http.ResponseWriter) bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answer = f
}

// About has f change what the issuer says of itself.
func (i *Issuer) About(f func(map[string]any)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.about = f
}

// Asked is how often the keys were asked for.
func (i *Issuer) Asked() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

// Claims are those of a good token. A change to nil leaves one out.
func (i *Issuer) Claims(now time.Time, change map[string]any) map[string]any {
	claims := map[string]any{
		"iss": i.URL, "sub": "repo:org/app:ref:refs/heads/main", "aud": Audience, "iat": now.Unix(), "nbf": now.Unix(),
		"exp": now.Add(10 * time.Minute).Unix(), "repository": "org/app", "repository_owner": "org",
		"groups": []string{"readers", "builders"}, "kubernetes.io": map[string]any{"namespace": "ci", "serviceaccount": map[string]any{"name": "robot"}},
		"protected": true,
	}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

// Token is a good one, signed with the key "first".
func (i *Issuer) Token(t testing.TB, now time.Time, change map[string]any) secret.Text {
	t.Helper()
	return Sign(t, jose.ES256, i.Private["first"], "first", i.Claims(now, change))
}

// Sign makes a JWT.
func Sign(t testing.TB, a jose.SignatureAlgorithm, key any, kid string, claims map[string]any) secret.Text {
	t.Helper()
	o := (&jose.SignerOptions{}).WithType("JWT")
	if kid != "" {
		o = o.WithHeader("kid", kid)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: a, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return secret.New(compact)
}
