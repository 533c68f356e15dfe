// Package attestation decides whether a signed statement about an image may stand for reading the image: signer rules say whose
// signature counts for which images. It asks nobody.
package attestation

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"slices"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/sbom"
)

// MaxSize bounds an envelope: a bill of materials in base64, and some more.
const MaxSize = sbom.MaxSize/3*4 + 1<<20

const maxSignatures = 16

// An envelope holds a statement and its signatures.
type envelope struct {
	payload    []byte
	signed     []byte // what the signatures are over, and its hashes
	sha256     [sha256.Size]byte
	sha384     [sha512.Size384]byte
	signatures [][]byte
}

// payloadType is that of in-toto's statements. A signature is over it, too.
const payloadType = "application/vnd.in-toto+json"

// parseEnvelope reads a DSSE envelope, as cosign attaches it, or a Sigstore bundle that holds one.
func parseEnvelope(raw []byte) (*envelope, error) {
	var doc struct {
		dsse.Envelope
		Bundled *dsse.Envelope `json:"dsseEnvelope"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, invalid("it is no envelope: %v", err)
	}
	in := &doc.Envelope
	if doc.Bundled != nil {
		in = doc.Bundled
	}
	switch {
	case in.PayloadType != payloadType:
		return nil, invalid("its payload is of the type %.80q, not %s", in.PayloadType, payloadType)
	case len(in.Signatures) == 0:
		return nil, invalid("it is not signed")
	case len(in.Signatures) > maxSignatures:
		return nil, invalid("it has more than %d signatures", maxSignatures)
	}
	payload, err := in.DecodeB64Payload()
	if err != nil {
		return nil, invalid("its payload is not base64")
	}
	signed := dsse.PAE(in.PayloadType, payload)
	e := &envelope{payload: payload, signed: signed, sha256: sha256.Sum256(signed), sha384: sha512.Sum384(signed)}
	for _, s := range in.Signatures {
		signature, err := base64.StdEncoding.DecodeString(s.Sig)
		if err != nil {
			return nil, invalid("a signature is not base64")
		}
		e.signatures = append(e.signatures, signature)
	}
	return e, nil
}

func invalid(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "", format, args...)
}

// signedBy reports whether one of the signatures is the key's.
func (e *envelope) signedBy(key crypto.PublicKey) bool {
	return slices.ContainsFunc(e.signatures, func(signature []byte) bool { return e.verifies(key, signature) })
}

// verifies knows the kinds of keys that checkKey lets in.
func (e *envelope) verifies(key crypto.PublicKey, signature []byte) bool {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		// Sigstore's tools sign with SHA-256 on every curve, others with the hash that is as long as the curve.
		return ecdsa.VerifyASN1(key, e.sha256[:], signature) || key.Curve == elliptic.P384() && ecdsa.VerifyASN1(key, e.sha384[:], signature)
	case ed25519.PublicKey:
		return ed25519.Verify(key, e.signed, signature)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, e.sha256[:], signature) == nil || rsa.VerifyPSS(key, crypto.SHA256, e.sha256[:], signature, nil) == nil
	}
	return false
}

const minRSABits = 2048

// checkKey says what is wrong with a public key, or "".
func checkKey(key crypto.PublicKey) string {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() && key.Curve != elliptic.P384() {
			return "is on the curve " + key.Curve.Params().Name + "; P-256 and P-384 are known"
		}
	case ed25519.PublicKey:
	case *rsa.PublicKey:
		if key.N.BitLen() < minRSABits {
			return "is an RSA key of fewer than 2048 bits"
		}
	default:
		return "is of a kind that is not known; ECDSA, Ed25519 and RSA keys are"
	}
	return ""
}

// A statement says something of its subjects.
type statement struct {
	Type    string `json:"_type"`
	Subject []struct {
		Digest map[string]string `json:"digest"`
	} `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
}

func (e *envelope) statement() (*statement, error) {
	var s statement
	if err := json.Unmarshal(e.payload, &s); err != nil {
		return nil, invalid("its statement is malformed: %v", err)
	}
	switch s.Type {
	case "https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1":
		return &s, nil
	}
	return nil, invalid("its statement is of the type %.80q, which is not in-toto's", s.Type)
}

// about returns the first of the digests that is a subject, or "".
func (s *statement) about(digests []image.Digest) image.Digest {
	for _, d := range digests {
		for _, subject := range s.Subject {
			for algorithm, value := range subject.Digest {
				if d != "" && algorithm+":"+value == string(d) {
					return d
				}
			}
		}
	}
	return ""
}

// document reads the predicate as a bill of materials. Older tools put it one level deeper.
func (s *statement) document() (*sbom.Document, error) {
	var deeper struct{ Data json.RawMessage }
	if json.Unmarshal(s.Predicate, &deeper) == nil && len(deeper.Data) > 0 && deeper.Data[0] == '{' {
		return sbom.Parse(deeper.Data)
	}
	return sbom.Parse(s.Predicate)
}
