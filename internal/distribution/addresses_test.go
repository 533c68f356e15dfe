package distribution

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
)

func allowed(t testing.TB, s string) Addresses {
	t.Helper()
	a, err := ParseAddresses(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAddresses(t *testing.T) {
	const public, private, loopback, never = "1.1.1.1", "private", "loopback", "never"
	for addr, kind := range map[string]string{
		"1.1.1.1": public, "2001:db8::1": public, "100.128.0.1": public, "172.32.0.1": public, "64:ff9b::101:101": public,
		"10.0.0.1": private, "172.16.0.1": private, "192.168.1.1": private, "100.64.0.1": private, "100.100.100.201": private,
		"fd12:3456::1": private, "fec0::1": private, "::ffff:10.0.0.1": private, "64:ff9b::a00:1": private, "2002:a00:1::1": private,
		"::10.0.0.1": private, "2001:0:1:2:3:4:f5ff:fffe": private, "64:ff9b:1::a00:1": private,
		"127.0.0.1": loopback, "127.8.9.1": loopback, "::1": loopback, "::ffff:127.0.0.1": loopback, "64:ff9b::7f00:1": loopback,
		"2002:7f00:1::": loopback, "2001:0:1:2:3:4:80ff:fffe": loopback,
		"0.0.0.0": never, "0.0.0.1": never, "::": never, "::ffff:0.0.0.0": never, "169.254.169.254": never, "169.254.0.1": never,
		"::ffff:169.254.169.254": never, "fe80::1": never, "fe80::1%eth0": never, "fd00:ec2::254": never, "64:ff9b::a9fe:a9fe": never,
		"100.100.100.200": never, "::169.254.169.254": never, "2002:a9fe:a9fe::1": never, "64:ff9b:1::a9fe:a9fe": never,
		"192.0.0.192": never, "168.63.129.16": never, "fd20:ce::254": never, "2001:0:1:2:3:4:5601:5601": never,
	} {
		at := netip.MustParseAddr(addr)
		for _, test := range []struct {
			allow   string
			outside bool
			kinds   string // that are let through
		}{
			{"", false, public + private}, {"", true, public},
			{"loopback", false, public + private + loopback}, {"loopback", true, public + loopback},
			{"private", false, public + private}, {"private", true, public + private},
			{"0.0.0.0/0,::/0", true, public + private + loopback + never},
		} {
			err := allowed(t, test.allow).Allow(at, test.outside)
			if (err == nil) != strings.Contains(test.kinds, kind) {
				t.Errorf("%s is %s; with %q, named from outside %t: %v", addr, kind, test.allow, test.outside, err)
			}
			var refused *AddressError
			if err != nil && (!errors.As(err, &refused) || allowed(t, refused.Allow).Allow(at, test.outside) != nil) {
				t.Errorf("%s: the setting that the error names does not allow it: %v", addr, err)
			}
		}
	}
	a := allowed(t, " 10.1.0.0/16 , 169.254.7.7, Loopback,")
	for addr, allowed := range map[string]bool{"10.1.2.3": true, "64:ff9b::a01:203": true, "10.2.0.1": false, "169.254.7.7": true, "169.254.7.8": false, "::1": true} {
		if err := a.Allow(netip.MustParseAddr(addr), true); (err == nil) != allowed {
			t.Errorf("%s: %v", addr, err)
		}
	}
	for _, wrong := range []string{"localhost", "10.1.0.0/33", "10.1/16", "all", "10.0.0.0/8 192.168.0.0/16"} {
		if _, err := ParseAddresses(wrong); fault.CodeOf(err) != fault.Invalid || fault.FixOf(err) == "" {
			t.Errorf("%q gives %v", wrong, err)
		}
	}
}

func FuzzAddresses(f *testing.F) {
	f.Add("loopback,private,10.1.0.0/16,::/0", "64:ff9b::a9fe:a9fe")
	f.Fuzz(func(t *testing.T, setting, host string) {
		a, _ := ParseAddresses(setting)
		if addr, isAddress, err := writtenAddress(host); isAddress && err == nil {
			if a.Allow(addr, false) != nil && a.Allow(addr, true) == nil {
				t.Errorf("%s is allowed only if a registry outside names it", addr)
			}
		}
	})
}

// elsewhere is a server at another address of this machine, and how often it was asked.
func elsewhere(t *testing.T, address string) *registrytest.Fake {
	t.Helper()
	l, err := net.Listen("tcp", address+":0")
	if err != nil {
		t.Skip("no second loopback address: ", err)
	}
	return registrytest.NewFakeAt(t, l, registrytest.Quirks{})
}

func TestAddresses_when_connecting(t *testing.T) {
	ctx := context.Background()
	// guarded has a client that may only reach what is given.
	guarded := func(allow string, o Options) *bench {
		b := newBench(t, o)
		b.o.Addresses = allowed(t, allow)
		return b
	}
	fake := registrytest.NewFake(t, nil, registrytest.Quirks{})
	starter(t, fake)
	port := fake.Host[strings.LastIndexByte(fake.Host, ':'):]

	t.Run("this_machine", func(t *testing.T) {
		for _, host := range []string{fake.Host, "localhost" + port} {
			_, err := guarded("", Options{}).Resolve(ctx, source(t, "http://"+host), reference(t, host, "team/app:v1"))
			wantFault(t, err, fault.Invalid, "loopback", "127.0.0.1", "--allow-addresses loopback", "LANDWAITER_ALLOW_ADDRESSES")
			for _, allow := range []string{"loopback", "127.0.0.0/8,::1"} {
				_, err = guarded(allow, Options{}).Resolve(ctx, source(t, "http://"+host), reference(t, host, "team/app:v1"))
				ok(t, err)
			}
		}
	})
	t.Run("metadata_service", func(t *testing.T) {
		for _, host := range []string{"169.254.169.254", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]"} {
			_, err := guarded("loopback,private", Options{}).Resolve(ctx, source(t, "http://"+host), reference(t, "169.254.169.254:80", "a/b:v1"))
			wantFault(t, err, fault.Invalid, "link-local", "--allow-addresses 169.254.169.254/32")
		}
	})
	t.Run("behind_a_proxy", func(t *testing.T) {
		proxy := registrytest.NewProxy(t)
		for _, host := range []string{"169.254.169.254", "127.0.0.1", "2130706433", "127.1"} {
			_, err := guarded("", Options{Proxy: http.ProxyURL(proxy.URL)}).Resolve(ctx, source(t, "http://"+host), reference(t, host+":80", "a/b:v1"))
			if err == nil || answered(t, err).Status != 0 {
				t.Errorf("%s: %v", host, err)
			}
		}
		if got := proxy.Requests(); len(got) != 0 {
			t.Errorf("the proxy was asked: %v", got)
		}
	})

	// 127.0.0.2 plays a host in a private network, and what is named by 127.0.0.1 a host named from outside.
	inner := elsewhere(t, "127.0.0.2")
	redirecting := registrytest.NewFake(t, nil, registrytest.Quirks{Answer: func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, inner.URL+r.URL.Path, http.StatusTemporaryRedirect)
		return true
	}})
	challenging := registrytest.NewFake(t, nil, registrytest.Quirks{Challenge: bearer(inner.URL + "/token")})
	for name, f := range map[string]*registrytest.Fake{"redirect": redirecting, "token_realm": challenging} {
		t.Run(name, func(t *testing.T) {
			_, err := guarded("127.0.0.1", Options{}).Resolve(ctx, with(source(t, f.URL), user("ann", testPassword)), reference(t, f.Host, "a/b:v1"))
			wantFault(t, err, fault.Invalid, "127.0.0.2", "--allow-addresses")
			if got := inner.Requests(); len(got) != 0 {
				t.Errorf("the other host saw %v", got)
			}
			_, err = guarded("loopback", Options{}).Resolve(ctx, with(source(t, f.URL), user("ann", testPassword)), reference(t, f.Host, "a/b:v1"))
			if err == nil || len(inner.Requests()) == 0 {
				t.Errorf("the other host was not asked: %v", err)
			}
		})
	}
	t.Run("connections_of_others_are_not_used", func(t *testing.T) {
		starter(t, inner)
		b := newBench(t, Options{})
		name := "localhost" + inner.Host[strings.LastIndexByte(inner.Host, ':'):]
		_, err := b.Resolve(ctx, source(t, inner.URL), reference(t, inner.Host, "team/app:v1"))
		ok(t, err)
		inner.Requests()
		b.o.Addresses = allowed(t, "127.0.0.1")
		_, err = b.Resolve(ctx, source(t, redirecting.URL), reference(t, redirecting.Host, "team/app:v1"))
		wantFault(t, err, fault.Invalid, "127.0.0.2")
		if got := inner.Requests(); len(got) != 0 {
			t.Errorf("%s was asked over a connection that another integration made: %v", name, got)
		}
	})
}

