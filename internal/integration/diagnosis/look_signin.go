package diagnosis

import (
	"context"
	"net/http"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// typeSteps has the type look at what only it knows of.
func (r *run) typeSteps() {
	prober, ok := r.candidate.Registry.(Prober)
	blocked := Observation{Step: StepChallenge}
	if !ok || r.glance || !r.may(&blocked, StepChallenge) {
		return
	}
	ctx, cancel := context.WithTimeout(r.ctx, 2*r.StepLimit)
	defer cancel()
	last := r.Now()
	prober.Probe(ctx, Probing{
		Ref: r.ref,
		Get: func(ctx context.Context, path string, as distribution.Credential) (distribution.Answer, error) {
			r.probe.Know(as)
			a, _, err := r.probe.Look(ctx, distribution.Look{Method: http.MethodGet, Path: path, Authorization: as.Authorization()})
			return a, err
		},
		Report: func(s Step) {
			r.reported(s, last)
			last = r.Now()
		},
	})
}

// reported takes a step that was judged where it was looked at.
func (r *run) reported(s Step, began time.Time) {
	s.Took = distribution.Milliseconds(r.Now().Sub(began))
	s = s.cleaned(r.hide)
	r.observed(Observation{Step: s.ID, At: began.UTC(), Took: s.Took, Reported: &s})
}

func (r *run) signIn(ctx context.Context, o *Observation) {
	if r.candidate.Anonymous() {
		o.SignIn = &SignIn{Kind: "anonymous"}
		return
	}
	cred, err := r.candidate.Credential(ctx, r.ref)
	if err != nil {
		o.SignIn = &SignIn{Problem: r.problem(err)}
		return
	}
	r.credential = cred
	r.probe.Know(cred)
	o.SignIn = &SignIn{Kind: "user name and password", Username: r.hide(bounded(cred.Username, 200)), Expires: cred.Expires, Lent: cred.Lent}
	switch {
	case cred.Anonymous():
		o.SignIn.Kind = "anonymous"
	case cred.RegistryToken.IsSet():
		o.SignIn.Kind = "registry token"
	case cred.IdentityToken.IsSet():
		o.SignIn.Kind = "identity token"
	}
	r.judge.subject.Username = o.SignIn.Username
}

// scope is what a token is asked for.
func (r *run) scope(actions string) string {
	if r.ref.Repository == "" {
		return ""
	}
	return "repository:" + r.ref.Repository + ":" + actions
}

// authorize is the header that signs a credential in, with a token of the registry's service if it has one.
func (r *run) authorize(ctx context.Context, o *Observation, as Who, cred distribution.Credential) secret.Text {
	if r.challenge.Scheme != "bearer" || cred.RegistryToken.IsSet() {
		return cred.Authorization()
	}
	return r.askToken(ctx, o, ForToken, as, cred, r.scope("pull"))
}

func (r *run) token(ctx context.Context, o *Observation) {
	switch {
	case r.credential.RegistryToken.IsSet():
		o.Skipped = "the credential is a token of the registry's own"
	case r.challenge.Scheme != "bearer":
		o.Skipped = "the registry has no token service"
	case r.challenge.Unasked && r.credential.Anonymous():
		o.Skipped = "the registry asks for none"
	default:
		r.authorized = r.authorize(ctx, o, Owner, r.credential)
		if r.challenge.Unasked && len(o.Exchanges) > 0 && noTokenService(o.Exchanges[0]) {
			r.challenge.Scheme = "basic"
			break
		}
		return
	}
	r.authorized = r.credential.Authorization()
}

// noTokenService reports whether an unasked-for token service is not there at all.
func noTokenService(x Exchange) bool {
	switch s := x.Answer.Status; {
	case x.Silence != nil, x.Token != nil, s == 0, s >= 500, s == http.StatusTooManyRequests, s == http.StatusUnauthorized, s == http.StatusForbidden:
		return false
	}
	return true
}

// target is what shows whether a credential is accepted: the named image, or the API's base.
func (r *run) target(authorization secret.Text) (what string, l distribution.Look) {
	if r.ref.Repository == "" {
		return ForBase, distribution.Look{Method: http.MethodGet, Authorization: authorization}
	}
	return ForManifest, distribution.Look{
		Method: http.MethodHead, Path: r.ref.Repository + "/manifests/" + r.ref.Identifier(), Manifest: true, Authorization: authorization,
	}
}

// control finds out whether the credential makes a difference: what nobody gets, and if that is as much, what somebody gets
// whose user name and password cannot exist.
func (r *run) control(ctx context.Context, o *Observation) {
	switch {
	case r.candidate.Anonymous():
		o.Skipped = "there is no credential to prove"
		return
	case r.glance:
		o.Skipped = "only looked at briefly"
		return
	}
	if !r.passes(ctx, o, Nobody, distribution.Credential{}) {
		return
	}
	id := r.NewID()
	r.passes(ctx, o, Stranger, distribution.Credential{Username: "no-such-user-" + id, Password: secret.New("no-such-password-" + id)})
}

func (r *run) passes(ctx context.Context, o *Observation, as Who, cred distribution.Credential) bool {
	authorization := r.authorize(ctx, o, as, cred)
	if n := len(o.Exchanges); n > 0 && o.Exchanges[n-1].As == as && o.Exchanges[n-1].Token == nil {
		return false
	}
	what, l := r.target(authorization)
	a := r.look(ctx, o, what, as, l)
	return a.Status/100 == 2 || a.Location != ""
}

func (r *run) useCredential(ctx context.Context, o *Observation) {
	what, l := r.target(r.authorized)
	r.look(ctx, o, what, Owner, l)
	if what == ForManifest && r.challenge.Scheme == "bearer" && !r.credential.Anonymous() && !r.credential.RegistryToken.IsSet() {
		r.askToken(ctx, o, ForWideToken, Owner, r.credential, r.scope("pull,push,delete"))
	}
}
