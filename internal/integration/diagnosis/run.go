package diagnosis

import (
	"context"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// A Run tests the connection of an opened integration step by step. ref is an image to get, or the zero reference. emit is
// called for each step as soon as it is judged, before the next one begins.
type Run func(ctx context.Context, c integration.Candidate, ref image.Reference, emit func(Step)) *Diagnosis

// run is one test that goes on.
type run struct {
	Options
	ctx       context.Context
	candidate integration.Candidate
	ref       image.Reference
	emit      func(Step)
	glance    bool

	judge   judge
	stopped map[string]string // for each step that failed or could not be done, the one that failed

	probe      *distribution.Probe
	first      Exchange            // of the first request
	base       distribution.Answer // of /v2/ where it is in the end
	challenge  distribution.Challenge
	credential distribution.Credential
	authorized secret.Text  // the header that signs in
	manifestAt image.Digest // where the named image's manifest for the platform is, once it was read
}

func (r *run) all() {
	defer func() {
		if r.probe != nil {
			r.probe.Close()
		}
	}()
	r.step(StepSettings, r.settings)
	r.connect()
	r.step(StepAPI, r.api, StepNames, StepTCP, StepProxy, StepTLS)
	r.step(StepChallenge, r.challenged, StepAPI)
	r.typeSteps()
	r.step(StepSignIn, r.signIn, StepChallenge)
	r.step(StepToken, r.token, StepSignIn)
	r.step(StepControl, r.control, StepChallenge)
	r.step(StepCredential, r.useCredential, StepToken)
	if r.ref.Repository != "" {
		r.images()
	}
	r.scanner()
	r.step(StepQuota, r.quota, StepAPI)
	r.step(StepClock, r.clock, StepTLS)
	r.step(StepExpiry, r.expiry, StepSettings)
}

// step looks at one thing, unless something that it needs has failed, and has it judged and told.
func (r *run) step(id string, look func(ctx context.Context, o *Observation), needs ...string) {
	o := Observation{Step: id, At: r.Now().UTC()}
	if r.may(&o, needs...) {
		ctx, cancel := context.WithTimeout(r.ctx, r.StepLimit)
		look(ctx, &o)
		cancel()
		o.Took = distribution.Milliseconds(r.Now().Sub(o.At))
	}
	r.observed(o)
}

// may reports whether a step can be done. If not, it is skipped.
func (r *run) may(o *Observation, needs ...string) bool {
	for _, id := range needs {
		if _, stopped := r.stopped[id]; stopped {
			r.skip(o, id)
			return false
		}
	}
	if err := r.ctx.Err(); err != nil {
		o.Skipped = "the test was ended before"
		if err == context.DeadlineExceeded {
			o.Skipped = "the test took too long before"
		}
		r.stopped[o.Step] = o.Step
		return false
	}
	return true
}

// skip leaves out a step because another one failed.
func (r *run) skip(o *Observation, because string) {
	culprit := r.stopped[because]
	o.Skipped = "“" + title(culprit) + "” failed"
	r.stopped[o.Step] = culprit
}

func (r *run) observed(o Observation) {
	s := r.judge.step(o)
	if s.Verdict == Failed {
		r.stopped[o.Step] = o.Step
	}
	r.emit(s)
}

// look sends one request and writes down what came.
func (r *run) look(ctx context.Context, o *Observation, what string, as Who, l distribution.Look) distribution.Answer {
	x, _ := r.send(what, as, func() (distribution.Answer, distribution.Route, error) { return r.probe.Look(ctx, l) })
	o.Exchanges = append(o.Exchanges, x)
	return x.Answer
}

func (r *run) send(what string, as Who, send func() (distribution.Answer, distribution.Route, error)) (Exchange, distribution.Route) {
	x := Exchange{For: what, As: as, At: r.Now().UTC()}
	answer, route, err := send()
	x.Answer, x.Took = answer, distribution.Milliseconds(r.Now().Sub(x.At))
	if err != nil {
		x.Silence = r.probe.Silence(err)
	}
	return x, route
}

// askToken asks the token service and writes down what came.
func (r *run) askToken(ctx context.Context, o *Observation, what string, as Who, cred distribution.Credential, scope string) secret.Text {
	x := Exchange{For: what, As: as, At: r.Now().UTC()}
	issued, err := r.probe.Token(ctx, r.challenge, cred, scope)
	x.Took = distribution.Milliseconds(r.Now().Sub(x.At))
	if err == nil {
		x.Token = &issued
		x.Answer = distribution.Answer{Method: "GET", URL: r.challenge.Realm, Status: 200}
	} else if told, ok := r.probe.Told(err); ok {
		x.Answer = told
	} else {
		x.Answer = distribution.Answer{Method: "GET", URL: r.challenge.Realm}
		x.Silence = r.probe.Silence(err)
	}
	o.Exchanges = append(o.Exchanges, x)
	return issued.Token
}

func (r *run) problem(err error) *Problem {
	if err == nil {
		return nil
	}
	const most = 1000
	return &Problem{
		Name: fault.NameOf(err), Code: string(fault.CodeOf(err)), Text: bounded(r.hide(err.Error()), most), Fix: bounded(r.hide(fault.FixOf(err)), most),
	}
}

func (r *run) hide(text string) string {
	if r.probe == nil {
		return text
	}
	return r.probe.Hide(text)
}