func TestGuard_of_each_pool(t *testing.T) {
	c := New(Options{Now: time.Now})
	own := trust{proxy: &Proxy{}}
	for name, test := range map[string]struct {
		pool
		allowed string
	}{
		"the registry's own host":             {pool{}, "1.1.1.1 10.0.0.1"},
		"a host that a private one names":     {pool{foreign: true}, "1.1.1.1 10.0.0.1"},
		"a host that a public one names":      {pool{foreign: true, outside: true}, "1.1.1.1"},
		"the proxy of an integration":         {pool{trust: own, proxied: true}, "1.1.1.1 10.0.0.1"},
		"and for a host that a public names":  {pool{trust: own, proxied: true, foreign: true, outside: true}, "1.1.1.1 10.0.0.1"},
		"the proxy of the operator":           {pool{proxied: true, outside: true}, "1.1.1.1 10.0.0.1 127.0.0.1 169.254.169.254"},
		"no proxy, by the integration's word": {pool{trust: own, outside: true}, "1.1.1.1"},
		"a cloud's sign-in":                   {pool{signIn: true}, "1.1.1.1 10.0.0.1 127.0.0.1 169.254.169.254"},
		"a cloud's sign-in through a proxy":   {pool{trust: own, signIn: true, proxied: true}, "1.1.1.1 10.0.0.1"},
	} {
		guard := c.guard(test.pool)
		for _, addr := range []string{"1.1.1.1", "10.0.0.1", "127.0.0.1", "169.254.169.254"} {
			if err := guard(netip.MustParseAddr(addr)); (err == nil) != slices.Contains(strings.Fields(test.allowed), addr) {
				t.Errorf("%s at %s: %v", name, addr, err)
			}
		}
	}
}

