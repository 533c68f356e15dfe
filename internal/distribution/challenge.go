package distribution

import (
	"net/url"
	"strings"
)

// A challenge is how an origin wants requests to be signed in.
type challenge struct {
	scheme  string   // "bearer" or "basic"
	realm   *url.URL // of the token service; nil for basic
	service string
	scope   string
	inside  bool // the registry was reached in a private network
}

const maxChallengeBytes = 16 << 10

// chooseChallenge picks the best of the challenges in WWW-Authenticate headers: Bearer, then Basic. A Bearer challenge
// whose realm is not a URL means Basic. offered names the schemes when none of them can be used.
func chooseChallenge(headers []string) (best challenge, ok bool, offered string) {
	var schemes []string
	basic := false
	for _, c := range parseChallenges(headers) {
		schemes = append(schemes, clean(c.scheme, 40))
		switch c.scheme {
		case "bearer":
			if realm := parseRealm(c.params["realm"]); realm != nil {
				return challenge{scheme: "bearer", realm: realm, service: c.params["service"], scope: c.params["scope"]}, true, ""
			}
			basic = true
		case "basic":
			basic = true
		}
	}
	return challenge{scheme: "basic"}, basic, strings.Join(schemes, ", ")
}

// ownTokens is the challenge of a registry that has not sent one, but has a token service at the usual place.
func (e Endpoint) ownTokens() challenge {
	return challenge{scheme: "bearer", realm: e.url("token"), service: e.Host}
}

// plainBehind reports whether a token service without TLS stands behind a registry with it. It must be verified too, also
// where there is no credential to lose: what a plain service inside the network answers would be sent to the registry as its
// token.
func (c challenge) plainBehind(e Endpoint) bool {
	return c.realm.Scheme != "https" && e.Scheme == "https"
}

func (c challenge) same(d challenge) bool {
	return c.scheme == d.scheme && c.service == d.service && c.scope == d.scope && (c.realm == nil) == (d.realm == nil) &&
		(c.realm == nil || *c.realm == *d.realm)
}

// parseRealm returns nil unless the realm is an absolute URL that tokens can be asked from.
func parseRealm(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" {
		return nil
	}
	u.Scheme = strings.ToLower(u.Scheme)
	if u.Scheme != "https" && u.Scheme != "http" {
		return nil
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	return u
}

type wireChallenge struct {
	scheme string
	params map[string]string
}

// parseChallenges reads WWW-Authenticate headers, each with one or more challenges. What is malformed is skipped: a
// challenge that is understood must not be lost to one that is not.
func parseChallenges(headers []string) []wireChallenge {
	const maxChallenges, maxParams = 16, 32
	var list []wireChallenge
	total := 0
	for _, header := range headers {
		if total += len(header); total > maxChallengeBytes {
			break
		}
		p := challengeText(header)
		for len(list) < maxChallenges {
			p.skip(" \t,")
			name := p.word()
			if name == "" {
				if p == "" {
					break
				}
				p = p[1:]
				continue
			}
			p.skip(" \t")
			if !strings.HasPrefix(string(p), "=") {
				list = append(list, wireChallenge{scheme: strings.ToLower(name), params: map[string]string{}})
				continue
			}
			p = p[1:]
			p.skip(" \t")
			value := p.value()
			if n := len(list); n > 0 && len(list[n-1].params) < maxParams {
				if key := strings.ToLower(name); list[n-1].params[key] == "" {
					list[n-1].params[key] = value
				}
			}
		}
	}
	return list
}

// challengeText is what is left of a header.
type challengeText string

func (p *challengeText) skip(chars string) {
	*p = challengeText(strings.TrimLeft(string(*p), chars))
}

func (p *challengeText) take(n int) string {
	s := string((*p)[:n])
	*p = (*p)[n:]
	return s
}

// word reads a scheme or a parameter's name.
func (p *challengeText) word() string {
	n := strings.IndexAny(string(*p), " \t,=\"")
	if n < 0 {
		n = len(*p)
	}
	return p.take(n)
}

// value reads a quoted string, or an unquoted one up to a comma or white space.
func (p *challengeText) value() string {
	if !strings.HasPrefix(string(*p), `"`) {
		n := strings.IndexAny(string(*p), " \t,")
		if n < 0 {
			n = len(*p)
		}
		return p.take(n)
	}
	var b strings.Builder
	for i := 1; i < len(*p); i++ {
		switch c := (*p)[i]; {
		case c == '"':
			p.take(i + 1)
			return b.String()
		case c == '\\' && i+1 < len(*p):
			i++
			b.WriteByte((*p)[i])
		default:
			b.WriteByte(c)
		}
	}
	*p = ""
	return b.String()
}
