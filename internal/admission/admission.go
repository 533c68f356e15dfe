// Package admission answers Kubernetes' question whether an object may be admitted, by the policies of the stage deploy. It
// listens nowhere.
package admission

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/workload"
)

const (
	reviewVersion = "admission.k8s.io/v1"
	reviewKind    = "AdmissionReview"

	reasonsShown   = 3 // of one policy
	maxWarnings    = 16
	maxWarningText = 250 // characters; API servers cut off what is longer than 256
)

// A Checker is the part of assess.Service that is needed.
type Checker interface {
	CheckWorkloads(ctx context.Context, req assess.WorkloadsRequest, progress assess.Progress) (*assess.WorkloadsReport, error)
}

// An Evaluator decides about objects that come to one cluster.
type Evaluator struct {
	Checker Checker
	Cluster policy.Cluster
	// AdmitUndecided lets in what no enforced policy refuses, even if one could not be evaluated.
	AdmitUndecided bool
}

// Review answers an AdmissionReview with one, both in JSON. Deletions, connections and what runs no containers are admitted
// unseen. What is no review is fault.Invalid; other errors are those of the Checker, and there is no decision then.
func (e Evaluator) Review(ctx context.Context, body []byte) ([]byte, error) {
	var review admissionv1.AdmissionReview
	request, err := read(body, &review)
	if err != nil {
		return nil, err
	}
	response, err := e.decide(ctx, request)
	if err != nil {
		return nil, err
	}
	response.UID = request.UID
	return json.Marshal(admissionv1.AdmissionReview{TypeMeta: review.TypeMeta, Response: response})
}

func read(body []byte, review *admissionv1.AdmissionReview) (*admissionv1.AdmissionRequest, error) {
	if len(body) > workload.MaxBytes {
		return nil, malformed("it has more than %d MiB", workload.MaxBytes>>20)
	}
	if err := json.Unmarshal(body, review); err != nil {
		return nil, malformed("it is not the JSON of one").WithFix("Send what a Kubernetes API server sends to webhooks.")
	}
	switch request := review.Request; {
	case review.APIVersion != reviewVersion || review.Kind != reviewKind:
		return nil, malformed("it is %q of %q, not %s of %s", review.Kind, review.APIVersion, reviewKind, reviewVersion).
			WithFix("Set admissionReviewVersions to [v1] in the webhook's configuration.")
	case request == nil:
		return nil, malformed("it has no request")
	case request.UID == "":
		return nil, malformed("its request has no UID")
	default:
		return request, nil
	}
}

func malformed(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "read admission review", format, args...)
}

func (e Evaluator) decide(ctx context.Context, request *admissionv1.AdmissionRequest) (*admissionv1.AdmissionResponse, error) {
	admitted := &admissionv1.AdmissionResponse{Allowed: true}
	switch request.Operation {
	case admissionv1.Delete, admissionv1.Connect:
		return admitted, nil
	case admissionv1.Create, admissionv1.Update:
	default:
		return nil, malformed("the operation %q is not known", request.Operation)
	}
	// That of ephemeral containers has the whole pod; the others, such as status and scale, change no container.
	if request.SubResource != "" && request.SubResource != "ephemeralcontainers" {
		return admitted, nil
	}
	if len(request.Object.Raw) == 0 {
		return nil, malformed("its request has no object")
	}
	manifests, err := workload.Read([]workload.File{{Content: string(request.Object.Raw)}}, request.Namespace)
	if err != nil {
		return nil, err
	}
	if len(manifests.Workloads) == 0 {
		return admitted, nil
	}
	report, err := e.Checker.CheckWorkloads(ctx, assess.WorkloadsRequest{Manifests: manifests, Cluster: e.Cluster}, assess.Progress{})
	if err != nil {
		return nil, err
	}
	return e.answer(report), nil
}

func (e Evaluator) answer(report *assess.WorkloadsReport) *admissionv1.AdmissionResponse {
	var refusals, warnings []string
	for _, w := range report.Workloads {
		for _, v := range w.Policy.Violations {
			if v.Enforced {
				refusals = append(refusals, violated(v))
			} else {
				warnings = append(warnings, violated(v))
			}
		}
		for _, i := range w.Images {
			if i.Error != "" {
				warnings = append(warnings, fmt.Sprintf("Container %s: its image could not be had: %s", i.Container, i.Error))
			}
		}
		for _, u := range w.Policy.Undecided {
			text := fmt.Sprintf("Policy %q could not be decided: %s.", u.Policy, u.Reason)
			if u.Stops() && !e.AdmitUndecided {
				refusals = append(refusals, text)
			} else {
				warnings = append(warnings, text)
			}
		}
	}
	response := &admissionv1.AdmissionResponse{Allowed: len(refusals) == 0, Warnings: clip(warnings)}
	if !response.Allowed {
		response.Result = &metav1.Status{
			Status: metav1.StatusFailure, Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden, Message: strings.Join(refusals, " "),
		}
	}
	return response
}

// violated is one sentence.
func violated(v policy.Violation) string {
	var reasons []string
	for _, m := range v.Messages[:min(len(v.Messages), reasonsShown)] {
		text := strings.TrimSuffix(m.Text, ".")
		if m.Container != "" {
			text = "container " + m.Container + ": " + text
		}
		reasons = append(reasons, text)
	}
	text := fmt.Sprintf("Policy %q is violated: %s", v.Policy, strings.Join(reasons, "; "))
	if more := len(v.Messages) - len(reasons) + v.More; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text + "."
}

// clip leaves what an API server passes on.
func clip(warnings []string) []string {
	if more := len(warnings) - maxWarnings; more > 0 {
		warnings = append(warnings[:maxWarnings:maxWarnings], fmt.Sprintf("There are %d more warnings.", more))
	}
	for i, w := range warnings {
		w = strings.Join(strings.Fields(w), " ")
		if r := []rune(w); len(r) > maxWarningText {
			w = string(r[:maxWarningText]) + "…"
		}
		warnings[i] = w
	}
	return warnings
}