func TestRegistry_in_a_private_network_may_name_private_hosts(t *testing.T) {
	for _, test := range []struct {
		registry string
		inside   bool
	}{{"10.0.0.5", true}, {"100.64.0.1", true}, {"127.0.0.1", true}, {"203.0.113.5", false}, {"2001:db8::5", false}} {
		t.Run(test.registry, func(t *testing.T) {
			// The network is a fake, since this machine has no such addresses: what is checked is what is written in URLs.
			asked := 0
			b := newBench(t, Options{Transport: answering(func(r *http.Request) *http.Response {
				w := httptest.NewRecorder()
				switch {
				case r.URL.Hostname() == "10.9.9.9" && r.URL.Path == "/token":
					asked++
					w.WriteString(`{"token":"t"}`)
				case r.Header.Get("Authorization") == "":
					w.Header().Set("WWW-Authenticate", `Bearer realm="https://10.9.9.9/token",service="s"`)
					w.WriteHeader(http.StatusUnauthorized)
				default:
					w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
				}
				return w.Result()
			})})
			host := test.registry
			if strings.Contains(host, ":") {
				host = "[" + host + "]"
			}
			for range 2 { // the second time, the challenge is remembered
				_, err := b.Tags(context.Background(), with(source(t, "https://"+host), user("ann", testPassword)), "team/app")
				if refused := errors.As(err, new(*AddressError)); refused == test.inside {
					t.Errorf("got %v", err)
				}
			}
			if (asked > 0) != test.inside {
				t.Errorf("the private token service was asked %d times", asked)
			}
		})
	}
}

type answering func(*http.Request) *http.Response

func (f answering) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }
