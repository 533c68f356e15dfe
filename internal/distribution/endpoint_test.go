package distribution

import (
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
)

func TestParseEndpoint(t *testing.T) {
	for _, c := range []struct{ in, want, host string }{
		{"registry.example", "https://registry.example", "registry.example"},
		{"  HTTPS://Registry.Example:443/ ", "https://registry.example", "registry.example"},
		{"http://registry.example:80", "http://registry.example", "registry.example"},
		{"http://registry.example:443", "http://registry.example:443", "registry.example:443"},
		{"registry.example:05000", "https://registry.example:5000", "registry.example:5000"},
		{"registry.example:8443", "https://registry.example:8443", "registry.example:8443"},
		{"registry.example.", "https://registry.example", "registry.example"},
		{"art.example//docker-local/", "https://art.example/docker-local", "art.example"},
		{"https://art.example/artifactory/api/docker/local/v2/", "https://art.example/artifactory/api/docker/local", "art.example"},
		{"httpregistry.example", "https://httpregistry.example", "httpregistry.example"},
		{"httpsregistry.example:5000/x", "https://httpsregistry.example:5000/x", "httpsregistry.example:5000"},
		{"docker.io", "https://registry-1.docker.io", "docker.io"},
		{"DOCKER.IO/", "https://registry-1.docker.io", "docker.io"},
		{"https://index.docker.io/v1/", "https://registry-1.docker.io", "docker.io"},
		{"registry-1.docker.io", "https://registry-1.docker.io", "docker.io"},
		{"docker.io:443", "https://registry-1.docker.io", "docker.io"},
		{"notdocker.io", "https://notdocker.io", "notdocker.io"},
		{"docker.io.example", "https://docker.io.example", "docker.io.example"},
		{"docker.io:5000", "https://docker.io:5000", "docker.io:5000"},
		{"[::1]:5000", "https://[::1]:5000", "[::1]:5000"},
		{"http://[2001:DB8::1]", "http://[2001:db8::1]", "[2001:db8::1]"},
		{"[::1]:443", "https://[::1]", "[::1]"},
		{"10.0.0.1:5000", "https://10.0.0.1:5000", "10.0.0.1:5000"},
		{"registry_1:5000", "https://registry_1:5000", "registry_1:5000"},
		{"localhost", "https://localhost", "localhost"},
	} {
		t.Run(c.in, func(t *testing.T) {
			e, err := ParseEndpoint(c.in, true)
			ok(t, err)
			if e.String() != c.want || e.RegistryHost() != c.host || !e.Insecure {
				t.Errorf("got %s with host %s (insecure %v), want %s with host %s", e, e.RegistryHost(), e.Insecure, c.want, c.host)
			}
		})
	}
}

func TestParseEndpointRefuses(t *testing.T) {
	for _, c := range []struct{ name, in, says string }{
		{"empty", "", "an endpoint is required"},
		{"blank", " \t", "an endpoint is required"},
		{"user_info", "https://ann:MARKED-SECRET@registry.example", "fields of their own"},
		{"user_info_with_a_slash", "https://ann:MARKED-SECRET/x@registry.example", "fields of their own"},
		{"user_info_without_scheme", "ann:MARKED-SECRET@registry.example", "fields of their own"},
		{"query", "https://registry.example/?a=b", "query"},
		{"fragment", "https://registry.example/#a", "fragment"},
		{"other_scheme", "ftp://registry.example", "https:// or http://"},
		{"scheme_only", "https://", "no host"},
		{"one_slash", "https:/registry.example", "port is missing"},
		{"no_slash", "https:registry.example", "not a port"},
		{"path_only", "/v2/", "no host"},
		{"bare_IPv6", "2001:db8::1", "[2001:db8::1]"},
		{"IPv6_with_zone", "[fe80::1%25eth0]:5000", "not an IPv6 address"},
		{"IPv4_in_brackets", "[10.0.0.1]", "not an IPv6 address"},
		{"unclosed_bracket", "[::1", "not an IPv6 address"},
		{"port_0", "registry.example:0", "from 1 to 65535"},
		{"port_too_big", "registry.example:65536", "from 1 to 65535"},
		{"port_not_a_number", "registry.example:+80", "not a port"},
		{"space_inside", "registry .example", "not a host name"},
		{"control_character", "registry\x00.example", "not a host name"},
		{"not_ASCII", "régistry.example", "xn--"},
		{"empty_label", "registry..example", "not a host name"},
		{"label_begins_with_hyphen", "-registry.example", "not a host name"},
		{"backslash", `registry.example\x`, "not a host name"},
		{"dots_in_path", "registry.example/a/../b", "not allowed"},
		{"percent_in_path", "registry.example/a%2fb", "not allowed"},
		{"too_long", strings.Repeat("a", 3000), "longer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseEndpoint(c.in, false)
			wantFault(t, err, fault.Invalid, c.says)
		})
	}
}

func TestEndpointMadeByHand(t *testing.T) {
	for _, c := range []struct {
		e    Endpoint
		want string
	}{
		{Endpoint{Scheme: "https", Host: "docker.io"}, "https://registry-1.docker.io"},
		{Endpoint{Host: "Registry.Example:443"}, "https://registry.example"},
	} {
		got, err := c.e.dialled()
		ok(t, err)
		if got.String() != c.want {
			t.Errorf("%v is dialled at %s, want %s", c.e, got, c.want)
		}
	}
	if _, err := (Endpoint{}).dialled(); err == nil {
		t.Error("the zero endpoint must not be dialled")
	}
}

func FuzzParseEndpoint(f *testing.F) {
	for _, s := range []string{
		"registry.example", "HTTPS://Registry.Example:443/", "docker.io", "https://index.docker.io/v1/", "[::1]:5000", "http://a/b//v2",
		"httpregistry.example", "a:b@c", "x?y#z", "https:/x", "::1", "[fe80::1%25e]", "registry.example:65536", "a/../b", "ä.example",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := ParseEndpoint(s, false)
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		again, err := ParseEndpoint(e.String(), false)
		if err != nil || again != e {
			t.Fatalf("%q is %v, which is read back as %v (%v)", s, e, again, err)
		}
		if u := e.url(""); u.Host != e.Host || u.Hostname() == "" || u.User != nil {
			t.Fatalf("%q: %v", s, u)
		}
		if e.Scheme == "http" && !strings.HasPrefix(strings.ToLower(strings.TrimSpace(s)), "http://") {
			t.Fatalf("%q became plain HTTP", s)
		}
	})
}
