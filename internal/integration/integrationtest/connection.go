package integrationtest

import (
	"maps"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
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
