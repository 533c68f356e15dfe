package api

import (
	"context"
	"time"

	"github.com/landwaiter/landwaiter/internal/integration/health"
)

// integrationHealth is RHACS's view of the health of one integration.
type integrationHealth struct {
	ID            string     `json:"id"`
	Name          string     `json:"name"`
	Type          string     `json:"type" enum:"IMAGE_INTEGRATION"`
	Status        string     `json:"status" enum:"UNINITIALIZED,HEALTHY,UNHEALTHY"`
	ErrorMessage  string     `json:"errorMessage"`
	LastTimestamp *time.Time `json:"lastTimestamp"`
}

type integrationHealthList struct {
	Body struct {
		IntegrationHealth []integrationHealth `json:"integrationHealth" nullable:"false"`
	}
}

type healthReports struct {
	Body struct {
		Health []health.Report `json:"health" nullable:"false"`
	}
}

type healthReport struct {
	Body health.Report
}

type endings struct {
	Body struct {
		Expiries []health.Ending `json:"expiries" nullable:"false"`
	}
}

func (a *API) registerHealth() {
	register(a, "listIntegrationHealth", func(ctx context.Context, _ *struct{}) (*integrationHealthList, error) {
		reports, err := a.Health.List(ctx)
		out := &integrationHealthList{}
		out.Body.IntegrationHealth = make([]integrationHealth, len(reports))
		for i, r := range reports {
			out.Body.IntegrationHealth[i] = forRHACS(r)
		}
		return out, err
	})
	register(a, "listHealth", func(ctx context.Context, _ *struct{}) (*healthReports, error) {
		reports, err := a.Health.List(ctx)
		out := &healthReports{}
		out.Body.Health = reports
		return out, err
	})
	register(a, "getHealth", func(ctx context.Context, in *byID) (*healthReport, error) {
		r, err := a.Health.Get(ctx, in.ID)
		return &healthReport{r}, err
	})
	register(a, "checkHealth", func(ctx context.Context, in *byID) (*healthReport, error) {
		r, err := a.Health.CheckNow(ctx, in.ID)
		return &healthReport{r}, err
	})
	register(a, "listExpiries", func(ctx context.Context, _ *struct{}) (*endings, error) {
		list, err := a.Health.Endings(ctx)
		out := &endings{}
		out.Body.Expiries = list
		return out, err
	})
}

// forRHACS says what RHACS has words for. What could not be looked at is nothing that its clients should alarm about.
func forRHACS(r health.Report) integrationHealth {
	h := integrationHealth{ID: r.IntegrationID, Name: r.Name, Type: "IMAGE_INTEGRATION", Status: "UNINITIALIZED"}
	switch r.Status {
	case health.Healthy, health.Degraded:
		h.Status = "HEALTHY"
	case health.Unhealthy:
		h.Status = "UNHEALTHY"
	}
	if r.Status != health.Healthy && r.Status != health.Uninitialized {
		h.ErrorMessage = r.Summary
	}
	if !r.LastCheck.IsZero() {
		h.LastTimestamp = &r.LastCheck
	}
	return h
}
