package registrytest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"testing"

	"github.com/landwaiter/landwaiter/internal/image"
)

// A Target can be pushed to: a Registry or a Fake.
type Target interface {
	PutBlob(t testing.TB, repository, mediaType string, content []byte) image.Descriptor
	PutManifest(t testing.TB, repository, tag, mediaType string, raw []byte) image.Descriptor
}

// MediaTypeLayer is that of Layer's result.
const MediaTypeLayer = "application/vnd.oci.image.layer.v1.tar+gzip"

// An Image is pushed by Push. The zero value is a linux/amd64 image of one layer with one file.
type Image struct {
	Platform image.Platform
	Layers   [][]byte // gzip-compressed tars, as Layer makes them
	Lines    []string // created_by of the history, one for each layer
	Config   []byte   // instead of the one that is made from the fields above
	Docker   bool     // Docker's media types instead of OCI's
}

// Layer makes a gzip-compressed tar of files.
func Layer(files map[string]string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name])), Typeflag: tar.TypeReg})
		io.WriteString(w, files[name])
	}
	w.Close()
	z.Close()
	return b.Bytes()
}

// Push pushes an image's layers, config and manifest, and returns the manifest's descriptor with its platform. An empty tag
// pushes it by digest, for use in an index.
func Push(t testing.TB, to Target, repository, tag string, i Image) image.Descriptor {
	t.Helper()
	i.fill(t)
	configType, layerType, manifestType := image.MediaTypeOCIConfig, MediaTypeLayer, image.MediaTypeOCIManifest
	if i.Docker {
		configType, layerType, manifestType = image.MediaTypeDockerConfig, image.MediaTypeDockerLayer, image.MediaTypeDockerManifest
	}
	layers := []image.Descriptor{}
	for _, content := range i.Layers {
		layers = append(layers, to.PutBlob(t, repository, layerType, content))
	}
	raw := Manifest(manifestType, to.PutBlob(t, repository, configType, i.Config), layers)
	d := to.PutManifest(t, repository, tag, manifestType, raw)
	d.Platform = &i.Platform
	return d
}

func (i *Image) fill(t testing.TB) {
	if i.Platform.IsZero() {
		i.Platform = image.Platform{OS: "linux", Architecture: "amd64"}
	}
	if i.Layers == nil {
		i.Layers = [][]byte{Layer(map[string]string{"etc/platform": i.Platform.String()})}
	}
	if i.Config != nil {
		return
	}
	var diffIDs []string
	var history []map[string]string
	for n, layer := range i.Layers {
		z, err := gzip.NewReader(bytes.NewReader(layer))
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		if _, err := io.Copy(h, z); err != nil {
			t.Fatal(err)
		}
		diffIDs = append(diffIDs, fmt.Sprintf("sha256:%x", h.Sum(nil)))
		line := fmt.Sprintf("COPY layer%d / # buildkit", n+1)
		if n < len(i.Lines) {
			line = i.Lines[n]
		}
		history = append(history, map[string]string{"created_by": line})
	}
	doc := map[string]any{
		"os": i.Platform.OS, "architecture": i.Platform.Architecture, "config": map[string]any{}, "history": history,
		"rootfs": map[string]any{"type": "layers", "diff_ids": diffIDs},
	}
	if i.Platform.Variant != "" {
		doc["variant"] = i.Platform.Variant
	}
	i.Config, _ = json.Marshal(doc)
}

// Manifest writes an image manifest.
func Manifest(mediaType string, config image.Descriptor, layers []image.Descriptor) []byte {
	raw, _ := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": mediaType, "config": config, "layers": layers})
	return raw
}

// PushIndex pushes an OCI index of what was pushed before.
func PushIndex(t testing.TB, to Target, repository, tag string, children ...image.Descriptor) image.Descriptor {
	t.Helper()
	raw, _ := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": image.MediaTypeOCIIndex, "manifests": children})
	return to.PutManifest(t, repository, tag, image.MediaTypeOCIIndex, raw)
}
