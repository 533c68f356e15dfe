package rhacs

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/landwaiter/landwaiter/internal/policy"
	"github.com/landwaiter/landwaiter/internal/rhacs/storage"
)

// stages are RHACS's names, with the action that makes roxctl fail.
var stages = map[policy.Stage]struct {
	stage  storage.LifecycleStage
	action storage.EnforcementAction
}{
	policy.Build:  {storage.LifecycleStage_BUILD, storage.EnforcementAction_FAIL_BUILD_ENFORCEMENT},
	policy.Deploy: {storage.LifecycleStage_DEPLOY, storage.EnforcementAction_SCALE_TO_ZERO_ENFORCEMENT},
}

var policySeverities = map[policy.Severity]storage.Severity{
	policy.Low: storage.Severity_LOW_SEVERITY, policy.Medium: storage.Severity_MEDIUM_SEVERITY,
	policy.High: storage.Severity_HIGH_SEVERITY, policy.Critical: storage.Severity_CRITICAL_SEVERITY,
}

// alerts shows a result: one alert for every policy that is broken, or could not be evaluated though that stops a pass; one for all
// others that could not be evaluated; and one for what was not taken into account. Clients take no alerts for a pass, so nothing
// else would tell these from it. about names the image or workload; line gives the text of a Dockerfile line.
func alerts(r policy.Result, at time.Time, about string, line func(int) string) []*storage.Alert {
	var out []*storage.Alert
	add := func(enforced bool, p *storage.Policy, messages ...string) {
		s := stages[r.Stage]
		p.LifecycleStages, p.PolicyVersion = []storage.LifecycleStage{s.stage}, "1.1"
		if enforced {
			p.EnforcementActions = []storage.EnforcementAction{s.action}
		}
		alert := &storage.Alert{
			Id: uuid.NewSHA1(uuid.NameSpaceURL, []byte(about+"\n"+p.Id)).String(), Policy: p, LifecycleStage: s.stage, Time: timestamppb.New(at),
		}
		for _, m := range messages {
			alert.Violations = append(alert.Violations, &storage.Alert_Violation{Message: m})
		}
		out = append(out, alert)
	}
	for _, v := range r.Violations {
		var messages []string
		for _, m := range v.Messages {
			messages = append(messages, messageText(m, line))
		}
		if v.More > 0 {
			messages = append(messages, fmt.Sprintf("… and %d more", v.More))
		}
		add(v.Enforced, &storage.Policy{
			Id: v.PolicyID, Name: v.Policy, Description: v.Description, Rationale: v.Rationale, Remediation: v.Remediation,
			Categories: v.Categories, Severity: policySeverities[v.Severity],
		}, messages...)
	}
	var reasons []string
	open := map[string][]string{} // policies that stop nothing, by why they could not be decided
	severity := storage.Severity_UNSET_SEVERITY
	for _, u := range r.Undecided {
		if u.Stops() {
			add(true, &storage.Policy{
				Id: u.PolicyID + "-undecided", Name: u.Policy + " (could not be decided)", Severity: policySeverities[u.Severity],
				Description: "The policy could not be evaluated, so whether it is broken is not known.",
				Remediation: "Mend what kept the policy from being evaluated, then check again.",
			}, "Could not be decided: "+u.Reason)
			continue
		}
		if open[u.Reason] == nil {
			reasons = append(reasons, u.Reason)
		}
		open[u.Reason] = append(open[u.Reason], u.Policy)
		severity = max(severity, policySeverities[u.Severity])
	}
	if len(reasons) > 0 {
		var messages []string
		for _, reason := range reasons {
			messages = append(messages, reason+" (policies: "+strings.Join(open[reason], ", ")+")")
		}
		add(false, &storage.Policy{
			Id: "undecided", Name: "Policies that could not be decided", Severity: severity,
			Description: "These policies could not be evaluated, so whether they are broken is not known. None of them is enforced, or what it lacks stops nothing.",
			Remediation: "Mend what kept the policies from being evaluated, then check again.",
		}, messages...)
	}
	var notes []string
	for _, n := range r.Notes {
		notes = append(notes, n.Text+" (policies: "+strings.Join(n.Policies, ", ")+")")
	}
	if len(notes) > 0 {
		add(false, &storage.Policy{
			Id: "judged-on-less", Name: "Judged on less than everything", Severity: storage.Severity_LOW_SEVERITY,
			Description: "Policies were evaluated, but not on everything that they look at.",
			Remediation: "Supply what is missing, then check again.",
		}, notes...)
	}
	return out
}

// messageText is a message with its place in the Dockerfile. Messages that are not about a component say themselves what they are
// about; the line may hold the very value that they do not repeat.
func messageText(m policy.Message, line func(int) string) string {
	var places []string
	if m.Container != "" && !strings.Contains(m.Text, m.Container) {
		places = append(places, "container "+m.Container)
	}
	if m.Line > 0 {
		place := fmt.Sprintf("line %d", m.Line)
		if text := line(m.Line); m.Component != "" && text != "" {
			place += ": " + clip(text)
		}
		places = append(places, place)
	}
	if len(places) == 0 {
		return m.Text
	}
	return m.Text + " (" + strings.Join(places, ", ") + ")"
}

const maxLine = 200

func clip(s string) string {
	if r := []rune(s); len(r) > maxLine {
		return string(r[:maxLine]) + "…"
	}
	return s
}
