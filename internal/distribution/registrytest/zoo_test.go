package registrytest_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/secret"
)

var products = map[string]registrytest.Product{
	"artifactory": registrytest.Artifactory, "ghcr": registrytest.GHCR, "docker hub": registrytest.DockerHub,
	"quay": registrytest.Quay, "harbor": registrytest.Harbor, "gitlab": registrytest.GitLab, "nexus": registrytest.Nexus,
	"openshift": registrytest.OpenShift, "zot": registrytest.Zot, "gitea": registrytest.Gitea, "msr": registrytest.MSR,
}

func TestProducts_serve_their_users_and_refuse_others(t *testing.T) {
	client := distribution.New(distribution.Options{Now: time.Now, MaxAttempts: 1, Addresses: distribution.Addresses{Loopback: true}})
	for name, product := range products {
		t.Run(name, func(t *testing.T) {
			shop := product.Open(t, registrytest.Site{
				Users: map[string]string{"jane": "right"}, Guests: map[string]string{"guest": "right"},
				Public: func(repository string) bool { return repository == "open/app" },
			})
			for _, repository := range []string{"open/app", "team/app"} {
				registrytest.Push(t, shop, repository, "1", registrytest.Image{})
			}
			for _, test := range []struct {
				user, password, repository string
				want                       bool
			}{
				{"jane", "right", "team/app", true},
				{"jane", "right", "open/app", true},
				{"guest", "right", "team/app", false},
				{"guest", "right", "open/app", true},
				{"jane", "wrong", "team/app", false},
				{"jane", "wrong", "open/app", product.Lenient},
				{"", "", "team/app", false},
				{"", "", "open/app", !product.Locked},
			} {
				endpoint, err := distribution.ParseEndpoint(shop.URL, false)
				if err != nil {
					t.Fatal(err)
				}
				src := distribution.Source{Endpoint: endpoint, Credential: func(context.Context) (distribution.Credential, error) {
					return distribution.Credential{Username: test.user, Password: secret.New(test.password)}, nil
				}}
				ref, err := image.ParseReference(shop.Host + "/" + test.repository + ":1")
				if err != nil {
					t.Fatal(err)
				}
				if _, err := client.Pull(t.Context(), src, ref, image.Platform{}, nil); (err == nil) != test.want {
					t.Errorf("%s with the password %q pulls %s: %v", test.user, test.password, test.repository, err)
				}
			}
		})
	}
}

func TestQuota_counts_what_is_read_and_not_what_is_asked_for(t *testing.T) {
	shop := registrytest.Zot.Open(t, registrytest.Site{Users: map[string]string{"jane": "right"}})
	registrytest.Push(t, shop, "team/app", "1", registrytest.Image{})
	shop.Quota = &registrytest.Quota{Limit: 100, Left: 1}
	for _, want := range []struct {
		method string
		status int
		left   string
	}{
		{http.MethodHead, 200, "1;w=21600"}, {http.MethodGet, 200, "0;w=21600"}, {http.MethodHead, 200, "0;w=21600"}, {http.MethodGet, 429, "0;w=21600"},
	} {
		r, _ := http.NewRequest(want.method, shop.URL+"/v2/team/app/manifests/1", nil)
		r.SetBasicAuth("jane", "right")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if left := resp.Header.Get("Ratelimit-Remaining"); resp.StatusCode != want.status || left != want.left {
			t.Errorf("%s: %d, left %s", want.method, resp.StatusCode, left)
		}
	}
}

func TestPorts(t *testing.T) {
	d := net.Dialer{Timeout: 300 * time.Millisecond}
	if _, err := d.Dial("tcp", registrytest.ClosedPort); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("closed: %v", err)
	}
	var timeout net.Error
	if _, err := d.Dial("tcp", registrytest.DeafPort(t)); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("deaf: %v", err)
	}
	for name, test := range map[string]struct {
		port string
		want error
	}{"silent": {registrytest.SilentPort(t), os.ErrDeadlineExceeded}, "resetting": {registrytest.ResettingPort(t), syscall.ECONNRESET}} {
		c, err := d.Dial("tcp", test.port)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(300 * time.Millisecond))
		c.Write([]byte("hello"))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNameServer(t *testing.T) {
	s := registrytest.NewNameServer(t)
	s.Set("here.test", registrytest.Named{Address: "127.0.0.1"})
	s.Set("broken.test", registrytest.Named{Fails: true})
	s.Set("silent.test", registrytest.Named{Silent: true})
	lookup := func(name string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_, err := s.Resolver().LookupHost(ctx, name)
		return err
	}
	if err := lookup("here.test"); err != nil {
		t.Error(err)
	}
	for name, found := range map[string]bool{"nowhere.test": false, "broken.test": true, "silent.test": true} {
		var dns *net.DNSError
		if err := lookup(name); !errors.As(err, &dns) || dns.IsNotFound == found {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAuthority_leaves(t *testing.T) {
	root := registrytest.NewAuthority(t)
	below := root.Below(t, "issuing authority")
	clients := registrytest.NewAuthority(t)
	for name, test := range map[string]struct {
		authority *registrytest.Authority
		want      bool
	}{
		"plain":                {root, true},
		"with intermediate":    {below, true},
		"without intermediate": {below.With(registrytest.Leaf{Alone: true}), false},
		"expired":              {root.With(registrytest.Leaf{Began: 2 * time.Hour, Ends: -time.Hour}), false},
		"not yet valid":        {root.With(registrytest.Leaf{Began: -time.Hour, Ends: 2 * time.Hour}), false},
		"another name":         {root.With(registrytest.Leaf{Names: []string{"other.test"}}), false},
		"self-signed":          {root.With(registrytest.Leaf{SelfSigned: true}), false},
		"old TLS":              {root.With(registrytest.Leaf{Versions: tls.VersionTLS11}), false},
		"client certificate":   {root.With(registrytest.Leaf{Clients: clients}), false},
	} {
		f := registrytest.NewFake(t, test.authority, registrytest.Quirks{})
		client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: root.Pool()}}}
		resp, err := client.Get(f.URL + "/v2/")
		if (err == nil) != test.want {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			resp.Body.Close()
		}
	}
	certificate, key := clients.Client(t, registrytest.Leaf{})
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	f := registrytest.NewFake(t, root.With(registrytest.Leaf{Clients: clients}), registrytest.Quirks{})
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: root.Pool(), Certificates: []tls.Certificate{pair}}}}
	if _, err := client.Get(f.URL + "/v2/"); err != nil {
		t.Errorf("with a client certificate: %v", err)
	}
}

func TestProxy(t *testing.T) {
	p := registrytest.NewProxy(t)
	f := registrytest.NewFake(t, registrytest.NewAuthority(t).With(registrytest.Leaf{Names: []string{"registry.test"}}), registrytest.Quirks{})
	p.Hosts["registry.test:443"] = f.Host
	get := func() error {
		tr := &http.Transport{Proxy: http.ProxyURL(p.URL), TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		defer tr.CloseIdleConnections()
		_, err := (&http.Client{Transport: tr}).Get("https://registry.test/v2/")
		return err
	}
	if err := get(); err != nil {
		t.Error(err)
	}
	p.Status = http.StatusForbidden
	if get() == nil {
		t.Error("connects where it should refuse")
	}
	p.Status, p.Users = 0, map[string]string{"jane": "right"}
	if get() == nil {
		t.Error("connects without a password")
	}
}
