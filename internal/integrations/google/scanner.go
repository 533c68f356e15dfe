package google

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/external"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
)

const (
	opScan       = "ask Google's Artifact Analysis"
	analysisHost = "containeranalysis.googleapis.com"
)

// Bounds of what is asked for about one image. An occurrence has some kilobytes.
const (
	pageSize    = 500
	maxPages    = 12
	maxPageSize = 8 << 20
)

// Report asks the Container Analysis API, version 1, what is known of an image. The protocol is that of its discovery document
// (containeranalysis/v1/containeranalysis-api.json in github.com/googleapis/google-api-go-client): one occurrence of the kind
// DISCOVERY says how far the analysis has come, and one of the kind VULNERABILITY for each vulnerability where it was found.
func (r *registry) Report(ctx context.Context, a external.Asking) (external.Report, error) {
	report := external.Report{Scanner: external.Tool{Name: "Google Artifact Analysis"}}
	if !isGoogle(r.host) || !strings.HasSuffix(r.host, ".pkg.dev") && !isContainerRegistry(r.host) {
		return report, fault.New(fault.Invalid, opScan, "%s is not a registry whose images Google analyses", r.host)
	}
	id, _ := partsOf(r.host, a.Ref.Repository)
	if a.Ref.Repository == "" {
		id = strings.Replace(r.project, "/", ":", 1)
	}
	if id == "" {
		return report, nil
	}
	token, err := r.analysis.Credential(ctx)
	if err != nil {
		return report, err
	}
	q := question{r: r, token: token, project: id, resource: "https://" + r.host + "/" + a.Ref.Repository + "@" + string(a.Digest)}
	discovery, _, err := q.list(ctx, "DISCOVERY", 1)
	if err != nil || a.Ref.Repository == "" {
		return report, err
	}
	if err := progress(discovery, id, &report); err != nil || report.Status != external.Scanned {
		return report, err
	}
	found, more, err := q.list(ctx, "VULNERABILITY", maxPages)
	if err != nil {
		return report, err
	}
	for _, o := range found {
		report.Vulnerabilities = append(report.Vulnerabilities, o.vulnerabilities()...)
	}
	if more {
		report.Reason = fmt.Sprintf("there are more than the %d that were read", len(found))
	}
	return report, nil
}

// A question is one about an image.
type question struct {
	r                 *registry
	token             distribution.Credential
	project, resource string
}

// An occurrence is what is known of an image: how its analysis goes, or one vulnerability.
type occurrence struct {
	Resource  string     `json:"resourceUri"`
	Note      string     `json:"noteName"`
	Created   *time.Time `json:"createTime"`
	Updated   *time.Time `json:"updateTime"`
	Discovery *struct {
		Status     string     `json:"analysisStatus"`
		Continuous string     `json:"continuousAnalysis"`
		Scanned    *time.Time `json:"lastScanTime"`
		Error      struct {
			Message string `json:"message"`
		} `json:"analysisStatusError"`
	} `json:"discovery"`
	Vulnerability *struct {
		Severity  string `json:"severity"`
		Effective string `json:"effectiveSeverity"`
		Short     string `json:"shortDescription"`
		Packages  []struct {
			Package   string  `json:"affectedPackage"`
			Version   version `json:"affectedVersion"`
			Fixed     version `json:"fixedVersion"`
			Effective string  `json:"effectiveSeverity"`
		} `json:"packageIssue"`
		URLs []struct {
			URL string `json:"url"`
		} `json:"relatedUrls"`
	} `json:"vulnerability"`
}

// A version is one, or the end of all of them: then nothing is fixed yet.
type version struct {
	Kind, Name, Revision, FullName string
	Epoch                          int
}

func (v version) String() string {
	switch {
	case v.Kind == "MAXIMUM" || v.Kind == "MINIMUM":
		return ""
	case v.FullName != "" || v.Name == "":
		return v.FullName
	}
	text := v.Name
	if v.Epoch != 0 {
		text = fmt.Sprintf("%d:%s", v.Epoch, text)
	}
	if v.Revision != "" {
		text += "-" + v.Revision
	}
	return text
}

// list reads the occurrences of a kind, page by page, and says whether there are more.
func (q question) list(ctx context.Context, kind string, pages int) (all []occurrence, more bool, err error) {
	query := url.Values{"filter": {`kind="` + kind + `" AND resourceUrl="` + q.resource + `"`}, "pageSize": {fmt.Sprint(pageSize)}}
	for range pages {
		var page struct {
			Occurrences []occurrence `json:"occurrences"`
			Next        string       `json:"nextPageToken"`
		}
		if err := q.get(ctx, query, &page); err != nil {
			return nil, false, err
		}
		for _, o := range page.Occurrences {
			if o.Resource != q.resource {
				return nil, false, fault.New(fault.Unavailable, opScan, "the answer is about another image, %s", integration.Said(o.Resource))
			}
		}
		all = append(all, page.Occurrences...)
		if page.Next == "" {
			return all, false, nil
		}
		query.Set("pageToken", page.Next)
	}
	return all, true, nil
}

