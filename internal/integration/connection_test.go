package integration_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

const proxySecret = "MARKED-proxy-word"

func TestConnection_problems(t *testing.T) {
	authority := registrytest.NewAuthority(t)
	certificate, key := authority.Client(t, registrytest.Leaf{})
	_, otherKey := authority.Client(t, registrytest.Leaf{})
	block, _ := pem.Decode([]byte(key))
	encrypted := string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: block.Bytes}))
	oldEncrypted := string(pem.EncodeToMemory(&pem.Block{
		Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: block.Bytes,
	}))
	with := func(pairs ...any) map[string]any {
		settings := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			settings[pairs[i].(string)] = pairs[i+1]
		}
		return settings
	}
	for _, test := range []struct {
		name     string
		settings map[string]any
		want     string // "" for none
	}{
		{"nothing", with(), ""},
		{"authorities with text around", with("caBundle", "# ours\r\n"+strings.ReplaceAll(authority.PEM(), "\n", "\r\n")+"\nand\n"+registrytest.NewAuthority(t).PEM()), ""},
		{"text for authorities", with("caBundle", "our authority"), "holds no certificate"},
		{"key among authorities", with("caBundle", authority.PEM()+key), "holds a private key"},
		{"half a certificate", with("caBundle", authority.PEM()+certificate[:len(certificate)/2]), "incomplete"},
		{"no certificate in the block", with("caBundle", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "not a certificate"},
		{"too many authorities", with("caBundle", strings.Repeat(authority.PEM(), 1000)), "longer than 256 KiB"},
		{"client certificate", with("clientCertificate", certificate+authority.PEM(), "clientKey", key), ""},
		{"client certificate alone", with("clientCertificate", certificate), "A key is required"},
		{"key alone", with("clientKey", key), "A client certificate is required"},
		{"another key", with("clientCertificate", certificate, "clientKey", otherKey), "does not belong"},
		{"encrypted key", with("clientCertificate", certificate, "clientKey", encrypted), "is encrypted"},
		{"key encrypted the old way", with("clientCertificate", certificate, "clientKey", oldEncrypted), "is encrypted"},
		{"no key", with("clientCertificate", certificate, "clientKey", "MARKED-no-key"), "holds no private key"},
		{"certificate for a key", with("clientCertificate", certificate, "clientKey", certificate), "holds no private key"},
		{"proxy", with("proxy", "http://Proxy.Example:3128/"), ""},
		{"secure proxy", with("proxy", "https://proxy.example", "proxyUsername", "jane", "proxyPassword", proxySecret), ""},
		{"SOCKS", with("proxy", "socks5://10.0.0.1:1080", "proxyUsername", "jane"), ""},
		{"no proxy", with("proxy", "none"), ""},
		{"password in the proxy", with("proxy", "http://jane:"+proxySecret+"@proxy.example"), "contains a user name"},
		{"proxy without scheme", with("proxy", "proxy.example:3128"), "is not an address"},
		{"other scheme", with("proxy", "ftp://proxy.example"), "is not an address"},
		{"proxy with a path", with("proxy", "http://proxy.example/"+proxySecret), "more than a host"},
		{"proxy at a wrong port", with("proxy", "http://proxy.example:70000"), "port"},
		{"proxy at the metadata service", with("proxy", "http://169.254.169.254"), "metadata service"},
		{"proxy that looks otherwise", with("proxy", "http://[::ffff:169.254.169.254]:80"), "metadata service"},
		{"user without proxy", with("proxyUsername", "jane"), "A proxy is required"},
		{"user of no proxy", with("proxy", "none", "proxyUsername", "jane"), "A proxy is required"},
		{"password without user", with("proxy", "http://proxy.example", "proxyPassword", proxySecret), "A proxy user name is required"},
		{"colon in the user", with("proxy", "http://proxy.example", "proxyUsername", "a:b"), "colon"},
		{"limits", with("requestsPerSecond", 0.5, "concurrentRequests", "8"), ""},
		{"no limits", with("requestsPerSecond", 0, "concurrentRequests", ""), ""},
		{"negative limit", with("requestsPerSecond", -1), "from 0.01 to 10000"},
		{"limit that is no number", with("requestsPerSecond", "fast"), "must be a number"},
		{"limit out of range", with("concurrentRequests", 1e9), "from 1 to 1000"},
		{"half a request", with("concurrentRequests", 1.5), "whole number"},
		{"day of expiry", with("credentialExpires", "2027-01-31"), ""},
		{"time of expiry", with("credentialExpires", "2027-01-31T12:00:00+01:00"), ""},
		{"no day", with("credentialExpires", "soon"), "cannot be read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			types := newTypes(t)
			d, err := types.Decode(body(map[string]any{"plain.connection": test.settings}))
			if err == nil {
				d, err = types.Validate(d)
			}
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if _, err := types.Open(d.Integration, integration.Deps{}); err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, fault.Invalid, test.want)
			if text := err.Error() + fault.FixOf(err); strings.Contains(text, "MARKED") || strings.Contains(text, key[40:80]) {
				t.Errorf("a secret is repeated: %s", text)
			}
		})
	}
}

