package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
)

const (
	caLifetime     = 10 * 365 * 24 * time.Hour
	serverLifetime = 397 * 24 * time.Hour // what browsers accept at most
	renewBefore    = 30 * 24 * time.Hour
	clockSkew      = time.Hour
)

// generated is a certificate signed by a CA of our own, both kept in a directory: ca.crt for clients to trust, ca.key,
// server.crt and server.key. The CA stays; the certificate is renewed when it is near its end or for other names.
type generated struct {
	dir   string
	names []string
	now   func() time.Time
	log   *slog.Logger
	ca    *tls.Certificate

	mu      sync.Mutex
	current *tls.Certificate
}

func openGenerated(dir string, names []string, now func() time.Time, log *slog.Logger) (*generated, error) {
	slices.Sort(names)
	g := &generated{dir: dir, names: slices.Compact(names), now: now, log: log}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(fault.Internal, "generate certificate", dir, err)
	}
	var err error
	if g.ca, err = g.load("ca"); errors.Is(err, fs.ErrNotExist) || err == nil && g.ending(g.ca.Leaf) {
		g.ca, err = g.issue("ca", nil)
	}
	if err != nil {
		return nil, g.broken("ca", err)
	}
	g.current, err = g.load("server")
	if errors.Is(err, fs.ErrNotExist) || err == nil && !g.good(g.current.Leaf) {
		g.current, err = g.issue("server", g.ca)
	}
	if err != nil {
		return nil, g.broken("server", err)
	}
	log.Info("TLS with a generated certificate", "trust", filepath.Join(dir, "ca.crt"), "until", g.current.Leaf.NotAfter)
	return g, nil
}

func (g *generated) broken(name string, err error) error {
	return fault.Wrap(fault.Internal, "generate certificate", filepath.Join(g.dir, name+".crt"), err).
		WithFix("if the files are broken, remove %s.crt and %s.key from %s: new ones are then made", name, name, g.dir)
}

// certificate renews while the server runs, too.
func (g *generated) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.ending(g.current.Leaf) {
		return g.current, nil
	}
	renewed, err := g.issue("server", g.ca)
	if err != nil {
		g.log.Error("the certificate could not be renewed", "error", err)
		return g.current, nil
	}
	g.current = renewed
	return renewed, nil
}

func (g *generated) ending(c *x509.Certificate) bool {
	return g.now().Add(renewBefore).After(c.NotAfter)
}

func (g *generated) good(c *x509.Certificate) bool {
	have := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		have = append(have, ip.String())
	}
	slices.Sort(have)
	return !g.ending(c) && c.CheckSignatureFrom(g.ca.Leaf) == nil && slices.Equal(have, g.names)
}

func (g *generated) load(name string) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(g.dir, name+".crt"), filepath.Join(g.dir, name+".key"))
	return &pair, err
}

// issue makes and keeps a certificate: the CA when signer is nil, else the server's.
func (g *generated) issue(name string, signer *tls.Certificate) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := g.now().UTC()
	template := &x509.Certificate{SerialNumber: serial, NotBefore: now.Add(-clockSkew), BasicConstraintsValid: true}
	parent, parentKey := template, any(key)
	if signer == nil {
		template.Subject = pkix.Name{CommonName: "Landwaiter generated CA " + serial.Text(16)[:8]}
		template.NotAfter = now.Add(caLifetime)
		template.IsCA, template.MaxPathLenZero = true, true
		template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	} else {
		template.Subject = pkix.Name{CommonName: "Landwaiter"}
		template.NotAfter = now.Add(serverLifetime)
		template.KeyUsage = x509.KeyUsageDigitalSignature
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		for _, n := range g.names {
			if ip := net.ParseIP(n); ip != nil {
				template.IPAddresses = append(template.IPAddresses, ip)
			} else {
				template.DNSNames = append(template.DNSNames, n)
			}
		}
		parent, parentKey = signer.Leaf, signer.PrivateKey
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := g.write(name+".key", "PRIVATE KEY", der, 0o600); err != nil {
		return nil, err
	}
	if err := g.write(name+".crt", "CERTIFICATE", cert, 0o644); err != nil {
		return nil, err
	}
	return g.load(name)
}

// write replaces a file in one step.
func (g *generated) write(name, kind string, der []byte, mode fs.FileMode) error {
	file, err := os.CreateTemp(g.dir, name+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	err = errors.Join(pem.Encode(file, &pem.Block{Type: kind, Bytes: der}), file.Chmod(mode), file.Close())
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), filepath.Join(g.dir, name))
}