func (q question) get(ctx context.Context, query url.Values, doc any) error {
	at := "https://" + analysisHost + "/v1/projects/" + url.PathEscape(q.project) + "/occurrences?" + query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+q.token.Password.Reveal())
	w := &wire{base: q.r.from.deps.Transport()}
	resp, err := w.client().Do(req)
	if err != nil {
		return w.explain(ctx, err)
	}
	defer resp.Body.Close()
	if w.refusal != nil {
		return q.refused(w)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPageSize+1))
	if err != nil {
		return w.explain(ctx, err)
	}
	body = bytes.ReplaceAll(body, []byte(q.token.Password.Reveal()), []byte(secret.Mask))
	if len(body) > maxPageSize || json.Unmarshal(body, doc) != nil {
		return fault.New(fault.Unavailable, opScan, "the answer is too long, or not one of the Container Analysis API")
	}
	return nil
}

func (q question) refused(w *wire) error {
	r := w.refusal
	f := fault.New(codeOf(r), opScan, "%s answers %d %s", r.host, r.status, w.shown(strings.Trim(r.reason+": "+r.text, ": ")))
	switch text := strings.ToLower(r.text); {
	case strings.Contains(text, "has not been used in project"), strings.Contains(text, "it is disabled"):
		return f.Named("google-analysis-disabled").WithFix("Enable the API: gcloud services enable containeranalysis.googleapis.com --project=%s. To have images scanned when they are pushed, which costs money: gcloud services enable containerscanning.googleapis.com --project=%s", q.project, q.project)
	case strings.Contains(text, "insufficient authentication scopes"), strings.Contains(text, "access_token_scope_insufficient"):
		return f.Named("google-scopes").WithFix("The machine's tokens lack the scope cloud-platform, which the Container Analysis API wants: stop the machine, and start it with gcloud compute instances set-service-account MACHINE --scopes=cloud-platform.")
	case r.status == http.StatusForbidden:
		return f.Named("google-analysis-denied").WithFix("Let the identity read what was found: gcloud projects add-iam-policy-binding %s --member=MEMBER --role=roles/containeranalysis.occurrences.viewer", q.project)
	}
	return f.WithFix("%s", w.advice(r).fix)
}

// progress is how far the analysis has come. Of several that Google makes of an image, that of vulnerabilities counts, and of
// those the latest.
func progress(discovery []occurrence, project string, report *external.Report) error {
	var last occurrence
	for _, o := range discovery {
		if o.Discovery == nil || o.Discovery.Status == "" {
			continue
		}
		isOf := strings.Contains(o.Note, "PACKAGE_VULNERABILITY")
		if was := strings.Contains(last.Note, "PACKAGE_VULNERABILITY"); last.Discovery == nil || isOf && !was || isOf == was && o.updated().After(last.updated()) {
			last = o
		}
	}
	if last.Discovery == nil {
		*report = report.Without("Google has not analysed the image", "Have images scanned when they are pushed, which costs money: gcloud services enable containerscanning.googleapis.com --project="+project+
			". An image that was there before must be pushed again. Scanning may also be turned off for the repository (Artifact Registry, the repository, Vulnerability scanning).")
		return nil
	}
	switch d := last.Discovery; d.Status {
	case "FINISHED_SUCCESS", "COMPLETE":
		report.Status, report.ScannedAt = external.Scanned, d.Scanned
		if at := last.updated(); d.Scanned == nil && !at.IsZero() {
			report.ScannedAt = &at
		}
		if d.Continuous == "INACTIVE" {
			report.Reason = "Google looks for new vulnerabilities no more, since the image was not pulled for 30 days"
		}
	case "PENDING", "SCANNING":
		report.Status, report.Reason = external.Queued, "the analysis is "+strings.ToLower(d.Status)
	case "FINISHED_UNSUPPORTED":
		report.Status, report.Reason = external.Unsupported, "Google cannot analyse such an image"
	case "FINISHED_FAILED":
		*report = report.Without("the analysis failed: "+integration.Said(d.Error.Message), "Push the image again to have it analysed anew.")
	default:
		return fault.New(fault.Unavailable, opScan, "the status of the analysis is %q", integration.Said(d.Status))
	}
	return nil
}

func (o occurrence) updated() time.Time {
	switch {
	case o.Updated != nil:
		return *o.Updated
	case o.Created != nil:
		return *o.Created
	}
	return time.Time{}
}

func (o occurrence) vulnerabilities() []external.Vulnerability {
	if o.Vulnerability == nil {
		return nil
	}
	var list []external.Vulnerability
	v := external.Vulnerability{ID: path.Base(o.Note)}
	if o.Note == "" {
		v.ID = o.Vulnerability.Short
	}
	if len(o.Vulnerability.URLs) > 0 {
		v.Link = o.Vulnerability.URLs[0].URL
	}
	for _, p := range o.Vulnerability.Packages {
		v.Package, v.Version, v.FixedVersion = p.Package, p.Version.String(), p.Fixed.String()
		v.SaidSeverity = p.Effective
		for _, said := range []string{o.Vulnerability.Effective, o.Vulnerability.Severity} {
			if v.SaidSeverity == "" || v.SaidSeverity == "SEVERITY_UNSPECIFIED" {
				v.SaidSeverity = said
			}
		}
		list = append(list, v)
	}
	return list
}
