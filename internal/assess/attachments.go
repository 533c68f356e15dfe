package assess

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

// An Attachment is something said about the image that is not the image: beside it in the registry, or inside as a file.
type Attachment struct {
	Kind          string       `json:"kind"`                    // "sbom", "attestation", "signature", "vex", "other"
	Format        string       `json:"format,omitempty"`        // "CycloneDX", "SPDX", "SLSA provenance", ... where that is known
	PredicateType string       `json:"predicateType,omitempty"` // of an attestation, as it is written
	MediaType     string       `json:"mediaType,omitempty"`
	Digest        image.Digest `json:"digest,omitempty"`
	Size          int64        `json:"size,omitempty"`
	From          string       `json:"from"`                 // "referrer", "cosign tag", "index", "layer", "label"
	Place         string       `json:"place,omitempty"`      // the tag, the path of the file, the label with its value
	Subject       image.Digest `json:"subject,omitempty"`    // what it is about: the index, the platform's manifest, or the layer that it lies in
	SignerRule    string       `json:"signerRule,omitempty"` // the rule whose signer's signature was verified, where components come from it
}

// Kinds of attachments.
const (
	SBOM        = "sbom"
	Attestation = "attestation"
	Signature   = "signature"
	VEX         = "vex"
	Other       = "other"
)

const (
	attachmentsLimit = 5 * time.Second
	maxAttachments   = 200
)

// attachments begins to look for what is attached to the image, and returns a function that waits for it. A registry is asked
// once, for the referrers of what the reference points to; thorough is to ask for the referrers of the platform's manifest, for
// cosign's tags and for what BuildKit's attestations say, too. What fails becomes a note.
func (s *Service) attachments(ctx context.Context, a *Assessment, from served, thorough bool) (wait func()) {
	ctx, cancel := context.WithTimeout(ctx, attachmentsLimit)
	l := &attachmentLook{s: s, from: from, facts: &a.Facts}
	l.found = append(l.found, l.labels())
	l.ask(ctx, func(ctx context.Context) ([]Attachment, error) { return l.referrers(ctx, a.Facts.Digest) })
	l.ask(ctx, func(ctx context.Context) ([]Attachment, error) { return l.ofIndex(ctx, thorough) })
	if thorough {
		digests := []image.Digest{a.Facts.Digest}
		if a.Facts.ManifestDigest != a.Facts.Digest {
			digests = append(digests, a.Facts.ManifestDigest)
			l.ask(ctx, func(ctx context.Context) ([]Attachment, error) { return l.referrers(ctx, a.Facts.ManifestDigest) })
		}
		for _, d := range digests {
			for _, suffix := range []string{"sig", "att", "sbom"} {
				l.ask(ctx, func(ctx context.Context) ([]Attachment, error) { return l.cosign(ctx, d, suffix) })
			}
		}
	}
	return func() {
		defer cancel()
		l.group.Wait()
		list := slices.DeleteFunc(slices.Concat(l.found...), func(found Attachment) bool { // what was read for a signer rule is listed already
			return slices.ContainsFunc(a.Attachments, func(a Attachment) bool { return a.From == found.From && a.Digest == found.Digest })
		})
		if len(list) > maxAttachments {
			l.notes = append(l.notes, fmt.Sprintf("%d more attachments are not listed", len(list)-maxAttachments))
			list = list[:maxAttachments]
		}
		a.Attachments = slices.Concat(list, a.Attachments)
		a.AttachmentNotes = slices.Compact(slices.Sorted(slices.Values(l.notes)))
	}
}

// An attachmentLook is one look for the attachments of an image. Its answers stay in the order in which they were asked for.
type attachmentLook struct {
	s     *Service
	from  served
	facts *image.Facts
	group sync.WaitGroup

	mu    sync.Mutex
	found [][]Attachment
	notes []string
}

func (l *attachmentLook) ask(ctx context.Context, look func(context.Context) ([]Attachment, error)) {
	l.mu.Lock()
	at := len(l.found)
	l.found = append(l.found, nil)
	l.mu.Unlock()
	l.group.Go(func() {
		list, err := look(ctx)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.found[at] = list
		if err != nil {
			l.notes = append(l.notes, "not everything that is attached to the image could be looked at: "+err.Error())
		}
	})
}

func (l *attachmentLook) source() (*distribution.Client, distribution.Source, string) {
	return l.s.o.Client, l.from.source, l.from.ref.Repository
}

func (l *attachmentLook) referrers(ctx context.Context, subject image.Digest) ([]Attachment, error) {
	client, src, repository := l.source()
	list, err := client.Referrers(ctx, src, repository, subject, "")
	var found []Attachment
	for _, d := range list {
		t := cmp.Or(d.ArtifactType, d.MediaType)
		found = append(found, attachmentOf(d, t, predicateOf(d.Annotations), "referrer", "", subject))
	}
	return found, err
}

