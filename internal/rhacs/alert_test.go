package rhacs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/assess"
	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/rhacs/storage"
)

// told is an alert in one line: ID, severity, whether it makes roxctl fail, messages.
func told(alerts []*storage.Alert) string {
	var lines []string
	for _, a := range alerts {
		messages := []string{}
		for _, v := range a.Violations {
			messages = append(messages, v.Message)
		}
		lines = append(lines, fmt.Sprintf("%s %s %v: %s", a.Policy.Id, a.Policy.Severity, a.Policy.EnforcementActions, strings.Join(messages, "; ")))
	}
	return strings.Join(lines, "\n")
}

func TestWithMissing_fails_a_workload_whose_image_cannot_be_had(t *testing.T) {
	report := assess.WorkloadReport{
		Images: []assess.WorkloadImage{{Container: "web", Error: "404 Not Found", Fix: "Check the tag."}, {Container: "cache"}},
		Policy: policy.Result{Stage: policy.Deploy},
	}
	want := "image-not-had HIGH_SEVERITY [SCALE_TO_ZERO_ENFORCEMENT]: container web: 404 Not Found. Check the tag."
	if got := told(alerts(withMissing(report), time.Unix(0, 0), "app", nil)); got != want {
		t.Error(got)
	}
	report.Images = report.Images[1:]
	if got := told(alerts(withMissing(report), time.Unix(0, 0), "app", nil)); got != "" {
		t.Error(got)
	}
}

func TestAlerts(t *testing.T) {
	line := func(n int) string { return map[int]string{3: "RUN apt-get install curl"}[n] }
	for name, c := range map[string]struct {
		result policy.Result
		want   string
	}{
		"nothing is wrong": {policy.Result{Stage: policy.Build}, ""},
		"violations": {policy.Result{Stage: policy.Build, Violations: []policy.Violation{
			{PolicyID: "a", Severity: policy.Critical, Enforced: true, Messages: []policy.Message{{Text: "curl is there", Component: "curl", Line: 3}, {Text: "a secret", Line: 3}}, More: 7},
			{PolicyID: "b", Severity: policy.Low, Messages: []policy.Message{{Text: "old"}}},
		}}, "a CRITICAL_SEVERITY [FAIL_BUILD_ENFORCEMENT]: curl is there (line 3: RUN apt-get install curl); a secret (line 3); … and 7 more\n" +
			"b LOW_SEVERITY []: old"},
		"a violation of a workload": {policy.Result{Stage: policy.Deploy, Violations: []policy.Violation{
			{PolicyID: "a", Severity: policy.High, Enforced: true, Messages: []policy.Message{{Text: "privileged", Container: "web"}, {Text: "container web is old", Container: "web"}}},
		}}, "a HIGH_SEVERITY [SCALE_TO_ZERO_ENFORCEMENT]: privileged (container web); container web is old"},
		"undecided fails where it makes the verdict undecided": {policy.Result{Stage: policy.Build, Undecided: []policy.Undecided{
			{PolicyID: "a", Severity: policy.High, Reason: "not scanned", Enforced: true},
			{PolicyID: "b", Policy: "B", Severity: policy.Low, Reason: "not scanned"},
			{PolicyID: "c", Policy: "C", Severity: policy.High, Reason: "no data", Enforced: true, LacksAdvisories: true},
			{PolicyID: "d", Policy: "D", Severity: policy.Low, Reason: "not scanned"},
		}}, "a-undecided HIGH_SEVERITY [FAIL_BUILD_ENFORCEMENT]: Could not be decided: not scanned\n" +
			"undecided HIGH_SEVERITY []: not scanned (policies: B, D); no data (policies: C)"},
		"less than everything": {policy.Result{Stage: policy.Build, Notes: []policy.Note{{Text: "3 components were not checked", Policies: []string{"a", "b"}}}},
			"judged-on-less LOW_SEVERITY []: 3 components were not checked (policies: a, b)"},
	} {
		found := alerts(c.result, time.Unix(0, 0), "app", line)
		if got := told(found); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
		ids := map[string]bool{}
		for _, a := range found {
			if ids[a.Id] || a.LifecycleStage != stages[c.result.Stage].stage {
				t.Errorf("%s: %v", name, a)
			}
			ids[a.Id] = true
		}
	}
}
