package diagnosis_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/secretref"
)

// port is that of host:port.
func port(t *testing.T, address string) string {
	t.Helper()
	_, p, err := net.SplitHostPort(strings.TrimPrefix(strings.TrimPrefix(address, "https://"), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// dials makes every connection end in an error, as the system would report it.
func dials(err error) http.RoundTripper {
	return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}}
}

// proxied puts a proxy in front of registry.test.
func proxied(t *testing.T, p *patient) *registrytest.Proxy {
	t.Helper()
	proxy := registrytest.NewProxy(t)
	root := registrytest.NewAuthority(t)
	f := p.fake(t, root.With(registrytest.Leaf{Names: []string{"registry.test"}}), registrytest.Quirks{})
	proxy.Hosts["registry.test:443"] = f.Host
	p.at("registry.test", "", "")
	p.trust, p.client.Proxy = root, http.ProxyURL(proxy.URL)
	return proxy
}

// wayRows are about the settings and the way to the registry.
var wayRows = []row{
	{"credentials over plain HTTP", "plain-http-credentials", "settings", func(t *testing.T, p *patient) {
		r := p.real(t, registrytest.Options{})
		p.names.Set("plain.test", registrytest.Named{Address: "127.0.0.1"})
		p.at("http://plain.test:"+port(t, r.Host), zooUser, zooRight)
		p.says = []string{"http://plain.test:", "https://"}
	}},
	{"verification switched off", "certificate-not-verified", "settings", func(t *testing.T, p *patient) {
		r := p.real(t, registrytest.Options{TLS: registrytest.NewAuthority(t)})
		p.settings["insecure"] = true
		p.says = []string{r.Host, "insecure"}
	}},
	{"a secret that refers to nothing", "reference-unreadable", "settings", func(t *testing.T, p *patient) {
		p.real(t, registrytest.Options{})
		p.settings["password"] = "env:REGISTRY_PASSWORD"
		p.deps.References = func(context.Context, secretref.Reference, bool) (secret.Text, error) {
			return secret.Text{}, fault.New(fault.Invalid, "look up secret", "the variable REGISTRY_PASSWORD is not set").WithFix("Set REGISTRY_PASSWORD.")
		}
		p.says = []string{"REGISTRY_PASSWORD"}
	}},
	{"a client certificate that has ended", "client-certificate-expired", "settings", func(t *testing.T, p *patient) {
		mutual(t, p, registrytest.Leaf{Began: 48 * time.Hour, Ends: -24 * time.Hour, Common: "landwaiter"})
		p.says = []string{"CN=landwaiter", time.Now().Add(-24 * time.Hour).UTC().Format("January 2006")}
	}},
	{"a host that does not exist", "host-unknown", "name-resolution", func(t *testing.T, p *patient) {
		p.at("nowhere.test", zooUser, zooRight)
		p.says = []string{"nowhere.test"}
	}},
	{"a name server that fails", "name-server-silent", "name-resolution", func(t *testing.T, p *patient) {
		p.names.Set("broken.test", registrytest.Named{Fails: true})
		p.at("broken.test", zooUser, zooRight)
		p.says = []string{"broken.test", "/etc/resolv.conf"}
	}},
	{"a name server that says nothing", "name-server-silent", "name-resolution", func(t *testing.T, p *patient) {
		p.names.Set("silent.test", registrytest.Named{Silent: true})
		p.at("silent.test", zooUser, zooRight)
		p.client.ConnectTimeout = 500 * time.Millisecond
		p.says = []string{"silent.test"}
	}},
	{"a name that leads to the metadata service", "address-refused", "tcp", func(t *testing.T, p *patient) {
		p.names.Set("metadata.test", registrytest.Named{Address: "169.254.169.254"})
		p.at("metadata.test", zooUser, zooRight)
		p.says = []string{"metadata.test", "169.254.169.254"}
	}},
	{"a port where nothing listens", "port-closed", "tcp", func(_ *testing.T, p *patient) {
		p.at(registrytest.ClosedPort, zooUser, zooRight)
		p.says = []string{registrytest.ClosedPort, "443"}
	}},
	{"a firewall that drops packets", "connect-timeout", "tcp", func(t *testing.T, p *patient) {
		deaf := registrytest.DeafPort(t)
		p.at(deaf, zooUser, zooRight)
		p.client.ConnectTimeout = 300 * time.Millisecond
		p.says = []string{deaf}
	}},
	{"no route", "no-route", "tcp", func(_ *testing.T, p *patient) {
		p.at("192.0.2.1:5000", zooUser, zooRight)
		p.client.Transport = dials(os.NewSyscallError("connect", syscall.EHOSTUNREACH))
		p.says = []string{"192.0.2.1:5000"}
	}},
	{"an error that nobody has seen before", "connection-failed", "tcp", func(_ *testing.T, p *patient) {
		p.at("192.0.2.1:5000", zooUser, zooRight)
		p.client.Transport = dials(errors.New("the cable is on fire"))
		p.says = []string{"the cable is on fire"}
	}},
	{"a firewall that breaks connections off", "connection-reset", "tls", func(t *testing.T, p *patient) {
		at := registrytest.ResettingPort(t)
		p.at(at, zooUser, zooRight)
		p.says = []string{at, "when TLS began"}
	}},
	{"a proxy that is not there", "proxy-unreachable", "proxy", func(t *testing.T, p *patient) {
		proxied(t, p)
		p.client.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: registrytest.ClosedPort})
		p.says = []string{registrytest.ClosedPort, "registry.test", "NO_PROXY"}
	}},
	{"a proxy that wants a password", "proxy-wants-credentials", "proxy", func(t *testing.T, p *patient) {
		proxy := proxied(t, p)
		proxy.Users = map[string]string{"jane": "right"}
		p.says = []string{proxy.URL.Host, "407"}
	}},
	{"a proxy that does not allow the host", "proxy-refuses", "proxy", func(t *testing.T, p *patient) {
		proxy := proxied(t, p)
		proxy.Status = http.StatusForbidden
		p.says = []string{proxy.URL.Host, "403", "registry.test"}
	}},
	{"a proxy that does not know the host", "proxy-cannot-reach", "proxy", func(t *testing.T, p *patient) {
		proxy := proxied(t, p)
		proxy.Hosts["registry.test:443"] = registrytest.ClosedPort
		p.says = []string{proxy.URL.Host, "502", "registry.test"}
	}},
}