func TestConnection_numbers_are_one_whatever_their_spelling(t *testing.T) {
	types := newTypes(t)
	for sent, want := range map[string]any{`5`: 5.0, `"5"`: 5.0, `5.0`: 5.0, `"0.50"`: 0.5, `5e0`: 5.0} {
		d, err := types.Decode(body(map[string]any{"plain.connection": map[string]any{"requestsPerSecond": json.RawMessage(sent)}}))
		if err == nil {
			d, err = types.Validate(d)
		}
		if err != nil {
			t.Fatal(err)
		}
		got := types.Encode(d.Integration)["plain"].(map[string]any)["connection"].(map[string]any)
		if got["requestsPerSecond"] != want {
			t.Errorf("%s reads back as %v", sent, got["requestsPerSecond"])
		}
	}
	d, err := types.Decode(body(map[string]any{"plain.connection": map[string]any{"requestsPerSecond": 0, "proxy": " "}}))
	if err == nil {
		d, err = types.Validate(d)
	}
	if settings := types.Encode(d.Integration)["plain"].(map[string]any); err != nil || settings["connection"] != nil {
		t.Errorf("empty settings read back as %v: %v", settings["connection"], err)
	}
}

func TestConnection_authorities_of_one_who_signs_in_as_the_machine(t *testing.T) {
	typ := fancy()
	typ.Fields[2].AsMachine = true
	types := newTypes(t, typ)
	for on, refused := range map[bool]bool{true: true, false: false} {
		d := integration.Draft{Integration: integration.Integration{
			Name: "n", Type: "fancy", Categories: []integration.Category{integration.CategoryRegistry},
			Config: integrationtest.Config(types.All()[0], map[string]any{
				"accountId": "a1", "region": "north", "useIdentity": on, "serviceKey": "{}", "robotAccount.token": "t",
				"connection.caBundle": registrytest.NewAuthority(t).PEM(),
			}),
		}}
		if _, err := types.Validate(d); refused {
			wantError(t, err, fault.Invalid, "this machine's identity")
		} else if err != nil {
			t.Error(err)
		}
		if _, err := types.Open(d.Integration, integration.Deps{Now: time.Now}); (err != nil) != refused {
			t.Errorf("opened: %v", err)
		}
	}
}

// reached is a registry with everything: a private authority, client certificates, tokens, layers at another host.
type reached struct {
	*registrytest.Registry
	settings map[string]any
	layer    image.Descriptor
	clients  *registrytest.Authority
}

