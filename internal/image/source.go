package image

import (
	"fmt"
	"maps"
	"slices"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// Source is what FromManifest reads. Index is nil when the reference resolved to an image manifest; Config is the raw
// config blob, nil for schema 1.
type Source struct {
	Reference Reference
	Index     *Manifest
	Manifest  *Manifest
	Config    []byte
}

// FromManifest derives the facts. It fails with fault.Invalid if the manifest is no image, if the config is not the one
// that the manifest names, or if it cannot be read. Oddities that leave the rest readable become notes.
func FromManifest(src Source) (*Facts, error) {
	const op = "read image"
	m := src.Manifest
	name := shown(src.Reference.String())
	switch {
	case m == nil:
		return nil, fault.New(fault.Internal, op, "%s has no manifest", name)
	case m.IsIndex:
		return nil, fault.New(fault.Invalid, op, "%s is an index, not the image of one platform", name)
	}
	if kind := m.NotImage(); kind != "" {
		return nil, NotImageError(src.Reference, kind)
	}
	var notes []string
	var doc configDocument
	if shapeOf(m.MediaType) == schema1Shape {
		doc = readSchema1(m.history, &notes)
		note(&notes, "The registry offers this image only in the old schema 1 format, which states no layer sizes; its platform, config and history are those that the format carries.")
	} else {
		if err := m.Config.Digest.Verify(src.Config); err != nil {
			return nil, fault.Wrap(fault.Invalid, op, name+": config", err)
		}
		var err error
		if doc, err = readConfig(src.Config, &notes); err != nil {
			return nil, fault.Wrap(fault.Invalid, op, name, err)
		}
		if int64(len(src.Config)) != m.Config.Size {
			note(&notes, "The manifest says that the image config is %d bytes long, but it has %d.", m.Config.Size, len(src.Config))
		}
	}
	f := &Facts{
		Reference: src.Reference.String(), Digest: m.Digest, ManifestDigest: m.Digest, ConfigDigest: m.Config.Digest,
		MediaType: m.MediaType, Layers: []Layer{}, Instructions: []Instruction{},
	}
	f.Annotations = mergeAnnotations(src.Index, m)
	doc.fill(f)
	if src.Index != nil {
		f.Digest, f.IndexMediaType, f.Platforms = src.Index.Digest, src.Index.MediaType, src.Index.Platforms()
	}
	f.Platform = settlePlatform(f.Platform, src, &notes)
	if f.User == "" {
		f.User, f.UserDefaulted = "root", true
		if f.Platform.OS == "windows" {
			f.User = "ContainerAdministrator"
		}
	}
	f.addLayers(m, doc.diffIDs, &notes)
	f.Instructions = instructions(doc.history, f, &notes)
	f.Notes = notes
	return f, nil
}

// NotImageError is the fault.Invalid error for a reference to something else than an image; kind is NotImage's answer.
func NotImageError(ref Reference, kind string) error {
	return fault.New(fault.Invalid, "read image", "%s is %s, not a container image", shown(ref.String()), kind).
		WithFix("Name a container image. Charts, signatures and other artifacts have no layers to examine.")
}

func mergeAnnotations(index, m *Manifest) map[string]string {
	merged := map[string]string{}
	if index != nil {
		maps.Copy(merged, index.Annotations)
	}
	maps.Copy(merged, m.Annotations)
	if len(merged) == 0 {
		return nil
	}
	return merged
}

// settlePlatform completes what the config says with what the index says. Where they disagree the config's word counts,
// since it is the image's own, and a note tells.
func settlePlatform(own Platform, src Source, notes *[]string) Platform {
	var listed *Platform
	if src.Index != nil {
		i := slices.IndexFunc(src.Index.Manifests, func(d Descriptor) bool { return d.Digest == src.Manifest.Digest && d.Platform != nil })
		if i >= 0 {
			listed = src.Index.Manifests[i].Platform
		}
	}
	switch {
	case own.OS == "" || own.Architecture == "":
		if listed != nil {
			note(notes, "The image config does not state its platform; %s is the index's word.", listed)
			return *listed
		}
		note(notes, "Neither the image config nor an index states the platform.")
		return own
	case listed == nil:
		return own
	}
	if own.Variant == "" && own.OS == listed.OS && own.Architecture == listed.Architecture {
		own.Variant = listed.Variant
	}
	if own.OSVersion == "" && own.OS == listed.OS {
		own.OSVersion = listed.OSVersion
	}
	variant := func(p Platform) string {
		if p.Variant == "" {
			return usualVariant[p.Architecture]
		}
		return p.Variant
	}
	if own.OS != listed.OS || own.Architecture != listed.Architecture || variant(own) != variant(*listed) {
		note(notes, "The index lists this image for %s, but its config says %s.", listed, own)
	}
	return own
}

func (f *Facts) addLayers(m *Manifest, diffIDs []string, notes *[]string) {
	parsed := make([]Digest, len(diffIDs))
	for i, text := range diffIDs {
		d, err := ParseDigest(text)
		if err != nil {
			note(notes, "The image config's diff ID %d is not a digest: %s.", i+1, shown(text))
		}
		parsed[i] = d
	}
	if len(parsed) != len(m.Layers) && shapeOf(m.MediaType) != schema1Shape {
		note(notes, "The manifest has %s but the image config has diff IDs for %d.", count(len(m.Layers), "layer"), len(parsed))
		parsed = nil
	}
	f.Size = m.Config.Size
	strange := 0
	for i, d := range m.Layers {
		layer := Layer{Digest: d.Digest, MediaType: d.MediaType, Size: d.Size, URLs: d.URLs, Annotations: d.Annotations}
		if i < len(parsed) {
			layer.DiffID = parsed[i]
		}
		if !isLayerType(d.MediaType) {
			strange++
		}
		f.Layers = append(f.Layers, layer)
		f.Size += d.Size
	}
	if shapeOf(m.MediaType) == schema1Shape {
		f.Size = SizeUnknown
	}
	if strange > 0 {
		note(notes, "The manifest has %s of a type that is not an image layer's.", count(strange, "layer"))
	}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
