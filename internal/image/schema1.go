package image

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// emptyLayer is the gzip-compressed empty tar that Docker put into schema 1 manifests for lines without a layer.
const emptyLayer Digest = "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"

// schema1Entry is one line of a schema 1 manifest: the config as it was after that line.
type schema1Entry struct {
	compatibility []byte
	empty         bool
}

type wireSchema1 struct {
	SchemaVersion int    `json:"schemaVersion"`
	MediaType     string `json:"mediaType"`
	FSLayers      []struct {
		BlobSum string `json:"blobSum"`
	} `json:"fsLayers"`
	History []struct {
		V1Compatibility string `json:"v1Compatibility"`
	} `json:"history"`
	Signatures []struct {
		Protected string `json:"protected"`
	} `json:"signatures"`
}

// parseSchema1 reads Docker's first manifest format, which lists layers newest first and carries the config in them. The
// signature of the signed form is not checked: it is by a key that nobody vouches for, and the digest covers the content.
func parseSchema1(raw []byte) (*Manifest, error) {
	var doc wireSchema1
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, manifestError("the schema 1 manifest is malformed: %s", describeJSONError(err))
	}
	if doc.SchemaVersion != 1 {
		return nil, manifestError("the schema 1 manifest has schemaVersion %d", doc.SchemaVersion)
	}
	if len(doc.Signatures) > 0 {
		return parseSigned(raw, doc)
	}
	m := &Manifest{MediaType: MediaTypeDockerSchema1, Digest: DigestOf(raw), Raw: raw, payload: raw}
	switch {
	case len(doc.FSLayers) != len(doc.History):
		return nil, manifestError("the schema 1 manifest has %d layers but %d history entries", len(doc.FSLayers), len(doc.History))
	case len(doc.FSLayers) == 0:
		return nil, manifestError("the schema 1 manifest has no layers")
	case len(doc.FSLayers) > MaxLayers:
		return nil, manifestError("the schema 1 manifest has %d layers; the limit is %d", len(doc.FSLayers), MaxLayers)
	}
	var previousID string
	var previousDigest Digest
	for i := len(doc.FSLayers) - 1; i >= 0; i-- {
		what := fmt.Sprintf("history entry %d", i+1)
		digest, err := ParseDigest(doc.FSLayers[i].BlobSum)
		if err != nil {
			return nil, manifestError("the digest of layer %d is wrong: %s", i+1, err)
		}
		compatibility := []byte(doc.History[i].V1Compatibility)
		if err := checkJSON("read manifest", what, compatibility, MaxManifestBytes); err != nil {
			return nil, err
		}
		var entry struct {
			ID        string `json:"id"`
			ThrowAway bool   `json:"throwaway"`
		}
		if err := json.Unmarshal(compatibility, &entry); err != nil {
			return nil, manifestError("%s is malformed: %s", what, describeJSONError(err))
		}
		if entry.ID != "" && entry.ID == previousID && digest == previousDigest {
			continue // an old Docker wrote some entries twice in a row
		}
		previousID, previousDigest = entry.ID, digest
		empty := entry.ThrowAway || digest == emptyLayer
		m.history = append(m.history, schema1Entry{compatibility: compatibility, empty: empty})
		if !empty {
			m.Layers = append(m.Layers, Descriptor{MediaType: MediaTypeDockerLayer, Digest: digest, Size: SizeUnknown})
		}
	}
	return m, nil
}

// parseSigned reads what was signed and nothing else: a member that follows the signed part is not the registry's.
func parseSigned(raw []byte, doc wireSchema1) (*Manifest, error) {
	var payload []byte
	for i, signature := range doc.Signatures {
		signed, ok := signedPart(raw, signature.Protected)
		if !ok {
			return nil, manifestError("signature %d of the schema 1 manifest does not say what it signs", i+1)
		}
		if payload != nil && !bytes.Equal(payload, signed) {
			return nil, manifestError("the signatures of the schema 1 manifest are for different content")
		}
		payload = signed
	}
	var inner struct {
		Signatures json.RawMessage `json:"signatures"`
	}
	if err := json.Unmarshal(payload, &inner); err != nil || inner.Signatures != nil {
		return nil, manifestError("what the schema 1 manifest signs is no manifest")
	}
	m, err := ParseManifest(MediaTypeDockerSchema1, payload)
	if err != nil {
		return nil, err
	}
	if shapeOf(m.MediaType) != schema1Shape {
		return nil, manifestError("what the schema 1 manifest signs is of another kind")
	}
	m.MediaType, m.Raw = MediaTypeDockerSchema1Signed, raw
	return m, nil
}

// signedPart is the beginning of raw up to formatLength, and formatTail.
func signedPart(raw []byte, protected string) ([]byte, bool) {
	decoded, err := decodeJOSE(protected)
	if err != nil {
		return nil, false
	}
	var header struct {
		FormatLength int    `json:"formatLength"`
		FormatTail   string `json:"formatTail"`
	}
	if err := json.Unmarshal(decoded, &header); err != nil {
		return nil, false
	}
	tail, err := decodeJOSE(header.FormatTail)
	if err != nil || header.FormatLength <= 0 || header.FormatLength > len(raw) {
		return nil, false
	}
	return append(bytes.Clone(raw[:header.FormatLength]), tail...), true
}

func decodeJOSE(text string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
}
