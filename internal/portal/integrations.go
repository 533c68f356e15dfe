package portal

import (
	"net/http"

	"github.com/landwaiter/landwaiter/internal/integration"
)

type integrationsView struct{ Rows []integrationRow }

type integrationRow struct {
	integration.Integration
	Label    string // of the type
	Endpoint string
	Username string
	Secrets  bool // credentials are stored
}

func (p *portal) integrationsPage(w http.ResponseWriter, r *http.Request, v visitor) error {
	list, err := p.Integrations.List(r.Context(), "", "")
	if err != nil {
		return err
	}
	var data integrationsView
	for _, in := range list {
		row := integrationRow{Integration: in, Label: in.Type, Secrets: len(in.Config.Secrets()) > 0}
		if t, ok := p.Types.Get(in.Type); ok {
			row.Label = t.Label
		}
		row.Endpoint, row.Username = in.Config.Text("endpoint"), in.Config.Text("username")
		data.Rows = append(data.Rows, row)
	}
	p.render(w, r, v, http.StatusOK, "integrations", "Integrations", data)
	return nil
}
