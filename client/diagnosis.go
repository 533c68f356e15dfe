package client

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"

	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// DiagnoseIntegration tests a connection, or a change of what is stored under the integration's id, step by step. onStep is
// called for each step as the server judges it. A test that fails is no error: the diagnosis says so. image may be empty.
func (c *Client) DiagnoseIntegration(ctx context.Context, in Integration, updatePassword bool, image string, onStep func(diagnosis.Step)) (*diagnosis.Diagnosis, error) {
	type request struct {
		integrationChange
		Image string `json:"image,omitempty"`
	}
	return c.diagnose(ctx, integrationsPath+"/diagnose", request{integrationChange{in, updatePassword}, image}, onStep)
}

// DiagnoseStoredIntegration tests what is stored under an ID, as DiagnoseIntegration does. It fails with fault.NotFound.
func (c *Client) DiagnoseStoredIntegration(ctx context.Context, id, image string, onStep func(diagnosis.Step)) (*diagnosis.Diagnosis, error) {
	type request struct {
		Image string `json:"image,omitempty"`
	}
	return c.diagnose(ctx, integrationsPath+"/"+url.PathEscape(id)+"/diagnose", request{image}, onStep)
}

func (c *Client) diagnose(ctx context.Context, path string, in any, onStep func(diagnosis.Step)) (*diagnosis.Diagnosis, error) {
	var whole *diagnosis.Diagnosis
	err := c.do(ctx, call{method: http.MethodPost, path: path, in: in, lines: func(r io.Reader) error {
		d := json.NewDecoder(r)
		for whole == nil {
			var line struct {
				Step      *diagnosis.Step
				Diagnosis *diagnosis.Diagnosis
			}
			if err := d.Decode(&line); err != nil {
				return err
			}
			if line.Step != nil {
				onStep(*line.Step)
			}
			whole = line.Diagnosis
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return whole, nil
}
