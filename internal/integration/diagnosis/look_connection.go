package diagnosis

import (
	"context"
	"crypto/x509"
	"net/http"
	"slices"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/secret"
)

func (r *run) settings(ctx context.Context, o *Observation) {
	ready, err := r.candidate.Ready(ctx)
	r.candidate = ready
	endpoint := r.candidate.Endpoint(r.ref)
	o.Settings = &Settings{
		Endpoint: endpoint.String(), Loopback: image.OnLoopback(endpoint.Host), Insecure: endpoint.Insecure,
		OwnAuthorities: endpoint.TLS != nil && endpoint.TLS.RootCAs != nil,
	}
	var hidden []secret.Text
	for _, s := range r.candidate.Integration.Config.Secrets() {
		hidden = append(hidden, s)
	}
	if err != nil {
		o.Settings.Problem = r.problem(err)
		o.Settings.Problem.Name = firstOf(o.Settings.Problem.Name, "reference-unreadable")
		return
	}
	if r.probe, err = r.Client.Probe(endpoint, hidden...); err != nil {
		o.Settings.Problem = r.problem(err)
		return
	}
	if endpoint.TLS != nil && len(endpoint.TLS.Certificates) > 0 && len(endpoint.TLS.Certificates[0].Certificate) > 0 {
		if c, err := x509.ParseCertificate(endpoint.TLS.Certificates[0].Certificate[0]); err == nil {
			told := distribution.CertificateOf(c)
			o.Settings.ClientCertificate = &told
		}
	}
}

// onTheWay are the steps that one request passes before it is answered.
var onTheWay = []string{StepNames, StepTCP, StepProxy, StepTLS}

// connect asks for /v2/ once, and tells of each part of the way there by itself.
func (r *run) connect() {
	begun := Observation{Step: StepNames, At: r.Now().UTC()}
	if !r.may(&begun, StepSettings) {
		for _, id := range onTheWay {
			begun.Step = id
			r.observed(begun)
		}
		return
	}
	ctx, cancel := context.WithTimeout(r.ctx, r.StepLimit)
	defer cancel()
	var route distribution.Route
	r.first, route = r.send(ForBase, Nobody, func() (distribution.Answer, distribution.Route, error) {
		return r.probe.Look(ctx, distribution.Look{Method: http.MethodGet})
	})
	stage := stageOf(route, r.first, r.probe.Endpoint.Scheme)
	for i, id := range onTheWay {
		o := part(id, route, r.probe.Endpoint.Scheme)
		o.At = begun.At
		switch at := slices.Index(onTheWay, stage); {
		case at == i:
			o.Skipped, o.Silence = "", r.first.Silence
			if r.first.Answer.Status != 0 {
				o.Exchanges = []Exchange{r.first}
			}
		case at >= 0 && at < i:
			r.skip(&o, stage)
		}
		r.observed(o)
	}
}

// stageOf is the part of the way where a request ended, "" if it came to be answered.
func stageOf(route distribution.Route, x Exchange, scheme string) string {
	proxied := route.Proxy != ""
	connected := slices.ContainsFunc(route.Dials, func(d distribution.Dial) bool { return d.Silence == nil })
	shaken := slices.ContainsFunc(route.Handshakes, func(h distribution.Handshake) bool { return h.Silence == nil })
	switch {
	case x.Silence == nil:
		if proxied && x.Answer.Status == http.StatusProxyAuthRequired {
			return StepProxy
		}
		return ""
	case x.Silence.Trouble == distribution.ClientCertificate:
		return StepTLS // TLS 1.3 servers say so after the handshake
	case shaken && x.Silence.Trouble.BrokeOff() && route.Handshakes[len(route.Handshakes)-1].Asked:
		return StepTLS // and do not always say so
	case shaken:
		return ""
	case len(route.Handshakes) > 0:
		return StepTLS
	case proxied:
		return StepProxy
	case x.Silence.Trouble == distribution.NameUnknown, x.Silence.Trouble == distribution.NameServerSilent:
		return StepNames
	case !connected:
		return StepTCP
	case scheme == "https":
		return StepTLS
	}
	return ""
}

// part is what a step saw of a route.
func part(id string, route distribution.Route, scheme string) Observation {
	o := Observation{Step: id, Route: &distribution.Route{Proxy: route.Proxy}}
	proxied, seen := route.Proxy != "", o.Route
	switch id {
	case StepNames:
		if proxied {
			o.Skipped = "the proxy resolves names"
			return o
		}
		seen.Lookups = route.Lookups
	case StepTCP:
		if proxied {
			o.Skipped = "the proxy makes the connection"
			return o
		}
		seen.Dials = route.Dials
	case StepProxy:
		if !proxied {
			o.Skipped = "there is no proxy on the way"
			return o
		}
		seen.Lookups, seen.Dials = route.Lookups, route.Dials
	case StepTLS:
		if scheme != "https" {
			o.Skipped = "the endpoint is plain HTTP"
		}
		// Of a proxy that speaks TLS, the handshake before the last is its own.
		seen.Handshakes = route.Handshakes[max(0, len(route.Handshakes)-1):]
	}
	for _, l := range seen.Lookups {
		o.Took += l.Took
	}
	for _, d := range seen.Dials {
		o.Took = max(o.Took, d.Took)
	}
	for _, h := range seen.Handshakes {
		o.Took += h.Took
	}
	return o
}

// maxFollowed is as many redirects as the client follows.
const maxFollowed = 5

// api looks at what /v2/ answered, and where it is.
func (r *run) api(ctx context.Context, o *Observation) {
	o.Exchanges = append(o.Exchanges, r.first)
	r.base = r.first.Answer
	if r.probe.Endpoint.Path != "" && r.first.Silence == nil && noRegistry(r.base) {
		root := r.probe.At("")
		x, _ := r.send(ForRoot, Nobody, func() (distribution.Answer, distribution.Route, error) {
			return root.Look(ctx, distribution.Look{Method: http.MethodGet})
		})
		o.Exchanges = append(o.Exchanges, x)
		if x.Silence != nil || noRegistry(x.Answer) {
			return
		}
		r.probe, r.base = root, x.Answer
	}
	for range maxFollowed {
		if r.base.Location == "" {
			return
		}
		x, _ := r.send(ForRedirect, Nobody, func() (distribution.Answer, distribution.Route, error) {
			return r.probe.Follow(ctx, r.base, distribution.Look{Method: http.MethodGet})
		})
		o.Exchanges = append(o.Exchanges, x)
		if r.base = x.Answer; x.Silence != nil {
			return
		}
	}
}

// noRegistry reports whether an answer to /v2/ is surely not a registry's.
func noRegistry(a distribution.Answer) bool {
	switch a.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
		return true
	}
	return a.Status/100 == 2 && !a.Registry || a.Page && a.Status/100 == 4 && a.Status != http.StatusUnauthorized
}

func (r *run) challenged(_ context.Context, o *Observation) {
	r.challenge = r.probe.Challenge(r.base)
	if r.base.Status/100 == 2 && r.probe.Endpoint.SignInFirst && !r.candidate.Anonymous() {
		r.challenge = r.probe.OwnTokens()
	}
	o.Challenge = &r.challenge
}
