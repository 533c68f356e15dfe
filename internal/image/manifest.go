package image

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Limits on manifests. Docker builds at most 127 layers; the rest leaves ample room for real images.
const (
	MaxManifestBytes   = 4 << 20
	MaxLayers          = 1_000
	MaxChildren        = 1_000
	MaxAnnotationBytes = 1 << 20 // of one manifest, all its descriptors included
	maxContentSize     = 1 << 50 // of one descriptor; sums of MaxLayers of them fit an int64
)

// SizeUnknown is the Size of a layer whose manifest does not state it, which only schema 1 does.
const SizeUnknown = -1

// A Descriptor points to content.
type Descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       Digest            `json:"digest"`
	Size         int64             `json:"size"` // SizeUnknown for layers of a schema 1 manifest
	URLs         []string          `json:"urls,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	Platform     *Platform         `json:"platform,omitempty"` // nil when the index does not say
	ArtifactType string            `json:"artifactType,omitempty"`
}

// IsIndex says whether d is a manifest that points to manifests itself.
func (d Descriptor) IsIndex() bool { return shapeOf(d.MediaType) == indexShape }

// isImage says whether a child of an index may be an image: not an attestation, a signature or another artifact.
func (d Descriptor) isImage() bool {
	switch {
	case d.Annotations["vnd.docker.reference.type"] == "attestation-manifest":
		return false
	case d.ArtifactType != "" && d.ArtifactType != MediaTypeOCIConfig && d.ArtifactType != MediaTypeDockerConfig:
		return false
	case d.Platform != nil && d.Platform.isUnknown():
		return false
	}
	s := shapeOf(d.MediaType)
	return d.MediaType == "" || s == imageShape || s == indexShape || s == schema1Shape
}

// A Manifest is a parsed manifest or index.
type Manifest struct {
	MediaType    string // from the body if it says, else from the header if that fits, else deduced
	Digest       Digest // sha256 of Raw; of a signed schema 1 manifest, of what was signed, as registries count it
	Raw          []byte
	IsIndex      bool
	Manifests    []Descriptor // of an index, in order
	Config       Descriptor   // of an image; zero for schema 1
	Layers       []Descriptor // of an image, base first; of an artifact, its content
	ArtifactType string
	Subject      *Descriptor // the manifest that this one is about
	Annotations  map[string]string

	payload []byte         // what Digest is of
	history []schema1Entry // of a schema 1 manifest, oldest first
}

// Verify fails with fault.Invalid if m is not what d names.
func (m *Manifest) Verify(d Digest) error { return d.Verify(m.payload) }

type wirePlatform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant"`
	OSVersion    string `json:"os.version"`
}

type wireDescriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         *int64            `json:"size"`
	URLs         []string          `json:"urls"`
	Annotations  map[string]string `json:"annotations"`
	Platform     *wirePlatform     `json:"platform"`
	ArtifactType string            `json:"artifactType"`
}

type wireManifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	ArtifactType  string            `json:"artifactType"`
	Config        *wireDescriptor   `json:"config"`
	Layers        *[]wireDescriptor `json:"layers"`
	Manifests     *[]wireDescriptor `json:"manifests"`
	Blobs         *[]wireDescriptor `json:"blobs"`
	FSLayers      *json.RawMessage  `json:"fsLayers"`
	Subject       *wireDescriptor   `json:"subject"`
	Annotations   map[string]string `json:"annotations"`
}

func manifestError(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "read manifest", format, args...)
}

