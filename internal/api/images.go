package api

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/rhacs"
)

// maxImages is how many RHACS lists at once.
const maxImages = 1000

// A listedImage is RHACS's ListImage. Numbers that are not known are left out, as there.
type listedImage struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Components  *int       `json:"components,omitempty"`
	CVEs        *int       `json:"cves,omitempty"`
	FixableCVEs *int       `json:"fixableCves,omitempty"`
	Created     *time.Time `json:"created"`
	LastUpdated time.Time  `json:"lastUpdated"`
	Priority    string     `json:"priority" doc:"always 0"`
}

func listed(s assess.Summary) listedImage {
	l := listedImage{ID: string(s.Digest), Name: s.Reference, Created: s.Created, LastUpdated: s.AssessedAt, Priority: "0"}
	if s.ScanStatus != assess.NotScanned {
		l.Components = &s.Components
	}
	if s.CheckStatus != assess.NotChecked {
		cves := 0
		for _, n := range s.Vulnerabilities {
			cves += n
		}
		l.CVEs, l.FixableCVEs = &cves, &s.Fixable
	}
	return l
}

type imageList struct {
	Body struct {
		Images []listedImage `json:"images" nullable:"false"`
	}
}

type imageCount struct {
	Body struct {
		Count int `json:"count"`
	}
}

type deletedImages struct {
	Body struct {
		NumDeleted int  `json:"numDeleted"`
		DryRun     bool `json:"dryRun"`
	}
}

func (a *API) registerImages() {
	register(a, "listImages", func(ctx context.Context, in *struct {
		Query  string `query:"query" maxLength:"5000" example:"Image:quay.io/org/app+CVE:CVE-2021-44228"`
		Limit  int    `query:"pagination.limit" minimum:"0" doc:"at most 1000, which 0 means, too"`
		Offset int    `query:"pagination.offset" minimum:"0"`
	}) (*imageList, error) {
		q, err := parseImageQuery(in.Query)
		if err != nil {
			return nil, err
		}
		found, err := a.Assessments.Images(ctx, q, min(cmp.Or(in.Limit, maxImages), maxImages), in.Offset)
		var out imageList
		out.Body.Images = make([]listedImage, len(found))
		for i, s := range found {
			out.Body.Images[i] = listed(s)
		}
		return &out, err
	})
	register(a, "countImages", func(ctx context.Context, in *struct {
		Query string `query:"query" maxLength:"5000"`
	}) (*imageCount, error) {
		q, err := parseImageQuery(in.Query)
		if err != nil {
			return nil, err
		}
		var out imageCount
		out.Body.Count, err = a.Assessments.CountImages(ctx, q)
		return &out, err
	})
	register(a, "deleteImages", func(ctx context.Context, in *struct {
		Query   string `query:"query" maxLength:"5000"`
		Nested  string `query:"query.query" maxLength:"5000" doc:"the same as query, as RHACS has it"`
		Confirm bool   `query:"confirm"`
	}) (*deletedImages, error) {
		q, err := parseImageQuery(cmp.Or(in.Query, in.Nested))
		if err == nil && len(q.Reference)+len(q.Digest)+len(q.Vulnerability) == 0 {
			err = fault.New(fault.Invalid, "delete images", "a query is missing").WithFix("Say which images are meant, e.g. query=Image:quay.io/org/app.")
		}
		if err != nil {
			return nil, err
		}
		var out deletedImages
		do := a.Assessments.CountImages
		if out.Body.DryRun = !in.Confirm; in.Confirm {
			do = a.Assessments.DeleteImages
		}
		out.Body.NumDeleted, err = do(ctx, q)
		return &out, err
	})
	register(a, "getImage", a.getImage)
}

func (a *API) getImage(ctx context.Context, in *struct {
	ID               string `path:"id" maxLength:"200"`
	IncludeSnoozed   bool   `query:"includeSnoozed" doc:"show what VEX documents and exceptions set aside, too"`
	StripDescription bool   `query:"stripDescription" doc:"leave out the summaries of vulnerabilities"`
}) (*rhacsOutput, error) {
	digest := in.ID
	if !strings.Contains(digest, ":") {
		digest = "sha256:" + digest
	}
	found, err := a.Assessments.Images(ctx, assess.ImageQuery{Digest: []assess.Words{{{Text: digest, Exact: true}}}}, 1, 0)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.New(fault.NotFound, "read image", "no image of the digest %q is stored", digest).
			WithFix("Have it assessed first, or list what there is: GET /v1/images.")
	}
	stored, err := a.Assess.Stored(ctx, found[0].ID)
	if err != nil {
		return nil, err
	}
	message := rhacs.Image(stored, in.IncludeSnoozed)
	if in.StripDescription {
		for _, c := range message.GetScan().GetComponents() {
			for _, v := range c.GetVulns() {
				v.Summary = ""
			}
		}
	}
	body, err := rhacs.Encode(message)
	return &rhacsOutput{"application/json", body}, err
}
