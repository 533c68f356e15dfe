package portal

import (
	"context"
	"net/http"
	"net/url"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/image"
)

type platformsView struct {
	*assess.Platforms
	ID      string // of the assessment that the visitor came from
	Rows    []platformRow
	Missing int // platforms that were not assessed
	Differ  []platformTable
}

type platformRow struct {
	assess.PlatformAnswer
	Summary assess.Summary
}

type platformTable struct {
	Name  string
	Items []assess.PlatformItem
	More  int
}

// platformsPage compares what is stored about an image's platforms.
func (p *portal) platformsPage(w http.ResponseWriter, r *http.Request, v visitor) error {
	found, err := p.Assess.StoredPlatforms(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	view := platformsView{Platforms: found, ID: r.PathValue("id")}
	for _, a := range found.Platforms {
		row := platformRow{PlatformAnswer: a}
		if a.Assessment != nil {
			row.Summary = assess.Summarize(a.Assessment)
		} else {
			view.Missing++
		}
		view.Rows = append(view.Rows, row)
	}
	for _, t := range []platformTable{{Name: "vulnerabilities", Items: found.Findings}, {Name: "components", Items: found.Components}} {
		items := t.Items
		if len(items) == 0 {
			continue
		}
		if !r.URL.Query().Has("all") {
			t.Items = items[:min(len(items), tableLength)]
		}
		t.More = len(items) - len(t.Items)
		view.Differ = append(view.Differ, t)
	}
	p.render(w, r, v, http.StatusOK, "platforms", "Platforms of "+found.Reference, view)
	return nil
}

// checkPlatforms assesses every platform of an image that was assessed for one. The work goes on when the visitor leaves.
func (p *portal) checkPlatforms(w http.ResponseWriter, r *http.Request, _ visitor) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), checkLimit)
	defer cancel()
	a, err := p.Assess.Stored(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	ref, err := image.ParseReference(a.Reference)
	if err != nil {
		return err
	}
	found, err := p.Assess.AssessPlatforms(ctx, assess.Request{Reference: ref, Depth: assess.Judge}, assess.Selection{All: true}, assess.Progress{})
	if err != nil {
		return err
	}
	id := a.ID
	for _, answer := range found.Platforms { // the one that the visitor came from has been replaced
		if answer.Assessment != nil {
			id = answer.Assessment.ID
			break
		}
	}
	http.Redirect(w, r, "/images/"+url.PathEscape(id)+"/platforms", http.StatusSeeOther)
	return nil
}
