package attestation

import (
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/sbom"
)

// Accepted is a bill of materials that a rule's signer vouches for.
type Accepted struct {
	Document *sbom.Document
	Rule     string
	Key      string       // the fingerprint of the key that signed
	Subject  image.Digest // what the statement is about
}

// Accept reads an attestation and says why it cannot be believed, if it cannot. digests are those of the image, the best first;
// rules are those that cover it.
func Accept(raw []byte, rules []Rule, digests []image.Digest, now time.Time) (*Accepted, error) {
	e, err := parseEnvelope(raw)
	if err != nil {
		return nil, err
	}
	err = invalid("no key of a signer rule made its signature").Named("other signer")
	for _, rule := range rules {
		for _, key := range rule.Keys {
			if !e.signedBy(key.public) {
				continue
			}
			var accepted *Accepted
			if accepted, err = rule.accept(e, digests, now); err == nil {
				accepted.Key = key.Fingerprint
				return accepted, nil
			}
		}
	}
	return nil, err
}

func (r *Rule) accept(e *envelope, digests []image.Digest, now time.Time) (*Accepted, error) {
	s, err := e.statement()
	if err != nil {
		return nil, err
	}
	subject := s.about(digests)
	switch {
	case subject == "":
		return nil, invalid("it is about another image")
	case !r.takes(s.PredicateType):
		return nil, invalid("its predicate is of the type %.80q, which the signer rule %s does not take", s.PredicateType, r.Name)
	}
	d, err := s.document()
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "its bill of materials", err)
	}
	switch age := now.Sub(d.Created); {
	case len(d.Components) == 0:
		return nil, invalid("its bill of materials lists no component")
	case r.MaxAge > 0 && d.Created.IsZero():
		return nil, invalid("its bill of materials does not say when it was made, and the signer rule %s wants none older than %s", r.Name, r.MaxAge)
	case r.MaxAge > 0 && age > r.MaxAge:
		return nil, invalid("its bill of materials is of %s, and the signer rule %s wants none older than %s", d.Created.UTC().Format(time.DateOnly), r.Name, r.MaxAge)
	}
	return &Accepted{Document: d, Rule: r.Name, Subject: subject}, nil
}
