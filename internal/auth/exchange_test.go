package auth_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/landwaiter/landwaiter/internal/auth"
	"github.com/landwaiter/landwaiter/internal/auth/authtest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/secret"
	"github.com/landwaiter/landwaiter/internal/store"
	"github.com/landwaiter/landwaiter/internal/store/storetest"
)

// trusting is a service that trusts an issuer, and reaches it.
func trusting(t *testing.T, s *store.Store, p *authtest.Issuer) (*auth.Service, *clock) {
	t.Helper()
	c := &clock{noon}
	people := auth.New(auth.Options{
		Store: s, Now: c.Now, Rand: rand.Reader, AllowHTTP: true, Reach: func(*url.URL) http.RoundTripper { return http.DefaultTransport },
	})
	if _, err := people.PutTrust(t.Context(), trustIn(p)); err != nil {
		t.Fatal(err)
	}
	return people, c
}

func trustIn(p *authtest.Issuer) auth.Trust {
	return auth.Trust{ID: "one", Issuer: p.URL, Audience: "https://landwaiter.example", Mappings: []auth.Mapping{
		{Key: "repository", Expression: "org/app", Role: auth.ContinuousIntegration},
		{Key: "repository_owner", Expression: "org|other-org", Role: auth.Viewer},
	}}
}

func TestExchange(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		t.Run("gives_a_token_that_lets_in_for_a_while_on_every_server", func(t *testing.T) {
			p, s := authtest.Start(t), open(t)
			people, c := trusting(t, s, p)
			access, err := people.Exchange(t.Context(), p.Token(t, noon, nil))
			if err != nil {
				t.Fatal(err)
			}
			other := auth.New(auth.Options{Store: s, Now: c.Now, Rand: rand.Reader})
			for _, server := range []*auth.Service{people, other} {
				who, err := server.Bearer(t.Context(), access)
				if err != nil || who.Role != auth.ContinuousIntegration || who.Name != "m2m:"+p.URL+":repo:org/app:ref:refs/heads/main" || !who.Expires.Equal(noon.Add(time.Hour)) {
					t.Error(who, err)
				}
			}
			if list, err := people.Tokens(t.Context()); err != nil || len(list) != 0 {
				t.Error("it is listed among those that people made", list, err)
			}
			c.advance(time.Hour)
			_, err = people.Bearer(t.Context(), access)
			wantFault(t, err, fault.Unauthenticated, "expired")
			again := p.Claims(noon, map[string]any{"exp": c.now.Add(time.Minute).Unix()})
			if _, err := people.Exchange(t.Context(), authtest.Sign(t, jose.ES256, p.Private["first"], "first", again)); err != nil {
				t.Fatal(err)
			}
			_, err = people.Bearer(t.Context(), access)
			wantFault(t, err, fault.Unauthenticated, "not a token of this server") // it was cleaned up
		})

		t.Run("ends_with_the_trust", func(t *testing.T) {
			for name, change := range map[string]func(*auth.Service, auth.Trust) error{
				"changed": func(people *auth.Service, in auth.Trust) error {
					in.Mappings = in.Mappings[:1]
					_, err := people.PutTrust(t.Context(), in)
					return err
				},
				"deleted": func(people *auth.Service, in auth.Trust) error { return people.DeleteTrust(t.Context(), in.ID) },
			} {
				t.Run(name, func(t *testing.T) {
					p := authtest.Start(t)
					people, _ := trusting(t, open(t), p)
					access, err := people.Exchange(t.Context(), p.Token(t, noon, nil))
					if err != nil {
						t.Fatal(err)
					}
					if err := change(people, trustIn(p)); err != nil {
						t.Fatal(err)
					}
					_, err = people.Bearer(t.Context(), access)
					wantFault(t, err, fault.Unauthenticated)
				})
			}
		})

		t.Run("one_trust_an_issuer", func(t *testing.T) {
			p := authtest.Start(t)
			people, _ := trusting(t, open(t), p)
			second := trustIn(p)
			second.ID = ""
			_, err := people.PutTrust(t.Context(), second)
			wantFault(t, err, fault.Conflict, p.URL, "delete it")
			if list, err := people.Trusts(t.Context()); err != nil || len(list) != 1 || list[0].ID != "one" || list[0].Lifetime != time.Hour {
				t.Error(list, err)
			}
		})
	})
}

