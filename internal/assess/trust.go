package assess

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/attestation"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/scan"
)

const (
	trustLimit      = 30 * time.Second
	maxAttestations = 20 // read for one image
)

// components fills a.Scan: from an attestation that a signer rule accepts, else from the layers. Why an attestation was not
// used becomes a note. Only a cancelled context is an error.
func (s *Service) components(ctx context.Context, a *Assessment, from served, progress Progress) error {
	rules := attestation.For(s.o.SignerRules, from.ref)
	if len(rules) == 0 {
		return s.scan(ctx, a, from, progress)
	}
	progress.step("Looking for attestations that a signer rule accepts")
	accepted, notes := s.attested(ctx, a, from, rules)
	if accepted != nil {
		a.trust(accepted)
	} else if err := s.scan(ctx, a, from, progress); err != nil {
		return err
	}
	for _, n := range notes {
		a.Scan.Notes = append(a.Scan.Notes, scan.Note{Message: n})
	}
	return nil
}

// attested is an accepted attestation with the attachment it was found as.
type attested struct {
	*attestation.Accepted
	Attachment
	envelope image.Digest
}

// attested reads what cosign's tags and referrers hold, and picks, of what the rules accept, what is about the platform's
// manifest rather than the index, and of that the latest. The notes say what was not accepted, and why.
func (s *Service) attested(ctx context.Context, a *Assessment, from served, rules []attestation.Rule) (best *attested, notes []string) {
	ctx, cancel := context.WithTimeout(ctx, trustLimit)
	defer cancel()
	l := &attachmentLook{s: s, from: from, facts: &a.Facts}
	client, src, repository := l.source()
	digests := slices.Compact([]image.Digest{a.Facts.ManifestDigest, a.Facts.Digest})
	refuse := func(d image.Digest, err error) {
		notes = append(notes, fmt.Sprintf("the attestation %s was not used: %v", d, err))
	}
	found, err := l.attestations(ctx, digests, rules)
	if err != nil {
		notes = append(notes, "not every attestation could be looked at: "+err.Error())
	}
	for i, f := range found {
		if i == maxAttestations {
			notes = append(notes, fmt.Sprintf("%d more attestations were not looked at", len(found)-i))
			break
		}
		raw, err := client.Content(ctx, src, repository, f.envelope, attestation.MaxSize)
		if err != nil {
			refuse(f.envelope.Digest, err)
			continue
		}
		accepted, err := attestation.Accept(raw, rules, digests, s.o.Now())
		if err != nil {
			refuse(f.envelope.Digest, err)
			continue
		}
		if best == nil || better(accepted, best.Accepted, a.Facts.ManifestDigest) {
			best = &attested{accepted, f.Attachment, f.envelope.Digest}
		}
	}
	if len(found) == 0 && err == nil {
		notes = append(notes, "no attestation was found that the signer rule "+names(rules)+" could accept")
	}
	return best, notes
}

func better(a, b *attestation.Accepted, platform image.Digest) bool {
	if (a.Subject == platform) != (b.Subject == platform) {
		return a.Subject == platform
	}
	return a.Document.Created.After(b.Document.Created)
}

func names(rules []attestation.Rule) string {
	list := make([]string, len(rules))
	for i, r := range rules {
		list[i] = r.Name
	}
	return strings.Join(list, " or ")
}

// A sealedAttachment is an attachment with the descriptor of its envelope.
type sealedAttachment struct {
	Attachment
	envelope image.Descriptor
}

// attestations finds the signed statements about the digests that may be of a kind that the rules take.
func (l *attachmentLook) attestations(ctx context.Context, digests []image.Digest, rules []attestation.Rule) (found []sealedAttachment, err error) {
	client, src, repository := l.source()
	wanted := func(a Attachment) bool {
		return a.Kind == Attestation && (a.PredicateType == "" || attestation.Wants(rules, a.PredicateType))
	}
	var failed error
	keep := func(err error) {
		if failed == nil {
			failed = err
		}
	}
	for _, d := range digests {
		tag := cosignTag(d, "att")
		layers, err := layersOf(ctx, client, src, repository, tag)
		keep(err)
		for _, layer := range layers {
			if a := attachmentOf(layer, layer.MediaType, predicateOf(layer.Annotations), "cosign tag", tag, d); wanted(a) {
				found = append(found, sealedAttachment{a, layer})
			}
		}
		referrers, err := l.referrers(ctx, d)
		keep(err)
		for _, a := range referrers {
			if !wanted(a) || len(found) > maxAttestations {
				continue
			}
			layers, err := layersOf(ctx, client, src, repository, string(a.Digest))
			keep(err)
			for _, layer := range layers {
				found = append(found, sealedAttachment{a, layer})
			}
		}
	}
	return found, failed
}

// trust takes an attestation for the truth about the image.
func (a *Assessment) trust(t *attested) {
	a.Scan = scanOf(t.Document)
	origin := &a.Scan.Source
	origin.Kind, origin.SignerRule, origin.Key, origin.Attestation, origin.Subject = FromAttestation, t.Rule, t.Key, t.envelope, t.Accepted.Subject
	for i := range a.Scan.Components {
		c := &a.Scan.Components[i]
		c.LayerIndex = slices.IndexFunc(a.Facts.Layers, func(l image.Layer) bool { return l.Digest == c.Layer })
		if c.LayerIndex < 0 {
			c.Layer, c.LayerIndex, c.Line = "", 0, 0
		} else {
			c.Line = a.Facts.LineOfLayer(c.LayerIndex)
		}
	}
	if origin.Subject != a.Facts.ManifestDigest {
		a.Scan.Notes = append(a.Scan.Notes, scan.Note{Message: "the attestation is about the index, not about the manifest of this platform alone"})
	}
	t.Attachment.SignerRule = t.Rule
	a.Attachments = append(a.Attachments, t.Attachment)
}
