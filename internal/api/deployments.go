package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/workload"
)

type deploymentsInput struct {
	Body struct {
		Files      []workload.File `json:"files" minItems:"1" maxItems:"20000" doc:"Kubernetes manifests in YAML or JSON, any number in each file, at most 16 MiB together"`
		Namespace  string          `json:"namespace,omitempty" maxLength:"300" example:"shop" doc:"of objects whose manifest names none; default when empty"`
		Cluster    string          `json:"cluster,omitempty" maxLength:"300" example:"production" doc:"the name of the cluster that they are meant for"`
		Platform   string          `json:"platform,omitempty" maxLength:"100" example:"linux/arm64" doc:"of the images; the server's default when empty"`
		Categories []string        `json:"categories,omitempty" maxItems:"100" doc:"ask only the policies of these categories"`
	}
}

type deploymentsOutput struct {
	Body assess.WorkloadsReport
}

func (a *API) registerDeployments() {
	register(a, "checkDeployments", a.checkDeployments, func(op *huma.Operation) {
		op.MaxBodyBytes = 2*workload.MaxBytes + maxBody // JSON takes two bytes to write some
	})
}

func (a *API) checkDeployments(ctx context.Context, in *deploymentsInput) (*deploymentsOutput, error) {
	platform, err := image.ParsePlatform(in.Body.Platform)
	if err != nil {
		return nil, err
	}
	manifests, err := workload.Read(in.Body.Files, in.Body.Namespace)
	if err != nil {
		return nil, err
	}
	report, err := a.Assess.CheckWorkloads(ctx, assess.WorkloadsRequest{
		Manifests: manifests, Cluster: policy.Cluster{Name: in.Body.Cluster}, Platform: platform, Categories: in.Body.Categories,
	}, assess.Progress{})
	if err != nil {
		return nil, err
	}
	return &deploymentsOutput{*report}, nil
}