func memory(t *testing.T) *store.Store {
	return storetest.Open(t, storetest.Options("sqlite::memory:"))
}

func TestExchange_takes_claims(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		mappings []auth.Mapping
		claims   map[string]any
		want     auth.Role // "" for nobody
	}{
		"first_mapping_decides":    {[]auth.Mapping{{"repository", "org/.*", auth.Viewer}, {"repository", "org/app", auth.Administrator}}, nil, auth.Viewer},
		"later_mapping":            {[]auth.Mapping{{"repository", "other/.*", auth.Viewer}, {"repository", "org/app", auth.Administrator}}, nil, auth.Administrator},
		"any_value_of_a_list":      {[]auth.Mapping{{"groups", "builders", auth.Viewer}}, nil, auth.Viewer},
		"inner_claim":              {[]auth.Mapping{{"kubernetes.io.serviceaccount.name", "robot", auth.Viewer}}, nil, auth.Viewer},
		"truth_value":              {[]auth.Mapping{{"protected", "true", auth.Viewer}}, nil, auth.Viewer},
		"audience_list":            {[]auth.Mapping{{"repository", "org/app", auth.Viewer}}, map[string]any{"aud": []string{"x", "https://landwaiter.example"}}, auth.Viewer},
		"not_a_part_at_the_end":    {[]auth.Mapping{{"repository", "org/app", auth.Viewer}}, map[string]any{"repository": "evil-org/app"}, ""},
		"not_a_part_at_the_start":  {[]auth.Mapping{{"repository", "org/app", auth.Viewer}}, map[string]any{"repository": "org/app-evil"}, ""},
		"not_a_line_of_it":         {[]auth.Mapping{{"repository", "org/app", auth.Viewer}}, map[string]any{"repository": "org/app\nx"}, ""},
		"alternatives_stay_inside": {[]auth.Mapping{{"repository", "org/app|org/b", auth.Viewer}}, map[string]any{"repository": "org/app-evil"}, ""},
		"claim_is_absent":          {[]auth.Mapping{{"repository", ".*", auth.Viewer}}, map[string]any{"repository": nil}, ""},
		"claim_is_another_type":    {[]auth.Mapping{{"repository", ".*", auth.Viewer}}, map[string]any{"repository": map[string]any{"a": "b"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := authtest.Start(t)
			p.Private["rsa"] = rsaKey
			p.Publish(&rsaKey.PublicKey, "rsa")
			people, _ := trusting(t, memory(t), p)
			in := trustIn(p)
			in.Mappings = test.mappings
			if _, err := people.PutTrust(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			access, err := people.Exchange(t.Context(), authtest.Sign(t, jose.RS256, rsaKey, "rsa", p.Claims(noon, test.claims)))
			if test.want == "" {
				wantFault(t, err, fault.Unauthenticated, "no mapping", "whole value")
				return
			}
			if who, err := people.Bearer(t.Context(), access); err != nil || who.Role != test.want {
				t.Error(who, err)
			}
		})
	}
}

func TestExchange_refuses(t *testing.T) {
	p := authtest.Start(t)
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(p.Private["first"].(*ecdsa.PrivateKey).Public())
	if err != nil {
		t.Fatal(err)
	}
	unsigned := func(header string) secret.Text {
		payload, err := json.Marshal(p.Claims(noon, nil))
		if err != nil {
			t.Fatal(err)
		}
		return secret.New(base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(payload) + ".")
	}
	good := p.Token(t, noon, nil).Reveal()
	for name, test := range map[string]struct {
		token secret.Text
		code  fault.Code
		words string
	}{
		"no_token":                   {secret.New(""), fault.Invalid, "no identity token"},
		"words":                      {secret.New("marked.words.here"), fault.Invalid, "no identity token"},
		"much":                       {secret.New(good + strings.Repeat("A", 1<<20)), fault.Invalid, "64 KiB"},
		"json_form":                  {secret.New(`{"payload":"e30","signatures":[]}`), fault.Invalid, "no identity token"},
		"no_issuer":                  {p.Token(t, noon, map[string]any{"iss": nil}), fault.Invalid, "no identity token"},
		"issuer_is_no_text":          {p.Token(t, noon, map[string]any{"iss": 7}), fault.Invalid, "no identity token"},
		"strange_issuer":             {p.Token(t, noon, map[string]any{"iss": "https://marked.example/\x1b[31m"}), fault.Unauthenticated, "not trusted"},
		"issuer_with_a_slash":        {p.Token(t, noon, map[string]any{"iss": p.URL + "/"}), fault.Unauthenticated, "not trusted"},
		"other_audience":             {p.Token(t, noon, map[string]any{"aud": "sts.amazonaws.com"}), fault.Unauthenticated, "made for"},
		"no_audience":                {p.Token(t, noon, map[string]any{"aud": nil}), fault.Unauthenticated, "made for"},
		"expired":                    {p.Token(t, noon, map[string]any{"exp": noon.Add(-61 * time.Second).Unix()}), fault.Unauthenticated, "expired"},
		"without_an_end":             {p.Token(t, noon, map[string]any{"exp": nil}), fault.Unauthenticated, "expired"},
		"not_yet_valid":              {p.Token(t, noon, map[string]any{"nbf": noon.Add(5 * time.Minute).Unix()}), fault.Unauthenticated, "not before"},
		"unsigned":                   {unsigned(`{"alg":"none","kid":"first"}`), fault.Unauthenticated, "algorithm"},
		"public_key_used_as_secret":  {authtest.Sign(t, jose.HS256, append(public, make([]byte, 32)...), "first", p.Claims(noon, nil)), fault.Unauthenticated, "algorithm"},
		"key_of_its_own":             {authtest.Sign(t, jose.ES256, stranger, "first", p.Claims(noon, nil)), fault.Unauthenticated, "key of the issuer"},
		"unknown_key":                {authtest.Sign(t, jose.ES256, stranger, "marked", p.Claims(noon, nil)), fault.Unauthenticated, "no key of the ID"},
		"unknown_key_without_its_ID": {authtest.Sign(t, jose.ES256, stranger, "", p.Claims(noon, nil)), fault.Unauthenticated, "key of the issuer"},
		"other_claims":               {secret.New(swapClaims(t, good, p.Claims(noon, map[string]any{"repository": "org/other"}))), fault.Unauthenticated, "key of the issuer"},
	} {
		t.Run(name, func(t *testing.T) {
			people, _ := trusting(t, memory(t), p)
			access, err := people.Exchange(t.Context(), test.token)
			wantFault(t, err, test.code, test.words)
			if access.IsSet() || fault.FixOf(err) == "" {
				t.Error("an access token, or nothing to do", err)
			}
			for part := range strings.SplitSeq(test.token.Reveal(), ".") {
				if len(part) > 10 && strings.Contains(err.Error()+fault.FixOf(err), part) {
					t.Errorf("it repeats the token: %v", err)
				}
			}
			if bytes.ContainsRune([]byte(err.Error()), 0x1b) {
				t.Errorf("%q", err)
			}
		})
	}
	t.Run("not_within_the_skew_of_clocks", func(t *testing.T) {
		people, _ := trusting(t, memory(t), p)
		for _, change := range []map[string]any{{"exp": noon.Add(-59 * time.Second).Unix()}, {"nbf": noon.Add(time.Minute).Unix()}} {
			if _, err := people.Exchange(t.Context(), p.Token(t, noon, change)); err != nil {
				t.Error(change, err)
			}
		}
	})
}

func swapClaims(t *testing.T, token string, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, ".")
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString(payload) + "." + parts[2]
}

