package diagnosis

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
)

func (j *judge) settings(s *Step, o Observation) {
	seen := o.Settings
	if seen == nil {
		return
	}
	s.See("endpoint", seen.Endpoint)
	s.Summary = seen.Endpoint
	if seen.OwnAuthorities {
		s.See("authorities", "the integration's own")
	}
	if p := seen.Problem; p != nil {
		j.problem(s, p, "settings-unusable")
	}
	if strings.HasPrefix(seen.Endpoint, "http://") && !j.subject.Anonymous && !seen.Loopback {
		j.find(s, "plain-http-credentials")
	}
	if seen.Insecure && strings.HasPrefix(seen.Endpoint, "https://") {
		j.find(s, "certificate-not-verified")
	}
	if c := seen.ClientCertificate; c != nil {
		s.See("client certificate", c.Subject)
		s.See("client certificate valid until", date(c.NotAfter))
		if o.At.After(c.NotAfter) {
			j.find(s, "client-certificate-expired", "{subject}", c.Subject, "{date}", date(c.NotAfter))
		}
	}
}

// problem adds an error that explains itself: under its own name if it has one, with its own fix unless the type advises
// something else.
func (j *judge) problem(s *Step, p *Problem, name string) {
	if p.Name != "" {
		s.Find(Finding{Name: p.Name, Verdict: Failed, Cause: p.Text, Fix: firstOf(j.advice[p.Name], p.Fix)})
		s.Summary = firstOf(s.Summary, p.Text)
		return
	}
	j.find(s, name, "{text}", p.Text)
	if last := &s.Findings[len(s.Findings)-1]; p.Fix != "" && j.advice[name] == "" {
		last.Fix = p.Fix
	}
}

func (j *judge) names(s *Step, o Observation) {
	if o.Route == nil {
		return
	}
	s.Summary = "the way there was not seen"
	if _, err := netip.ParseAddrPort(hostOf(j.subject.Endpoint)); err == nil {
		s.Summary = "the endpoint is an address"
	}
	for _, l := range o.Route.Lookups {
		s.See(l.Host, strings.Join(l.Addresses, ", "))
		s.Summary = plural(len(l.Addresses), "address", "addresses")
	}
	if o.Silence != nil {
		j.silent(s, o, o.Silence, hostOf(j.subject.Endpoint))
	}
}

func (o Observation) dials() []distribution.Dial {
	if o.Route == nil {
		return nil
	}
	return o.Route.Dials
}

func (j *judge) tcp(s *Step, o Observation) {
	address := hostOf(j.subject.Endpoint)
	for _, d := range o.dials() {
		outcome := fmt.Sprintf("connected in %.0f ms", d.Took)
		if d.Silence != nil {
			outcome = d.Silence.Text
		} else {
			s.Summary = "connected to " + d.Address
		}
		address = d.Address
		s.See(d.Address, outcome)
	}
	if o.Silence != nil {
		j.silent(s, o, o.Silence, address)
	} else if s.Summary == "" {
		s.Summary = "connected"
	}
}

func (j *judge) proxy(s *Step, o Observation) {
	if o.Route == nil {
		return
	}
	proxy := o.Route.Proxy
	s.See("proxy", proxy)
	s.Summary = "through " + proxy
	status := 0
	if len(o.Exchanges) > 0 {
		status = o.Exchanges[0].Answer.Status
	}
	if o.Silence != nil && o.Silence.Status != 0 {
		status = o.Silence.Status
	}
	pairs := []string{"{proxy}", proxy, "{status}", statusText(status)}
	switch {
	case status == http.StatusProxyAuthRequired:
		j.find(s, "proxy-wants-credentials", pairs...)
	case status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		j.find(s, "proxy-cannot-reach", pairs...)
	case status != 0:
		j.find(s, "proxy-refuses", pairs...)
	case o.Silence != nil:
		j.find(s, "proxy-unreachable", append(pairs, "{text}", o.Silence.Text)...)
	}
}

// silent explains why there was no connection.
func (j *judge) silent(s *Step, o Observation, why *distribution.Silence, address string) {
	name, when := "connection-failed", ""
	switch why.Trouble {
	case distribution.NameUnknown:
		name = "host-unknown"
	case distribution.NameServerSilent:
		name = "name-server-silent"
	case distribution.AddressRefused:
		name = "address-refused"
	case distribution.PortClosed:
		name = "port-closed"
	case distribution.ConnectTimeout:
		name = "connect-timeout"
	case distribution.AnswerTimeout:
		if name = "answer-timeout"; o.Step == StepTCP {
			name = "connect-timeout"
		}
	case distribution.NoRoute:
		name = "no-route"
	case distribution.ConnectionReset:
		name = "connection-reset"
		if o.Step == StepTLS {
			when = " when TLS began"
		}
	case distribution.AnswerBroken, distribution.AnswerTooLong:
		name = "answer-broken"
	case distribution.NotTLS:
		name = "plain-http-port"
	}
	lookedUp, _, _ := strings.Cut(hostOf(j.subject.Endpoint), ":")
	j.find(s, name, "{text}", why.Text, "{address}", address, "{server}", address, "{when}", when, "{name}", lookedUp)
	if last := &s.Findings[len(s.Findings)-1]; why.Fix != "" && j.advice[name] == "" {
		last.Fix = why.Fix
	}
}

