package diagnosis

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The steps that every test has, in their order. A type's own come after the challenge.
const (
	StepSettings   = "settings"
	StepNames      = "name-resolution"
	StepTCP        = "tcp"
	StepProxy      = "proxy"
	StepTLS        = "tls"
	StepAPI        = "api"
	StepChallenge  = "challenge"
	StepSignIn     = "sign-in"
	StepToken      = "token"
	StepControl    = "control"
	StepCredential = "credential"
	StepManifest   = "manifest"
	StepConfig     = "config"
	StepBlobs      = "blobs"
	StepQuota      = "quota"
	StepClock      = "clock"
	StepExpiry     = "expiry"
)

// steps are how each is called and judged.
var steps = []struct {
	id, title string
	judge     func(*judge, *Step, Observation)
}{
	{StepSettings, "Settings", (*judge).settings},
	{StepNames, "Name resolution", (*judge).names},
	{StepTCP, "TCP connection", (*judge).tcp},
	{StepProxy, "Proxy", (*judge).proxy},
	{StepTLS, "TLS", (*judge).tls},
	{StepAPI, "Registry API", (*judge).api},
	{StepChallenge, "Way to sign in", (*judge).challenge},
	{StepSignIn, "Credential at hand", (*judge).signIn},
	{StepToken, "Token service", (*judge).token},
	{StepControl, "Control without the credential", (*judge).control},
	{StepCredential, "Credential accepted", (*judge).credential},
	{StepManifest, "Image manifest", (*judge).manifest},
	{StepConfig, "Image config", (*judge).config},
	{StepBlobs, "Image layers", (*judge).blobs},
	{StepQuota, "Rate limit", (*judge).quota},
	{StepClock, "Clocks", (*judge).clock},
	{StepExpiry, "Expiry", (*judge).expiry},
}

func title(id string) string {
	for _, s := range steps {
		if s.id == id {
			return s.title
		}
	}
	return id
}

// A judge says of one observation after another what it means. It sees nothing but them, the subject and the advice of the
// subject's type.
type judge struct {
	subject Subject
	advice  map[string]string
	seen    []Observation
	judged  []Step
	proven  bool
}

// step judges what was seen last.
func (j *judge) step(o Observation) Step {
	j.seen = append(j.seen, o)
	s := Step{ID: o.Step, Title: title(o.Step), Verdict: Passed, Seen: []Fact{}, Findings: []Finding{}, Took: o.Took}
	switch {
	case o.Reported != nil:
		s = *o.Reported
	case o.Skipped != "":
		s.Verdict, s.Summary = Skipped, o.Skipped
	default:
		for _, known := range steps {
			if known.id == o.Step {
				known.judge(j, &s, o)
			}
		}
	}
	s = s.cleaned(func(text string) string { return text })
	j.judged = append(j.judged, s)
	return s
}

// of returns what a step saw, zero if it saw nothing.
func (j *judge) of(step string) Observation {
	for _, o := range j.seen {
		if o.Step == step {
			return o
		}
	}
	return Observation{}
}

func (j *judge) verdict(step string) Verdict {
	for _, s := range j.judged {
		if s.ID == step {
			return s.Verdict
		}
	}
	return Skipped
}

// find adds a finding by its name, with what its sentences say about this case. pairs are placeholders and their texts.
func (j *judge) find(s *Step, name string, pairs ...string) {
	known, ok := findings[name]
	if !ok {
		panic("diagnosis: no finding is called " + name)
	}
	fix := known.fix
	if advice := j.advice[name]; advice != "" {
		fix = advice
	}
	host, wanted := hostOf(j.subject.Endpoint), ""
	if j.subject.Image != "" {
		wanted = " for " + j.repository()
	}
	pairs = append(pairs, "{for}", wanted, "{host}", host, "{endpoint}", j.subject.Endpoint, "{user}", j.subject.user(), "{image}", j.subject.Image)
	fill := strings.NewReplacer(pairs...)
	s.Find(Finding{Name: name, Verdict: known.verdict, Cause: fill.Replace(known.cause), Fix: fill.Replace(fix)})
	worse := slices.ContainsFunc(s.Findings[:len(s.Findings)-1], func(f Finding) bool { return f.Verdict == Failed || known.verdict == Warning })
	if !worse {
		s.Summary = known.summary
	}
}

func (s Subject) user() string {
	if s.Username == "" {
		return "the integration's credential"
	}
	return "“" + s.Username + "”"
}

// conclude sums up.
func (j *judge) conclude() *Diagnosis {
	d := &Diagnosis{Format: format, Subject: j.subject, Verdict: Passed, Proven: j.proven, Steps: j.judged, Observations: j.seen}
	var warnings []string
	for _, s := range d.Steps {
		switch {
		case s.Verdict == Failed && d.Verdict != Failed:
			d.Verdict, d.Summary = Failed, s.Title+": "+s.Summary
			if f := s.failure(); f != nil {
				d.Summary = f.Cause
			}
		case s.Verdict == Warning:
			if d.Verdict == Passed {
				d.Verdict = Warning
			}
			warnings = append(warnings, s.Summary)
		}
	}
	if d.Verdict == Failed {
		return d
	}
	switch j.verdict(StepCredential) {
	case Skipped:
		d.Verdict, d.Summary = Failed, "The test was not finished."
		return d
	default:
		d.Summary = j.works()
	}
	if len(warnings) > 0 {
		d.Summary += " To be looked at: " + strings.Join(warnings, "; ") + "."
	}
	return d
}

// Fix says what to do about the first failure; "" if there is none.
func (d *Diagnosis) Fix() string {
	for _, s := range d.Steps {
		if f := s.failure(); s.Verdict == Failed && f != nil {
			return f.Fix
		}
	}
	return ""
}

func (j *judge) works() string {
	host := hostOf(j.subject.Endpoint)
	switch {
	case j.verdict(StepManifest) == Passed && j.verdict(StepBlobs) != Failed:
		return j.subject.Image + " can be pulled from " + host + "."
	case j.subject.Anonymous:
		return host + " answers as a registry, without a credential."
	case j.proven:
		return host + " accepts " + j.subject.user() + ", and would refuse a wrong credential."
	}
	return host + " lets " + j.subject.user() + " in."
}

func (s Step) failure() *Finding {
	for i := range s.Findings {
		if s.Findings[i].Verdict == Failed {
			return &s.Findings[i]
		}
	}
	return nil
}

func hostOf(endpoint string) string {
	_, rest, ok := strings.Cut(endpoint, "://")
	if !ok {
		rest = endpoint
	}
	host, _, _ := strings.Cut(rest, "/")
	return host
}

func date(t time.Time) string { return t.UTC().Format("2 January 2006 15:04 UTC") }

// span is a length of time in words.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	d = d.Abs()
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%.0f days", d.Hours()/24)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%.0f hours", d.Hours())
	case d >= 2*time.Minute:
		return fmt.Sprintf("%.0f minutes", d.Minutes())
	}
	return fmt.Sprintf("%.0f seconds", d.Seconds())
}
