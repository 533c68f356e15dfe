package portal

import (
	"cmp"
	"net/http"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

type imageView struct {
	*assess.Assessment
	Summary assess.Summary
	Lines   []lineView
}

// lineView is one Dockerfile line with what it brought.
type lineView struct {
	image.Instruction
	Size            int64
	Share           int // of the image's compressed size, in percent, at least 1 when there are bytes
	Components      int
	Vulnerabilities int
}

func (p *portal) imagePage(w http.ResponseWriter, r *http.Request, v visitor) error {
	a, err := p.Assessments.Assessment(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	data := imageView{Assessment: &a, Summary: assess.Summarize(&a), Lines: linesOf(&a)}
	p.render(w, r, v, http.StatusOK, "image", a.Reference, data)
	return nil
}

func linesOf(a *assess.Assessment) []lineView {
	components, vulnerabilities := map[int]int{}, map[int]int{}
	for _, c := range a.Scan.Components {
		components[c.Line]++
	}
	for _, f := range a.Findings {
		vulnerabilities[f.Line]++
	}
	var total int64
	for _, l := range a.Facts.Layers {
		total += l.Size
	}
	lines := make([]lineView, len(a.Facts.Instructions))
	for n, i := range a.Facts.Instructions {
		l := lineView{Instruction: i, Components: components[i.Line], Vulnerabilities: vulnerabilities[i.Line]}
		if !i.Empty && i.LayerIndex >= 0 && i.LayerIndex < len(a.Facts.Layers) {
			l.Size = a.Facts.Layers[i.LayerIndex].Size
			if total > 0 && l.Size > 0 {
				l.Share = max(1, int(100*l.Size/total))
			}
		}
		lines[n] = l
	}
	return lines
}

// VulnerabilityName is the name people know a finding by.
func (v imageView) VulnerabilityName(f assess.Finding) string { return cmp.Or(f.CVE, f.ID) }

// LineText is the Dockerfile line a component or finding came with.
func (v imageView) LineText(line int) string { return v.Facts.LineText(line) }

type pageError struct {
	errorView
	status int
}

func errorOf(err error) pageError {
	return pageError{errorView{Message: err.Error(), Fix: fault.FixOf(err)}, fault.CodeOf(err).HTTPStatus()}
}
