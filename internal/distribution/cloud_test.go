package distribution

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/secret"
)

func TestSignIn_reaches_clouds(t *testing.T) {
	authority := registrytest.NewAuthority(t)
	cloud := registrytest.NewFake(t, authority.With(registrytest.Leaf{Names: []string{"sts.cloud.test"}}), registrytest.Quirks{})
	machine := registrytest.NewFake(t, nil, registrytest.Quirks{})
	proxy := registrytest.NewProxy(t)
	proxy.Users = map[string]string{"prox": testPassword}
	proxy.Hosts["sts.cloud.test:443"] = cloud.Host
	environment := registrytest.NewProxy(t)
	environment.Status = http.StatusForbidden
	via := Connection{
		TLS:   &tls.Config{RootCAs: authority.Pool()},
		Proxy: &Proxy{URL: proxy.URL, Username: "prox", Password: secret.New(testPassword)},
	}
	get := func(c *Client, via Connection, url string) error {
		resp, err := (&http.Client{Transport: c.SignIn(via)}).Get(url)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", resp.StatusCode)
		}
		return nil
	}
	c := New(Options{Now: time.Now, Addresses: Addresses{Loopback: true}, Proxy: http.ProxyURL(environment.URL)})

	ok(t, get(c, via, "https://sts.cloud.test/v2/"))
	var refused *ProxyError
	if err := get(c, Connection{}, "https://sts.cloud.test/v2/"); !errors.As(err, &refused) || refused.Status != http.StatusForbidden {
		t.Errorf("by the environment's proxy: %v", err)
	}
	if err := get(c, Connection{Proxy: via.Proxy}, "https://sts.cloud.test/v2/"); !errors.As(err, new(x509.UnknownAuthorityError)) {
		t.Errorf("without its authority: %v", err)
	}
	// What serves the machine its identity is asked directly, whatever address rules say; no proxy is trusted with it.
	guarded := New(Options{Now: time.Now, Proxy: http.ProxyURL(environment.URL)})
	unused := registrytest.NewProxy(t)
	for _, via := range []Connection{{}, {Proxy: &Proxy{URL: unused.URL}}} {
		ok(t, get(guarded, via, machine.URL+"/v2/"))
	}
	for _, host := range []string{"169.254.169.254", "fd00:ec2::23", "metadata.google.internal", "127.0.0.1", "::ffff:169.254.170.2"} {
		if !onMachine(host) {
			t.Errorf("%s would be asked through a proxy", host)
		}
	}
	if got := unused.Requests(); len(got) != 0 {
		t.Errorf("the proxy saw %v", got)
	}
	// An integration's proxy is chosen by whoever edits the integration.
	if err := get(guarded, via, "https://sts.cloud.test/v2/"); !errors.As(err, new(*AddressError)) {
		t.Errorf("through a proxy on this machine: %v", err)
	}
}

// Two hundred integrations with an authority of their own each must not drop each other's connections.
func BenchmarkConnections_of_integrations(b *testing.B) {
	f := registrytest.NewFake(b, nil, registrytest.Quirks{})
	c := New(Options{Now: time.Now, Addresses: Addresses{Loopback: true}})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	sources := make([]Source, 200)
	for i := range sources {
		pool, err := x509.SystemCertPool()
		if err != nil {
			b.Fatal(err)
		}
		sources[i] = source(b, f.URL)
		sources[i].Endpoint.TLS = &tls.Config{RootCAs: pool}
		ok(b, c.Ping(b.Context(), sources[i]))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	for i := 0; b.Loop(); i++ {
		ok(b, c.Ping(b.Context(), sources[i%len(sources)]))
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(len(sources))/1024, "KiB/integration")
	b.ReportMetric(float64(len(c.transports.made)), "pools")
}
