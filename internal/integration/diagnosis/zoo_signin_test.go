package diagnosis_test

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

// tokens is a real registry with a token service that answers in its own way.
func tokens(status int, header map[string]string, body string, say ...string) func(*testing.T, *patient) {
	return func(t *testing.T, p *patient) {
		r := p.real(t, registrytest.Options{Tokens: true})
		r.Tokens.Answer = answers(status, header, body).Answer
		p.says = append(say, r.Tokens.URL[:len(r.Tokens.URL)-len("/token")][len("http://"):])
	}
}

// realm is a registry that names a token service.
func realm(address string, say ...string) func(*testing.T, *patient) {
	return func(t *testing.T, p *patient) {
		p.trust = registrytest.NewAuthority(t)
		f := p.fake(t, p.trust, registrytest.Quirks{Challenge: []string{`Bearer realm="` + address + `",service="registry"`}})
		p.at(f.URL, zooUser, zooRight)
		p.says = append(say, address)
	}
}

// sold is a product, signed in to by the integration of its type.
func sold(product registrytest.Product, typ, user, password string, say ...string) func(*testing.T, *patient) {
	return func(t *testing.T, p *patient) {
		shop := p.shop(t, product, registrytest.Site{})
		p.typ = typ
		p.at(shop.URL, user, password)
		if typ == "quay" {
			p.settings = map[string]any{"endpoint": shop.URL, "registryRobotCredentials.username": user, "registryRobotCredentials.password": password}
		}
		p.says = say
	}
}

// withImage names the image, too.
func withImage(begin func(*testing.T, *patient)) func(*testing.T, *patient) {
	return func(t *testing.T, p *patient) {
		begin(t, p)
		p.named(p.settings["endpoint"].(string)[len("http://"):])
	}
}

// and names other findings that come with the one that is meant.
func and(begin func(*testing.T, *patient), others ...string) func(*testing.T, *patient) {
	return func(t *testing.T, p *patient) {
		begin(t, p)
		p.also = append(p.also, others...)
	}
}

// lasting is a JSON web token as a password, as access tokens of Artifactory and others are.
func lasting(d time.Duration) string {
	return integrationtest.Claims{Issuer: "jfrt", Subject: zooUser, Issued: time.Now().Add(-100 * 24 * time.Hour).Unix(), Expires: time.Now().Add(d).Unix()}.Sign("key")
}

// expiring is a registry that takes a token as the password.
func expiring(d time.Duration, say ...string) func(*testing.T, *patient) {
	return func(t *testing.T, p *patient) {
		password := lasting(d)
		shop := registrytest.Nexus.Open(t, registrytest.Site{Users: map[string]string{zooUser: password}})
		if d < 0 {
			shop = registrytest.Nexus.Open(t, registrytest.Site{Users: map[string]string{zooUser: "another"}})
		}
		p.at(shop.URL, zooUser, password)
		p.says = append(say, zooUser, time.Now().Add(d).UTC().Format("January 2006"))
	}
}

