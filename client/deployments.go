package client

import (
	"context"
	"net/http"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/workload"
)

// A DeploymentsCheck asks whether the workloads of manifests may run.
type DeploymentsCheck struct {
	Files      []workload.File `json:"files"`
	Namespace  string          `json:"namespace,omitempty"` // of objects whose manifest names none
	Cluster    string          `json:"cluster,omitempty"`
	Platform   string          `json:"platform,omitempty"` // of the images; "": the server's default
	Categories []string        `json:"categories,omitempty"`
}

// CheckDeployments has the server assess the images of workloads and ask the policies of the stage deploy, and waits for the
// answer.
func (c *Client) CheckDeployments(ctx context.Context, check DeploymentsCheck) (*assess.WorkloadsReport, error) {
	var out assess.WorkloadsReport
	if err := c.do(ctx, call{method: http.MethodPost, path: "/v1/deployments/check", in: check, out: &out}); err != nil {
		return nil, err
	}
	return &out, nil
}
