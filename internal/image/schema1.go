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
	m := &Manifest{MediaType: MediaTypeDockerSchema1, Raw: raw, payload: raw}
	if len(doc.Signatures) > 0 {
		m.MediaType = MediaTypeDockerSchema1Signed
		var protected []string
		for _, s := range doc.Signatures {
			protected = append(protected, s.Protected)
		}
		var err error
		if m.payload, err = signedPayload(raw, protected); err != nil {
			return nil, err
		}
	}
	m.Digest = DigestOf(m.payload)
	switch {
	case len(doc.FSLayers) != len(doc.History):
		return nil, manifestError("the schema 1 manifest has %d layers but %d history entries", len(doc.FSLayers), len(doc.History))
	case len(doc.FSLayers) == 0:
		return nil, manifestError("the schema 1 manifest has no layers")
	case len(doc.FSLayers) > MaxLayers:
		return nil, manifestError("the schema 1 manifest has %d layers; the limit is %d", len(doc.FSLayers), MaxLayers)
	}
	previous := ""
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
		if entry.ID != "" && entry.ID == previous {
			continue // an old Docker wrote some entries twice in a row
		}
		previous = entry.ID
		empty := entry.ThrowAway || digest == emptyLayer
		m.history = append(m.history, schema1Entry{compatibility: compatibility, empty: empty})
		if !empty {
			m.Layers = append(m.Layers, Descriptor{MediaType: MediaTypeDockerLayer, Digest: digest, Size: SizeUnknown})
		}
	}
	return m, nil
}

// signedPayload cuts a signed manifest back to what was signed: its beginning up to formatLength, and formatTail.
func signedPayload(raw []byte, protected []string) ([]byte, error) {
	var payload []byte
	for i, text := range protected {
		decoded, err := decodeJOSE(text)
		if err != nil {
			return nil, manifestError("signature %d of the schema 1 manifest is malformed", i+1)
		}
		var header struct {
			FormatLength int    `json:"formatLength"`
			FormatTail   string `json:"formatTail"`
		}
		if err := json.Unmarshal(decoded, &header); err != nil {
			return nil, manifestError("signature %d of the schema 1 manifest is malformed", i+1)
		}
		tail, err := decodeJOSE(header.FormatTail)
		if err != nil || header.FormatLength <= 0 || header.FormatLength > len(raw) || len(tail) > len(raw) {
			return nil, manifestError("signature %d of the schema 1 manifest does not say what it signs", i+1)
		}
		signed := append(bytes.Clone(raw[:header.FormatLength]), tail...)
		if payload == nil {
			payload = signed
		} else if !bytes.Equal(payload, signed) {
			return nil, manifestError("the signatures of the schema 1 manifest are for different content")
		}
	}
	// What was signed must be what was read: the same members without the signatures.
	var all, some map[string]json.RawMessage
	if json.Unmarshal(raw, &all) != nil || json.Unmarshal(payload, &some) != nil {
		return nil, manifestError("what the schema 1 manifest signs is not JSON")
	}
	for name := range all {
		if fold(name) != "signatures" && !bytes.Equal(all[name], some[name]) {
			return nil, manifestError("the schema 1 manifest has a member %s that is not signed", shown(name))
		}
	}
	return payload, nil
}

func decodeJOSE(text string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
}
