package portal

import (
	"net/http"
	"net/url"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

type imagesView struct {
	Query      string
	Images     []assess.Summary
	Next       string
	Advisories vuln.Status
	Failed     *errorView // why the image just asked for could not be checked
	Asked      string
}

// NextURL is the next page of the same search.
func (v imagesView) NextURL() string {
	return "/images?" + url.Values{"query": {v.Query}, "after": {v.Next}}.Encode()
}

func (p *portal) imagesPage(w http.ResponseWriter, r *http.Request, v visitor) error {
	return p.images(w, r, v, http.StatusOK, imagesView{Query: r.URL.Query().Get("query")})
}

func (p *portal) images(w http.ResponseWriter, r *http.Request, v visitor, status int, data imagesView) error {
	var err error
	data.Images, data.Next, err = p.Assessments.Assessments(r.Context(), data.Query, 50, r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	data.Advisories = p.Advisories()
	p.render(w, r, v, status, "images", "Images", data)
	return nil
}

// checkLimit bounds a check that was started from a page.
const checkLimit = 10 * time.Minute

// checkImage assesses the image a person typed, and shows the answer.
func (p *portal) checkImage(w http.ResponseWriter, r *http.Request, v visitor) error {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	asked := r.PostFormValue("image")
	a, err := p.check(r, asked)
	if err != nil {
		failed := errorOf(err)
		return p.images(w, r, v, failed.status, imagesView{Failed: &failed.errorView, Asked: asked})
	}
	http.Redirect(w, r, "/images/"+a.ID, http.StatusSeeOther)
	return nil
}

func (p *portal) check(r *http.Request, name string) (*assess.Assessment, error) {
	ref, err := image.ParseReference(name)
	if err != nil {
		return nil, err
	}
	ctx, cancel := background(r, checkLimit)
	defer cancel()
	return p.Assess.Assess(ctx, assess.Request{Reference: ref, Depth: assess.Judge}, assess.Progress{})
}
