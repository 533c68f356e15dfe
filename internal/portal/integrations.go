package portal

import (
	"net/http"
	"slices"

	"github.com/landwaiter/landwaiter/internal/integration"
)

type integrationsView struct {
	Columns []string // labels of the settings that types declare for lists
	Rows    []integrationRow
}

type integrationRow struct {
	integration.Integration
	Label       string            // of the type
	Settings    map[string]string // by column
	Credentials bool              // are stored
}

func (p *portal) integrationsPage(w http.ResponseWriter, r *http.Request, v visitor) error {
	list, err := p.Integrations.List(r.Context(), "", "")
	if err != nil {
		return err
	}
	p.render(w, r, v, http.StatusOK, "integrations", "Integrations", p.integrationsOf(list))
	return nil
}

func (p *portal) integrationsOf(list []integration.Integration) integrationsView {
	var v integrationsView
	for _, in := range list {
		row := integrationRow{Integration: in, Label: in.Type, Settings: map[string]string{}, Credentials: len(in.Config.Secrets()) > 0}
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
