package registrytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// An Authority is a private certificate authority.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	above       *Authority // who signed it, if not itself
	leaf        Leaf
}

// A Leaf says what is unusual about a server's certificate and how it speaks TLS. The zero value is good for an hour, at
// 127.0.0.1 and localhost.
type Leaf struct {
	Names      []string      // instead of those
	Began      time.Duration // ago; negative begins later
	Ends       time.Duration // from now; negative has ended
	SelfSigned bool
	Alone      bool       // the authorities below the root are not sent with it
	Versions   uint16     // the highest version of TLS
	Clients    *Authority // clients need one of its certificates
	Asks       bool       // clients are asked for a certificate and need none
	Common     string     // the subject's common name
	MoreAt     string     // where its issuer's certificate can be had
	ForClients bool       // it is not good for servers
	Broken     bool       // the server breaks every handshake off
}

// NewAuthority makes one.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	return NamedAuthority(t, "test authority")
}

// NamedAuthority makes one whose common name is given.
func NamedAuthority(t testing.TB, name string) *Authority {
	t.Helper()
	a := &Authority{key: newKey(t)}
	a.certificate = sign(t, authorityTemplate(name), nil, a.key, a.key)
	return a
}

// Below makes an authority that is signed by this one.
func (a *Authority) Below(t testing.TB, name string) *Authority {
	t.Helper()
	below := &Authority{key: newKey(t), above: a}
	below.certificate = sign(t, authorityTemplate(name), a.certificate, below.key, a.key)
	return below
}

// With is the same authority, whose servers have unusual certificates.
func (a *Authority) With(l Leaf) *Authority {
	other := *a
	other.leaf = l
	return &other
}

// Pool holds the root's certificate, for tls.Config.RootCAs.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.root())
	return pool
}

// PEM is the root's certificate.
func (a *Authority) PEM() string { return pemOf("CERTIFICATE", a.root().Raw) }

func (a *Authority) root() *x509.Certificate {
	for a.above != nil {
		a = a.above
	}
	return a.certificate
}

// Client makes a client's certificate and its key.
func (a *Authority) Client(t testing.TB, l Leaf) (certificate, key string) {
	t.Helper()
	c := a.issue(t, l, x509.ExtKeyUsageClientAuth)
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return pemOf("CERTIFICATE", c.Certificate[0]), pemOf("PRIVATE KEY", der)
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// server is the TLS configuration of a server.
func (a *Authority) server(t testing.TB) *tls.Config {
	t.Helper()
	usage := x509.ExtKeyUsageServerAuth
	if a.leaf.ForClients {
		usage = x509.ExtKeyUsageClientAuth
	}
	c := &tls.Config{Certificates: []tls.Certificate{a.issue(t, a.leaf, usage)}}
	if a.leaf.Broken {
		c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, errors.New("broken") }
	}
	if a.leaf.Versions != 0 {
		c.MinVersion, c.MaxVersion = tls.VersionTLS10, a.leaf.Versions
	}
	if a.leaf.Asks {
		c.ClientAuth = tls.RequestClientCert
	}
	if a.leaf.Clients != nil {
		c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, a.leaf.Clients.Pool()
	}
	return c
}

func (a *Authority) issue(t testing.TB, l Leaf, usage x509.ExtKeyUsage) tls.Certificate {
	t.Helper()
	if l.Names == nil {
		l.Names = []string{"127.0.0.1", "localhost"}
	}
	if l.Common == "" {
		l.Common = l.Names[0]
	}
	orHour := func(d time.Duration) time.Duration {
		if d == 0 {
			return time.Hour
		}
		return d
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: l.Common},
		NotBefore: time.Now().Add(-orHour(l.Began)), NotAfter: time.Now().Add(orHour(l.Ends)),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
	if l.MoreAt != "" {
		template.IssuingCertificateURL = []string{l.MoreAt}
	}
	for _, name := range l.Names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	key := newKey(t)
	if l.SelfSigned {
		return tls.Certificate{Certificate: [][]byte{sign(t, template, nil, key, key).Raw}, PrivateKey: key}
	}
	c := tls.Certificate{Certificate: [][]byte{sign(t, template, a.certificate, key, a.key).Raw}, PrivateKey: key}
	for ; a.above != nil && !l.Alone; a = a.above {
		c.Certificate = append(c.Certificate, a.certificate.Raw)
	}
	return c
}

func authorityTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(1000 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
}

// sign makes a certificate for key; without a parent it signs itself.
func sign(t testing.TB, template, parent *x509.Certificate, key, with *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), with)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// serve starts an HTTP server, with TLS if there is an authority.
func serve(t testing.TB, h http.Handler, a *Authority) *httptest.Server {
	t.Helper()
	return serveAt(t, nil, h, a)
}

// serveAt does so at a listener, or where there is room.
func serveAt(t testing.TB, l net.Listener, h http.Handler, a *Authority) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	if l != nil {
		s.Listener.Close()
		s.Listener = l
	}
	s.Config.ErrorLog = discard
	if a == nil {
		s.Start()
	} else {
		s.TLS = a.server(t)
		s.EnableHTTP2 = true
		s.StartTLS()
	}
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}
