package image

import "strings"

// artifactKinds names in words what is no image, by media type or its beginning; the first match counts.
var artifactKinds = []struct{ prefix, words string }{
	{"application/vnd.cncf.helm.", "a Helm chart"},
	{"application/vnd.dev.cosign.simplesigning.", "a cosign signature"},
	{"application/vnd.dev.cosign.artifact.sig.", "a cosign signature"},
	{"application/vnd.dev.cosign.artifact.sbom.", "a software bill of materials (SBOM)"},
	{"application/vnd.dev.cosign.", "a cosign artifact"},
	{"application/vnd.dev.sigstore.bundle", "a Sigstore bundle (a signature or attestation)"},
	{"application/vnd.cncf.notary.", "a Notary Project signature"},
	{"application/vnd.docker.attestation.", "an attestation"},
	{"application/vnd.in-toto", "an attestation"},
	{"application/vnd.dsse.", "an attestation"},
	{"application/vnd.cyclonedx", "a software bill of materials (SBOM)"},
	{"application/vnd.syft", "a software bill of materials (SBOM)"},
	{"application/spdx", "a software bill of materials (SBOM)"},
	{"text/spdx", "a software bill of materials (SBOM)"},
	{"application/vnd.openvex", "a VEX document"},
	{"application/sarif", "a scan report"},
	{"application/vnd.wasm.", "a WebAssembly module"},
	{"application/vnd.bytecodealliance.wasm.", "a WebAssembly module"},
	{"application/wasm", "a WebAssembly module"},
	{"application/vnd.docker.plugin", "a Docker plugin"},
	{"application/vnd.docker.ai.", "an AI model"},
	{"application/vnd.cncf.model.", "an AI model"},
	{"application/vnd.ollama.", "an AI model"},
	{"application/vnd.buildkit.cacheconfig.", "a BuildKit build cache"},
	{"application/vnd.cncf.flux.", "a Flux artifact"},
	{"application/vnd.cncf.openpolicyagent.", "a policy bundle"},
	{"application/vnd.cncf.falco.", "a Falco artifact"},
	{"application/vnd.opentofu.", "an OpenTofu module"},
	{"application/vnd.sylabs.sif.", "a Singularity image, which is not an OCI container image"},
}

func artifactWords(mediaType string) string {
	for _, kind := range artifactKinds {
		if strings.HasPrefix(mediaType, kind.prefix) {
			return kind.words
		}
	}
	return ""
}

// NotImage says in words what a manifest is when it is not a container image ("a Helm chart"), or "". What a container
// runtime would run is an image, whatever artifact type it claims.
func (m *Manifest) NotImage() string {
	switch shapeOf(m.MediaType) {
	case schema1Shape:
		return ""
	case indexShape:
		return m.notImageIndex()
	case imageShape:
		if m.isRunnable() {
			return ""
		}
	}
	types := []string{bareMediaType(m.ArtifactType), m.Config.MediaType}
	for _, layer := range m.Layers {
		types = append(types, layer.MediaType)
	}
	for _, t := range types {
		if words := artifactWords(t); words != "" {
			return words
		}
	}
	for _, t := range types {
		switch t {
		case "", MediaTypeOCIEmpty, MediaTypeOCIConfig, MediaTypeDockerConfig, "application/vnd.unknown.config.v1+json":
			continue
		}
		return "an artifact of type " + shown(t)
	}
	return "an artifact without a type"
}

// isRunnable says whether config and layers are those of an image. A config of a generic type counts, since old tools
// wrote it, if the layers are marked as an image's.
func (m *Manifest) isRunnable() bool {
	generic := false
	switch m.Config.MediaType {
	case MediaTypeOCIConfig, MediaTypeDockerConfig:
		if len(m.Layers) == 0 {
			return true
		}
	case "", "application/octet-stream", "application/json":
		generic = true
	default:
		return false
	}
	for _, layer := range m.Layers {
		if isLayerType(layer.MediaType) && (!generic || strings.Contains(layer.MediaType, ".image.")) {
			return true
		}
	}
	return false
}

func (m *Manifest) notImageIndex() string {
	if len(m.Manifests) == 0 && m.ArtifactType == "" {
		return ""
	}
	for _, d := range m.Manifests {
		if d.isImage() {
			return ""
		}
	}
	types := []string{bareMediaType(m.ArtifactType)}
	for _, d := range m.Manifests {
		types = append(types, bareMediaType(d.ArtifactType), d.MediaType)
	}
	for _, t := range types {
		if words := artifactWords(t); words != "" {
			if len(m.Manifests) > 1 && m.ArtifactType == "" && !strings.Contains(words, "cache") {
				return "a list of artifacts that are no images, the first being " + words
			}
			return words
		}
	}
	return "a list of artifacts that are no images"
}
