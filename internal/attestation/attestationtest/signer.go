// Package attestationtest signs statements about images as cosign does, and attaches them where cosign would.
package attestationtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/image"
)

// A Signer has a key of its own.
type Signer struct {
	t   testing.TB
	key *ecdsa.PrivateKey
}

func New(t testing.TB) Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return Signer{t, key}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Envelope is a signed DSSE envelope of a statement that these package URLs are what a manifest holds, made by "builder 7".
func (s Signer) Envelope(subject image.Digest, created string, purls ...string) []byte {
	s.t.Helper()
	components := make([]string, len(purls))
	for i, purl := range purls {
		components[i] = fmt.Sprintf(`{"type":"library","name":"x","version":"1","purl":%q}`, purl)
	}
	statement := fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],"predicateType":"https://cyclonedx.org/bom","predicate":`+
		`{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"timestamp":%q,"tools":[{"name":"builder","version":"7"}]},"components":[%s]}}`,
		subject.Hex(), created, strings.Join(components, ","))
	const payloadType = "application/vnd.in-toto+json"
	sum := sha256.Sum256(fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(statement), statement))
	signature, err := ecdsa.SignASN1(rand.Reader, s.key, sum[:])
	must(s.t, err)
	raw, err := json.Marshal(map[string]any{
		"payloadType": payloadType, "payload": base64.StdEncoding.EncodeToString([]byte(statement)),
		"signatures": []map[string]string{{"sig": base64.StdEncoding.EncodeToString(signature)}},
	})
	must(s.t, err)
	return raw
}

// Rule is a document of a signer rule, "team builds", that believes the signer about images of a pattern for 90 days.
func (s Signer) Rule(pattern string) []byte {
	s.t.Helper()
	der, err := x509.MarshalPKIXPublicKey(s.key.Public())
	must(s.t, err)
	text, err := json.Marshal(map[string]any{
		"apiVersion": "landwaiter.dev/v1", "kind": "SignerRule", "metadata": map[string]any{"name": "team builds"},
		"spec": map[string]any{
			"images": []string{pattern}, "accept": []string{"sbom"}, "maxAge": "90d",
			"keys": []string{string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))},
		},
	})
	must(s.t, err)
	return text
}

// Attach pushes envelopes under the tag where cosign keeps the attestations of a manifest.
func Attach(t testing.TB, to registrytest.Target, repository string, subject image.Digest, envelopes ...[]byte) {
	t.Helper()
	var layers []image.Descriptor
	for _, e := range envelopes {
		d := to.PutBlob(t, repository, "application/vnd.dsse.envelope.v1+json", e)
		d.Annotations = map[string]string{"predicateType": "https://cyclonedx.org/bom"}
		layers = append(layers, d)
	}
	empty := to.PutBlob(t, repository, image.MediaTypeOCIConfig, []byte("{}"))
	to.PutManifest(t, repository, strings.Replace(string(subject), ":", "-", 1)+".att", image.MediaTypeOCIManifest, registrytest.Manifest(image.MediaTypeOCIManifest, empty, layers))
}
