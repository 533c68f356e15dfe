package diagnosis_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
)

const page = "<!DOCTYPE html><html><head><title>%s</title></head><body><form><input type=password></form></body></html>"

// answers makes every request get one answer.
func answers(status int, header map[string]string, body string) registrytest.Quirks {
	return registrytest.Quirks{Answer: func(w http.ResponseWriter, _ *http.Request) bool {
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
		return true
	}}
}

var html = map[string]string{"Content-Type": "text/html; charset=utf-8"}

// answering is a server that gives every request one answer, and an integration with a credential for it.
func answering(status int, header map[string]string, body string, say ...string) func(*testing.T, *patient) {
	return func(t *testing.T, p *patient) {
		f := p.fake(t, nil, answers(status, header, body))
		p.at(f.URL, zooUser, zooRight)
		p.says = append(say, f.Host)
	}
}

// redirecting sends what is below /v2/ elsewhere.
func redirecting(to string) registrytest.Quirks {
	return registrytest.Quirks{Answer: func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/v2/") {
			fmt.Fprintf(w, page, "Log in")
			return true
		}
		http.Redirect(w, r, to, http.StatusFound)
		return true
	}}
}

// apiRows are about what answers at /v2/.
var apiRows = []row{
	{"TLS where plain HTTP is expected", "https-port", "api", func(t *testing.T, p *patient) {
		f := p.fake(t, registrytest.NewAuthority(t), registrytest.Quirks{})
		p.at("http://"+f.Host, "", "")
		p.says = []string{"https://" + f.Host}
	}},
	{"a web server", "not-a-registry", "api", answering(http.StatusOK, html, fmt.Sprintf(page, "Welcome to nginx!"), "200", "/v2/")},
	{"a web server without such a page", "not-a-registry", "api", answering(http.StatusNotFound, html, "<html>404 Not Found</html>", "404")},
	{"single sign-on that redirects to its page", "sign-in-page", "api", func(t *testing.T, p *patient) {
		f := p.fake(t, nil, redirecting("/login?next=/v2/"))
		p.at(f.URL, zooUser, zooRight)
		p.says = []string{f.Host, "/login"}
	}},
	{"an access portal's page", "sign-in-page", "api", answering(http.StatusUnauthorized, html, fmt.Sprintf(page, "Sign in to Example"))},
	{"a registry that has moved", "redirected", "api", func(t *testing.T, p *patient) {
		to := registrytest.NewFake(t, nil, registrytest.Quirks{})
		f := p.fake(t, nil, redirecting(to.URL+"/v2/"))
		p.at(f.URL, zooUser, zooRight)
		p.says = []string{f.Host, to.URL}
	}},
	{"a registry that has moved, open to all", "redirected-openly", "api", func(t *testing.T, p *patient) {
		to := registrytest.NewFake(t, nil, registrytest.Quirks{})
		f := p.fake(t, nil, redirecting(to.URL+"/v2/"))
		p.says = []string{f.Host, to.URL}
	}},
	{"a registry behind a proxy, that takes TLS for plain HTTP", "redirect-not-followed", "api", func(t *testing.T, p *patient) {
		p.trust = registrytest.NewAuthority(t)
		f := p.fake(t, p.trust, redirecting("http://registry.test/v2/"))
		p.says = []string{f.Host, "registry.test", "X-Forwarded-Proto"}
	}},
	{"redirects without end", "redirect-loop", "api", func(t *testing.T, p *patient) {
		f := p.fake(t, nil, redirecting("/v2/"))
		p.says = []string{f.Host}
	}},
	{"a web application firewall", "access-blocked", "api", answering(http.StatusForbidden, html, fmt.Sprintf(page, "Request blocked"), "403")},
	{"a list of allowed addresses", "access-blocked", "api", answering(http.StatusForbidden, nil,
		`{"errors":[{"code":"DENIED","message":"client with IP 203.0.113.7 is not allowed access"}]}`, "203.0.113.7")},
	{"429 to everybody", "rate-limited", "api", answering(http.StatusTooManyRequests, map[string]string{"Retry-After": "90"},
		`{"errors":[{"code":"TOOMANYREQUESTS","message":"too many requests"}]}`, "429", "90 seconds")},
	{"a registry that is down", "server-error", "api", answering(http.StatusServiceUnavailable, html, "<html>no healthy upstream</html>", "503")},
	{"a server that says nothing", "answer-timeout", "api", func(t *testing.T, p *patient) {
		at := registrytest.SilentPort(t)
		p.at("http://"+at, "", "")
		p.client.HeaderTimeout = 300 * time.Millisecond
		p.says = []string{at}
	}},
	{"a server of another protocol", "answer-broken", "api", func(t *testing.T, p *patient) {
		at := registrytest.ForeignPort(t, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
		p.at("http://"+at, "", "")
		p.says = []string{at}
	}},
	{"a path without a registry", "wrong-path", "api", func(t *testing.T, p *patient) {
		r := p.real(t, registrytest.Options{Prefix: "/registry"})
		p.at("http://"+r.Host+"/artifactory/docker", zooUser, zooRight)
		p.says = []string{"/artifactory/docker", r.Host}
	}},
	{"Windows sign-in", "sign-in-scheme-unsupported", "challenge", func(t *testing.T, p *patient) {
		f := p.fake(t, nil, registrytest.Quirks{Challenge: []string{"Negotiate", "NTLM"}})
		p.at(f.URL, zooUser, zooRight)
		p.says = []string{f.Host, "negotiate, ntlm", "Basic"}
	}},
	{"a 401 that asks for nothing", "no-challenge", "challenge", answering(http.StatusUnauthorized, nil, `{"errors":[{"code":"UNAUTHORIZED"}]}`, "WWW-Authenticate")},
	{"a token service without TLS", "realm-plain-http", "challenge", func(t *testing.T, p *patient) {
		p.trust = registrytest.NewAuthority(t)
		f := p.fake(t, p.trust, registrytest.Quirks{Challenge: []string{`Bearer realm="http://auth.test/token",service="registry"`}})
		p.at(f.URL, zooUser, zooRight)
		p.says = []string{"http://auth.test/token", "X-Forwarded-Proto"}
	}},
	{"Artifactory behind a proxy that loses the key", "realm-lost-repository-key", "challenge", func(t *testing.T, p *patient) {
		p.typ = "artifactory"
		f := p.fake(t, nil, registrytest.Quirks{})
		f.Set(registrytest.Quirks{Challenge: []string{`Bearer realm="` + f.URL + `/artifactory/api/docker/null/v2/token",service="` + f.Host + `"`}})
		p.at(f.URL, zooUser, zooRight)
		p.says = []string{"/artifactory/api/docker/null/v2/token", "X-JFrog-Override-Base-Url"}
	}},
}
