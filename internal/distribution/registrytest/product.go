package registrytest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// A Product is a vendor's registry as a client sees it: how it asks for credentials, to whom it opens, and how it refuses.
type Product struct {
	Service   string              // of the token service; "" for the registry's host
	Token     string              // path of the token service; "" where user name and password go to the registry
	Elsewhere bool                // the token service is at a host of its own
	Header    map[string]string   // of every answer
	Challenge []string            // instead of one; %s is the realm
	Scope     string              // of the challenge at /v2/
	Opaque    bool                // tokens do not say what they are for
	Unasked   bool                // asks nobody for a credential at /v2/, whatever is sent there, if there are public repositories
	Basic     string              // realm of the challenge without a token service
	API       map[string]Document // of the vendor, by path
	Lenient   bool                // a wrong credential counts as none, which is refused only where nothing is asked for
	Bare      bool                // the token that a user gets is the password
	Locked    bool                // nobody gets a token without a credential, also for what is public

	Wrong  Failure // the answer to a credential that is wrong
	Deny   Failure // of the token service, to whom may not pull; without a status the token is good for less
	Hidden Failure // of the registry, to whom may not pull
}

// A Document is what a vendor's own API tells.
type Document struct{ User, Nobody string }

const jsonError = `{"errors":[{"code":%q,"message":%q}]}`

// refusal is one in the form of the specification.
func refusal(status int, code, message string) Failure {
	return Failure{status, map[string]string{"Content-Type": "application/json"}, fmt.Sprintf(jsonError, code, message)}
}

// plainly is one in words of its own.
func plainly(status int, body string) Failure {
	return Failure{status, map[string]string{"Content-Type": "application/json"}, body}
}