// mutual is a registry that wants client certificates, and an integration that has one, or none if its leaf has no name.
func mutual(t *testing.T, p *patient, l registrytest.Leaf) *registrytest.Fake {
	t.Helper()
	root, clients := registrytest.NewAuthority(t), registrytest.NewAuthority(t)
	f := p.fake(t, root.With(registrytest.Leaf{Clients: clients}), registrytest.Quirks{})
	p.trust = root
	if l.Common != "" {
		p.shows = pair(t, clients, l)
	}
	return f
}

func pair(t *testing.T, a *registrytest.Authority, l registrytest.Leaf) []string {
	t.Helper()
	certificate, key := a.Client(t, l)
	return []string{certificate, key}
}

// shown is a registry with a certificate that is unusual, and an integration that trusts its authority.
func shown(l registrytest.Leaf, say ...string) func(*testing.T, *patient) {
	return func(t *testing.T, p *patient) {
		p.trust = registrytest.NewAuthority(t)
		f := p.fake(t, p.trust.With(l), registrytest.Quirks{})
		p.says = append(say, f.Host)
	}
}

// tlsRows are about certificates and TLS.
var tlsRows = []row{
	{"a certificate that has ended", "certificate-expired", "tls", shown(
		registrytest.Leaf{Began: 72 * time.Hour, Ends: -48 * time.Hour, Common: "registry.example"},
		"CN=registry.example", time.Now().Add(-48*time.Hour).UTC().Format("2 January 2006"))},
	{"a certificate of tomorrow", "certificate-not-yet-valid", "tls", shown(
		registrytest.Leaf{Began: -24 * time.Hour, Ends: 48 * time.Hour}, time.Now().Add(24*time.Hour).UTC().Format("2 January 2006"), "clock")},
	{"SNI mismatch: a certificate for another name", "certificate-wrong-name", "tls", shown(
		registrytest.Leaf{Names: []string{"ingress.local", "fake.local"}}, "ingress.local, fake.local")},
	{"a self-signed certificate", "self-signed", "tls", shown(registrytest.Leaf{SelfSigned: true, Common: "my-registry"}, "CN=my-registry", "SHA-256 ")},
	{"a private authority that nobody gave us", "unknown-authority", "tls", func(t *testing.T, p *patient) {
		f := p.fake(t, registrytest.NamedAuthority(t, "Example Corp Root"), registrytest.Quirks{})
		p.says = []string{f.Host, "CN=Example Corp Root"}
	}},
	{"a proxy that opens TLS", "intercepted", "tls", func(t *testing.T, p *patient) {
		f := p.fake(t, registrytest.NamedAuthority(t, "Zscaler Root CA").Below(t, "Zscaler Intermediate Root CA (zscalertwo.net)"), registrytest.Quirks{})
		p.says = []string{f.Host, "Zscaler Intermediate Root CA", "exempted from TLS inspection"}
	}},
	{"a proxy that opens TLS and does not say who it is", "intercepted", "tls", func(t *testing.T, p *patient) {
		n := integrationtest.NewInternet(t)
		n.Add("ghcr.io", http.NotFoundHandler())
		transport := n.Transport()
		transport.TLSClientConfig = nil
		p.typ, p.client.Transport = "ghcr", transport
		p.at("https://ghcr.io", zooOctocat, zooClassic)
		p.says = []string{"ghcr.io", "CN=test authority", "well-known authorities"}
	}},
	{"an intermediate certificate that is not sent", "incomplete-chain", "tls", func(t *testing.T, p *patient) {
		issuer := registrytest.NamedAuthority(t, "ISRG Root X1").Below(t, "Let's Encrypt R10")
		f := p.fake(t, issuer.With(registrytest.Leaf{Alone: true, MoreAt: "http://r10.i.lencr.org/"}), registrytest.Quirks{})
		p.says = []string{f.Host, "Let's Encrypt R10", "fullchain.pem"}
	}},
	{"a private intermediate certificate that is not sent", "unknown-authority", "tls", func(t *testing.T, p *patient) {
		p.trust = registrytest.NamedAuthority(t, "Example Corp Root")
		issuer := p.trust.Below(t, "Example Corp Issuing 2")
		f := p.fake(t, issuer.With(registrytest.Leaf{Alone: true}), registrytest.Quirks{})
		p.says = []string{f.Host, "Example Corp Issuing 2", "intermediate certificate"}
	}},
	{"plain HTTP where TLS is expected", "plain-http-port", "tls", func(t *testing.T, p *patient) {
		f := p.fake(t, nil, registrytest.Quirks{})
		p.at("https://"+f.Host, zooUser, zooRight)
		p.says = []string{"http://" + f.Host}
	}},
	{"a client certificate that is missing", "client-certificate-wanted", "tls", func(t *testing.T, p *patient) {
		p.says = []string{mutual(t, p, registrytest.Leaf{}).Host}
	}},
	{"a client certificate of somebody else", "client-certificate-refused", "tls", func(t *testing.T, p *patient) {
		f := mutual(t, p, registrytest.Leaf{})
		p.shows = pair(t, registrytest.NewAuthority(t), registrytest.Leaf{Ends: 1000 * time.Hour})
		p.says = []string{f.Host}
	}},
	{"TLS of yesterday", "tls-too-old", "tls", shown(registrytest.Leaf{Versions: tls.VersionTLS11}, "1.2")},
	{"TLS that breaks off", "tls-failed", "tls", shown(registrytest.Leaf{Broken: true}, "internal error")},
	{"a certificate for clients", "certificate-invalid", "tls", shown(registrytest.Leaf{ForClients: true}, "incompatible key usage")},
	{"a certificate that ends next week", "certificate-expires-soon", "expiry", shown(
		registrytest.Leaf{Began: 83 * 24 * time.Hour, Ends: 7*24*time.Hour + time.Minute}, time.Now().Add(7*24*time.Hour).UTC().Format("January 2006"), "7 days")},
	{"a client certificate that ends next week", "client-certificate-expires-soon", "expiry", func(t *testing.T, p *patient) {
		mutual(t, p, registrytest.Leaf{Ends: 7*24*time.Hour + time.Minute, Common: "landwaiter"})
		p.says = []string{"7 days"}
	}},
}
