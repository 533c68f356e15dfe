package auth

import (
	"context"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/landwaiter/landwaiter/internal/fault"
)

// A Trust says which identity tokens of an OpenID Connect issuer are exchanged for an access token, and with which role.
type Trust struct {
	ID     string
	Type   TrustType
	Issuer string // URL, unique
	// Audience is what the tokens must be made for. Empty, with GitHub's issuer only, means what GitHub writes where a workflow
	// asks for no other: the URL of the owner of its repository.
	Audience string
	Lifetime time.Duration // of the access tokens
	Mappings []Mapping     // the first one that matches decides
	// Version changes with every change, which ends the access tokens that were given out before.
	Version string
}

// A TrustType says what kind of issuer it is.
type TrustType string

const (
	Generic            TrustType = "GENERIC"
	GitHubActions      TrustType = "GITHUB_ACTIONS"
	KubeServiceAccount TrustType = "KUBE_SERVICE_ACCOUNT"
)

// A Mapping gives a role to tokens with a claim of which any value matches.
type Mapping struct {
	Key        string // of nested claims: outer.inner
	Expression string // RE2, for the whole value
	Role       Role
}

// GitHubIssuer makes the tokens of GitHub's workflows. Whoever has an account there gets tokens of it.
const GitHubIssuer = "https://token.actions.githubusercontent.com"

const (
	usualLifetime    = time.Hour
	shortestLifetime = time.Minute
	longestLifetime  = 24 * time.Hour
	maxMappings      = 100
	maxTrustText     = 1000
)

// Trusts lists them by issuer.
func (s *Service) Trusts(ctx context.Context) ([]Trust, error) { return s.store.Trusts(ctx) }

// PutTrust adds one, or replaces the one of the same ID, and returns it as it is stored.
func (s *Service) PutTrust(ctx context.Context, t Trust) (Trust, error) {
	t.setDefaults()
	if err := t.check(s.issuers.allowHTTP); err != nil {
		return Trust{}, err
	}
	version, err := uuid.NewRandomFromReader(s.rand)
	if err != nil {
		return Trust{}, fault.Wrap(fault.Internal, "store trust", "make an ID", err)
	}
	t.Version = version.String()
	if t.ID == "" {
		t.ID = t.Version
	}
	return t, s.store.PutTrust(ctx, t)
}

// DeleteTrust ends a trust and the access tokens that came of it. It is no error if there is none.
func (s *Service) DeleteTrust(ctx context.Context, id string) error {
	return s.store.DeleteTrust(ctx, id)
}

func (t *Trust) setDefaults() {
	if t.Type == "" {
		t.Type = Generic
	}
	if t.Type == GitHubActions && t.Issuer == "" {
		t.Issuer = GitHubIssuer
	}
	if t.Lifetime == 0 {
		t.Lifetime = usualLifetime
	}
}

func (t *Trust) check(allowHTTP bool) error {
	invalid := func(format string, args ...any) *fault.Error {
		return fault.New(fault.Invalid, "store trust", format, args...)
	}
	switch {
	case t.Type != Generic && t.Type != GitHubActions && t.Type != KubeServiceAccount:
		return invalid("there is no type %q", t.Type).WithFix("Use %s, %s or %s.", Generic, GitHubActions, KubeServiceAccount)
	case t.Issuer == "":
		return invalid("an issuer is missing").WithFix(`Give the URL that its tokens have as "iss". That of a Kubernetes cluster is shown by kubectl get --raw /.well-known/openid-configuration.`)
	case t.Type == GitHubActions && t.Issuer != GitHubIssuer:
		return invalid("the issuer of GitHub's workflows is %s", GitHubIssuer).
			WithFix("Leave the issuer out, or use the type %s for a GitHub Enterprise server.", Generic)
	case t.Audience == "" && t.Issuer != GitHubIssuer:
		return invalid("an audience is missing").
			WithFix(`Give the "aud" that the tokens are made for, such as this server's URL: without it, a token that was made for another service would let in here.`)
	case t.Lifetime < shortestLifetime || t.Lifetime > longestLifetime:
		return invalid("access tokens cannot be valid for %s", t.Lifetime).WithFix("Give a time from %s to %s.", shortestLifetime, longestLifetime)
	case len(t.Mappings) == 0:
		return invalid("there is no mapping, so that nobody would be let in").WithFix("Say which value of which claim gets which role.")
	case len(t.Mappings) > maxMappings:
		return invalid("there are %d mappings, more than %d", len(t.Mappings), maxMappings)
	case slices.ContainsFunc([]string{t.ID, t.Issuer, t.Audience}, badText):
		return invalid("an ID, issuer or audience is longer than %d bytes or holds control characters", maxTrustText)
	}
	u, err := url.Parse(t.Issuer)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !mayReach(u, allowHTTP) {
		return invalid("the issuer is not the https:// URL of a server").WithFix(`Give the URL that its tokens have as "iss", exactly.`)
	}
	for i, m := range t.Mappings {
		if err := m.check(); err != nil {
			return invalid("mapping %d: %s", i+1, err).WithFix("%s", fault.FixOf(err))
		}
		if matches, _ := m.compile(); t.Issuer == GitHubIssuer && matches.MatchString("anybody:at/all") {
			return invalid("mapping %d lets every workflow on GitHub in", i+1).
				WithFix("Name what is yours, such as the claim repository_owner with your organization, or repository with org/name.")
		}
	}
	return nil
}

// mayReach leaves out what anybody on the way could answer for the issuer.
func mayReach(u *url.URL, allowHTTP bool) bool {
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && allowHTTP && (u.Hostname() == "localhost" || err == nil && addr.IsLoopback())
}

func badText(s string) bool {
	return len(s) > maxTrustText || strings.ContainsFunc(s, unicode.IsControl)
}

func (m Mapping) check() error {
	switch {
	case m.Key == "" || badText(m.Key):
		return fault.New(fault.Invalid, "", "the claim is missing, too long or holds control characters").WithFix("Name a claim of the token, such as sub.")
	case m.Expression == "" || badText(m.Expression):
		return fault.New(fault.Invalid, "", "the expression is missing, too long or holds control characters").WithFix("Give a regular expression for the whole value of %s.", m.Key)
	case !slices.Contains(Roles(), m.Role):
		return noRole("", m.Role)
	}
	_, err := m.compile()
	return err
}

// compile makes the expression match whole values only: "org/app" must not let "evil-org/app" in.
func (m Mapping) compile() (*regexp.Regexp, error) {
	// On its own first, so that no ")|(" can leave the group.
	_, err := regexp.Compile(m.Expression)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "", err).WithFix("See https://github.com/google/re2/wiki/Syntax for what can be written.")
	}
	return regexp.Compile(`\A(?:` + m.Expression + `)\z`)
}

// roleFor is the role of the first mapping that matches the claims.
func (t *Trust) roleFor(claims map[string][]string) (Role, bool) {
	for _, m := range t.Mappings {
		matches, err := m.compile()
		if err == nil && slices.ContainsFunc(claims[m.Key], matches.MatchString) {
			return m.Role, true
		}
	}
	return "", false
}
