package assess

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/policy"
)

// Since says since when an image breaks a policy without interruption.
type Since struct {
	At time.Time `json:"at"`
	// AtLeast: what was before is not known.
	AtLeast bool   `json:"atLeast,omitempty"`
	Because string `json:"because" doc:"what happened then"`
}

// past is what is known of a stored image's history.
type past struct {
	store   Store
	a       *Assessment
	in      policy.Input // of today
	changes []Change     // newest first
	read    bool
}

// since looks back from today, when the image breaks the policy. A condition on the time of the evaluation is taken to have
// begun to hold once.
func (p *past) since(ctx context.Context, t tried) (Since, error) {
	onFindings, onScan := t.set.RestsOn()
	switch {
	case onScan:
		return p.unchanging(ctx, t, p.lastLooked(), Since{AtLeast: true, Because: "how far the scan could be trusted before is not kept"}), nil
	case onFindings:
		return p.throughChanges(ctx, t)
	case p.in.Image.HasCreated && p.in.Image.Created.Before(p.in.Now):
		return p.unchanging(ctx, t, p.in.Image.Created, Since{Because: "the image was built"}), nil
	}
	return p.unchanging(ctx, t, p.a.AssessedAt, Since{AtLeast: true, Because: "it was checked; when it was built is not known"}), nil
}

// lastLooked is when what the scan and the check say of themselves was found.
func (p *past) lastLooked() time.Time {
	if m := p.a.Check.MatchedAt; m != nil && m.After(p.a.AssessedAt) {
		return *m
	}
	return p.a.AssessedAt
}

// unchanging looks back to a time from which on nothing but the time was different. from is the answer when the policy was
// broken then, too.
func (p *past) unchanging(ctx context.Context, t tried, start time.Time, from Since) Since {
	at := t.brokenFrom(ctx, p.in, start, p.in.Now)
	if at.After(start) {
		return Since{At: at, Because: "until then the condition did not hold yet"}
	}
	from.At = start
	return from
}

// throughChanges undoes the recorded changes of the findings one after the other.
func (p *past) throughChanges(ctx context.Context, t tried) (Since, error) {
	if !p.read {
		var err error
		if p.changes, err = p.store.Changes(ctx, p.a.ID); err != nil {
			return Since{}, err
		}
		p.read = true
	}
	in, end := p.in, p.in.Now
	for _, c := range p.changes {
		if at := t.brokenFrom(ctx, in, c.At, end); at.After(c.At) {
			return Since{At: at, Because: "until then the condition did not hold yet"}, nil
		}
		switch {
		case slices.Contains(c.Because, BecauseImage):
			return Since{At: c.At, AtLeast: true, Because: "the reference pointed to another image before"}, nil
		case c.More > 0:
			return Since{At: c.At, AtLeast: true, Because: "more changed then than is kept"}, nil
		}
		before := undone(in, c)
		if !t.broken(ctx, before, c.At) {
			return Since{At: c.At, Because: c.told()}, nil
		}
		in, end = before, c.At
	}
	start := p.a.AssessedAt
	if end.Before(start) {
		start = end
	}
	at := t.brokenFrom(ctx, in, start, end)
	if at.After(start) {
		return Since{At: at, Because: "until then the condition did not hold yet"}, nil
	}
	return Since{At: start, AtLeast: true, Because: "nothing older is kept"}, nil
}

func (t tried) broken(ctx context.Context, in policy.Input, now time.Time) bool {
	if in.Scan.AdvisoryAge != 0 {
		in.Scan.AdvisoryAge += now.Sub(in.Now)
	}
	in.Now = now
	return len(t.set.Evaluate(ctx, t.stage, in).Violations) > 0
}

// brokenFrom finds when in a time without changes an image began to break a policy that it breaks at the end.
func (t tried) brokenFrom(ctx context.Context, in policy.Input, start, end time.Time) time.Time {
	if !start.Before(end) || t.broken(ctx, in, start) {
		return start
	}
	for end.Sub(start) > time.Second && ctx.Err() == nil {
		if middle := start.Add(end.Sub(start) / 2); t.broken(ctx, in, middle) {
			end = middle
		} else {
			start = middle
		}
	}
	return end.Truncate(time.Second)
}

// undone is the input before a change. Of findings that are gone it knows what a Difference tells.
func undone(in policy.Input, c Change) policy.Input {
	was := slices.Clone(in.Vulnerabilities)
	for _, d := range c.Differences {
		i := slices.IndexFunc(was, func(v policy.Vulnerability) bool {
			return v.Component.Type == d.Type && v.Component.Name == d.Component && v.Component.Location == d.Location &&
				cmp.Or(v.CVE, v.ID) == cmp.Or(d.CVE, d.ID)
		})
		switch d.What {
		case Came, CountsAgain:
			if i >= 0 {
				was = slices.Delete(was, i, i+1)
			}
		case Changed:
			if i >= 0 {
				was[i].Severity, was[i].FixedVersion = string(cmp.Or(d.WasSeverity, d.Severity)), d.WasFixedVersion
			}
		case Went, SetAside:
			was = append(was, policy.Vulnerability{
				ID: d.ID, CVE: d.CVE, Severity: string(d.Severity), FixedVersion: d.FixedVersion, Component: componentOf(in, d),
			})
		}
	}
	in.Vulnerabilities = was
	return in
}

func componentOf(in policy.Input, d Difference) policy.Component {
	i := slices.IndexFunc(in.Components, func(c policy.Component) bool {
		return c.Type == d.Type && c.Name == d.Component && c.Version == d.Version && c.Location == d.Location
	})
	if i < 0 {
		return policy.Component{Name: d.Component, Version: d.Version, Type: d.Type, Location: d.Location}
	}
	return in.Components[i]
}

// told is a change in words.
func (c Change) told() string {
	text := strings.Join(c.Because, ", ")
	if len(c.Differences) == 0 {
		return text
	}
	d := c.Differences[0]
	text += fmt.Sprintf(": %s %s", cmp.Or(d.CVE, d.ID), d.What)
	if n := len(c.Differences) - 1; n > 0 {
		text += fmt.Sprintf(", and %d more", n)
	}
	return text
}