func (j *judge) tls(s *Step, o Observation) {
	var h distribution.Handshake
	if o.Route != nil && len(o.Route.Handshakes) > 0 {
		h = o.Route.Handshakes[len(o.Route.Handshakes)-1]
	}
	s.See("version", h.Version)
	for i, c := range h.Chain {
		name := "certificate"
		if i > 0 {
			name = "sent with it"
		}
		s.See(name, c.Subject)
		if i == 0 {
			s.See("names", strings.Join(c.Names, ", "))
			s.See("issuer", c.Issuer)
			s.See("valid", date(c.NotBefore)+" to "+date(c.NotAfter))
		}
	}
	s.Summary = strings.TrimSpace(h.Version + " with a trusted certificate")
	insecure := j.insecure()
	switch {
	case h.Doubt != nil:
		before := len(s.Findings)
		j.certificate(s, o, h)
		if insecure { // it was asked not to be looked at
			s.Summary = "the certificate is not verified, and would not be accepted"
			s.Findings = s.Findings[:before]
			s.Verdict = Passed
			s.See("would be refused", h.Doubt.Text)
		}
	case o.Silence == nil && len(h.Chain) == 0:
		s.Summary = "the handshake was not seen"
	}
	switch {
	case o.Silence == nil || s.Verdict == Failed:
	case o.Silence.Trouble == distribution.ClientCertificate, h.Asked && o.Silence.Trouble.BrokeOff():
		j.clientCertificate(s, o.Silence.Text)
	case o.Silence.Trouble == distribution.TLSVersion:
		j.find(s, "tls-too-old")
	case o.Silence.Trouble == distribution.NameNotServed:
		j.find(s, "certificate-wrong-name", "{names}", "other names")
	case o.Silence.Trouble == distribution.TLSFailed:
		j.find(s, "tls-failed", "{text}", o.Silence.Text)
	default:
		j.silent(s, o, o.Silence, hostOf(j.subject.Endpoint))
	}
}

func (j *judge) insecure() bool {
	seen := j.of(StepSettings).Settings
	return seen != nil && seen.Insecure
}

func (j *judge) clientCertificate(s *Step, text string) {
	if seen := j.of(StepSettings).Settings; seen != nil && seen.ClientCertificate != nil {
		j.find(s, "client-certificate-refused", "{text}", text)
		return
	}
	j.find(s, "client-certificate-wanted")
}

// certificate explains why a chain is not trusted.
func (j *judge) certificate(s *Step, o Observation, h distribution.Handshake) {
	var own, last distribution.Certificate
	if len(h.Chain) > 0 {
		own, last = h.Chain[0], h.Chain[len(h.Chain)-1]
	}
	pairs := []string{"{subject}", own.Subject, "{issuer}", own.Issuer, "{sha256}", "SHA-256 " + own.SHA256, "{text}", h.Doubt.Text}
	switch h.Doubt.Trouble {
	case distribution.CertificateTime:
		for _, c := range h.Chain {
			if o.At.After(c.NotAfter) {
				j.find(s, "certificate-expired", "{subject}", c.Subject, "{date}", date(c.NotAfter))
				return
			}
		}
		j.find(s, "certificate-not-yet-valid", "{subject}", own.Subject, "{date}", date(own.NotBefore))
	case distribution.CertificateName:
		names := strings.Join(own.Names, ", ")
		j.find(s, "certificate-wrong-name", "{names}", firstOf(names, own.Subject))
	case distribution.CertificateAuthority:
		why := interceptor(h.Chain)
		if why == "" && publicHost(hostOf(j.subject.Endpoint)) {
			why = "though this registry's certificates are signed by well-known authorities"
		}
		switch {
		case why != "":
			j.find(s, "intercepted", append(pairs, "{why}", why)...)
		case own.SelfSigned && len(h.Chain) == 1:
			j.find(s, "self-signed", pairs...)
		case len(h.Chain) == 1 && own.MoreAt && publicAuthority(own.Issuer):
			j.find(s, "incomplete-chain", pairs...)
		default:
			j.find(s, "unknown-authority", append(pairs, "{issuer}", last.Issuer)...)
		}
	default:
		j.find(s, "certificate-invalid", pairs...)
	}
}

// soon is how long before its end a thing is announced.
const soon = 30 * 24 * time.Hour

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func statusText(status int) string {
	if status == 0 {
		return "nothing"
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}
