package integrationtest

import (
	"maps"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// withConnection adds all settings of the connection to those of a case. An integration that signs in as the machine has no
// authorities of its own.
func withConnection(t *testing.T, typ integration.Type, settings map[string]any) map[string]any {
	t.Helper()
	authority := registrytest.NewAuthority(t)
	certificate, key := authority.Client(t, registrytest.Leaf{})
	all := map[string]any{
		"connection.caBundle":           strings.TrimSpace(authority.PEM()),
		"connection.clientCertificate":  strings.TrimSpace(certificate),
		"connection.clientKey":          strings.TrimSpace(key),
		"connection.proxy":              "http://proxy.example:3128",
		"connection.proxyUsername":      "landwaiter",
		"connection.proxyPassword":      "proxy-pass-word",
		"connection.requestsPerSecond":  2.5,
		"connection.concurrentRequests": 4.0,
		"connection.credentialExpires":  "2031-02-03",
	}
	maps.Copy(all, settings)
	for _, f := range typ.Fields {
		if f.AsMachine && settings[f.Name] == true {
			delete(all, "connection.caBundle")
		}
	}
	return all
}

func (s suite) connection(t *testing.T) {
	ref, err := image.ParseReference(s.c.Image)
	if err != nil {
		t.Fatal(err)
	}
	e := s.open(t, s.c.Settings).Source(t.Context(), ref).Endpoint
	if e.Budget.PerSecond != 2.5 || e.Budget.Concurrent != 4 || e.Budget.Of == "" {
		t.Errorf("the budget is %+v", e.Budget)
	}
	if p := e.Proxy; p == nil || p.URL == nil || p.URL.String() != "http://proxy.example:3128" || p.Username != "landwaiter" || p.Password.Reveal() != "proxy-pass-word" {
		t.Errorf("the proxy is %+v", p)
	}
	_, trusts := s.c.Settings["connection.caBundle"]
	if e.TLS == nil || len(e.TLS.Certificates) != 1 || (e.TLS.RootCAs != nil) != trusts || e.TLS.InsecureSkipVerify {
		t.Error("the certificates are not those of the settings")
	}
}
