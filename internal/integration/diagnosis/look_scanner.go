package diagnosis

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/external"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// scanner has the registry's own scanner asked, where the integration is for that: about the named image; about none if its
// manifest could not be read, which whoever may ask is told is not there; without an image, whether it can be asked at all.
func (r *run) scanner() {
	s, ok := r.candidate.Registry.(external.Scanner)
	wanted := slices.Contains(r.candidate.Integration.Categories, integration.CategoryScanner)
	blocked := Observation{Step: StepAPI}
	if !ok || !wanted || r.glance || !r.may(&blocked, StepAPI) {
		return
	}
	ctx, cancel := context.WithTimeout(r.ctx, r.StepLimit)
	defer cancel()
	began := r.Now()
	report, err := s.Report(ctx, external.Asking{
		Ref: r.ref, Digest: cmp.Or(r.manifestAt, external.NoSuchDigest),
		Get: func(ctx context.Context, path string, as distribution.Credential, header http.Header) (distribution.Answer, error) {
			r.probe.Know(as)
			return r.Client.Ask(ctx, r.probe.Endpoint, path, as, header)
		},
	})
	r.reported(r.asked(report, err), began)
}

// asked judges what a scanner said.
func (r *run) asked(report external.Report, err error) Step {
	typ := r.candidate.Integration.Type
	step := NewStep(typ+"-scanner", "Scanner of the registry")
	step.See("scanner", report.Scanner.String())
	switch {
	case err != nil && fault.CodeOf(err) == fault.NotFound && fault.NameOf(err) == "":
		step.Summary = "may be asked, and knows no such image"
	case err != nil:
		step.Summary = "cannot be asked"
		step.Fail(err, typ+"-scanner-failed")
	case report.Status == "":
		step.Verdict, step.Summary = Skipped, "only with an image that is named can be told whether it may be asked"
	case report.Status == external.Scanned:
		step.Summary = fmt.Sprintf("has scanned the image: %s", plural(len(report.Vulnerabilities), "vulnerability", "vulnerabilities"))
		if report.ScannedAt != nil {
			step.See("scanned", report.ScannedAt.UTC().Format(time.RFC3339))
		}
	case report.Status == external.Unavailable:
		step.Summary = "may be asked, and has no findings"
		step.Find(Finding{Name: typ + "-not-scanned", Verdict: Warning, Cause: "Of this image there are no findings: " + report.Reason, Fix: report.Fix})
	default:
		step.Summary = string(report.Status) + ": " + report.Reason
	}
	return *step
}