// cosign reads what a tag of cosign's holds: each layer is one signature or document.
func (l *attachmentLook) cosign(ctx context.Context, subject image.Digest, suffix string) ([]Attachment, error) {
	client, src, repository := l.source()
	tag := cosignTag(subject, suffix)
	layers, err := layersOf(ctx, client, src, repository, tag)
	var found []Attachment
	for _, d := range layers {
		found = append(found, attachmentOf(d, d.MediaType, predicateOf(d.Annotations), "cosign tag", tag, subject))
	}
	return found, err
}

// layersOf are the layers of an artifact, none if it is not there.
func layersOf(ctx context.Context, client *distribution.Client, src distribution.Source, repository, identifier string) ([]image.Descriptor, error) {
	m, err := client.Artifact(ctx, src, repository, identifier)
	switch {
	case fault.CodeOf(err) == fault.NotFound:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return m.Layers, nil
}

// cosignTag is where cosign keeps what belongs to a manifest.
func cosignTag(d image.Digest, suffix string) string {
	return strings.Replace(string(d), ":", "-", 1) + "." + suffix
}

// ofIndex lists BuildKit's attestations, which stand in the index beside the image that they are about. Only a look inside tells
// what they say.
func (l *attachmentLook) ofIndex(ctx context.Context, inside bool) ([]Attachment, error) {
	if l.from.pulled.Index == nil {
		return nil, nil
	}
	client, src, repository := l.source()
	var found []Attachment
	var errs []error
	for _, d := range l.from.pulled.Index.Manifests {
		subject := image.Digest(d.Annotations["vnd.docker.reference.digest"])
		if d.Annotations["vnd.docker.reference.type"] != "attestation-manifest" || subject != l.facts.ManifestDigest {
			continue
		}
		if inside && len(found) < maxAttachments {
			m, err := client.Artifact(ctx, src, repository, string(d.Digest))
			if err == nil {
				for _, layer := range m.Layers {
					found = append(found, attachmentOf(layer, layer.MediaType, predicateOf(layer.Annotations), "index", string(d.Digest), subject))
				}
				continue
			}
			errs = append(errs, err)
		}
		found = append(found, attachmentOf(d, "application/vnd.in-toto+json", "", "index", "", subject))
	}
	return found, errors.Join(errs...)
}

// labels are those that name a bill of materials.
func (l *attachmentLook) labels() []Attachment {
	var found []Attachment
	for _, name := range slices.Sorted(maps.Keys(l.facts.Labels)) {
		if value := l.facts.Labels[name]; value != "" && strings.Contains(strings.ToLower(name), "sbom") {
			found = append(found, Attachment{Kind: SBOM, From: "label", Place: name + "=" + value[:min(len(value), 500)]})
		}
	}
	return found
}

// predicateOf reads what tools note beside an attestation about what is in it.
func predicateOf(annotations map[string]string) string {
	return cmp.Or(annotations["in-toto.io/predicate-type"], annotations["dev.sigstore.bundle.predicateType"], annotations["predicateType"])
}

func attachmentOf(d image.Descriptor, mediaType, predicate, from, place string, subject image.Digest) Attachment {
	a := Attachment{
		PredicateType: predicate, MediaType: mediaType, Digest: d.Digest, Size: d.Size, From: from, Place: place, Subject: subject,
	}
	a.Kind, a.Format = attachmentKind(mediaType, predicate)
	return a
}

// attachmentKinds tell by a part of the media type or, of an attestation, of its predicate type. The first match counts.
var attachmentKinds = []struct{ part, kind, format string }{
	{"cosign/sign/", Signature, "cosign"},
	{"cyclonedx", SBOM, "CycloneDX"},
	{"spdx", SBOM, "SPDX"},
	{"vnd.syft", SBOM, "Syft"},
	{"openvex", VEX, "OpenVEX"},
	{"slsa.dev/provenance", Attestation, "SLSA provenance"},
	{"cosign.simplesigning", Signature, "cosign"},
	{"cosign.artifact.sig", Signature, "cosign"},
	{"cosign.artifact.sbom", SBOM, ""},
	{"cncf.notary", Signature, "Notary Project"},
	{"in-toto", Attestation, ""},
	{"dsse", Attestation, ""},
	{"sigstore.bundle", Attestation, ""},
	{"attestation", Attestation, ""},
}

// attachmentKind tells what an attachment is. An attestation of a bill of materials is an attestation whose format is the bill's.
func attachmentKind(mediaType, predicate string) (kind, format string) {
	look := func(text string) (string, string) {
		for _, k := range attachmentKinds {
			if strings.Contains(strings.ToLower(text), k.part) {
				return k.kind, k.format
			}
		}
		return Other, ""
	}
	kind, format = look(mediaType)
	if predicate == "" {
		return kind, format
	}
	said, format := look(predicate)
	if said == Signature {
		return Signature, format
	}
	return Attestation, format
}
