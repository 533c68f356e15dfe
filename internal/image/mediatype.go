package image

import (
	"mime"
	"strings"
)

// Media types of manifests.
const (
	MediaTypeOCIManifest         = "application/vnd.oci.image.manifest.v1+json"
	MediaTypeOCIIndex            = "application/vnd.oci.image.index.v1+json"
	MediaTypeDockerManifest      = "application/vnd.docker.distribution.manifest.v2+json"
	MediaTypeDockerList          = "application/vnd.docker.distribution.manifest.list.v2+json"
	MediaTypeDockerSchema1       = "application/vnd.docker.distribution.manifest.v1+json"
	MediaTypeDockerSchema1Signed = "application/vnd.docker.distribution.manifest.v1+prettyjws"
	MediaTypeOCIArtifact         = "application/vnd.oci.artifact.manifest.v1+json" // withdrawn from the specification, still served
)

// Media types of configs and layers.
const (
	MediaTypeOCIConfig    = "application/vnd.oci.image.config.v1+json"
	MediaTypeDockerConfig = "application/vnd.docker.container.image.v1+json"
	MediaTypeDockerLayer  = "application/vnd.docker.image.rootfs.diff.tar.gzip"
	MediaTypeOCIEmpty     = "application/vnd.oci.empty.v1+json"
)

// shape is the structure of a manifest document, whatever it calls itself.
type shape int

const (
	unknownShape shape = iota
	imageShape
	indexShape
	schema1Shape
	artifactShape
)

func shapeOf(mediaType string) shape {
	switch mediaType {
	case MediaTypeOCIManifest, MediaTypeDockerManifest:
		return imageShape
	case MediaTypeOCIIndex, MediaTypeDockerList:
		return indexShape
	case MediaTypeDockerSchema1, MediaTypeDockerSchema1Signed:
		return schema1Shape
	case MediaTypeOCIArtifact:
		return artifactShape
	}
	return unknownShape
}

func (s shape) String() string {
	return [...]string{"an unknown document", "an image manifest", "an index", "a schema 1 manifest", "an artifact manifest"}[s]
}

// bareMediaType removes parameters and normalises case; what cannot be read is "".
func bareMediaType(contentType string) string {
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		mediaType, _, _ = strings.Cut(contentType, ";")
	}
	return strings.ToLower(strings.TrimSpace(mediaType))
}

// isLayerType says whether a container runtime would unpack a layer of this type. Generic archive types count, since old
// tools wrote them.
func isLayerType(mediaType string) bool {
	switch mediaType {
	case "", "application/octet-stream", "application/gzip", "application/x-gzip", "application/x-tar", "application/tar",
		"application/tar+gzip", "application/x-gtar", "application/zstd":
		return true
	}
	return strings.HasPrefix(mediaType, "application/vnd.oci.image.layer.") ||
		strings.HasPrefix(mediaType, "application/vnd.docker.image.rootfs.") ||
		strings.HasPrefix(mediaType, "application/vnd.docker.container.image.rootfs.")
}
