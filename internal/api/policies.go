package api

import (
	"context"

	"github.com/landwaiter/landwaiter/internal/policy"
)

type policySummary struct {
	ID          string          `json:"id"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Rationale   string          `json:"rationale"`
	Remediation string          `json:"remediation"`
	Severity    policy.Severity `json:"severity" enum:"critical,high,medium,low"`
	Categories  []string        `json:"categories" nullable:"false"`
	Stages      []policy.Stage  `json:"stages" nullable:"false"`
	Enforce     []policy.Stage  `json:"enforce" nullable:"false" doc:"stages in which a violation fails the build or refuses the workload"`
	Disabled    bool            `json:"disabled"`
}

type policyList struct {
	Body struct {
		Policies []policySummary `json:"policies" nullable:"false"`
	}
}

func (a *API) registerPolicies() {
	register(a, "listPolicies", func(ctx context.Context, _ *struct{}) (*policyList, error) {
		policies, err := a.Policies.Current(ctx)
		if err != nil {
			return nil, err
		}
		var out policyList
		out.Body.Policies = []policySummary{}
		for _, p := range policies.Policies() {
			out.Body.Policies = append(out.Body.Policies, policySummary{
				ID: p.ID, Title: p.Title, Description: p.Description, Rationale: p.Rationale, Remediation: p.Remediation,
				Severity: p.Severity, Disabled: p.Disabled, Categories: append([]string{}, p.Categories...),
				Stages: append([]policy.Stage{}, p.Stages...), Enforce: append([]policy.Stage{}, p.Enforce...),
			})
		}
		return &out, nil
	})
}