func newReached(t *testing.T) reached {
	t.Helper()
	servers, clients := registrytest.NewAuthority(t), registrytest.NewAuthority(t)
	certificate, key := clients.Client(t, registrytest.Leaf{})
	r := registrytest.Start(t, registrytest.Options{
		TLS: servers.With(registrytest.Leaf{Clients: clients}), Tokens: true, Users: map[string]string{"jane": "correct-horse"},
	})
	registrytest.Push(t, r, "team/app", "1", registrytest.Image{})
	return reached{Registry: r, clients: clients, layer: r.PutBlob(t, "team/app", "application/octet-stream", make([]byte, 64<<10)), settings: map[string]any{
		"endpoint": r.URL, "username": "jane", "password": "correct-horse", "connection.caBundle": servers.PEM(),
		"connection.clientCertificate": certificate, "connection.clientKey": key,
	}}
}

func (r reached) open(t *testing.T, changes map[string]any) integration.Candidate {
	t.Helper()
	settings := maps.Clone(r.settings)
	maps.Copy(settings, changes)
	maps.DeleteFunc(settings, func(_ string, v any) bool { return v == nil })
	types := newTypes(t)
	return integrationtest.Open(t, types.All()[0], settings, integration.Deps{Now: time.Now})
}

func client(o distribution.Options) *distribution.Client {
	o.Now, o.Addresses.Loopback, o.MaxAttempts = time.Now, true, 1
	return distribution.New(o)
}

func (r reached) pull(t *testing.T, by *distribution.Client, changes map[string]any) error {
	t.Helper()
	ref, err := image.ParseReference(r.Host + "/team/app:1")
	if err != nil {
		t.Fatal(err)
	}
	source := r.open(t, changes).Source(t.Context(), ref)
	if _, err := by.Pull(t.Context(), source, ref, image.Platform{}, nil); err != nil {
		return err
	}
	blob, err := by.Blob(t.Context(), source, "team/app", r.layer)
	if err != nil {
		return err
	}
	defer blob.Close()
	_, err = io.Copy(io.Discard, blob)
	return err
}

func TestConnection_certificates(t *testing.T) {
	r := newReached(t)
	by := client(distribution.Options{}) // one for all, so that nothing may be taken over from another
	if err := r.pull(t, by, nil); err != nil {
		t.Fatal(err)
	}
	wantError(t, r.pull(t, by, map[string]any{"connection.caBundle": nil}), fault.Unavailable, "unknown authority")
	err := r.pull(t, by, map[string]any{"connection.clientCertificate": nil, "connection.clientKey": nil})
	if err == nil || !strings.Contains(fault.FixOf(err), "connection.clientCertificate") {
		t.Errorf("without a client certificate: %v\nFix: %s", err, fault.FixOf(err))
	}
	certificate, key := registrytest.NewAuthority(t).Client(t, registrytest.Leaf{})
	if err := r.pull(t, by, map[string]any{"connection.clientCertificate": certificate, "connection.clientKey": key}); err == nil {
		t.Error("a certificate of another authority is good")
	}
	if err := r.pull(t, by, nil); err != nil {
		t.Error(err)
	}
}

func TestConnection_client_certificate_is_shown_to_its_own_host_only(t *testing.T) {
	r := newReached(t)
	// The same token service by another name: it wants a certificate, and must not get one.
	realm := strings.Replace(r.Tokens.URL, "127.0.0.1", "localhost", 1)
	servers := registrytest.NewAuthority(t)
	fake := registrytest.NewFake(t, servers.With(registrytest.Leaf{Clients: r.clients}), registrytest.Quirks{
		Challenge: []string{fmt.Sprintf(`Bearer realm=%q,service="s"`, realm)},
	})
	r.settings["endpoint"], r.Host = fake.URL, fake.Host
	r.settings["connection.caBundle"] = r.settings["connection.caBundle"].(string) + servers.PEM()
	r.Tokens.Requests()
	err := r.pull(t, client(distribution.Options{}), nil)
	if err == nil || len(fake.Requests()) == 0 || len(r.Tokens.Requests()) != 0 {
		t.Errorf("the registry was asked, and its token service by another name got no certificate: %v", err)
	}
}

