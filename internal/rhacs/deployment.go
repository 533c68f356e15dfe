package rhacs

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/rhacs/storage"
	v1 "github.com/landwaiter/landwaiter/internal/rhacs/v1"
	"github.com/landwaiter/landwaiter/internal/workload"
)

// DetectDeployTimeFromYAML says which policies of the stage deploy the workloads of manifests break, one run for each.
func (s *Service) DetectDeployTimeFromYAML(ctx context.Context, req *v1.DeployYAMLDetectionRequest) (*v1.DeployDetectionResponse, error) {
	manifests, err := workload.Read([]workload.File{{Content: req.GetYaml()}}, req.GetNamespace())
	if err != nil {
		return nil, err
	}
	cluster := policy.Cluster{Name: req.GetCluster()}
	report, err := s.Assess.CheckWorkloads(ctx, assess.WorkloadsRequest{Manifests: manifests, Cluster: cluster, Categories: req.GetPolicyCategories()}, assess.Progress{})
	if err != nil {
		return nil, err
	}
	out := &v1.DeployDetectionResponse{}
	for _, o := range report.Ignored {
		out.IgnoredObjectRefs = append(out.IgnoredObjectRefs, o.String())
	}
	for i, w := range report.Workloads {
		o := w.Workload
		// Clients file alerts by this ID: the same workload may be described twice.
		about := fmt.Sprintf("%s\n%s\n%d", cluster.Name, o, i)
		entity := &storage.Alert_Deployment_{Deployment: &storage.Alert_Deployment{
			Id: uuid.NewSHA1(uuid.NameSpaceURL, []byte(about)).String(), Name: o.Name, Type: o.Kind, Namespace: o.Namespace, ClusterName: cluster.Name,
		}}
		run := &v1.DeployDetectionResponse_Run{Name: o.Name, Type: o.Kind}
		for _, alert := range alerts(withMissing(w), s.Now(), about, func(int) string { return "" }) {
			if req.GetEnforcementOnly() && len(alert.Policy.EnforcementActions) == 0 {
				continue
			}
			alert.Entity, alert.Namespace, alert.ClusterName = entity, o.Namespace, cluster.Name
			run.Alerts = append(run.Alerts, alert)
		}
		out.Runs = append(out.Runs, run)
	}
	return out, nil
}

// withMissing is the result with images that could not be had as a violation that fails the check, as it fails that of an image.
func withMissing(w assess.WorkloadReport) policy.Result {
	missing := policy.Violation{
		PolicyID: "image-not-had", Policy: "Image could not be had", Severity: policy.High, Enforced: true,
		Description: "An image of the workload could not be had, so nothing is known of what would run.",
		Remediation: "Do what the reason says, then check again.",
	}
	for _, i := range w.Images {
		if i.Error != "" {
			missing.Messages = append(missing.Messages, policy.Message{Text: "container " + i.Container + ": " + i.Error + ". " + i.Fix, Container: i.Container})
		}
	}
	result := w.Policy
	if len(missing.Messages) > 0 {
		result.Violations = append(slices.Clone(result.Violations), missing)
	}
	return result
}