// signInRows are about the credential and the services that look at it.
var signInRows = []row{
	{"a token service at an address that is not allowed", "realm-address-refused", "token", realm("https://169.254.169.254/token", "169.254.169.254")},
	{"a token service that does not exist", "token-service-unknown", "token", realm("https://auth-nowhere.test/token")},
	{"a token service that is not there", "token-service-unreachable", "token", realm("https://"+registrytest.ClosedPort+"/token", "firewalls")},
	{"a token service with a certificate of nobody", "token-service-certificate", "token", func(t *testing.T, p *patient) {
		other := registrytest.NewFake(t, registrytest.NamedAuthority(t, "Another Root"), registrytest.Quirks{})
		realm(other.URL+"/token")(t, p)
	}},
	{"a token service that answers with a page", "token-service-broken", "token", tokens(http.StatusOK, html, fmt.Sprintf(page, "Welcome"))},
	{"a token service without a token", "token-service-broken", "token", tokens(http.StatusOK, nil, `{"expires_in":300}`, "no token")},
	{"a token service that is down", "token-service-broken", "token", tokens(http.StatusBadGateway, html, "<html>Bad Gateway</html>", "502")},

	{"wrong robot password at Quay", "quay-wrong-robot-token", "quay-user", and(sold(registrytest.Quay, "quay", zooRobot, zooWrong, zooRobot, "Could not find robot", "View Credentials"), "wrong-password")},
	{"wrong password at Quay", "wrong-password", "token", sold(registrytest.Quay, "docker", zooRobot, zooWrong, zooRobot, "Could not find robot")},
	{"wrong password at Artifactory with anonymous access on", "artifactory-wrong-password", "artifactory-credential", and(func(t *testing.T, p *patient) {
		shop := p.shop(t, registrytest.Artifactory, registrytest.Site{Public: func(string) bool { return true }})
		p.typ = "artifactory"
		p.at(shop.URL, zooUser, zooWrong)
		p.says = []string{zooUser, "anonymous access"}
	}, "wrong-password")},
	{"wrong password at Artifactory with anonymous access off", "artifactory-wrong-password", "artifactory-credential", and(sold(registrytest.Artifactory, "artifactory", zooUser, zooWrong, zooUser), "wrong-password")},
	{"wrong password at Docker Hub", "wrong-password", "token", sold(registrytest.DockerHub, "dockerhub", zooUser, zooWrong, zooUser, "incorrect username or password")},
	{"wrong token at GHCR", "account-blocked", "token", sold(registrytest.GHCR, "ghcr", zooOctocat, zooClassic+"x"[:0]+"x", zooOctocat, "DENIED")},
	{"wrong password at Harbor", "harbor-wrong-secret", "harbor-server", and(sold(registrytest.Harbor, "harbor", zooUser, zooWrong, zooUser), "wrong-password")},
	{"wrong password at GitLab", "wrong-password", "token", sold(registrytest.GitLab, "gitlab", zooUser, zooWrong, zooUser, "HTTP Basic: Access denied")},
	{"wrong password at Nexus", "wrong-password", "credential", sold(registrytest.Nexus, "nexus", zooUser, zooWrong, zooUser)},
	{"wrong token at OpenShift", "openshift-token", "docker-openshift-token", and(sold(registrytest.OpenShift, "docker", zooUser, zooWrong), "wrong-password")},
	{"wrong password at zot", "wrong-password", "credential", sold(registrytest.Zot, "zot", zooUser, zooWrong, zooUser)},
	{"wrong token at Gitea", "wrong-password", "token", sold(registrytest.Gitea, "gitea", zooUser, zooWrong, zooUser)},
	{"wrong password at MSR", "wrong-password", "token", sold(registrytest.MSR, "msr", zooUser, zooWrong, zooUser)},
	{"wrong password at a registry with htpasswd", "wrong-password", "credential", func(t *testing.T, p *patient) {
		r := p.real(t, registrytest.Options{})
		p.at(r.URL, zooUser, zooWrong)
		p.says = []string{zooUser, r.Host}
	}},
	{"a suspended login at Artifactory", "account-blocked", "token", func(t *testing.T, p *patient) {
		shop := p.shop(t, registrytest.Artifactory, registrytest.Site{})
		shop.Tokens.Answer = answers(http.StatusForbidden, nil, `{"errors":[{"status":403,"message":"This request is blocked due to recurrent login failures"}]}`).Answer
		p.typ, p.says = "artifactory", []string{zooUser, "recurrent login failures"}
	}},
	{"too many failed logins at Docker Hub", "sign-in-throttled", "token", tokens(http.StatusTooManyRequests, map[string]string{"Retry-After": "900"},
		`{"details":"too many failed login attempts for username or IP address"}`, "too many failed login attempts", "15 minutes")},
	{"a registry that trusts another token service", "token-not-accepted", "credential", func(t *testing.T, p *patient) {
		other := registrytest.Start(t, registrytest.Options{Tokens: true, Users: map[string]string{zooUser: zooRight}})
		r := p.real(t, registrytest.Options{Tokens: true})
		r.Tokens.Answer = func(w http.ResponseWriter, req *http.Request) bool {
			other.Tokens.ServeHTTP(w, req)
			return true
		}
		p.says = []string{r.Host, "401"}
	}},
	{"an identity token where a password is wanted", "credential-does-not-fit", "credential", func(t *testing.T, p *patient) {
		r := p.real(t, registrytest.Options{})
		p.settings = map[string]any{"endpoint": r.URL, "identityToken": zooRight}
		p.says = []string{r.Host, "identity token"}
	}},
	{"a user that is refused by 403", "credential-refused", "credential", func(t *testing.T, p *patient) {
		f := p.fake(t, nil, registrytest.Quirks{Answer: func(w http.ResponseWriter, r *http.Request) bool {
			if _, _, ok := r.BasicAuth(); !ok {
				return false
			}
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, `{"errors":[{"code":"DENIED","message":"the user is disabled"}]}`)
			return true
		}, Challenge: []string{`Basic realm="registry"`}})
		p.at(f.URL, zooUser, zooRight)
		p.says = []string{f.Host, "403", "the user is disabled"}
	}},
	{"an open registry whose limit ends the control", "credential-unproven", "credential", func(t *testing.T, p *patient) {
		var asked atomic.Int32
		f := p.fake(t, nil, registrytest.Quirks{Answer: func(w http.ResponseWriter, r *http.Request) bool {
			if user, _, ok := r.BasicAuth(); ok && user != zooUser && asked.Add(1) > 0 {
				w.WriteHeader(http.StatusTooManyRequests)
				return true
			}
			return false
		}})
		p.at(f.URL, zooUser, zooRight)
		p.says = []string{f.Host, "--image"}
	}},
	{"a registry that looks at no credential", "credential-ignored", "credential", func(t *testing.T, p *patient) {
		f := p.fake(t, nil, registrytest.Quirks{})
		p.at(f.URL, zooUser, zooRight)
		p.says = []string{f.Host, "--image"}
	}},
	{"nobody at Nexus", "credential-needed", "credential", sold(registrytest.Nexus, "nexus", "", "")},
	{"nobody at Harbor, and no image", "anonymous-unproven", "token", sold(registrytest.Harbor, "harbor", "", "", "--image")},
	{"nobody at a private project of Harbor", "credential-needed", "credential", withImage(sold(registrytest.Harbor, "harbor", "", "", zooImage))},
	{"nobody at GHCR's private image", "credential-needed", "token", withImage(sold(registrytest.GHCR, "ghcr", "", "", zooImage))},
	{"a credential that may push", "more-than-pull", "credential", func(t *testing.T, p *patient) {
		shop := p.shop(t, registrytest.Harbor, registrytest.Site{})
		shop.Tokens.Actions = []string{"pull", "push", "delete"}
		p.named(shop.Host)
		p.says = []string{zooImage, "push, delete"}
	}},
	{"an access token that has ended", "credential-expired", "credential", expiring(-30 * 24 * time.Hour)},
	{"an access token that ends next week", "credential-expires-soon", "expiry", expiring(7*24*time.Hour+time.Minute, "7 days")},
	{"a clock that is wrong", "clock-skew", "clock", func(t *testing.T, p *patient) {
		r := p.real(t, registrytest.Options{})
		p.deps.Now = func() time.Time { return time.Now().Add(-17 * time.Minute) }
		p.says = []string{r.Host, "17 minutes", "ahead of"}
	}},
	{"a clock that is wrong the other way", "clock-skew", "clock", func(t *testing.T, p *patient) {
		r := p.real(t, registrytest.Options{})
		p.deps.Now = func() time.Time { return time.Now().Add(3 * time.Hour) }
		p.says = []string{r.Host, "hours", "behind"}
	}},
}