func TestConnection_proxy(t *testing.T) {
	r := newReached(t)
	p := registrytest.NewProxy(t)
	p.Users = map[string]string{"prox": proxySecret}
	environment := registrytest.NewProxy(t)
	environment.Status = http.StatusForbidden
	through := map[string]any{"connection.proxy": p.URL.String(), "connection.proxyUsername": "prox", "connection.proxyPassword": proxySecret}
	by := client(distribution.Options{Proxy: http.ProxyURL(environment.URL)})

	if err := r.pull(t, by, through); err != nil {
		t.Fatal(err)
	}
	if err := r.pull(t, by, map[string]any{"connection.proxy": "none"}); err != nil {
		t.Errorf("directly: %v", err)
	}
	wantProxyError := func(err error, want string) {
		t.Helper()
		wantError(t, err, fault.Unavailable, want)
		if err != nil && (strings.Contains(err.Error(), "MARKED") || !strings.Contains(fault.FixOf(err), "connection.proxy")) {
			t.Errorf("%v\nFix: %s", err, fault.FixOf(err))
		}
	}
	wantProxyError(r.pull(t, by, nil), "403 Forbidden")
	wrong := maps.Clone(through)
	wrong["connection.proxyPassword"] = "MARKED-wrong"
	wantProxyError(r.pull(t, by, wrong), "407 Proxy Authentication Required")
	wantProxyError(r.pull(t, by, map[string]any{"connection.proxy": "http://127.0.0.1:1"}), "the proxy 127.0.0.1:1 cannot be reached")
	if err := r.pull(t, by, through); err != nil {
		t.Errorf("after those that failed: %v", err)
	}
	socks := map[string]any{
		"connection.proxy": registrytest.NewSOCKS(t, "prox", proxySecret).String(), "connection.proxyUsername": "prox", "connection.proxyPassword": proxySecret,
	}
	if err := r.pull(t, by, socks); err != nil {
		t.Errorf("through SOCKS: %v", err)
	}
	socks["connection.proxyPassword"] = "MARKED-wrong"
	wantProxyError(r.pull(t, by, socks), "authentication failed")
	guarded := distribution.New(distribution.Options{Now: time.Now, MaxAttempts: 1})
	var refused *distribution.AddressError
	if err := r.pull(t, guarded, map[string]any{"connection.proxy": "http://localhost:1"}); !errors.As(err, &refused) {
		t.Errorf("an integration's proxy on this machine: %v", err)
	}
}

func TestConnection_secure_proxy_sees_no_client_certificate(t *testing.T) {
	r := newReached(t)
	seen := make(chan int, 100)
	proxies := registrytest.NewAuthority(t)
	p := registrytest.NewProxyWith(t, proxies, func(state tls.ConnectionState) { seen <- len(state.PeerCertificates) })
	r.settings["connection.caBundle"] = r.settings["connection.caBundle"].(string) + proxies.PEM()
	if err := r.pull(t, client(distribution.Options{}), map[string]any{"connection.proxy": p.URL.String()}); err != nil {
		t.Fatal(err)
	}
	if n := <-seen; n != 0 {
		t.Errorf("the proxy was shown %d certificates", n)
	}
}

// gate counts what goes on at the same time, and when requests came.
type gate struct {
	mu        sync.Mutex
	now, most int
	came      []time.Time
}

func (g *gate) wrap(h func(http.ResponseWriter, *http.Request)) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		g.mu.Lock()
		g.now++
		g.most = max(g.most, g.now)
		g.came = append(g.came, time.Now())
		g.mu.Unlock()
		defer func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.now--
		}()
		h(w, r)
		return true
	}
}

