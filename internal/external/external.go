// Package external is what the scanners that registries bring along say about images: Quay's Clair, Harbor's scanners, Amazon
// ECR's basic and enhanced scanning, Google's Artifact Analysis. A report is taken as it came, within bounds, and says which
// scanner said it and when. Reports stand beside the findings of this program and are never mixed with them.
//
// The packages of the registry types read the wire: quay.Type, harbor.Type, ecr.Type, google.Type and google.ArtifactRegistry
// open registries that are a Scanner.
package external

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

// A Scanner is an opened registry that has a scanner of its own.
type Scanner interface {
	// Report asks what the scanner says about an image. An answer without findings has a status that tells why. A request that
	// fails is an error that explains itself; one that asks for an image that is not there is fault.NotFound.
	//
	// It changes nothing, asks only hosts that the integration owns or the cloud's own, and returns when the context ends.
	Report(ctx context.Context, a Asking) (Report, error)
}

// Asking is what a Scanner works with.
type Asking struct {
	Ref    image.Reference // the registry and the repository count; the repository is empty if the question is whether it can be asked at all
	Digest image.Digest    // of the manifest of one platform
	// Get sends GET to a path of the registry's own host, with the credential unless it is the zero value. Nothing is followed;
	// errors, and all of an answer but its body, hold no secret.
	Get func(ctx context.Context, path string, as distribution.Credential, header http.Header) (distribution.Answer, error)
}

// NoSuchDigest is of no image. Whoever may ask about it is told that it is not there.
const NoSuchDigest image.Digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

// A Status says whether there are findings.
type Status string

const (
	Scanned     Status = "scanned"       // also where nothing was found
	Queued      Status = "queued"        // it is or will be looked at
	Unsupported Status = "not supported" // the scanner cannot read such an image
	Unavailable Status = "unavailable"   // for the reason that the report tells
)

// A Report is what one scanner says about one image.
type Report struct {
	Scanner Tool   `json:"scanner"`
	Status  Status `json:"status"`
	Reason  string `json:"reason,omitempty"` // why there are no findings, or not all
	Fix     string `json:"fix,omitempty"`    // what to do about the reason
	// ScannedAt is when the image was looked at, nil if the scanner does not say.
	ScannedAt *time.Time `json:"scannedAt,omitempty"`
	// DataFrom is of when the scanner's knowledge of vulnerabilities was, nil if it does not say.
	DataFrom *time.Time `json:"dataFrom,omitempty"`
	// PushedAt is when the registry got the image, nil if it does not say.
	PushedAt        *time.Time      `json:"pushedAt,omitempty"`
	Vulnerabilities []Vulnerability `json:"vulnerabilities" nullable:"false"`
	// Omitted counts the vulnerabilities that the scanner reports and that are left out here.
	Omitted int `json:"omitted,omitempty"`
}

// A Tool is a scanner, as far as the registry says.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

func (t Tool) String() string { return strings.TrimSpace(t.Name + " " + t.Version) }

// A Vulnerability is one of one package. Texts are as the scanner writes them.
type Vulnerability struct {
	ID           string   `json:"id"`
	Aliases      []string `json:"aliases,omitempty"`
	Package      string   `json:"package"`
	Version      string   `json:"version,omitempty"`
	FixedVersion string   `json:"fixedVersion,omitempty"`
	// Severity is SaidSeverity in the words that this program uses.
	Severity     vuln.Severity `json:"severity"`
	SaidSeverity string        `json:"saidSeverity,omitempty"`
	Link         string        `json:"link,omitempty"`
}

// Ask has a scanner asked. What fails makes a report that is unavailable for that reason.
func Ask(ctx context.Context, s Scanner, a Asking) Report {
	r, err := s.Report(ctx, a)
	if err == nil && r.Status == "" {
		err = fault.New(fault.Invalid, "", "the registry can have no image of the name %s", a.Ref.Repository)
	}
	if err != nil {
		failed := Failed(err)
		failed.Scanner, failed.PushedAt = r.Scanner, r.PushedAt
		r = failed
	}
	return r.bounded()
}

// Without is the report of a scanner that could be asked, and has no findings for a reason of its own.
func (r Report) Without(reason, fix string) Report {
	r.Status, r.Reason, r.Fix = Unavailable, reason, fix
	return r
}

// Failed is the report of a scanner that could not be asked, or had no answer.
func Failed(err error) Report {
	return Report{Status: Unavailable, Reason: err.Error(), Fix: fault.FixOf(err), Vulnerabilities: []Vulnerability{}}
}
