package distribution

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"net/http/httptrace"
	"slices"
	"sync"
	"time"
)

// A Route is how the connection of one request was made, as far as it came. Everything in it is fit to be shown.
type Route struct {
	Proxy      string      `json:"proxy,omitempty"` // host:port; names are then resolved by the proxy, apart from its own
	Lookups    []Lookup    `json:"lookups,omitempty"`
	Dials      []Dial      `json:"dials,omitempty"`
	Handshakes []Handshake `json:"handshakes,omitempty"`
}

// A Lookup is one name that was resolved.
type Lookup struct {
	Host      string   `json:"host"`
	Addresses []string `json:"addresses,omitempty"`
	Silence   *Silence `json:"silence,omitempty"`
	Took      float64  `json:"tookMs"`
}

// A Dial is one address that was connected to.
type Dial struct {
	Address string   `json:"address"` // host:port
	Silence *Silence `json:"silence,omitempty"`
	Took    float64  `json:"tookMs"`
}

// A Handshake is how TLS was agreed on.
type Handshake struct {
	Version  string        `json:"version,omitempty"`
	Protocol string        `json:"protocol,omitempty"` // of the application, such as h2
	Chain    []Certificate `json:"chain,omitempty"`    // as sent, the server's own first
	// Trusted tells whether the chain verifies by the integration's authorities, also where that is not asked for.
	Trusted bool `json:"trusted"`
	// Doubt is why the chain does not verify.
	Doubt *Silence `json:"doubt,omitempty"`
	// Asked tells that the server asked for a client certificate, Shown that it got one.
	Asked   bool     `json:"asked,omitempty"`
	Shown   bool     `json:"shown,omitempty"`
	Silence *Silence `json:"silence,omitempty"` // why it failed
	Took    float64  `json:"tookMs"`
}

// A Certificate is what a server showed.
type Certificate struct {
	Subject    string    `json:"subject"`
	Issuer     string    `json:"issuer"`
	Names      []string  `json:"names,omitempty"`
	NotBefore  time.Time `json:"notBefore"`
	NotAfter   time.Time `json:"notAfter"`
	SelfSigned bool      `json:"selfSigned,omitempty"`
	Authority  bool      `json:"authority,omitempty"`
	// MoreAt tells that the certificate says where its issuer's certificate can be had.
	MoreAt bool   `json:"moreAt,omitempty"`
	SHA256 string `json:"sha256"`
}

const (
	maxRoute = 16 // lookups, dials, handshakes, addresses, certificates and names that are kept of one route
	maxName  = 300
)

// CertificateOf tells what a certificate holds.
func CertificateOf(c *x509.Certificate) Certificate {
	sum := sha256.Sum256(c.Raw)
	told := Certificate{
		Subject: clean(c.Subject.String(), maxName), Issuer: clean(c.Issuer.String(), maxName),
		NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(), Authority: c.IsCA, MoreAt: len(c.IssuingCertificateURL) > 0,
		SelfSigned: c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil,
		SHA256:     hex.EncodeToString(sum[:]),
	}
	for _, name := range c.DNSNames[:min(len(c.DNSNames), maxRoute)] {
		told.Names = append(told.Names, clean(name, maxName))
	}
	for _, ip := range c.IPAddresses[:min(len(c.IPAddresses), maxRoute)] {
		told.Names = append(told.Names, ip.String())
	}
	return told
}

// tracer writes a Route while a request is made. Its hooks may be called at the same time, and after the request has ended.
type tracer struct {
	now   func() time.Time
	host  string // of the URL, for certificates that nobody asked to be verified
	roots *x509.CertPool
	hide  func(string) string

	mu        sync.Mutex
	route     Route
	looking   time.Time
	dialling  map[string]time.Time
	shaking   time.Time
	asked     bool
	shown     bool
	tunnelled bool // the next handshake is with the proxy
}

type tracerKey struct{}

// with returns a context whose requests are traced.
func (t *tracer) with(ctx context.Context) context.Context {
	t.dialling = map[string]time.Time{}
	ctx = context.WithValue(ctx, tracerKey{}, t)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart:          t.lookup,
		DNSDone:           t.lookedUp,
		ConnectStart:      t.dial,
		ConnectDone:       t.dialled,
		TLSHandshakeStart: t.shake,
		TLSHandshakeDone:  t.shaken,
	})
}

