package portal

import (
	"net/http"
	"slices"
	"strings"

	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/health"
	"github.com/landwaiter/landwaiter/internal/secret"
)

type integrationsView struct {
	Columns []string // labels of the settings that types declare for lists
	Rows    []integrationRow
	Endings []health.Ending // within the time of their notice
}

type integrationRow struct {
	integration.Integration
	Label       string            // of the type
	Settings    map[string]string // by column
	Credentials string            // "stored" and references, "" if there are none
	Health      health.State
}

func (p *portal) integrationsPage(w http.ResponseWriter, r *http.Request, v visitor) error {
	list, err := p.Integrations.List(r.Context(), "", "")
	if err != nil {
		return err
	}
	reports, err := p.Health.List(r.Context())
	if err != nil {
		return err
	}
	states := map[string]health.State{}
	for _, report := range reports {
		states[report.IntegrationID] = report.State
	}
	view := p.integrationsOf(list, states)
	endings, err := p.Health.Endings(r.Context())
	if err != nil {
		return err
	}
	view.Endings = slices.DeleteFunc(endings, func(e health.Ending) bool { return !e.Soon(p.Now()) })
	p.render(w, r, v, http.StatusOK, "integrations", "Integrations", view)
	return nil
}

func (p *portal) integrationsOf(list []integration.Integration, states map[string]health.State) integrationsView {
	var v integrationsView
	for _, in := range list {
		row := integrationRow{Integration: in, Label: in.Type, Settings: map[string]string{}, Credentials: credentials(in.Config), Health: states[in.ID]}
		if t, ok := p.Types.Get(in.Type); ok {
			row.Label = t.Label
			for _, f := range t.Fields {
				if !f.Column || f.IsSecret() {
					continue
				}
				if !slices.Contains(v.Columns, f.Label) {
					v.Columns = append(v.Columns, f.Label)
				}
				row.Settings[f.Label] = in.Config.Text(f.Name)
				if in.Config.On(f.Name) {
					row.Settings[f.Label] = "yes"
				}
			}
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}

func credentials(c integration.Config) string {
	var list []string
	for name := range c.Secrets() {
		if integration.OfConnection(name) {
			continue
		}
		shown := c.Shown(name)
		if shown == secret.Mask {
			shown = "stored"
		}
		list = append(list, shown)
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ", ")
}
