package portal

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

type imagesView struct {
	Query      string
	After      string // where this page begins; "" on the first one
	Images     []assess.Summary
	Next       string
	Advisories vuln.Status
	Rematching assess.Rematching
	Asked      string   // the image that was to be checked
	Problem    *problem // why it could not be

	oldBefore time.Time // of advisory data
}

// Old reports whether advisories that were current at a time are too old to rely on; without any there is nothing to say.
func (v imagesView) Old(asOf *time.Time) bool { return asOf != nil && asOf.Before(v.oldBefore) }

// FirstURL and NextURL are pages of the same search.
func (v imagesView) FirstURL() string { return v.page(url.Values{}) }
func (v imagesView) NextURL() string  { return v.page(url.Values{"after": {v.Next}}) }

func (v imagesView) page(values url.Values) string {
	if v.Query != "" {
		values.Set("query", v.Query)
	}
	u := url.URL{Path: "/images", RawQuery: values.Encode()}
	return u.String()
}

func (p *portal) imagesPage(w http.ResponseWriter, r *http.Request, v visitor) error {
	q := r.URL.Query()
	return p.images(w, r, v, http.StatusOK, imagesView{Query: strings.TrimSpace(q.Get("query")), After: q.Get("after")})
}

const pageLength = 50

func (p *portal) images(w http.ResponseWriter, r *http.Request, v visitor, status int, data imagesView) error {
	var err error
	data.Images, data.Next, err = p.Assess.Summaries(r.Context(), data.Query, pageLength, data.After)
	if err != nil {
		return err
	}
	data.Advisories, data.oldBefore = p.Advisories(), p.Assess.OldBefore()
	if data.Rematching, err = p.Assess.Rematching(r.Context()); err != nil {
		return err
	}
	p.render(w, r, v, status, "images", "Images", data)
	return nil
}

// checkLimit bounds a check that was started from a page.
const checkLimit = 10 * time.Minute

// checkImage assesses the image a person typed, and shows the answer. The work goes on when they leave the page.
func (p *portal) checkImage(w http.ResponseWriter, r *http.Request, v visitor) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	asked := strings.TrimSpace(r.PostFormValue("image"))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), checkLimit)
	defer cancel()
	a, err := p.check(ctx, asked)
	if err != nil {
		seen := p.explain(r, err)
		return p.images(w, r, v, seen.status, imagesView{Problem: &seen, Asked: asked})
	}
	http.Redirect(w, r, "/images/"+url.PathEscape(a.ID), http.StatusSeeOther)
	return nil
}

func (p *portal) check(ctx context.Context, name string) (*assess.Assessment, error) {
	ref, err := image.ParseReference(name)
	if err != nil {
		return nil, err
	}
	return p.Assess.Assess(ctx, assess.Request{Reference: ref, Depth: assess.Judge}, assess.Progress{})
}
