package distribution

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// KindLook is a request to look at a registry.
const KindLook Kind = "look"

const maxLookBody = 1 << 20

// A Probe looks at one endpoint with single requests, on the same ways and by the same rules as its Client, but with
// connections of its own: no attempt is repeated, nothing is remembered, and redirects are told, not followed. What it tells
// holds none of the secrets that it knows. It is good for one test, and not for concurrent use.
type Probe struct {
	Endpoint Endpoint // in the form that is dialled

	c    *Client
	used []string // secrets
}

// Probe makes one. hidden are secrets that a server may know from elsewhere.
func (c *Client) Probe(e Endpoint, hidden ...secret.Text) (*Probe, error) {
	endpoint, err := e.dialled()
	if err != nil {
		return nil, err
	}
	o := c.o
	o.MaxAttempts = 1
	p := &Probe{Endpoint: endpoint, c: New(o), used: endpoint.Proxy.secrets()}
	p.c.budgets = c.budgets
	for _, s := range hidden {
		p.used = append(p.used, s.Reveal())
	}
	return p, nil
}

// Close ends its connections.
func (p *Probe) Close() { p.c.transports.close() }

// At is a probe of another base path of the same host, that shares the connections.
func (p *Probe) At(path string) *Probe {
	other := *p
	other.Endpoint.Path = path
	return &other
}

// Know adds a credential whose secrets must not be told.
func (p *Probe) Know(cred Credential) { p.used = append(p.used, cred.secrets()...) }

// Hide masks in text from elsewhere what the probe must not tell.
func (p *Probe) Hide(text string) string { return mask(text, p.secrets(p.Endpoint.String())) }

func (p *Probe) secrets(public string) []string { return hidden(p.used, public) }

// A Look is one request. Its path is below /v2/, or begins with a slash and is the whole path, with a query or without.
type Look struct {
	Method, Path  string
	Manifest      bool        // a manifest is wanted, in any format
	Authorization secret.Text // of the header
	Peek          bool        // only the first bytes of a body matter, however long it is
}

// Look sends one request. The error is an *Error, apart from contexts'.
func (p *Probe) Look(ctx context.Context, l Look) (Answer, Route, error) {
	u, err := p.Endpoint.at(l.Path)
	if err != nil {
		return Answer{}, Route{}, err
	}
	return p.look(ctx, l, u, false)
}

// Follow goes where an answer redirects to. The authorization stays at home when that is another origin.
func (p *Probe) Follow(ctx context.Context, a Answer, l Look) (Answer, Route, error) {
	if a.next == nil {
		return Answer{}, Route{}, fault.New(fault.Invalid, "follow redirect", "there is no address to go to")
	}
	if originOf(a.next) != originOf(p.Endpoint.url("")) {
		l.Authorization = secret.Text{}
	}
	return p.look(ctx, l, a.next, a.inside)
}

func (p *Probe) look(ctx context.Context, l Look, u *url.URL, inside bool) (Answer, Route, error) {
	r := request{
		kind: KindLook, method: l.Method, url: u, limit: maxLookBody, stream: l.Peek,
		secrets: p.secrets(p.Endpoint.String() + u.Path), inside: inside,
	}
	if l.Manifest {
		r.accept = acceptManifests
	}
	trace := p.trace(u, r.secrets)
	a, err := p.c.exchange(trace.with(ctx), p.Endpoint, r, u, l.Authorization)
	if err != nil {
		return Answer{Method: r.method, URL: r.shown(u)}, trace.seen(), err
	}
	if a.stream != nil {
		a.body = make([]byte, 512)
		n, err := a.stream.Read(a.body)
		a.body = a.body[:n]
		a.stream.Close()
		if n == 0 && err != nil && a.length != 0 {
			return Answer{Method: r.method, URL: r.shown(u)}, trace.seen(), p.c.transportError(r, u, l.Authorization, err)
		}
	}
	return r.told(a), trace.seen(), nil
}

func (p *Probe) trace(u *url.URL, secrets []string) *tracer {
	t := &tracer{now: p.c.o.Now, host: u.Hostname(), hide: func(text string) string { return mask(text, secrets) }}
	if p.Endpoint.TLS != nil {
		t.roots = p.Endpoint.TLS.RootCAs
	}
	if proxy, err := p.c.proxyTo(p.Endpoint.Connection, u); err == nil && proxy != nil {
		t.route.Proxy = t.hide(clean(proxy.Host, maxName))
	}
	return t
}