func TestConnection_budget(t *testing.T) {
	content := make([]byte, 4<<20)
	rand.Read(content)
	layer := image.Descriptor{Digest: image.DigestOf(content), Size: int64(len(content))}
	serve := func(g *gate) *registrytest.Fake {
		return registrytest.NewFake(t, nil, registrytest.Quirks{Answer: g.wrap(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/blobs/") {
				w.Write(content)
			} else {
				io.WriteString(w, "{}")
			}
		})})
	}
	source := func(f *registrytest.Fake, limits map[string]any) distribution.Source {
		settings := map[string]any{"endpoint": f.URL}
		maps.Copy(settings, limits)
		types := newTypes(t)
		return integrationtest.Open(t, types.All()[0], settings, integration.Deps{Now: time.Now}).Source(t.Context(), image.Reference{})
	}
	t.Run("concurrent", func(t *testing.T) {
		g := &gate{}
		f, by := serve(g), client(distribution.Options{})
		var wg sync.WaitGroup
		for range 12 {
			// Each is opened anew, as after a change: the budget is that of the integration.
			src := source(f, map[string]any{"connection.concurrentRequests": "2"})
			wg.Go(func() {
				blob, err := by.Blob(t.Context(), src, "team/app", layer)
				if err != nil {
					t.Error(err)
					return
				}
				defer blob.Close()
				if _, err := io.Copy(io.Discard, blob); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if g.most != 2 || len(g.came) != 12 {
			t.Errorf("%d requests, up to %d at the same time", len(g.came), g.most)
		}
	})
	t.Run("a stream counts until it is closed, and waiting ends with the context", func(t *testing.T) {
		f, by := serve(&gate{}), client(distribution.Options{})
		src := source(f, map[string]any{"connection.concurrentRequests": "1"})
		blob, err := by.Blob(t.Context(), src, "team/app", layer)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err = by.Ping(ctx, src)
		wantError(t, err, fault.Limited, "the integration's own limit of 1 concurrent requests")
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(fault.FixOf(err), "connection.concurrentRequests") {
			t.Errorf("got %v, fix %s", err, fault.FixOf(err))
		}
		blob.Close()
		if err := by.Ping(t.Context(), src); err != nil {
			t.Error(err)
		}
	})
	t.Run("per second", func(t *testing.T) {
		g := &gate{}
		f, by := serve(g), client(distribution.Options{})
		src := source(f, map[string]any{"connection.requestsPerSecond": "50"})
		for range 11 {
			if err := by.Ping(t.Context(), src); err != nil {
				t.Fatal(err)
			}
		}
		if took := g.came[10].Sub(g.came[0]); took < 190*time.Millisecond {
			t.Errorf("10 more requests took %s at 50 per second", took)
		}
		slow := source(f, map[string]any{"connection.requestsPerSecond": "0.01"})
		if err := by.Ping(t.Context(), slow); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		wantError(t, by.Ping(ctx, slow), fault.Limited, "the integration's own limit of 0.01 requests per second")
		if time.Since(began) > 5*time.Second {
			t.Error("waited although the context ends before the next request may be made")
		}
	})
}

func TestConnection_expiry_completes_what_the_type_knows(t *testing.T) {
	types := newTypes(t)
	for _, test := range []struct {
		name, typ string
		settings  map[string]any
		want      time.Time
	}{
		{"a password", "plain", map[string]any{"endpoint": "a.example", "username": "jane", "password": "p"}, time.Date(2031, 2, 4, 0, 0, 0, 0, time.UTC)},
		{"nobody", "plain", map[string]any{"endpoint": "a.example"}, time.Time{}},
		{"a type that knows better", "fancy", map[string]any{"accountId": "a1", "region": "north", "useIdentity": true, "robotAccount.token": "t"}, time.Unix(3600, 0)},
	} {
		t.Run(test.name, func(t *testing.T) {
			typ, _ := types.Get(test.typ)
			test.settings["connection.credentialExpires"] = "2031-02-03"
			c := integrationtest.Open(t, typ, test.settings, integration.Deps{Now: func() time.Time { return time.Unix(0, 0) }})
			cred, err := c.Source(t.Context(), image.Reference{}).Credential(t.Context())
			if err != nil || !cred.Expires.Equal(test.want) {
				t.Errorf("ends %s, want %s: %v", cred.Expires, test.want, err)
			}
		})
	}
}
