package health

import (
	"slices"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// A result is what one look found.
type result struct {
	status   Status
	summary  string
	problem  *diagnosis.Finding
	refused  bool // it did not get in with its credential
	axes     []Axis
	latency  float64
	expiries []Expiry
}

// axisOf says on which side of health a step is; those of types are about signing in.
var axisOf = map[string]string{
	diagnosis.StepSettings: Reach, diagnosis.StepNames: Reach, diagnosis.StepTCP: Reach, diagnosis.StepProxy: Reach, diagnosis.StepAPI: Reach,
	diagnosis.StepTLS: TLS, diagnosis.StepQuota: Quota, diagnosis.StepExpiry: Expiring,
}

// findingAxis names the findings that are not on the side of their step.
var findingAxis = map[string]string{
	"reference-unreadable": Authentication, "plain-http-credentials": TLS, "certificate-not-verified": TLS,
	"client-certificate-expired": TLS, "rate-limited": Quota, "sign-in-throttled": Quota,
}

// ours are findings that say nothing about the registry: the network on this side is not there.
var ours = []string{"no-route", "name-server-silent"}

// judge says what a diagnosis means for health.
func judge(in integration.Integration, d *diagnosis.Diagnosis) result {
	r := result{status: Healthy, summary: d.Summary, axes: axes(d), latency: latency(d), expiries: expiries(d)}
	for _, s := range d.Steps {
		for _, f := range s.Findings {
			axis := axisFor(s.ID, f.Name)
			if axis == Expiring && f.Verdict == diagnosis.Warning {
				continue // it is announced
			}
			status := Degraded
			switch {
			case f.Verdict != diagnosis.Failed || axis == Quota:
			case slices.Contains(ours, f.Name):
				status = Unknown
			case in.SkipTest && d.Subject.Anonymous && s.ID == diagnosis.StepAPI && axis == Reach:
				// Some public registries only answer for their images.
			default:
				status = Unhealthy
				r.refused = axis == Authentication
			}
			if r.problem == nil || (status != Degraded && r.status == Degraded) {
				r.status, r.problem, r.summary = status, &f, f.Cause
			}
		}
	}
	if r.problem == nil && d.Verdict == diagnosis.Failed {
		r.status = Unknown // it was not finished
	}
	return r
}

// notOpened is the result for an integration whose settings cannot be used.
func notOpened(err error) result {
	f := diagnosis.Finding{Name: "settings-unusable", Verdict: diagnosis.Failed, Cause: err.Error(), Fix: fault.FixOf(err)}
	r := result{status: Unhealthy, summary: f.Cause, problem: &f}
	for _, name := range []string{Reach, TLS, Authentication, Quota, Expiring} {
		r.axes = append(r.axes, Axis{Name: name, Verdict: diagnosis.Skipped, Summary: "the settings cannot be used"})
	}
	return r
}

func axisFor(step, finding string) string {
	if axis := findingAxis[finding]; axis != "" {
		return axis
	}
	if axis := axisOf[step]; axis != "" {
		return axis
	}
	return Authentication
}

// rank orders verdicts: the worst one of its steps is an axis's.
var rank = []diagnosis.Verdict{diagnosis.Skipped, diagnosis.Passed, diagnosis.Warning, diagnosis.Failed}

func axes(d *diagnosis.Diagnosis) []Axis {
	list := []Axis{{Name: Reach}, {Name: TLS}, {Name: Authentication}, {Name: Quota}, {Name: Expiring}}
	worsen := func(name string, v diagnosis.Verdict, summary, finding, fix string) {
		a := &list[slices.IndexFunc(list, func(a Axis) bool { return a.Name == name })]
		better := slices.Index(rank, v) < slices.Index(rank, a.Verdict)
		if better || (a.Finding != "" && v == a.Verdict) {
			return
		}
		a.Verdict, a.Summary, a.Finding, a.Fix = v, summary, finding, fix
	}
	for _, s := range d.Steps {
		if len(s.Findings) == 0 && s.ID != diagnosis.StepClock { // clocks that agree say nothing about signing in
			worsen(axisFor(s.ID, ""), s.Verdict, s.Summary, "", "")
		}
		for _, f := range s.Findings {
			worsen(axisFor(s.ID, f.Name), f.Verdict, f.Cause, f.Name, f.Fix)
		}
	}
	for i := range list {
		if list[i].Verdict == "" {
			list[i].Verdict, list[i].Summary = diagnosis.Skipped, "not looked at"
		}
	}
	return list
}

func latency(d *diagnosis.Diagnosis) float64 {
	for _, o := range d.Observations {
		if o.Step == diagnosis.StepAPI && len(o.Exchanges) > 0 && o.Exchanges[0].Silence == nil {
			return o.Exchanges[0].Took
		}
	}
	return 0
}

func expiries(d *diagnosis.Diagnosis) []Expiry {
	list := []Expiry{}
	add := func(what, source string, at time.Time, notice int) {
		list = append(list, Expiry{What: what, Source: source, At: at.UTC(), NoticeDays: notice})
	}
	for _, o := range d.Observations {
		if c := o.SignIn; c != nil && !c.Lent && !c.Expires.IsZero() {
			add(Credential, c.Kind, c.Expires, notices[0])
		}
		if o.Step == diagnosis.StepTLS && o.Route != nil {
			for _, h := range o.Route.Handshakes[max(0, len(o.Route.Handshakes)-1):] {
				for _, c := range h.Chain[:min(1, len(h.Chain))] {
					// Authorities that give short lives expect renewal late in them.
					add(ServerCertificate, c.Subject, c.NotAfter, min(notices[0], int(c.NotAfter.Sub(c.NotBefore)/(4*day))))
				}
			}
		}
		if o.Settings != nil && o.Settings.ClientCertificate != nil {
			c := o.Settings.ClientCertificate
			add(ClientCertificate, c.Subject, c.NotAfter, notices[0])
		}
	}
	return list
}
