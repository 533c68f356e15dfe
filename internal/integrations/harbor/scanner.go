package harbor

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/external"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
)

const (
	opScan     = "ask Harbor's scanner"
	nameDenied = "harbor-scanner-denied"
)

// formats of reports that Harbor is asked for: that of scanners since Harbor 2.2, and the one before.
var formats = []string{
	"application/vnd.security.vulnerability.report; version=1.1", "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0",
}

// inFormat is what a document that Harbor sends by format has in the first of them.
func inFormat[T any](doc map[string]T) (first T, ok bool) {
	for _, f := range formats {
		if first, ok = doc[f]; ok {
			break
		}
	}
	return first, ok
}

// Report asks Harbor what the scanner of the image's project found. The protocol is that of api/v2.0/swagger.yaml and
// src/pkg/scan/vuln in github.com/goharbor/harbor.
func (r *registry) Report(ctx context.Context, a external.Asking) (external.Report, error) {
	q := question{Asking: a, project: r.project(a.Ref)}
	var err error
	if q.credential, err = r.Credential(ctx, a.Ref); err != nil || q.project == "" {
		return external.Report{}, err
	}
	if a.Ref.Repository == "" {
		_, err := q.scanner(ctx)
		return external.Report{}, err
	}
	report, err := q.overview(ctx)
	if err != nil || report.Status != external.Scanned {
		return report, err
	}
	return report, q.findings(ctx, &report)
}

// A question is one about an image, or about a project.
type question struct {
	external.Asking
	project    string
	credential distribution.Credential
}

// get asks for a JSON document below a project. Any status but 200 is an error.
func (q question) get(ctx context.Context, path, right string, doc any) error {
	answer, err := q.Get(ctx, "/api/v2.0/projects/"+url.PathEscape(q.project)+path, q.credential, http.Header{"X-Accept-Vulnerabilities": {strings.Join(formats, ", ")}})
	switch {
	case err != nil:
		return err
	case answer.Status == http.StatusUnauthorized, answer.Status == http.StatusForbidden:
		return fault.New(fault.OfHTTPStatus(answer.Status), opScan, "Harbor does not allow it: %s", answer.Message).
			Named(nameDenied).WithFix("Give the robot the permission %s in the project %s (Robot Accounts, the robot, Edit), or make the user a member of the project.", right, q.project)
	case answer.Status != http.StatusOK:
		return fault.New(fault.OfHTTPStatus(answer.Status), opScan, "the answer is %d %s", answer.Status, answer.Message)
	case json.Unmarshal(answer.Body, doc) != nil:
		return fault.New(fault.Unavailable, opScan, "the answer is not one of Harbor's API").
			WithFix("Check that the endpoint is Harbor 2, and that nothing in between answers for it.")
	}
	return nil
}

// artifact is the path of the image. The name of the repository is escaped twice, since proxies undo it once.
func (q question) artifact() string {
	_, repository, _ := strings.Cut(q.Ref.Repository, "/")
	return "/repositories/" + url.PathEscape(url.PathEscape(repository)) + "/artifacts/" + string(q.Digest)
}

// A tool is a scanner as Harbor names it.
type tool struct{ Name, Version string }

func (t tool) known() external.Tool { return external.Tool{Name: t.Name, Version: t.Version} }

