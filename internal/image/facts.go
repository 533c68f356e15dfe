package image

import "time"

// Facts is what a manifest and its config say about one image of one platform. Nothing is made up: what the image does
// not say stays empty, with two exceptions that say so themselves (UserDefaulted, Platform from a schema 1 manifest).
type Facts struct {
	Reference      string            `json:"reference"`                // canonical, as asked for
	Digest         Digest            `json:"digest"`                   // what the reference resolves to: the index's digest if there is an index
	ManifestDigest Digest            `json:"manifestDigest"`           // the platform's manifest
	ConfigDigest   Digest            `json:"configDigest,omitempty"`   // empty for schema 1
	MediaType      string            `json:"mediaType"`                // of the platform's manifest
	IndexMediaType string            `json:"indexMediaType,omitempty"` // when there is an index
	Platform       Platform          `json:"platform"`
	Platforms      []Platform        `json:"platforms,omitempty"` // every platform of the index, in its order
	Created        *time.Time        `json:"created,omitempty"`   // nil when the config does not say
	Author         string            `json:"author,omitempty"`
	User           string            `json:"user"`
	UserDefaulted  bool              `json:"userDefaulted"` // the config names no user, so User is "root", or on Windows "ContainerAdministrator"
	Entrypoint     []string          `json:"entrypoint,omitempty"`
	Command        []string          `json:"command,omitempty"`
	WorkingDir     string            `json:"workingDir,omitempty"`
	Environment    []string          `json:"environment,omitempty"`
	ExposedPorts   []string          `json:"exposedPorts,omitempty"` // sorted
	Volumes        []string          `json:"volumes,omitempty"`      // sorted
	Shell          []string          `json:"shell,omitempty"`
	OnBuild        []string          `json:"onBuild,omitempty"`
	StopSignal     string            `json:"stopSignal,omitempty"`
	Healthcheck    *Healthcheck      `json:"healthcheck,omitempty"`
	Labels         map[string]string `json:"labels,omitempty"`
	Annotations    map[string]string `json:"annotations,omitempty"` // of the manifest, over those of the index
	Size           int64             `json:"size"`                  // compressed bytes of all layers and the config; SizeUnknown for schema 1
	Layers         []Layer           `json:"layers"`                // base first
	Instructions   []Instruction     `json:"instructions"`          // oldest first
	Notes          []string          `json:"notes,omitempty"`       // sentences about what is odd, e.g. a history that does not fit the layers
}

// A Layer is one filesystem layer, as the manifest lists it.
type Layer struct {
	Digest      Digest            `json:"digest"`
	DiffID      Digest            `json:"diffID,omitempty"`
	MediaType   string            `json:"mediaType"`
	Size        int64             `json:"size"` // compressed bytes as the manifest claims; SizeUnknown for schema 1
	URLs        []string          `json:"urls,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// An Instruction is one Dockerfile line, reconstructed from the config's history. Every layer belongs to exactly one
// instruction: layers that the history does not tell about get lines of their own, after it, that say so.
type Instruction struct {
	Line int `json:"line"` // 1-based position in Facts.Instructions
	// Keyword is RUN, COPY, ... in upper case, or empty when the line is no Dockerfile instruction but the text of another
	// tool ("bazel build ...", "apko"), or text that does not tell. RUN also stands for a command with an absolute path
	// and arguments, which is all that is left of a RUN in exec form.
	Keyword string `json:"keyword"`
	// Value is the rest of the line, without the shell that ran it and the builder's marks. It is the history's comment
	// where a tool left only that.
	Value      string     `json:"value"`
	Arguments  []string   `json:"arguments,omitempty"` // build arguments in effect, NAME=value; one unsplit text, and a note, where they cannot be told apart
	Comment    string     `json:"comment,omitempty"`
	Created    *time.Time `json:"created,omitempty"`
	Author     string     `json:"author,omitempty"`
	Empty      bool       `json:"empty"`           // produced no layer
	LayerIndex int        `json:"layerIndex"`      // into Facts.Layers; -1 when Empty or unknown
	Layer      Digest     `json:"layer,omitempty"` // the digest at that index
}

// Healthcheck is the HEALTHCHECK of a config; durations are zero when inherited.
type Healthcheck struct {
	Test          []string      `json:"test,omitempty"`
	Interval      time.Duration `json:"interval,omitempty"`
	Timeout       time.Duration `json:"timeout,omitempty"`
	StartPeriod   time.Duration `json:"startPeriod,omitempty"`
	StartInterval time.Duration `json:"startInterval,omitempty"`
	Retries       int           `json:"retries,omitempty"`
}
