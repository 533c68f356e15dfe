package quay

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/external"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
)

const opScan = "ask Quay's scanner"

// Report asks Quay what Clair found. The protocol is that of endpoints/api/secscan.py and data/secscan_model/datatypes.py in
// github.com/quay/quay: an OAuth token is a bearer's, a robot or a user signs in with name and password, and public
// repositories are told about to everybody. Quay does not say when Clair looked: it compares what is in the image with what is
// known when it is asked.
func (r *registry) Report(ctx context.Context, a external.Asking) (external.Report, error) {
	report := external.Report{Scanner: external.Tool{Name: "Clair"}}
	if a.Ref.Repository == "" {
		return report, r.disabled(ctx, a)
	}
	cred := distribution.Credential{RegistryToken: r.token}
	if !r.token.IsSet() {
		var err error
		if cred, err = r.Credential(ctx, a.Ref); err != nil {
			return report, err
		}
	}
	answer, err := a.Get(ctx, "/api/v1/repository/"+a.Ref.Repository+"/manifest/"+string(a.Digest)+"/security?features=true&vulnerabilities=true", cred, nil)
	if err != nil {
		return report, err
	}
	switch answer.Status {
	case http.StatusOK:
		return report, read(answer.Body, a, &report)
	case http.StatusUnauthorized, http.StatusForbidden:
		return report, r.denied(a, answer)
	case http.StatusNotFound:
		if err := r.disabled(ctx, a); err != nil {
			return report, err
		}
		return report, fault.New(fault.NotFound, opScan, "Quay has no %s@%s", a.Ref.Repository, a.Digest)
	case statusDownstream:
		return report, fault.New(fault.Unavailable, opScan, "Clair does not answer Quay: %s", answer.Message).Named("quay-scanner-failed").
			WithFix("Ask the administrator of Quay to see whether Clair runs, and whether SECURITY_SCANNER_V4_ENDPOINT in Quay's configuration is right.")
	}
	return report, fault.New(fault.OfHTTPStatus(answer.Status), opScan, "the answer is %d %s", answer.Status, answer.Message).
		WithFix("Try again later. If the endpoint is not Quay itself but a proxy, it must pass /api/ on as well.")
}

// statusDownstream is Quay's own, for a service behind it that fails.
const statusDownstream = 520

func (r *registry) denied(a external.Asking, answer distribution.Answer) error {
	who, fix := "whoever does not sign in", "Give the integration a robot account with the permission Read on the repository, or an OAuth token with the scope repo:read."
	switch {
	case r.token.IsSet():
		who, fix = "the OAuth token", "Let the token have the scope repo:read, and be one of an application whose user may read the repository."
	case !r.Anonymous():
		who, fix = "the robot", "Open the robot under Robot Accounts of the repository's namespace, give it the permission Read on the repository, and check its password here."
	}
	return fault.New(fault.OfHTTPStatus(answer.Status), opScan, "Quay does not tell %s about %s: %s", who, a.Ref.Repository, answer.Message).
		Named("quay-scanner-denied").WithFix("%s", fix)
}

// disabled is the error of a Quay without a scanner. What Quay can do it tells everybody; if it does not, nothing is known.
func (r *registry) disabled(ctx context.Context, a external.Asking) error {
	answer, err := a.Get(ctx, "/config", distribution.Credential{}, nil)
	var config struct {
		Features map[string]any `json:"features"`
	}
	if err != nil || answer.Status != http.StatusOK || json.Unmarshal(answer.Body, &config) != nil {
		return err
	}
	if on, told := config.Features["SECURITY_SCANNER"].(bool); !told || on {
		return nil
	}
	return fault.New(fault.NotFound, opScan, "this Quay has no scanner").Named("quay-scanner-disabled").
		WithFix("Let the administrator of Quay set up Clair and FEATURE_SECURITY_SCANNER: true, or leave the category SCANNER out of the integration.")
}

// read fills in a report from an answer.
func read(body []byte, a external.Asking, report *external.Report) error {
	var doc struct {
		Status string `json:"status"`
		Data   *struct {
			Layer struct {
				Name      string `json:"Name"`
				IndexedBy int    `json:"IndexedByVersion"`
				Features  []struct {
					Name            string `json:"Name"`
					Version         string `json:"Version"`
					Vulnerabilities []struct {
						Name, Severity, Link, FixedBy string
					} `json:"Vulnerabilities"`
				} `json:"Features"`
			} `json:"Layer"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &doc) != nil || doc.Status == "" {
		return fault.New(fault.Unavailable, opScan, "the answer is not one of Quay's security API").
			WithFix("Check that the endpoint is Quay, and that nothing in between answers for it.")
	}
	switch doc.Status {
	case "scanned":
	case "queued":
		report.Status, report.Reason = external.Queued, "Clair has not looked at the image yet"
		return nil
	case "unsupported":
		report.Status, report.Reason = external.Unsupported, "Clair cannot read such an image"
		return nil
	case "manifest_layer_too_large":
		report.Status, report.Reason = external.Unsupported, "a layer is larger than this Quay lets Clair read"
		return nil
	case "failed":
		*report = report.Without("Clair could not read the image", "Push the image again to have it looked at anew, or ask the administrator of Quay for the reason in Clair's log.")
		return nil
	default:
		return fault.New(fault.Unavailable, opScan, "the status of the scan is %q", integration.Said(doc.Status))
	}
	switch {
	case doc.Data == nil:
		return fault.New(fault.Unavailable, opScan, "Quay says that the image was scanned, and not what was found")
	case doc.Data.Layer.Name != "" && doc.Data.Layer.Name != string(a.Digest):
		return fault.New(fault.Unavailable, opScan, "the answer is about another image, %s", integration.Said(doc.Data.Layer.Name))
	}
	report.Status = external.Scanned
	if v := doc.Data.Layer.IndexedBy; v > 0 {
		report.Scanner.Version = strconv.Itoa(v)
	}
	for _, f := range doc.Data.Layer.Features {
		for _, v := range f.Vulnerabilities {
			link, _, _ := strings.Cut(strings.TrimSpace(v.Link), " ") // there may be several
			report.Vulnerabilities = append(report.Vulnerabilities, external.Vulnerability{
				ID: v.Name, Package: f.Name, Version: f.Version, FixedVersion: v.FixedBy, SaidSeverity: v.Severity, Link: link,
			})
		}
	}
	return nil
}