// seen is the route so far.
func (t *tracer) seen() Route {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Route{t.route.Proxy, slices.Clone(t.route.Lookups), slices.Clone(t.route.Dials), slices.Clone(t.route.Handshakes)}
}

func (t *tracer) since(start time.Time) float64 { return Milliseconds(t.now().Sub(start)) }

// Milliseconds is a duration as it is told.
func Milliseconds(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}

func (t *tracer) lookup(i httptrace.DNSStartInfo) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.looking = t.now()
	if len(t.route.Lookups) < maxRoute {
		t.route.Lookups = append(t.route.Lookups, Lookup{Host: clean(i.Host, maxName)})
	}
}

func (t *tracer) lookedUp(i httptrace.DNSDoneInfo) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.route.Lookups) == 0 {
		return
	}
	l := &t.route.Lookups[len(t.route.Lookups)-1]
	l.Took, l.Silence, l.Addresses = t.since(t.looking), t.silence(i.Err), nil
	for _, a := range i.Addrs[:min(len(i.Addrs), maxRoute)] {
		l.Addresses = append(l.Addresses, a.String())
	}
}

func (t *tracer) dial(_, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.dialling) < maxRoute {
		t.dialling[address] = t.now()
	}
}

func (t *tracer) dialled(_, address string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	start, ok := t.dialling[address]
	if ok && len(t.route.Dials) < maxRoute && !errors.Is(err, context.Canceled) {
		t.route.Dials = append(t.route.Dials, Dial{Address: clean(address, maxName), Silence: t.silence(err), Took: t.since(start)})
	}
}

func (t *tracer) shake() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.shaking, t.asked, t.shown = t.now(), false, false
}

func (t *tracer) shaken(state tls.ConnectionState, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := Handshake{Took: t.since(t.shaking), Asked: t.asked, Shown: t.shown, Silence: t.silence(err)}
	chain := state.PeerCertificates
	var refused *tls.CertificateVerificationError
	switch {
	case errors.As(err, &refused):
		chain, h.Doubt = refused.UnverifiedCertificates, h.Silence
	case err == nil:
		h.Version, h.Protocol = tls.VersionName(state.Version), state.NegotiatedProtocol
		if h.Trusted = len(state.VerifiedChains) > 0; !h.Trusted && len(chain) > 0 {
			h.Doubt = t.silence(t.verify(chain))
			h.Trusted = h.Doubt == nil
		}
	}
	for _, c := range chain[:min(len(chain), maxRoute)] {
		told := CertificateOf(c)
		told.Subject, told.Issuer = t.hide(told.Subject), t.hide(told.Issuer)
		for i := range told.Names {
			told.Names[i] = t.hide(told.Names[i])
		}
		h.Chain = append(h.Chain, told)
	}
	if len(t.route.Handshakes) < maxRoute {
		t.route.Handshakes = append(t.route.Handshakes, h)
	}
}

// verify does what crypto/tls does where it is told not to.
func (t *tracer) verify(chain []*x509.Certificate) error {
	o := x509.VerifyOptions{Roots: t.roots, DNSName: t.host, CurrentTime: t.now(), Intermediates: x509.NewCertPool()}
	for _, c := range chain[1:] {
		o.Intermediates.AddCert(c)
	}
	_, err := chain[0].Verify(o)
	if err == nil {
		return nil
	}
	return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
}

func (t *tracer) silence(err error) *Silence {
	if err == nil {
		return nil
	}
	return silenceOf(err, t.hide)
}

// showCertificate chooses a client certificate as crypto/tls does by itself, and notes for whoever looks that it was asked for.
func showCertificate(have []tls.Certificate) func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return func(wanted *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		shown := &tls.Certificate{}
		for i := range have {
			if wanted.SupportsCertificate(&have[i]) == nil {
				shown = &have[i]
				break
			}
		}
		if w := wayOf(wanted.Context()); w != nil {
			w.asked.Store(true)
		}
		if t, ok := wanted.Context().Value(tracerKey{}).(*tracer); ok {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.asked, t.shown = true, len(shown.Certificate) > 0
		}
		return shown, nil
	}
}