func TestKeys(t *testing.T) {
	exchange := func(t *testing.T, people *auth.Service, p *authtest.Issuer, kid string, now time.Time) error {
		_, err := people.Exchange(t.Context(), authtest.Sign(t, jose.ES256, p.Private[kid], kid, p.Claims(noon, map[string]any{"exp": now.Add(time.Minute).Unix()})))
		return err
	}

	t.Run("are_asked_for_once_and_again_when_a_new_one_is_used", func(t *testing.T) {
		p := authtest.Start(t)
		people, c := trusting(t, memory(t), p)
		for range 3 {
			if err := exchange(t, people, p, "first", c.now); err != nil {
				t.Fatal(err)
			}
		}
		p.Rotate(t, "second")
		c.advance(3 * time.Second)
		if err := exchange(t, people, p, "second", c.now); err != nil {
			t.Error(err)
		}
		wantFault(t, exchange(t, people, p, "first", c.now), fault.Unauthenticated, "no key")
		if p.Asked() != 2 {
			t.Errorf("asked %d times", p.Asked())
		}
	})

	t.Run("that_were_withdrawn_do_not_count_for_long", func(t *testing.T) {
		p := authtest.Start(t)
		people, c := trusting(t, memory(t), p)
		if err := exchange(t, people, p, "first", c.now); err != nil {
			t.Fatal(err)
		}
		p.Rotate(t, "second")
		c.advance(15 * time.Minute)
		wantFault(t, exchange(t, people, p, "first", c.now), fault.Unauthenticated, "no key")
	})

	t.Run("are_not_asked_for_by_every_made_up_token", func(t *testing.T) {
		p := authtest.Start(t)
		people, c := trusting(t, memory(t), p)
		for range 50 {
			p.Private["made-up"] = p.Private["first"]
			wantFault(t, exchange(t, people, p, "made-up", c.now), fault.Unauthenticated)
		}
		if p.Asked() != 1 {
			t.Errorf("asked %d times", p.Asked())
		}
	})

	t.Run("count_while_the_issuer_is_away_for_a_while", func(t *testing.T) {
		p := authtest.Start(t)
		people, c := trusting(t, memory(t), p)
		if err := exchange(t, people, p, "first", c.now); err != nil {
			t.Fatal(err)
		}
		p.Answer(func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusBadGateway); return true })
		c.advance(time.Hour)
		if err := exchange(t, people, p, "first", c.now); err != nil {
			t.Error(err)
		}
		c.advance(time.Hour)
		wantFault(t, exchange(t, people, p, "first", c.now), fault.Unavailable, "502 Bad Gateway", "try again")
		p.Answer(nil)
		wantFault(t, exchange(t, people, p, "first", c.now), fault.Unavailable) // a moment later it is not asked again
		c.advance(2 * time.Second)
		if err := exchange(t, people, p, "first", c.now); err != nil {
			t.Error(err)
		}
	})

	for name, test := range map[string]struct {
		answer func(http.ResponseWriter) bool
		about  func(map[string]any)
		words  string
	}{
		"of_a_huge_document": {answer: func(w http.ResponseWriter) bool { w.Write(make([]byte, 2<<20)); return true }, words: "more than 1024 KiB"},
		"that_are_no_JSON":   {answer: func(w http.ResponseWriter) bool { w.Write([]byte("<html>")); return true }, words: "not the JSON"},
		"that_are_elsewhere_now": {answer: func(w http.ResponseWriter) bool {
			w.Header().Set("Location", "/")
			w.WriteHeader(http.StatusFound)
			return true
		}, words: "302"},
		"of_another_issuer": {about: func(doc map[string]any) { doc["issuer"] = "https://other.example" }, words: `calls itself "https://other.example"`},
		"in_a_file":         {about: func(doc map[string]any) { doc["jwks_uri"] = "file:///etc/passwd" }, words: "no https:// URL"},
	} {
		t.Run(name, func(t *testing.T) {
			p := authtest.Start(t)
			p.Answer(test.answer)
			p.About(test.about)
			people, c := trusting(t, memory(t), p)
			wantFault(t, exchange(t, people, p, "first", c.now), fault.Unavailable, test.words, "Check that")
		})
	}

	t.Run("of_somebody_slow", func(t *testing.T) {
		p := authtest.Start(t)
		people, _ := trusting(t, memory(t), p)
		ctx, cancel := context.WithCancel(t.Context())
		p.Answer(func(http.ResponseWriter) bool { cancel(); <-time.After(100 * time.Millisecond); return false })
		_, err := people.Exchange(ctx, p.Token(t, noon, nil))
		wantFault(t, err, fault.Unavailable, "canceled")
	})

	t.Run("of_nobody", func(t *testing.T) {
		p := authtest.Start(t)
		people, c := trusting(t, memory(t), p)
		p.Server.Close()
		wantFault(t, exchange(t, people, p, "first", c.now), fault.Unavailable, "cannot be had", "connection refused")
	})
}

