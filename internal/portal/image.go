package portal

import (
	"fmt"
	"net/http"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/sbom"
	"github.com/landwaiter/landwaiter/internal/vuln"
)

type imageView struct {
	*assess.Assessment
	Summary  assess.Summary
	Lines    []lineView
	Distinct int  // vulnerabilities, each counted once
	EPSS     bool // there were scores to show
	// What the page's long tables show; all there is if the visitor asked for that.
	Findings   []assess.Finding
	Suppressed []assess.Suppressed
	Components []componentView
	Removed    []assess.Removed
	Changes    []assess.Change
	Compared   []assess.Compared
}

// tableLength keeps the page of a large image quick to make and to read.
const tableLength = 300

// A lineView is one Dockerfile line with what it brought.
type lineView struct {
	image.Instruction
	Size            int64
	Share           int // of the image's compressed size, in percent, at least 1 when there are bytes
	Components      int
	Vulnerabilities int
}

type componentView struct {
	assess.Component
	Vulnerabilities int
}

func (p *portal) imagePage(w http.ResponseWriter, r *http.Request, v visitor) error {
	a, err := p.Assess.Stored(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	view := imageOf(a, r.URL.Query().Has("all"))
	if view.Changes, err = p.Assess.Changes(r.Context(), a.ID); err != nil {
		return err
	}
	p.render(w, r, v, http.StatusOK, "image", a.Reference, view)
	return nil
}

// imageSBOM is the image's components as a file to keep.
func (p *portal) imageSBOM(w http.ResponseWriter, r *http.Request, _ visitor) error {
	format, err := sbom.ParseFormat(r.PathValue("format"))
	if err != nil {
		return err
	}
	a, err := p.Assess.Stored(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	d, err := a.Document("landwaiter " + p.Version)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", format.MediaType())
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", format.FileName(a.Reference)))
	return sbom.Write(w, format, d)
}

// Data are the advisories that the image was checked with.
func (v imageView) Data() []vuln.EcosystemStatus {
	if v.Check.Data == nil {
		return nil
	}
	return vuln.Merged(v.Check.Data.Ecosystems)
}

func imageOf(a *assess.Assessment, all bool) imageView {
	v := imageView{Assessment: a, Summary: assess.Summarize(a), Findings: a.Findings, Suppressed: a.Suppressed, Removed: a.Scan.Removed,
		Compared: a.Compared, EPSS: a.Check.Data != nil && a.Check.Data.EPSS != nil}
	if !all {
		v.Findings = a.Findings[:min(len(a.Findings), tableLength)]
		v.Suppressed = a.Suppressed[:min(len(a.Suppressed), tableLength)]
		v.Compared = a.Compared[:min(len(a.Compared), tableLength)]
		v.Removed = a.Scan.Removed[:min(len(a.Scan.Removed), tableLength)]
	}
	for _, n := range v.Summary.Vulnerabilities {
		v.Distinct += n
	}
	byLine, byComponent := tally[int]{}, tally[[3]string]{}
	for _, f := range a.Findings {
		byLine.add(f.Line, f.Name())
		byComponent.add([3]string{f.Component, f.Version, f.Location}, f.Name())
	}
	components := map[int]int{}
	for _, c := range a.Scan.Components {
		components[c.Line]++
		if all || len(v.Components) < tableLength {
			v.Components = append(v.Components, componentView{c, len(byComponent[[3]string{c.Name, c.Version, c.Location}])})
		}
	}
	var total float64 // sizes are claims: their sum may be beyond an int64
	for _, l := range a.Facts.Layers {
		total += float64(max(0, l.Size))
	}
	for _, i := range a.Facts.Instructions {
		l := lineView{Instruction: i, Components: components[i.Line], Vulnerabilities: len(byLine[i.Line])}
		if !i.Empty && i.LayerIndex >= 0 && i.LayerIndex < len(a.Facts.Layers) {
			l.Size = a.Facts.Layers[i.LayerIndex].Size
			if l.Size > 0 {
				l.Share = max(1, int(float64(l.Size)/total*100))
			}
		}
		v.Lines = append(v.Lines, l)
	}
	return v
}

// A tally counts names once under each key.
type tally[K comparable] map[K]map[string]bool

func (t tally[K]) add(key K, name string) {
	if t[key] == nil {
		t[key] = map[string]bool{}
	}
	t[key][name] = true
}

// LineText is the Dockerfile line a component or finding came with.
func (v imageView) LineText(line int) string { return v.Facts.LineText(line) }