// The products.
var (
	Artifactory = Product{
		Token: "/v2/token", Unasked: true, Locked: true,
		Header: map[string]string{"X-Jfrog-Version": "Artifactory/7.111.4 81104900", "X-Artifactory-Node-Id": "artifactory-0"},
		Wrong:  plainly(http.StatusUnauthorized, `{"errors":[{"status":401,"message":"Bad credentials"}]}`),
		Hidden: plainly(http.StatusNotFound, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"The named manifest is not known to the registry."}]}`),
	}
	GHCR = Product{
		Token: "/token", Service: "ghcr.io", Scope: "repository:user/image:pull", Opaque: true,
		Wrong:  refusal(http.StatusForbidden, "DENIED", "denied"),
		Deny:   refusal(http.StatusForbidden, "DENIED", "requested access to the resource is denied"),
		Hidden: refusal(http.StatusForbidden, "DENIED", "permission_denied: The token provided does not match expected scopes."),
	}
	DockerHub = Product{
		Token: "/token", Service: "registry.docker.io", Elsewhere: true,
		Header: map[string]string{"Docker-Ratelimit-Source": "203.0.113.7"},
		Wrong:  plainly(http.StatusUnauthorized, `{"details":"incorrect username or password"}`),
		Hidden: refusal(http.StatusUnauthorized, "UNAUTHORIZED", "authentication required"),
	}
	Quay = Product{
		Token:  "/v2/auth",
		Wrong:  refusal(http.StatusUnauthorized, "UNAUTHORIZED", "Could not find robot with username: org+robot and supplied password."),
		Hidden: refusal(http.StatusUnauthorized, "UNAUTHORIZED", "access to the requested resource is not authorized"),
	}
	Harbor = Product{
		Lenient: true,
		API: map[string]Document{
			"/api/v2.0/systeminfo": {
				`{"harbor_version":"v2.13.1-a0d9c2f5","auth_mode":"db_auth","registry_url":"harbor.example","read_only":false}`, `{"auth_mode":"db_auth"}`,
			},
			"/api/v2.0/projects/team": {User: `{"name":"team","metadata":{"public":"false"}}`},
		},
		Token: "/service/token", Service: "harbor-registry",
		Wrong:  refusal(http.StatusUnauthorized, "UNAUTHORIZED", "unauthorized: unauthorized"),
		Hidden: refusal(http.StatusUnauthorized, "UNAUTHORIZED", "unauthorized to access repository"),
	}
	GitLab = Product{
		Token: "/jwt/auth", Service: "container_registry", Elsewhere: true,
		Wrong:  refusal(http.StatusUnauthorized, "UNAUTHORIZED", "HTTP Basic: Access denied"),
		Deny:   refusal(http.StatusForbidden, "DENIED", "access forbidden"),
		Hidden: refusal(http.StatusUnauthorized, "UNAUTHORIZED", "authentication required"),
	}
	Nexus = Product{
		Basic:  "Sonatype Nexus Repository Manager",
		Header: map[string]string{"Server": "Nexus/3.80.0-06 (COMMUNITY)"},
		Wrong:  refusal(http.StatusUnauthorized, "UNAUTHORIZED", "access to the requested resource is not authorized"),
		Hidden: refusal(http.StatusForbidden, "DENIED", "access to the requested resource is not authorized"),
	}
	OpenShift = Product{
		Token: "/openshift/token", Bare: true,
		Wrong:  plainly(http.StatusUnauthorized, ""),
		Hidden: refusal(http.StatusForbidden, "DENIED", "requested access to the resource is denied"),
	}
	Zot = Product{
		Basic:  "zot",
		Wrong:  refusal(http.StatusUnauthorized, "UNAUTHORIZED", "authentication required"),
		Hidden: refusal(http.StatusForbidden, "DENIED", "requested access to the resource is denied"),
	}
	Gitea = Product{
		Token: "/v2/token", Service: "container_registry",
		Challenge: []string{`Bearer realm="%s",service="container_registry",scope="*", Basic realm="Gitea"`},
		Opaque:    true,
		Wrong:     refusal(http.StatusUnauthorized, "UNAUTHORIZED", ""),
		Hidden:    refusal(http.StatusNotFound, "NAME_UNKNOWN", ""),
	}
	MSR = Product{
		Token:  "/auth/token",
		Wrong:  refusal(http.StatusUnauthorized, "UNAUTHORIZED", "invalid username or password"),
		Hidden: refusal(http.StatusUnauthorized, "UNAUTHORIZED", "access to the requested resource is not authorized"),
	}
)

// A Site is one installation of a product.
type Site struct {
	TLS    *Authority
	Users  map[string]string // passwords; each may pull everything
	Guests map[string]string // passwords of users that may pull what is public only
	Public func(string) bool // repositories that everybody may pull; nil for none
}

// A Shop is a site at work.
type Shop struct {
	*Fake
	Tokens *TokenService // nil without
	Quota  *Quota        // nil for none

	product Product
	site    Site
}

// A Quota limits pulls as Docker Hub does: GET of a manifest counts, HEAD does not.
type Quota struct{ Limit, Left int }

// Open starts a site of the product, which ends with the test.
func (p Product) Open(t testing.TB, s Site) *Shop {
	t.Helper()
	shop := &Shop{product: p, site: s}
	users := map[string]string{}
	for _, list := range []map[string]string{s.Users, s.Guests} {
		for user, password := range list {
			users[user] = password
		}
	}
	shop.Fake = NewFake(t, s.TLS, Quirks{Answer: shop.answer})
	if p.Token == "" {
		return shop
	}
	tokens := newTokens(t)
	tokens.Users, tokens.Opaque, tokens.Wrong, tokens.May = users, p.Opaque, &p.Wrong, shop.may
	tokens.Closed, tokens.Lenient, tokens.Bare = p.Locked, p.Lenient, p.Bare
	if p.Deny.Status != 0 {
		tokens.Deny = &p.Deny
	}
	shop.Tokens = tokens
	tokens.URL = shop.URL + p.Token
	if p.Elsewhere {
		tokens.URL = serve(t, tokens.wrap(tokens), s.TLS).URL + p.Token
	}
	return shop
}

func (s *Shop) may(user, repository string) bool {
	return user != "" && s.site.Users[user] != "" || s.site.Public != nil && s.site.Public(repository)
}

func (s *Shop) answer(w http.ResponseWriter, r *http.Request) bool {
	for name, value := range s.product.Header {
		w.Header().Set(name, value)
	}
	if s.Tokens != nil && !s.product.Elsewhere && r.URL.Path == s.product.Token {
		s.Tokens.ServeHTTP(w, r)
		return true
	}
	if document, ok := s.product.API[r.URL.Path]; ok {
		s.document(w, r, document)
		return true
	}
	repository := repositoryOf(r.URL.Path)
	in, allowed, sent := s.identify(r, repository)
	switch {
	case s.product.Unasked && s.site.Public != nil && repository == "":
	case allowed:
	case in:
		s.refuse(w, s.product.Hidden, repository)
		return true
	case sent && s.Tokens == nil:
		s.refuse(w, s.product.Wrong, repository)
		return true
	default:
		s.refuse(w, refusal(http.StatusUnauthorized, "UNAUTHORIZED", "authentication required"), repository)
		return true
	}
	return s.meter(w, r)
}

// document answers for the vendor's own API.
func (s *Shop) document(w http.ResponseWriter, r *http.Request, d Document) {
	text := d.Nobody
	if user, password, _ := r.BasicAuth(); s.knows(user, password) {
		text = d.User
	}
	if text == "" {
		s.refuse(w, s.product.Wrong, "")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, text)
}

func (s *Shop) knows(user, password string) bool {
	return password != "" && (s.site.Users[user] == password || s.site.Guests[user] == password)
}

// repositoryOf is the repository of a path of the API, "" if it is not about one.
func repositoryOf(path string) string {
	for _, part := range []string{"/manifests/", "/blobs/", "/tags/"} {
		if i := strings.LastIndex(path, part); i > 0 {
			return strings.TrimPrefix(path[:i], "/v2/")
		}
	}
	return ""
}

// identify says whether somebody is known, and may pull.
func (s *Shop) identify(r *http.Request, repository string) (in, allowed, sent bool) {
	if s.Tokens != nil {
		in, allowed = s.Tokens.allows(r.Header.Get("Authorization"), repository)
		return in, in && allowed, r.Header.Get("Authorization") != ""
	}
	user, password, sent := r.BasicAuth()
	in = s.knows(user, password)
	if !in {
		user = ""
	}
	return in, in && repository == "" || (in || !sent) && repository != "" && s.may(user, repository), sent
}

func (s *Shop) refuse(w http.ResponseWriter, f Failure, repository string) {
	if f.Status == http.StatusUnauthorized {
		for _, c := range s.challenge(repository) {
			w.Header().Add("WWW-Authenticate", c)
		}
	}
	f.write(w)
}

func (s *Shop) challenge(repository string) []string {
	if s.Tokens == nil {
		return []string{`Basic realm="` + s.product.Basic + `"`}
	}
	if len(s.product.Challenge) > 0 {
		var list []string
		for _, c := range s.product.Challenge {
			list = append(list, fmt.Sprintf(c, s.Tokens.URL))
		}
		return list
	}
	service := s.product.Service
	if service == "" {
		service = s.Host
	}
	text := fmt.Sprintf(`Bearer realm="%s",service="%s"`, s.Tokens.URL, service)
	switch {
	case repository != "":
		text += `,scope="repository:` + repository + `:pull"`
	case s.product.Scope != "":
		text += `,scope="` + s.product.Scope + `"`
	}
	return []string{text}
}

// meter counts a pull; true if it is one too many.
func (s *Shop) meter(w http.ResponseWriter, r *http.Request) bool {
	if s.Quota == nil || !strings.Contains(r.URL.Path, "/manifests/") {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := r.Method == http.MethodGet
	over := counts && s.Quota.Left == 0
	if counts && !over {
		s.Quota.Left--
	}
	w.Header().Set("Ratelimit-Limit", fmt.Sprintf("%d;w=21600", s.Quota.Limit))
	w.Header().Set("Ratelimit-Remaining", fmt.Sprintf("%d;w=21600", s.Quota.Left))
	if over {
		f := refusal(http.StatusTooManyRequests, "TOOMANYREQUESTS", "You have reached your pull rate limit.")
		f.write(w)
	}
	return over
}
