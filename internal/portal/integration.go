package portal

import (
	"bufio"
	"context"
	"iter"
	"net/http"

	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/integration/health"
	"github.com/landwaiter/landwaiter/internal/secret"
)

type integrationView struct {
	integration.Integration
	Type     integration.Type
	Settings []settingView
	Health   health.Report
	Image    string   // to be tested with
	Problem  *problem // why there is no test
	Test     iter.Seq[diagnosis.Step]
	Result   func() *diagnosis.Diagnosis // of Test, once it has ended
}

// A settingView is one declared setting that has a value.
type settingView struct {
	Label, Value, Help string
	Sealed             bool
}

func (p *portal) integrationPage(w http.ResponseWriter, r *http.Request, v visitor) error {
	in, err := p.Integrations.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	view, err := p.integrationOf(r.Context(), in)
	if err != nil {
		return err
	}
	p.render(w, r, v, http.StatusOK, "integration", in.Name, view)
	return nil
}

func (p *portal) integrationOf(ctx context.Context, in integration.Integration) (view integrationView, err error) {
	view = integrationView{Integration: in, Type: integration.Type{ID: in.Type, Label: in.Type}}
	if t, ok := p.Types.Get(in.Type); ok {
		view.Type = t
	}
	for _, f := range view.Type.Fields {
		s := settingView{Label: f.Label, Value: in.Config.Text(f.Name), Help: f.Help}
		switch {
		case f.IsSecret():
			s.Value = in.Config.Shown(f.Name)
			s.Sealed = s.Value == secret.Mask
		case f.Kind == integration.Certificates:
			s.Value = integration.CertificateNames(s.Value)
		case in.Config.On(f.Name):
			s.Value = "yes"
		}
		if s.Value != "" {
			view.Settings = append(view.Settings, s)
		}
	}
	view.Health, err = p.Health.Get(ctx, in.ID)
	return view, err
}

// testIntegration answers with the page and shows each step of the test as soon as it is judged, which needs no script: the
// page is sent as far as it is made.
func (p *portal) testIntegration(w http.ResponseWriter, r *http.Request, v visitor) error {
	c, err := p.Integrations.OpenedStored(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	view, err := p.integrationOf(r.Context(), c.Integration)
	if err != nil {
		return err
	}
	view.Image = r.PostFormValue("image")
	ref, err := diagnosis.ImageOf(c, view.Image)
	if err != nil {
		seen := p.explain(r, err)
		view.Problem = &seen
		p.render(w, r, v, seen.status, "integration", view.Name, view)
		return nil
	}
	out := bufio.NewWriter(w)
	flush := func() {
		_ = out.Flush()
		_ = http.NewResponseController(w).Flush()
	}
	var result *diagnosis.Diagnosis
	view.Result = func() *diagnosis.Diagnosis { return result }
	view.Test = func(yield func(diagnosis.Step) bool) {
		flush()
		result = p.Diagnose(r.Context(), c, ref, func(s diagnosis.Step) {
			yield(s)
			flush()
		})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no") // proxies in between must not hold the steps back
	if err := p.execute(out, r, v, "integration", view.Name, view); err != nil {
		p.Log.ErrorContext(r.Context(), "template failed", "page", "integration", "error", err)
	}
	_ = out.Flush()
	return nil
}
