package image

// CONTRACT (temporary): the signatures other packages rely on. Replace each with its real file.

// A Reference names an image as Docker does.
type Reference struct {
	Registry   string // canonical host[:port], lower case; "docker.io" for Docker Hub
	Repository string // e.g. "library/nginx"
	Tag        string // "" when only a digest was given
	Digest     Digest // "" when only a tag was given
}

// ParseReference follows Docker's rules: "nginx" is docker.io/library/nginx:latest; a tag beside a digest is kept; a
// digest alone gets no tag. Errors are fault.Invalid.
func ParseReference(s string) (Reference, error) { panic("contract") }

func (r Reference) String() string               { panic("contract") } // registry/repository[:tag][@digest]
func (r Reference) Name() string                 { panic("contract") } // registry/repository
func (r Reference) Identifier() string           { panic("contract") } // digest if there is one, else tag
func (r Reference) MarshalText() ([]byte, error) { panic("contract") }

// A Digest is "algorithm:hex".
type Digest string

func ParseDigest(s string) (Digest, error)   { panic("contract") } // sha256 and sha512 only
func DigestOf(b []byte) Digest               { panic("contract") } // sha256
func (d Digest) Verify(content []byte) error { panic("contract") } // fault.Invalid on mismatch
func (d Digest) Hex() string                 { panic("contract") }
func (d Digest) Short() string               { panic("contract") } // 12 hex characters

// A Platform is os/architecture[/variant].
type Platform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant,omitempty"`
	OSVersion    string `json:"osVersion,omitempty"`
}

// ParsePlatform reads "linux/arm64/v8"; "" gives the zero Platform.
func ParsePlatform(s string) (Platform, error) { panic("contract") }
func (p Platform) String() string              { panic("contract") }
func (p Platform) IsZero() bool                { panic("contract") }

// Media types: constants MediaTypeOCIManifest, MediaTypeOCIIndex, MediaTypeDockerManifest, MediaTypeDockerList,
// MediaTypeDockerSchema1, MediaTypeDockerSchema1Signed.

// A Descriptor points to content.
type Descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       Digest            `json:"digest"`
	Size         int64             `json:"size"`
	URLs         []string          `json:"urls,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	Platform     *Platform         `json:"platform,omitempty"`
	ArtifactType string            `json:"artifactType,omitempty"`
}

// A Manifest is a parsed manifest or index. Exactly one of Index and Image is true.
type Manifest struct {
	MediaType   string // from the body if it says, else from the header, else deduced from the shape
	Digest      Digest // of Raw
	Raw         []byte
	IsIndex     bool
	Manifests   []Descriptor // of an index, in order
	Config      Descriptor   // of an image; zero for schema 1
	Layers      []Descriptor // of an image, base first
	Annotations map[string]string
	// unexported: schema 1 history
}

// ParseManifest reads a manifest or index of any supported kind. contentType is the server's header, with or without
// parameters; the body's own mediaType and shape win when they disagree with it. Artifacts that are no images (charts,
// signatures, attestations) parse; NotImage tells what they are. Errors are fault.Invalid and name what is wrong.
func ParseManifest(contentType string, raw []byte) (*Manifest, error) { panic("contract") }

// NotImage says in words what a manifest is when it is not a container image ("a Helm chart"), or "".
func (m *Manifest) NotImage() string { panic("contract") }

// Platforms lists an index's platforms in order, without attestation children.
func (m *Manifest) Platforms() []Platform { panic("contract") }

// Select finds the child of an index for a platform. The error is fault.NotFound and names the platforms there are.
func (m *Manifest) Select(want Platform) (Descriptor, error) { panic("contract") }

// ParseConfig checks an image config's platform against what was asked for, and so on: see FromManifest.

// Source is what FromManifest reads. Index is nil when the reference resolved to an image manifest; Config is the raw
// config blob, nil for schema 1.
type Source struct {
	Reference Reference
	Index     *Manifest
	Manifest  *Manifest
	Config    []byte
}

// FromManifest derives the facts. It fails with fault.Invalid if the manifest is no image or the config cannot be read.
func FromManifest(src Source) (*Facts, error) { panic("contract") }
