package integrationtest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// An Internet is a network in which hosts are what a test says they are, so that a cloud's SDK and the client of registries
// can talk to fakes by the names of the real services. Hosts speak TLS with certificates of an authority that only Transport
// trusts; one added with a port 80 speaks plain HTTP.
type Internet struct {
	t         testing.TB
	authority tls.Certificate
	root      *x509.Certificate
	tls       net.Addr
	plain     net.Addr

	mu       sync.Mutex
	hosts    map[string]http.Handler // by host, with ":80" for plain HTTP
	leaves   map[string]*tls.Certificate
	requests []Sent
}

// Sent is a request as a host got it.
type Sent struct {
	Host, Method, Path string
	Dump               string // everything that was sent
}

// NewInternet makes one that ends with the test.
func NewInternet(t testing.TB) *Internet {
	t.Helper()
	n := &Internet{t: t, hosts: map[string]http.Handler{}, leaves: map[string]*tls.Certificate{}}
	n.authority = n.issue("test authority", true)
	n.root, _ = x509.ParseCertificate(n.authority.Certificate[0])
	start := func(port string, secure bool) net.Addr {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { n.serve(w, r, port) }))
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		if secure {
			s.TLS = &tls.Config{GetCertificate: n.certificate}
			s.StartTLS()
		} else {
			s.Start()
		}
		t.Cleanup(s.Close)
		return s.Listener.Addr()
	}
	n.tls, n.plain = start("", true), start(":80", false)
	return n
}

// Add makes h answer for a host, or for host:80.
func (n *Internet) Add(host string, h http.Handler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[host] = h
}

// Forward answers for a host with what a server at another address says. The server does not see who asked.
func (n *Internet) Forward(address string) http.Handler {
	to, err := url.Parse(address)
	if err != nil {
		n.t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Del("Authorization")
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
}

// Transport reaches the hosts that were added, and nothing else.
func (n *Internet) Transport() *http.Transport {
	pool := x509.NewCertPool()
	pool.AddCert(n.root)
	t := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			name, at := host, n.tls
			if port == "80" {
				name, at = host+":80", n.plain
			}
			n.mu.Lock()
			_, known := n.hosts[name]
			n.mu.Unlock()
			if !known || (port != "80" && port != "443") {
				return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
			}
			return (&net.Dialer{}).DialContext(ctx, at.Network(), at.String())
		},
	}
	n.t.Cleanup(t.CloseIdleConnections)
	return t
}

// Requests returns what came in since the last call.
func (n *Internet) Requests() []Sent {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.requests
	n.requests = nil
	return slices.Clip(list)
}

func (n *Internet) serve(w http.ResponseWriter, r *http.Request, port string) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	dump, _ := httputil.DumpRequest(r, true)
	r.Body = io.NopCloser(bytes.NewReader(body))
	host := strings.ToLower(r.Host)
	n.mu.Lock()
	n.requests = append(n.requests, Sent{Host: host, Method: r.Method, Path: r.URL.Path, Dump: string(dump)})
	h := n.hosts[host+port]
	n.mu.Unlock()
	if h == nil {
		http.Error(w, "misdirected", http.StatusMisdirectedRequest)
		return
	}
	h.ServeHTTP(w, r)
}

func (n *Internet) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hosts[hello.ServerName] == nil {
		return nil, errors.New("no such host")
	}
	if n.leaves[hello.ServerName] == nil {
		leaf := n.issue(hello.ServerName, false)
		n.leaves[hello.ServerName] = &leaf
	}
	return n.leaves[hello.ServerName], nil
}

func (n *Internet) issue(name string, authority bool) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, BasicConstraintsValid: true, IsCA: authority,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	parent, signer := template, key
	if !authority {
		template.DNSNames, template.KeyUsage = []string{name}, x509.KeyUsageDigitalSignature
		parent, signer = n.root, n.authority.PrivateKey.(*ecdsa.PrivateKey)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
