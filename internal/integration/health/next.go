package health

import (
	"time"

	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// needed is how many bad results in a row are believed.
const needed = 2

// Pace says how often integrations are looked at.
type Pace struct {
	Interval time.Duration // about this often
	Retry    time.Duration // after a bad result that does not count yet, and after the first refusal of a credential
	Most     time.Duration // between sign-ins with a credential that keeps being refused
	Absent   time.Duration // between looks at a public registry that was never reached, as without a way to the internet
}

// next is the state after a result, and what is to be told: events, and the expiries that are announced.
func (p Pace) next(before State, in integration.Integration, r result, now time.Time, jitter float64) (after State, events []Event, announced []Expiry) {
	after = before
	edited := before.Revision != in.Revision
	if edited {
		after.Streak, after.Doubt, after.Expiries = Streak{}, nil, nil
	}
	after.IntegrationID, after.Revision, after.LastCheck = in.ID, in.Revision, now
	after.LatencyMs, after.Axes = r.latency, r.axes

	quiet := builtIn(in)
	if quiet && r.status == Unhealthy && !reached(r.axes) && (before.Status == Uninitialized || before.Status == Unknown) {
		r.status = Unknown
		r.summary = "This public registry was never reached from here. Without a way to the internet that is as it should be."
		r.problem = &diagnosis.Finding{
			Name: name(r.problem), Verdict: diagnosis.Warning, Cause: r.summary,
			Fix: "If this server should reach the internet, check its name server, its firewall and its proxy. If not, nothing is to be done; the integration can be deleted.",
		}
	}
	if r.status.bad() {
		after.Streak.Bad++
	} else {
		after.Streak.Bad = 0
	}
	if r.refused {
		after.Streak.Refused++
	} else if !r.status.bad() {
		after.Streak.Refused = 0
	}
	event := func(e Event) {
		after.Events++
		after.LastChange = now
		e.Number, e.At = after.Events, now
		events = append(events, e)
	}

	believed := !r.status.bad() || after.Streak.Bad >= needed || edited
	if believed {
		after.Doubt = nil
		if r.status != before.Status || name(r.problem) != name(before.Problem) {
			event(Event{Kind: "status", From: before.Status, To: r.status, Finding: name(r.problem), Summary: r.summary})
		}
		if r.status != before.Status {
			after.Since = now
		}
		after.Status, after.Summary, after.Problem = r.status, r.summary, r.problem
	} else {
		if after.Doubt == nil {
			after.Doubt = &Doubt{Since: now, Needed: needed}
		}
		after.Doubt.Results, after.Doubt.Problem = after.Streak.Bad, r.problem
	}

	after.Expiries, announced = announce(after.Expiries, r.expiries, now)
	if quiet {
		announced = nil
	}
	for _, e := range announced {
		event(Event{Kind: "expiry", Summary: "The " + e.What + " " + e.Left(now) + "."})
	}
	after.NextCheck = now.Add(p.pause(before, after, edited, quiet, jitter))
	return after, events, announced
}

// pause is how long to wait for the next look. After a change it is spread over the whole interval, so that integrations which
// were created together are not looked at together for ever.
func (p Pace) pause(before, after State, edited, quiet bool, jitter float64) time.Duration {
	about := func(d time.Duration) time.Duration { return time.Duration(float64(d) * (0.9 + 0.2*jitter)) }
	switch {
	case after.Streak.Refused > 0:
		return about(doubled(p.Retry, after.Streak.Refused, p.Most))
	case after.Doubt != nil:
		return about(p.Retry)
	case quiet && after.Status == Unknown:
		return about(doubled(p.Interval, after.Streak.Bad, p.Absent))
	case edited:
		return time.Duration(float64(p.Interval) * (0.05 + jitter))
	}
	return about(p.Interval)
}

// doubled is d, twice as long with each time after the first, up to most.
func doubled(d time.Duration, times int, most time.Duration) time.Duration {
	for ; times > 1 && d < most; times-- {
		d *= 2
	}
	return min(d, most)
}

func name(f *diagnosis.Finding) string {
	if f == nil {
		return ""
	}
	return f.Name
}

func reached(axes []Axis) bool {
	for _, a := range axes {
		if (a.Name == Reach || a.Name == TLS) && a.Verdict == diagnosis.Failed {
			return false
		}
	}
	return true
}

// builtIn reports whether it is one of the public registries that are there from the start, as it was.
func builtIn(in integration.Integration) bool {
	if in.Revision != 1 {
		return false
	}
	for _, d := range integration.Defaults(time.Time{}) {
		if d.ID == in.ID {
			return true
		}
	}
	return false
}
