package distribution

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// A token is an Authorization header from a token service.
type token struct {
	header secret.Text
	until  time.Time // to be used before
}

// bare is the token itself.
func (t token) bare() string { return strings.TrimPrefix(t.header.Reveal(), "Bearer ") }

const (
	defaultTokenLife = time.Minute // where the service does not say, by the specification
	maxTokenLife     = time.Hour   // a longer-lived token is replaced earlier, so that revoked rights end
	maxTokenBytes    = 64 << 10
)

// A tokenKey identifies a token: one for each registry, way to verify it, service, scope and credential.
type tokenKey struct {
	trust trust
	of    fingerprint
}

func (s *session) tokenKey(how challenge, cred Credential) tokenKey {
	identity := cred.identity()
	return tokenKey{s.trust, fingerprintOf(s.home.scheme, s.home.host, s.home.port, how.realm.String(), how.service, how.scope, string(identity[:]))}
}

func (s *session) keptToken(key tokenKey) (token, bool) {
	if s.fresh {
		return token{}, false
	}
	t, ok := s.c.tokens.get(key)
	return t, ok && s.c.o.Now().Before(t.until)
}

// newToken asks the token service. Concurrent callers share one exchange, which goes on when one of them gives up.
func (s *session) newToken(ctx context.Context, key tokenKey, how challenge, cred Credential) (token, error) {
	if how.plainBehind(s.endpoint) {
		return token{}, fault.New(fault.Invalid, "sign in", "the registry wants a token to be asked for at %s, in plain text", redact(how.realm)).
			WithFix("The registry's administrator must set the address of its token service to https.")
	}
	name := fmt.Sprintf("%x %p %p %t %t %t", key.of, key.trust.config, key.trust.proxy, key.trust.insecure, how.inside, s.fresh)
	secrets := s.secrets()
	done := s.c.exchanges.DoChan(name, func() (any, error) {
		if t, ok := s.keptToken(key); ok {
			return t, nil
		}
		t, err := s.c.exchangeToken(context.WithoutCancel(ctx), s.endpoint, how, cred, secrets)
		if err == nil {
			s.c.tokens.put(key, t)
		}
		return t, err
	})
	select {
	case result := <-done:
		return result.Val.(token), result.Err
	case <-ctx.Done():
		return token{}, ctx.Err()
	}
}

func (c *Client) exchangeToken(ctx context.Context, e Endpoint, how challenge, cred Credential, secrets []string) (token, error) {
	realm := *how.realm
	r := request{kind: KindToken, method: http.MethodGet, url: &realm, limit: c.o.MaxToken, secrets: secrets, inside: how.inside}
	authorization := secret.New(cred.basic())
	query := realm.Query()
	if cred.IdentityToken.IsSet() {
		r.method, r.form = http.MethodPost, url.Values{
			"grant_type": {"refresh_token"}, "client_id": {"landwaiter"}, "refresh_token": {cred.IdentityToken.Reveal()},
		}
		query, authorization = r.form, secret.Text{}
	}
	if how.service != "" {
		query.Set("service", how.service)
	}
	if scopes := strings.Fields(how.scope); len(scopes) > 0 {
		query["scope"] = scopes
		if r.form != nil {
			query["scope"] = []string{strings.Join(scopes, " ")}
		}
	}
	if r.form == nil {
		realm.RawQuery = query.Encode()
	}
	a, err := c.follow(ctx, e, r, authorization)
	if err != nil {
		return token{}, err
	}
	var failure *Error
	if a.status/100 != 2 {
		failure = c.answerError(r, a, authorization)
	} else {
		var t token
		if t, err = c.readToken(a); err == nil {
			return t, nil
		}
		failure = r.error(a.url, a.status, err)
	}
	failure.signedIn = !cred.Anonymous()
	return token{}, failure
}

func (c *Client) readToken(a *answer) (token, error) {
	var doc struct {
		Token       secret.Text     `json:"token"`
		AccessToken secret.Text     `json:"access_token"`
		ExpiresIn   json.RawMessage `json:"expires_in"`
		IssuedAt    string          `json:"issued_at"`
	}
	if err := json.Unmarshal(a.body, &doc); err != nil {
		return token{}, errors.New("the answer of the token service is not the JSON document it should be")
	}
	value := doc.Token
	if !value.IsSet() {
		value = doc.AccessToken
	}
	text := value.Reveal()
	switch {
	case text == "":
		return token{}, errors.New("the answer of the token service holds no token")
	case len(text) > maxTokenBytes:
		return token{}, fmt.Errorf("the token is longer than %d bytes", maxTokenBytes)
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return token{}, errors.New("the token has characters that no token has")
	}
	now := c.o.Now()
	life := tokenLife(doc.ExpiresIn, doc.IssuedAt, a.header, now)
	return token{header: secret.New("Bearer " + text), until: now.Add(life - min(life/10, 30*time.Second))}, nil
}

// tokenLife is how long a token is still good. The time it was issued at counts only as an age, by the service's own clock
// where it tells it, and only if that makes sense: a clock that is wrong must not make every token look expired.
func tokenLife(expiresIn json.RawMessage, issuedAt string, header http.Header, now time.Time) time.Duration {
	life := defaultTokenLife
	if seconds, err := strconv.ParseFloat(scalar(expiresIn), 64); err == nil && seconds > 0 {
		life = time.Duration(min(seconds, maxTokenLife.Seconds()*24) * float64(time.Second))
	}
	if issued, err := time.Parse(time.RFC3339, issuedAt); err == nil {
		if date, err := http.ParseTime(header.Get("Date")); err == nil {
			now = date
		}
		if age := now.Sub(issued); age > 0 && age < life {
			life -= age
		}
	}
	return min(life, maxTokenLife)
}