// overview is how far the scan has come.
func (q question) overview(ctx context.Context) (external.Report, error) {
	var doc struct {
		Digest   string     `json:"digest"`
		PushedAt *time.Time `json:"push_time"`
		Overview map[string]struct {
			Status  string     `json:"scan_status"`
			Ended   *time.Time `json:"end_time"`
			Scanner tool       `json:"scanner"`
		} `json:"scan_overview"`
		Additions map[string]any `json:"addition_links"`
	}
	if err := q.get(ctx, q.artifact()+"?with_scan_overview=true&with_tag=false", "Read Artifact", &doc); err != nil {
		return external.Report{}, err
	}
	if doc.Digest != string(q.Digest) {
		return external.Report{}, fault.New(fault.Unavailable, opScan, "the answer is about another image, %s", integration.Said(doc.Digest))
	}
	report := external.Report{PushedAt: doc.PushedAt}
	scan, ok := inFormat(doc.Overview)
	if !ok {
		return q.unscanned(ctx, report, doc.Additions["vulnerabilities"] != nil)
	}
	report.Scanner, report.ScannedAt = scan.Scanner.known(), scan.Ended
	switch scan.Status {
	case "Success":
		report.Status = external.Scanned
	case "Pending", "Scheduled", "Running":
		report.Status, report.ScannedAt, report.Reason = external.Queued, nil, "the scan is "+strings.ToLower(scan.Status)
	case "Error", "Stopped":
		return report.Without("the scan ended with the status "+scan.Status, "In Harbor, open the artifact and start the scan again; its log says why it failed."), nil
	default:
		return report, fault.New(fault.Unavailable, opScan, "the status of the scan is %q", integration.Said(scan.Status))
	}
	return report, nil
}

// unscanned says why there is no scan. Harbor offers findings only of what the project's scanner can read.
func (q question) unscanned(ctx context.Context, report external.Report, readable bool) (external.Report, error) {
	if readable {
		return report.Without("Harbor has not scanned the image", "In Harbor, open the artifact and start a scan. To have images scanned when they are pushed, open the project's Configuration and choose Automatically scan images on push."), nil
	}
	used, err := q.scanner(ctx)
	if fault.NameOf(err) == nameDenied { // which may be asked less than what was found
		return report.Without("the project has no scanner, or none that can read such an image", "In Harbor, open the project's Scanner to see which it has."), nil
	}
	report.Scanner, report.Status, report.Reason = used, external.Unsupported, "the project's scanner cannot read such an image"
	return report, err
}

// scanner is that of the project.
func (q question) scanner(ctx context.Context) (external.Tool, error) {
	var doc tool
	switch err := q.get(ctx, "/scanner", "Read Scanner", &doc); {
	case err != nil && fault.CodeOf(err) != fault.NotFound:
		return external.Tool{}, err
	case doc.Name == "":
		return external.Tool{}, fault.New(fault.NotFound, opScan, "the project %s has no scanner", q.project).Named("harbor-no-scanner").
			WithFix("Let Harbor's administrator set one up under Interrogation Services, or choose one in the project under Scanner; or leave the category SCANNER out of the integration.")
	}
	return doc.known(), nil
}

// findings fills in what the scan found.
func (q question) findings(ctx context.Context, report *external.Report) error {
	var doc map[string]struct {
		Generated       string `json:"generated_at"`
		Scanner         tool   `json:"scanner"`
		Vulnerabilities []struct {
			ID       string   `json:"id"`
			Package  string   `json:"package"`
			Version  string   `json:"version"`
			Fixed    string   `json:"fix_version"`
			Severity string   `json:"severity"`
			Links    []string `json:"links"`
			Artifact string   `json:"artifact_digest"`
		} `json:"vulnerabilities"`
	}
	if err := q.get(ctx, q.artifact()+"/additions/vulnerabilities", "Read Artifact Addition", &doc); err != nil {
		return err
	}
	found, ok := inFormat(doc)
	if !ok {
		return fault.New(fault.Unavailable, opScan, "Harbor says that the image was scanned, and not what was found")
	}
	if at, err := time.Parse(time.RFC3339, found.Generated); err == nil {
		report.ScannedAt = &at
	}
	if found.Scanner.Name != "" {
		report.Scanner = found.Scanner.known()
	}
	for _, v := range found.Vulnerabilities {
		if v.Artifact != "" && v.Artifact != string(q.Digest) {
			return fault.New(fault.Unavailable, opScan, "the findings are of another image, %s", integration.Said(v.Artifact))
		}
		link := ""
		if len(v.Links) > 0 {
			link = v.Links[0]
		}
		report.Vulnerabilities = append(report.Vulnerabilities, external.Vulnerability{
			ID: v.ID, Package: v.Package, Version: v.Version, FixedVersion: v.Fixed, SaidSeverity: v.Severity, Link: link,
		})
	}
	return nil
}