func TestGitHub(t *testing.T) {
	p := authtest.Start(t)
	people := auth.New(auth.Options{
		Store: memory(t), Now: (&clock{noon}).Now, Rand: rand.Reader, Reach: func(u *url.URL) http.RoundTripper {
			if u.String() != auth.GitHubIssuer {
				t.Errorf("reached %s", u)
			}
			return github{p}
		},
	})
	p.About(func(doc map[string]any) {
		doc["issuer"], doc["jwks_uri"] = auth.GitHubIssuer, auth.GitHubIssuer+"/keys"
	})
	if _, err := people.PutTrust(t.Context(), auth.Trust{Type: auth.GitHubActions, Mappings: trustIn(p).Mappings}); err != nil {
		t.Fatal(err)
	}
	exchange := func(audience, owner string) error {
		_, err := people.Exchange(t.Context(), p.Token(t, noon, map[string]any{"iss": auth.GitHubIssuer, "aud": audience, "repository_owner": owner}))
		return err
	}
	if err := exchange("https://github.com/org", "org"); err != nil {
		t.Error("what GitHub writes of its own accord:", err)
	}
	wantFault(t, exchange("sts.amazonaws.com", "org"), fault.Unauthenticated, "https://github.com/org")
	wantFault(t, exchange("https://github.com/evil", "org"), fault.Unauthenticated, "https://github.com/org")
}