// ParseManifest reads a manifest or index of any supported kind. contentType is the server's header, with or without
// parameters; the body's own mediaType and shape win when they disagree with it. A body that could be read as two kinds,
// or whose mediaType contradicts its shape, is refused (CVE-2021-41190). Artifacts that are no images (charts, signatures,
// attestations) parse; NotImage tells what they are. Errors are fault.Invalid and name what is wrong.
func ParseManifest(contentType string, raw []byte) (*Manifest, error) {
	if err := checkJSON("read manifest", "the manifest", raw, MaxManifestBytes); err != nil {
		return nil, err
	}
	var doc wireManifest
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, manifestError("the manifest is malformed: %s", describeJSONError(err))
	}
	s, err := doc.shape()
	if err != nil {
		return nil, err
	}
	if s == schema1Shape {
		return parseSchema1(raw)
	}
	if doc.SchemaVersion != 0 && doc.SchemaVersion != 2 {
		return nil, manifestError("%s has schemaVersion 2, but this says %d", s, doc.SchemaVersion)
	}
	m := &Manifest{Digest: DigestOf(raw), Raw: raw, payload: raw, IsIndex: s == indexShape, ArtifactType: doc.ArtifactType, Annotations: doc.Annotations}
	m.MediaType = doc.mediaType(s, bareMediaType(contentType))
	budget := annotationBudget(MaxAnnotationBytes)
	if err := budget.spend(doc.Annotations); err != nil {
		return nil, err
	}
	if doc.Subject != nil {
		subject, err := doc.Subject.descriptor("subject", &budget)
		if err != nil {
			return nil, err
		}
		m.Subject = &subject
	}
	switch s {
	case indexShape:
		if m.Manifests, err = descriptors("child", *doc.Manifests, MaxChildren, &budget); err != nil {
			return nil, err
		}
	case artifactShape:
		if doc.Blobs != nil {
			if m.Layers, err = descriptors("blob", *doc.Blobs, MaxLayers, &budget); err != nil {
				return nil, err
			}
		}
	case imageShape:
		if m.Config, err = doc.Config.descriptor("config", &budget); err != nil {
			return nil, err
		}
		if doc.Layers != nil {
			if m.Layers, err = descriptors("layer", *doc.Layers, MaxLayers, &budget); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

// shape tells what the document is by its members, and refuses it if its media type says otherwise.
func (doc *wireManifest) shape() (shape, error) {
	var s shape
	switch isImage := doc.Config != nil || doc.Layers != nil; {
	case doc.Manifests != nil && (isImage || doc.FSLayers != nil || doc.Blobs != nil), isImage && (doc.FSLayers != nil || doc.Blobs != nil),
		doc.FSLayers != nil && doc.Blobs != nil:
		return 0, manifestError("the document mixes an index and an image manifest, or kinds of manifest, so different readers would take it for different images").
			WithFix("Do not use this image: documents like this are made to deceive. Build and push it again with a current tool.")
	case doc.Manifests != nil:
		s = indexShape
	case doc.FSLayers != nil:
		s = schema1Shape
	case isImage:
		if doc.Config == nil {
			return 0, manifestError("the manifest names no config")
		}
		s = imageShape
	case doc.Blobs != nil, shapeOf(bareMediaType(doc.MediaType)) == artifactShape:
		s = artifactShape
	default:
		return 0, manifestError("the document is no manifest: it has neither layers nor manifests")
	}
	if claimed := shapeOf(bareMediaType(doc.MediaType)); claimed != unknownShape && claimed != s {
		return 0, manifestError("the document says it is %s but has the members of %s", claimed, s).
			WithFix("Do not use this image: documents like this are made to deceive. Build and push it again with a current tool.")
	}
	return s, nil
}

func (doc *wireManifest) mediaType(s shape, header string) string {
	if own := bareMediaType(doc.MediaType); shapeOf(own) == s {
		return own
	}
	if shapeOf(header) == s {
		return header
	}
	switch s {
	case indexShape:
		for _, child := range *doc.Manifests {
			if bareMediaType(child.MediaType) == MediaTypeDockerManifest {
				return MediaTypeDockerList
			}
		}
		return MediaTypeOCIIndex
	case imageShape:
		if bareMediaType(doc.Config.MediaType) == MediaTypeDockerConfig {
			return MediaTypeDockerManifest
		}
		return MediaTypeOCIManifest
	}
	return MediaTypeOCIArtifact
}

type annotationBudget int

func (b *annotationBudget) spend(annotations map[string]string) error {
	for name, value := range annotations {
		*b -= annotationBudget(len(name) + len(value))
	}
	if *b < 0 {
		return manifestError("the annotations are longer than %d bytes in all", MaxAnnotationBytes)
	}
	return nil
}

func descriptors(what string, wire []wireDescriptor, limit int, budget *annotationBudget) ([]Descriptor, error) {
	if len(wire) > limit {
		return nil, manifestError("the manifest has %d entries of kind %s; the limit is %d", len(wire), what, limit)
	}
	out := make([]Descriptor, 0, len(wire))
	for i := range wire {
		d, err := wire[i].descriptor(fmt.Sprintf("%s %d", what, i+1), budget)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

func (w *wireDescriptor) descriptor(what string, budget *annotationBudget) (Descriptor, error) {
	d := Descriptor{MediaType: bareMediaType(w.MediaType), URLs: w.URLs, Annotations: w.Annotations, ArtifactType: w.ArtifactType}
	var err error
	if d.Digest, err = ParseDigest(w.Digest); err != nil {
		return Descriptor{}, manifestError("the digest of %s is wrong: %s", what, err)
	}
	switch {
	case w.Size == nil:
		return Descriptor{}, manifestError("%s has no size", what)
	case *w.Size < 0:
		return Descriptor{}, manifestError("%s has the negative size %d", what, *w.Size)
	case *w.Size > maxContentSize:
		return Descriptor{}, manifestError("%s has the impossible size %d", what, *w.Size)
	}
	d.Size = *w.Size
	if err := budget.spend(w.Annotations); err != nil {
		return Descriptor{}, err
	}
	if w.Platform != nil {
		p := Platform{OS: w.Platform.OS, Architecture: w.Platform.Architecture, Variant: w.Platform.Variant, OSVersion: w.Platform.OSVersion}
		if !isPlatformWord(p.OSVersion) || len(p.OSVersion) > 64 {
			p.OSVersion = ""
		}
		for _, part := range []string{p.OS, p.Architecture, p.Variant} {
			if part != "" && (len(part) > 64 || !isPlatformWord(part)) {
				return Descriptor{}, manifestError("the platform of %s has the odd part %s", what, shown(part))
			}
		}
		if p.OS != "" && p.Architecture != "" {
			p = p.canonical()
			d.Platform = &p
		}
	}
	return d, nil
}

// Platforms lists an index's platforms in order and once each, without attestation children and other artifacts.
func (m *Manifest) Platforms() []Platform {
	var out []Platform
	seen := map[Platform]bool{}
	for _, d := range m.Manifests {
		if d.isImage() && d.Platform != nil && !seen[*d.Platform] {
			seen[*d.Platform] = true
			out = append(out, *d.Platform)
		}
	}
	return out
}

// IndexChildren lists the nested indexes that do not say which platforms they hold, in order: where Select fails with
// fault.NotFound, the platform may still be in one of them.
func (m *Manifest) IndexChildren() []Descriptor {
	var out []Descriptor
	for _, d := range m.Manifests {
		if d.isImage() && d.IsIndex() && d.Platform == nil {
			out = append(out, d)
		}
	}
	return out
}

// Select finds the child of an index for a platform, the best match first and the earlier one among equals; Accepts has
// the rules. The child may be an index itself (IsIndex), which is then to be read and asked again. If no child fits but a
// single one does not state its platform, that one is returned, with a nil Platform: its config tells whether it fits.
// The error is fault.NotFound and names the platforms there are.
func (m *Manifest) Select(want Platform) (Descriptor, error) {
	const op = "select platform"
	if !m.IsIndex {
		return Descriptor{}, fault.New(fault.Internal, op, "%s is no index", m.Digest)
	}
	if want.OS == "" || want.Architecture == "" {
		return Descriptor{}, fault.New(fault.Invalid, op, "no platform was asked for").WithFix("Ask for one, for example linux/amd64.")
	}
	best, bestRank := -1, 0
	var silent []Descriptor
	for i, d := range m.Manifests {
		switch {
		case !d.isImage():
		case d.Platform != nil:
			if rank, ok := want.Accepts(*d.Platform); ok && (best < 0 || rank < bestRank) {
				best, bestRank = i, rank
			}
		case !d.IsIndex():
			silent = append(silent, d)
		}
	}
	switch {
	case best >= 0:
		return m.Manifests[best], nil
	case len(silent) == 1 && len(m.IndexChildren()) == 0:
		return silent[0], nil
	}
	return Descriptor{}, m.noSuchPlatform(want, len(silent))
}

func (m *Manifest) noSuchPlatform(want Platform, silent int) error {
	const op = "select platform"
	platforms := m.Platforms()
	if len(platforms) == 0 && silent == 0 && len(m.IndexChildren()) == 0 {
		return fault.New(fault.NotFound, op, "there is no image for %s: the index lists no images", want)
	}
	const limit = 50
	var names []string
	for _, p := range platforms[:min(limit, len(platforms))] {
		names = append(names, p.String())
	}
	if more := len(platforms) - limit; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	if silent > 0 {
		names = append(names, fmt.Sprintf("%d without a stated platform", silent))
	}
	if nested := len(m.IndexChildren()); nested > 0 {
		names = append(names, fmt.Sprintf("%d nested indexes without a stated platform", nested))
	}
	list := strings.Join(names, ", ")
	err := fault.New(fault.NotFound, op, "there is no image for %s; there is %s", want, list)
	if len(platforms) == 0 {
		return err
	}
	return err.WithFix("Ask for a platform that is there: %s.", list)
}
