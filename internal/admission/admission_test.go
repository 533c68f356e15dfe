package admission_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/landwaiter/landwaiter/internal/admission"
	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/policy"
)

// answers is a checker that says the same of every workload, and keeps what it was asked.
type answers struct {
	result policy.Result
	images []assess.WorkloadImage
	err    error
	asked  *assess.WorkloadsRequest
}

func (a *answers) CheckWorkloads(_ context.Context, req assess.WorkloadsRequest, _ assess.Progress) (*assess.WorkloadsReport, error) {
	a.asked = &req
	report := &assess.WorkloadsReport{}
	for range req.Manifests.Workloads {
		report.Workloads = append(report.Workloads, assess.WorkloadReport{Policy: a.result, Images: a.images})
	}
	return report, a.err
}

const pod = `{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"web-"},"spec":{"containers":[{"name":"web","image":"web:1"}],"ephemeralContainers":[{"name":"debug","image":"busybox"}]}}`

func review(operation, subresource, object string) string {
	return fmt.Sprintf(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"705ab4f5","operation":%q,"subResource":%q,"namespace":"shop","object":%s}}`,
		operation, subresource, object)
}

// ask wants an answer to the same request.
func ask(t *testing.T, e admission.Evaluator, body string) *admissionv1.AdmissionResponse {
	t.Helper()
	answer, err := e.Review(t.Context(), []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	var got admissionv1.AdmissionReview
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	if got.APIVersion != "admission.k8s.io/v1" || got.Kind != "AdmissionReview" || got.Request != nil || got.Response.UID != "705ab4f5" {
		t.Errorf("%s", answer)
	}
	return got.Response
}

func TestReview_asks_about_what_would_run(t *testing.T) {
	for name, tt := range map[string]struct {
		body  string
		asked bool
	}{
		"a new pod":                {review("CREATE", "", pod), true},
		"a changed pod":            {review("UPDATE", "", pod), true},
		"ephemeral containers":     {review("UPDATE", "ephemeralcontainers", pod), true},
		"a status":                 {review("UPDATE", "status", pod), false},
		"a scale":                  {review("UPDATE", "scale", `{"apiVersion":"autoscaling/v1","kind":"Scale"}`), false},
		"a deletion":               {review("DELETE", "", "null"), false},
		"a connection":             {review("CONNECT", "exec", `{"apiVersion":"v1","kind":"PodExecOptions"}`), false},
		"an object of other kinds": {review("CREATE", "", `{"apiVersion":"v1","kind":"ConfigMap","data":{"a":"b"}}`), false},
	} {
		t.Run(name, func(t *testing.T) {
			checker := &answers{}
			r := ask(t, admission.Evaluator{Checker: checker, Cluster: policy.Cluster{Name: "production"}}, tt.body)
			if !r.Allowed || r.Result != nil || len(r.Warnings) > 0 {
				t.Errorf("%+v", r)
			}
			if (checker.asked != nil) != tt.asked {
				t.Fatalf("asked %+v", checker.asked)
			}
			if tt.asked {
				w := checker.asked.Manifests.Workloads[0]
				if w.Namespace != "shop" || w.Name != "web-" || len(w.Containers) != 2 || checker.asked.Cluster.Name != "production" {
					t.Errorf("asked %+v", checker.asked)
				}
			}
		})
	}
}

func TestReview_says_why(t *testing.T) {
	checker := &answers{
		result: policy.Result{
			Violations: []policy.Violation{
				{Policy: "Privileged container", Enforced: true, Messages: []policy.Message{{Text: "It is privileged.", Container: "web"}}},
				{Policy: "No debugging", Enforced: true, Messages: []policy.Message{{Text: "a"}, {Text: "b"}, {Text: "c"}, {Text: "d"}}, More: 2},
				{Policy: "Latest", Messages: []policy.Message{{Text: "busybox\nhas no tag", Container: "debug"}}},
				{Policy: "Long", Messages: []policy.Message{{Text: strings.Repeat("ö", 300)}}},
			},
			Undecided: []policy.Undecided{{Policy: "Signed", Reason: "no access"}},
		},
		images: []assess.WorkloadImage{{Container: "web"}, {Container: "debug", Error: "404 Not Found"}},
	}
	r := ask(t, admission.Evaluator{Checker: checker}, review("CREATE", "", pod))
	if r.Allowed || r.Result.Code != 403 ||
		r.Result.Message != `Policy "Privileged container" is violated: container web: It is privileged. Policy "No debugging" is violated: a; b; c; and 3 more.` {
		t.Errorf("%+v", r.Result)
	}
	want := []string{
		`Policy "Latest" is violated: container debug: busybox has no tag.`, `Policy "Long" is violated: ` + strings.Repeat("ö", 223) + "…",
		"Container debug: its image could not be had: 404 Not Found", `Policy "Signed" could not be decided: no access.`,
	}
	if !reflect.DeepEqual(r.Warnings, want) {
		t.Errorf("%q", r.Warnings)
	}
}

func TestReview_bounds_warnings(t *testing.T) {
	checker := &answers{}
	for range 40 {
		checker.result.Violations = append(checker.result.Violations, policy.Violation{Policy: "Latest", Messages: []policy.Message{{Text: "x"}}})
	}
	r := ask(t, admission.Evaluator{Checker: checker}, review("CREATE", "", pod))
	if !r.Allowed || len(r.Warnings) != 17 || r.Warnings[16] != "There are 24 more warnings." {
		t.Errorf("%t, %q", r.Allowed, r.Warnings)
	}
}

func TestReview_admits_what_is_undecided_only_if_told_to(t *testing.T) {
	checker := &answers{result: policy.Result{Undecided: []policy.Undecided{{Policy: "Signed", Reason: "no access", Enforced: true}}}}
	r := ask(t, admission.Evaluator{Checker: checker}, review("CREATE", "", pod))
	if r.Allowed || r.Result.Message != `Policy "Signed" could not be decided: no access.` {
		t.Errorf("%+v", r)
	}
	r = ask(t, admission.Evaluator{Checker: checker, AdmitUndecided: true}, review("CREATE", "", pod))
	if !r.Allowed || len(r.Warnings) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestReview_refuses_what_is_malformed(t *testing.T) {
	for body, want := range map[string]string{
		"":     "not the JSON",
		"[]":   "not the JSON",
		"null": `it is "" of ""`,
		`{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{"uid":"x"}}`: "v1beta1",
		`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`:                            "has no request",
		`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{}}`:               "has no UID",
		review("PATCH", "", pod):                                 `operation "PATCH"`,
		review("CREATE", "", "null"):                             "no object",
		review("CREATE", "", "{}"):                               "no apiVersion",
		review("CREATE", "", `{"apiVersion":"v1","kind":"Pod"}`): "no containers",
		strings.Repeat(" ", 17<<20):                              "more than 16 MiB",
	} {
		checker := &answers{}
		answer, err := admission.Evaluator{Checker: checker}.Review(t.Context(), []byte(body))
		if fault.CodeOf(err) != fault.Invalid || !strings.Contains(fmt.Sprint(err), want) || answer != nil || checker.asked != nil {
			t.Errorf("%.200s: %s, %v, want %q", body, answer, err, want)
		}
	}
}

func TestReview_decides_nothing_when_it_cannot_be_checked(t *testing.T) {
	broken := errors.New("no policies")
	if answer, err := (admission.Evaluator{Checker: &answers{err: broken}}).Review(t.Context(), []byte(review("CREATE", "", pod))); !errors.Is(err, broken) || answer != nil {
		t.Errorf("%s, %v", answer, err)
	}
}

func FuzzReview(f *testing.F) {
	f.Add(review("CREATE", "", pod))
	f.Add(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"x","operation":"UPDATE","object":[]}}`)
	f.Fuzz(func(t *testing.T, body string) {
		answer, err := admission.Evaluator{Checker: &answers{}}.Review(t.Context(), []byte(body))
		if err == nil && !json.Valid(answer) || err != nil && fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s, %v", answer, err)
		}
	})
}