// github stands for GitHub's issuer.
type github struct{ p *authtest.Issuer }

func (g github) RoundTrip(req *http.Request) (*http.Response, error) {
	home, err := url.Parse(g.p.URL)
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.URL.Scheme, req.URL.Host = home.Scheme, home.Host
	return http.DefaultTransport.RoundTrip(req)
}

func TestPlainHTTP_is_for_this_machine_only(t *testing.T) {
	people, _ := trusting(t, memory(t), authtest.Start(t))
	far := auth.Trust{Issuer: "http://gitlab.example", Audience: "x", Mappings: []auth.Mapping{{"sub", "x", auth.Viewer}}}
	_, err := people.PutTrust(t.Context(), far)
	wantFault(t, err, fault.Invalid, "https://")
}

func TestTrust_is_checked(t *testing.T) {
	good := func() auth.Trust {
		return auth.Trust{Issuer: "https://gitlab.example", Audience: "landwaiter", Mappings: []auth.Mapping{{"sub", "x", auth.Viewer}}}
	}
	people, _, _ := service(t, memory)
	if _, err := people.PutTrust(t.Context(), good()); err != nil {
		t.Fatal(err)
	}
	github := func(key, expression string) func(*auth.Trust) {
		return func(t *auth.Trust) {
			t.Type, t.Issuer, t.Audience, t.Mappings = auth.GitHubActions, "", "", []auth.Mapping{{key, expression, auth.Viewer}}
		}
	}
	for name, test := range map[string]struct {
		change func(*auth.Trust)
		words  string
	}{
		"type":                       {func(t *auth.Trust) { t.Type = "OKTA" }, "no type"},
		"no_issuer":                  {func(t *auth.Trust) { t.Issuer = "" }, "issuer is missing"},
		"plain_http":                 {func(t *auth.Trust) { t.Issuer = "http://gitlab.example" }, "https://"},
		"issuer_without_a_host":      {func(t *auth.Trust) { t.Issuer = "https:///x" }, "https://"},
		"issuer_with_a_password":     {func(t *auth.Trust) { t.Issuer = "https://a:b@c" }, "https://"},
		"no_audience":                {func(t *auth.Trust) { t.Audience = "" }, "audience is missing"},
		"no_audience_for_kubernetes": {func(t *auth.Trust) { t.Audience, t.Type = "", auth.KubeServiceAccount }, "audience is missing"},
		"long_life":                  {func(t *auth.Trust) { t.Lifetime = 25 * time.Hour }, "24h"},
		"short_life":                 {func(t *auth.Trust) { t.Lifetime = time.Second }, "1m"},
		"no_mapping":                 {func(t *auth.Trust) { t.Mappings = nil }, "no mapping"},
		"many_mappings":              {func(t *auth.Trust) { t.Mappings = make([]auth.Mapping, 101) }, "101"},
		"no_claim":                   {func(t *auth.Trust) { t.Mappings[0].Key = "" }, "mapping 1"},
		"no_expression":              {func(t *auth.Trust) { t.Mappings[0].Expression = "" }, "mapping 1"},
		"bad_expression":             {func(t *auth.Trust) { t.Mappings[0].Expression = "a)|(b" }, "unexpected )"},
		"unknown_role":               {func(t *auth.Trust) { t.Mappings[0].Role = "Boss" }, "Continuous Integration"},
		"control_character":          {func(t *auth.Trust) { t.Audience = "a\x00b" }, "control"},
		"another_issuer_for_github":  {func(t *auth.Trust) { t.Type = auth.GitHubActions }, "GitHub's workflows is"},
		"every_subject_of_github":    {github("sub", ".*"), "every workflow"},
		"every_repository_of_github": {github("repository", "[^/]*/.*"), "every workflow"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := good()
			test.change(&bad)
			_, err := people.PutTrust(t.Context(), bad)
			wantFault(t, err, fault.Invalid, test.words)
		})
	}
}

func FuzzExchange(f *testing.F) {
	f.Add("")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("eyJhbGciOiJFUzI1NiIsImtpZCI6ImZpcnN0In0.eyJpc3MiOiJodHRwczovL2EuZXhhbXBsZSJ9.eA")
	people := auth.New(auth.Options{
		Store: storetest.Open(f, storetest.Options("sqlite::memory:")), Now: time.Now, Rand: rand.Reader,
		Reach: func(*url.URL) http.RoundTripper { return silent{} },
	})
	if _, err := people.PutTrust(f.Context(), auth.Trust{Issuer: "https://a.example", Audience: "a", Mappings: []auth.Mapping{{"sub", ".*", auth.Viewer}}}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, token string) {
		access, err := people.Exchange(t.Context(), secret.New(token))
		if err == nil || access.IsSet() {
			t.Errorf("%q lets in", token)
		}
		if code := fault.CodeOf(err); code != fault.Invalid && code != fault.Unauthenticated && code != fault.Unavailable {
			t.Error(err)
		}
	})
}

// silent is a network without anybody.
type silent struct{}

func (silent) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("nobody answers")
}
