package distribution

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
)

func TestTLS(t *testing.T) {
	ctx := context.Background()
	authority := registrytest.NewAuthority(t)
	r := registrytest.Start(t, registrytest.Options{TLS: authority, Tokens: true, Users: map[string]string{"ann": testPassword}})
	starter(t, r)
	ref := reference(t, r.Host, "team/app:v1")
	src := with(source(t, r.URL), user("ann", testPassword))
	trusted := src
	trusted.Endpoint.TLS = r.TLS

	t.Run("unknown_authority", func(t *testing.T) {
		_, err := newBench(t, Options{}).Resolve(ctx, src, ref)
		wantFault(t, err, fault.Unavailable, "authority that is not known here", r.Host)
		if answered(t, err).Temporary {
			t.Error("trying again does not help")
		}
	})
	t.Run("private_authority_given", func(t *testing.T) {
		b := newBench(t, Options{})
		_, err := b.Pull(ctx, trusted, ref, image.Platform{}, nil)
		ok(t, err)
		_, err = b.Resolve(ctx, src, ref)
		wantFault(t, err, fault.Unavailable, "not known here")
	})
	t.Run("HTTP_2_and_connections_are_reused", func(t *testing.T) {
		seen := map[string]int{}
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen[r.Proto+" "+r.RemoteAddr]++ }))
		server.EnableHTTP2 = true
		server.StartTLS()
		defer server.Close()
		b := newBench(t, Options{})
		src := source(t, server.URL)
		src.Endpoint.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
		src.Endpoint.TLS.RootCAs.AddCert(server.Certificate())
		for range 3 {
			ok(t, b.Ping(ctx, src))
		}
		for key, n := range seen {
			if len(seen) != 1 || n != 3 || !strings.HasPrefix(key, "HTTP/2") {
				t.Errorf("%s: %d requests", key, n)
			}
		}
	})
	t.Run("insecure_counts_for_the_endpoints_host_only", func(t *testing.T) {
		insecure := src
		insecure.Endpoint.Insecure = true
		b := newBench(t, Options{})
		_, err := b.Resolve(ctx, insecure, ref)
		ok(t, err)
		_, err = b.Resolve(ctx, src, ref)
		wantFault(t, err, fault.Unavailable, "not known here")

		realm := strings.Replace(r.Tokens.URL, "127.0.0.1", "localhost", 1)
		f := registrytest.NewFake(t, authority, registrytest.Quirks{Challenge: bearer(realm)})
		other := with(source(t, f.URL), user("ann", testPassword))
		other.Endpoint.Insecure = true
		r.Tokens.Requests()
		_, err = b.Resolve(ctx, other, reference(t, f.Host, "team/app:v1"))
		wantFault(t, err, fault.Unavailable, "The certificate of localhost")
		if got := r.Tokens.Requests(); len(got) != 0 {
			t.Errorf("the unverified token service saw %v", got)
		}
	})
	t.Run("certificate_for_another_name", func(t *testing.T) {
		other := trusted
		other.Endpoint.TLS = r.TLS.Clone()
		other.Endpoint.TLS.ServerName = "registry.invalid"
		_, err := newBench(t, Options{}).Resolve(ctx, other, ref)
		wantFault(t, err, fault.Unavailable, "for another name")
	})
	t.Run("client_certificate_goes_to_the_endpoint_only", func(t *testing.T) {
		k := pool{trust: trust{config: &tls.Config{RootCAs: authority.Pool(), Certificates: []tls.Certificate{{}}, ServerName: "x", InsecureSkipVerify: true}}, foreign: true}
		if c := k.tls(); c.RootCAs == nil || c.Certificates != nil || c.ServerName != "" || c.InsecureSkipVerify {
			t.Errorf("another host is shown %+v", c)
		}
	})
	t.Run("pools_are_bounded", func(t *testing.T) {
		b := newBench(t, Options{})
		made := func() int { return len(b.transports.made) }
		first := pool{trust: trust{config: &tls.Config{}}}
		kept := b.transports.of(first)
		for range 3 * maxTransports {
			b.advance(time.Millisecond)
			b.transports.of(pool{trust: trust{config: &tls.Config{}}})
			if b.transports.of(first) != kept {
				t.Fatal("the pool in use was dropped")
			}
		}
		if made() != maxTransports {
			t.Errorf("%d pools", made())
		}
		b.advance(2*idleTime + time.Second)
		b.transports.of(pool{})
		if made() != 1 {
			t.Errorf("%d pools are kept that nobody used", made()-1)
		}
	})
	t.Run("plain_HTTP_on_the_port", func(t *testing.T) {
		f := registrytest.NewFake(t, nil, registrytest.Quirks{})
		_, err := newBench(t, Options{}).Resolve(ctx, source(t, "https://"+f.Host), ref)
		wantFault(t, err, fault.Unavailable, "plain HTTP", "http://"+f.Host)
	})
	t.Run("HTTPS_on_the_port", func(t *testing.T) {
		err := newBench(t, Options{}).Ping(ctx, source(t, "http://"+r.Host))
		wantFault(t, err, fault.Invalid, "write https://"+r.Host)
	})
}

func TestUnreachable(t *testing.T) {
	ctx := context.Background()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	silent := listener.Addr().String()
	defer listener.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	refusing := closed.Addr().String()
	closed.Close()

	t.Run("refused", func(t *testing.T) {
		err := newBench(t, Options{}).Ping(ctx, source(t, "http://"+refusing))
		wantFault(t, err, fault.Unavailable, "Nothing listens at "+refusing)
		if !answered(t, err).Temporary {
			t.Error("trying again may help")
		}
	})
	t.Run("no_such_host", func(t *testing.T) {
		b := newBench(t, Options{Transport: failing{&net.DNSError{Err: "no such host", Name: "registry.invalid", IsNotFound: true}}})
		wantFault(t, b.Ping(ctx, source(t, "registry.invalid")), fault.Unavailable, "There is no host registry.invalid")
	})
	t.Run("no_headers_in_time", func(t *testing.T) {
		b := newBench(t, Options{HeaderTimeout: 50 * time.Millisecond})
		wantFault(t, b.Ping(ctx, source(t, "http://"+silent)), fault.Unavailable, "took too long")
	})
	t.Run("no_TLS_handshake_in_time", func(t *testing.T) {
		b := newBench(t, Options{ConnectTimeout: 50 * time.Millisecond})
		wantFault(t, b.Ping(ctx, source(t, "https://"+silent)), fault.Unavailable, "took too long")
	})
	t.Run("body_trickles", func(t *testing.T) {
		f := registrytest.NewFake(t, nil, registrytest.Quirks{Answer: func(w http.ResponseWriter, r *http.Request) bool {
			for r.Context().Err() == nil {
				w.Write([]byte(" "))
				http.NewResponseController(w).Flush()
				time.Sleep(5 * time.Millisecond)
			}
			return true
		}})
		b := newBench(t, Options{StepTimeout: 100 * time.Millisecond})
		wantFault(t, b.Ping(ctx, source(t, f.URL)), fault.Unavailable, "no complete answer in time (100ms)")
	})
	t.Run("callers_time_is_up", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		err := newBench(t, Options{}).Ping(ctx, source(t, "http://"+silent))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		wantFault(t, err, fault.Unavailable)
	})
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }
