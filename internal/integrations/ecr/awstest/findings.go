package awstest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
)

// A Scan is what ECR knows of an image that is there.
type Scan struct {
	Status      string // as ECR writes it; "" if it was never scanned
	Description string
	Completed   float64 // seconds since 1970
	Enhanced    bool    // by Inspector
	Found       []Found
	Of          string // another image, which an answer is about
	Hang        bool   // no answer comes
	Endless     bool   // every page has a next one
	Raw         string // instead of an answer
}

// Found is a vulnerability in one package.
type Found struct{ ID, Package, Version, Fixed, Severity, URL string }

type findingsRequest struct {
	ImageID struct {
		Digest string `json:"imageDigest"`
	} `json:"imageId"`
	MaxResults int    `json:"maxResults"`
	NextToken  string `json:"nextToken"`
}

// findings is DescribeImageScanFindings.
func (c *Cloud) findings(ctx context.Context, w http.ResponseWriter, registry, repository string, in findingsRequest) {
	digest := in.ImageID.Digest
	image := "{imageDigest:'" + digest + "', imageTag:'null'} in the repository with name '" + repository + "' in the registry with id '" + registry + "'"
	scan, found := c.Scans[digest]
	switch {
	case !found:
		refuseJSON(w, &refusal{http.StatusBadRequest, "ImageNotFoundException", "The image with imageId " + image + " does not exist"})
		return
	case scan.Hang:
		<-ctx.Done()
		return
	case scan.Raw != "":
		io.WriteString(w, scan.Raw)
		return
	case scan.Status == "":
		refuseJSON(w, &refusal{http.StatusBadRequest, "ScanNotFoundException", "Image scan does not exist for the image with " + image})
		return
	case scan.Of != "":
		digest = scan.Of
	}
	answer := map[string]any{
		"registryId": registry, "repositoryName": repository, "imageId": map[string]string{"imageDigest": digest},
		"imageScanStatus": map[string]string{"status": scan.Status, "description": scan.Description},
	}
	switch scan.Status {
	case "COMPLETE", "ACTIVE", "SCAN_ELIGIBILITY_EXPIRED":
		size := in.MaxResults
		if size <= 0 {
			size = 100
		}
		from, _ := strconv.Atoi(in.NextToken)
		if scan.Endless {
			from = 0
		}
		page := scan.Found[min(from, len(scan.Found)):min(from+size, len(scan.Found))]
		answer["imageScanFindings"] = scan.page(page)
		if from+size < len(scan.Found) || scan.Endless {
			answer["nextToken"] = strconv.Itoa(from + size)
		}
	}
	json.NewEncoder(w).Encode(answer)
}

func (s Scan) page(list []Found) map[string]any {
	basic, enhanced := []any{}, []any{}
	for _, f := range list {
		if !s.Enhanced {
			basic = append(basic, map[string]any{
				"name": f.ID, "severity": f.Severity, "uri": f.URL, "description": "…",
				"attributes": []any{
					map[string]string{"key": "package_version", "value": f.Version}, map[string]string{"key": "package_name", "value": f.Package},
					map[string]string{"key": "CVSS2_SCORE", "value": "5"},
				},
			})
			continue
		}
		fixed := f.Fixed
		if fixed == "" {
			fixed = "NotAvailable"
		}
		enhanced = append(enhanced, map[string]any{
			"severity": f.Severity, "status": "ACTIVE", "type": "PACKAGE_VULNERABILITY", "title": f.ID + " - " + f.Package, "score": 7.5,
			"packageVulnerabilityDetails": map[string]any{
				"vulnerabilityId": f.ID, "source": "DEBIAN_CVE", "sourceUrl": f.URL, "relatedVulnerabilities": []string{},
				"vulnerablePackages": []any{map[string]any{"name": f.Package, "version": f.Version, "epoch": 0, "packageManager": "OS", "fixedInVersion": fixed}},
			},
		})
	}
	findings := map[string]any{"imageScanCompletedAt": s.Completed, "vulnerabilitySourceUpdatedAt": s.Completed - 3600, "findingSeverityCounts": map[string]int{}}
	if s.Enhanced {
		findings["enhancedFindings"] = enhanced
	} else {
		findings["findings"] = basic
	}
	return findings
}