// Silence is what kept a request from being answered. Only errors of this Probe's are told without secrets.
func (p *Probe) Silence(err error) *Silence {
	return silenceOf(err, p.Hide)
}

// A Challenge is how a registry wants to be signed in to, fit to be shown.
type Challenge struct {
	Scheme  string   `json:"scheme"`            // "bearer", "basic", or "" if none of those is offered
	Offered []string `json:"offered,omitempty"` // the schemes, as they are named
	Realm   string   `json:"realm,omitempty"`   // of the token service
	Service string   `json:"service,omitempty"`
	Scope   string   `json:"scope,omitempty"`
	// NoURL is a Bearer realm that is no address of a token service.
	NoURL string `json:"noUrl,omitempty"`
	// Plain is a realm without TLS, of a registry that has TLS: no token is asked for there.
	Plain bool `json:"plain,omitempty"`
	// Unasked tells that the registry has not asked, and is signed in to all the same.
	Unasked bool `json:"unasked,omitempty"`

	how challenge
}

// Challenge reads what an answer asks for.
func (p *Probe) Challenge(a Answer) Challenge {
	how, _, _ := chooseChallenge(a.challenges)
	how.inside = a.inside
	c := p.challenge(how)
	c.Scheme = ""
	for _, wire := range parseChallenges(a.challenges) {
		name := clean(wire.scheme, 40)
		c.Offered = append(c.Offered, name)
		if name == how.scheme || name == "bearer" {
			c.Scheme = how.scheme
		}
		if realm := wire.params["realm"]; name == "bearer" && parseRealm(realm) == nil {
			c.NoURL = p.Hide(clean(realm, 300))
		}
	}
	return c
}

// OwnTokens is the challenge that a registry would send whose token service is at the usual place.
func (p *Probe) OwnTokens() Challenge {
	c := p.challenge(p.Endpoint.ownTokens())
	c.Unasked = true
	return c
}

func (p *Probe) challenge(how challenge) Challenge {
	c := Challenge{Scheme: how.scheme, Service: p.Hide(clean(how.service, 200)), Scope: p.Hide(clean(how.scope, 300)), how: how}
	if how.realm != nil {
		c.Realm = p.Hide(redact(how.realm))
		c.Plain = how.plainBehind(p.Endpoint)
	}
	return c
}

// An Issued is a token that a token service gave.
type Issued struct {
	Token   secret.Text `json:"-"` // the Authorization header
	Seconds float64     `json:"seconds"`
	// Readable tells that the token says what it allows.
	Readable bool     `json:"readable"`
	Access   []Access `json:"access,omitempty"`
}

// Token asks the token service of a challenge. Where it refuses, the error is an *Error with its status.
func (p *Probe) Token(ctx context.Context, how Challenge, cred Credential, scope string) (Issued, error) {
	p.Know(cred)
	wanted := how.how
	wanted.scope = scope
	if wanted.realm == nil || wanted.plainBehind(p.Endpoint) {
		return Issued{}, errors.New("there is no token service to ask")
	}
	t, err := p.c.exchangeToken(ctx, p.Endpoint, wanted, cred, p.secrets(p.Endpoint.String()+wanted.realm.Path))
	if err != nil {
		return Issued{}, err
	}
	p.used = append(p.used, t.bare())
	issued := Issued{Token: t.header, Seconds: t.until.Sub(p.c.o.Now()).Seconds()}
	claims, ok := ClaimsOf(secret.New(t.bare()))
	issued.Readable = ok
	for _, a := range claims.Access {
		a.Name = p.Hide(a.Name)
		issued.Access = append(issued.Access, a)
	}
	return issued, nil
}

// Authorization is the header that sends a credential as it is, without a token service.
func (c Credential) Authorization() secret.Text {
	if c.RegistryToken.IsSet() {
		return secret.New("Bearer " + c.RegistryToken.Reveal())
	}
	return secret.New(c.basic())
}

// Told is what an *Error says of an answer, as an Answer; false for other errors, and where there was no answer.
func (p *Probe) Told(err error) (Answer, bool) {
	var e *Error
	if !errors.As(err, &e) || e.Status == 0 {
		return Answer{}, false
	}
	a := Answer{Method: e.Method, URL: e.URL, Status: e.Status, Header: http.Header{}, Code: e.Code, Message: e.Message, Page: e.html}
	if e.Err != nil {
		a.Message = firstOf(a.Message, p.Hide(printable(e.Err.Error())))
	}
	if e.RetryAfter > 0 {
		a.Header.Set("Retry-After", fmt.Sprint(int(e.RetryAfter.Seconds())))
	}
	return a, true
}
