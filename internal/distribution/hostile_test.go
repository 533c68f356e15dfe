package distribution

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/secret"
)

// Whoever sits on the line to a host can answer for it as long as certificates are not verified. What is learnt that way
// must not be used where they are.
func TestWhatAnUnverifiedHostSaysIsNotBelievedElsewhere(t *testing.T) {
	ctx := context.Background()
	authority := registrytest.NewAuthority(t)
	tokens := registrytest.Start(t, registrytest.Options{Tokens: true, Users: map[string]string{"ann": testPassword}, TLS: authority})
	thief := registrytest.NewFake(t, authority, registrytest.Quirks{Answer: func(w http.ResponseWriter, _ *http.Request) bool {
		fmt.Fprint(w, `{"token":"stolen"}`)
		return true
	}})
	f := registrytest.NewFake(t, authority, registrytest.Quirks{Challenge: bearer(thief.URL + "/token")})
	starter(t, f)
	b := newBench(t, Options{})

	unverified := source(t, f.URL)
	unverified.Endpoint.Insecure = true
	unverified.Endpoint.TLS = tokens.TLS
	_, err := b.Pull(ctx, unverified, reference(t, f.Host, "team/app:v1"), image.Platform{}, nil)
	ok(t, err)
	thief.Requests()

	f.Set(registrytest.Quirks{Challenge: bearer(tokens.Tokens.URL)})
	verified := with(source(t, f.URL), user("ann", testPassword))
	verified.Endpoint.TLS = tokens.TLS
	_, err = b.Pull(ctx, verified, reference(t, f.Host, "team/app:v1"), image.Platform{}, nil)
	ok(t, err)
	if got := thief.Requests(); len(got) != 0 {
		t.Errorf("the credential of the verified source went to %v, carried by %v", got, carriers(got))
	}
}

func TestTokenOfOneWayToVerifyIsNotUsedForAnother(t *testing.T) {
	ctx := context.Background()
	authority := registrytest.NewAuthority(t)
	r := registrytest.Start(t, registrytest.Options{Tokens: true, TLS: authority})
	starter(t, r)
	b := newBench(t, Options{})
	for range 2 {
		src := source(t, r.URL)
		src.Endpoint.TLS = r.TLS.Clone() // as with a client certificate of its own
		_, err := b.Pull(ctx, src, reference(t, r.Host, "team/app:v1"), image.Platform{}, nil)
		ok(t, err)
	}
	if got := r.Tokens.Requests(); len(got) != 2 {
		t.Errorf("%d tokens were asked for", len(got))
	}
}

func TestPlainTokenServiceBehindHTTPS(t *testing.T) {
	realm := registrytest.NewFake(t, nil, registrytest.Quirks{Answer: func(w http.ResponseWriter, _ *http.Request) bool {
		fmt.Fprint(w, `{"access_token":"of somebody inside the network"}`)
		return true
	}})
	f := registrytest.NewFake(t, registrytest.NewAuthority(t), registrytest.Quirks{Challenge: bearer(realm.URL + "/any/path")})
	src := source(t, f.URL)
	src.Endpoint.Insecure = true
	_, err := newBench(t, Options{}).Resolve(context.Background(), src, reference(t, f.Host, "team/app:v1"))
	wantFault(t, err, fault.Invalid, "plain text", "https")
	if got := realm.Requests(); len(got) != 0 {
		t.Errorf("a registry had us ask %v", got)
	}
}

// A server may repeat a credential anywhere, not only in an error body.
func TestSecretsRepeatedInOddPlaces(t *testing.T) {
	ctx := context.Background()
	const simple, odd = "MARKED-Secret-pa55", "MARKED-Secret \"pa55\"  wörd+/"
	hijack := func(w http.ResponseWriter, answer string) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(conn, answer)
		conn.Close()
	}
	unreachable, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	unreachable.Close()
	for name, answer := range map[string]func(w http.ResponseWriter, r *http.Request, secret string){
		"status_line": func(w http.ResponseWriter, _ *http.Request, s string) { hijack(w, s+"\r\n\r\n") },
		"header_line": func(w http.ResponseWriter, _ *http.Request, s string) { hijack(w, "HTTP/1.1 200 OK\r\n"+s+"\r\n\r\n") },
		"content_length": func(w http.ResponseWriter, _ *http.Request, s string) {
			hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: "+s+"\r\n\r\n")
		},
		"redirect_path": func(w http.ResponseWriter, _ *http.Request, s string) {
			w.Header().Set("Location", "/"+s)
			w.WriteHeader(302)
		},
		"redirect_host": func(w http.ResponseWriter, _ *http.Request, s string) {
			w.Header().Set("Location", "http://"+strings.Map(label, s)+".invalid/")
			w.WriteHeader(302)
		},
		"redirect_away": func(w http.ResponseWriter, _ *http.Request, s string) {
			w.Header().Set("Location", "http://"+unreachable.Addr().String()+"/"+s)
			w.WriteHeader(302)
		},
		"redirect_long": func(w http.ResponseWriter, _ *http.Request, s string) {
			w.Header().Set("Location", "http://"+unreachable.Addr().String()+"/"+strings.Repeat("x", 350)+s)
			w.WriteHeader(302)
		},
		"challenge": func(w http.ResponseWriter, _ *http.Request, s string) {
			w.Header().Set("WWW-Authenticate", s)
			w.WriteHeader(401)
		},
		"scope": func(w http.ResponseWriter, r *http.Request, s string) {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer realm=%q,scope=%q", "http://"+unreachable.Addr().String(), s))
			w.WriteHeader(401)
		},
		"media_type": func(w http.ResponseWriter, _ *http.Request, s string) {
			w.Header().Set("Content-Type", s)
			fmt.Fprintf(w, `{"schemaVersion":2,"mediaType":%q}`, s)
		},
		"platform": func(w http.ResponseWriter, _ *http.Request, s string) {
			w.Header().Set("Content-Type", image.MediaTypeOCIIndex)
			fmt.Fprintf(w, `{"schemaVersion":2,"manifests":[{"mediaType":%q,"digest":"sha256:%064d","size":1,"platform":{"os":%q,"architecture":"x"}}]}`, image.MediaTypeOCIManifest, 1, s)
		},
		"error_with_tabs": func(w http.ResponseWriter, _ *http.Request, s string) { w.WriteHeader(400); fmt.Fprint(w, s) },
		"error_upper": func(w http.ResponseWriter, _ *http.Request, s string) {
			w.WriteHeader(400)
			fmt.Fprint(w, strings.ToUpper(s))
		},
	} {
		for form, repeated := range map[string]func(r *http.Request) string{
			"header":   func(r *http.Request) string { _, v, _ := strings.Cut(r.Header.Get("Authorization"), " "); return v },
			"password": func(r *http.Request) string { _, p, _ := r.BasicAuth(); return p },
		} {
			for _, password := range []string{simple, odd} {
				if password == odd && form == "password" && slices.Contains([]string{"redirect_host", "challenge", "scope", "error_upper"}, name) {
					continue // it would arrive there as something else
				}
				t.Run(name+"/"+form, func(t *testing.T) {
					f := registrytest.NewFake(t, nil, registrytest.Quirks{})
					f.Set(registrytest.Quirks{Challenge: []string{`Basic realm="x"`}, Answer: func(w http.ResponseWriter, r *http.Request) bool {
						if r.Header.Get("Authorization") == "" {
							return false
						}
						answer(w, r, repeated(r))
						return true
					}})
					b := newBench(t, Options{MaxAttempts: 1})
					_, err := b.Pull(ctx, with(source(t, f.URL), user("ann", password)), reference(t, f.Host, "team/app:v1"), image.Platform{}, nil)
					if err == nil {
						t.Fatal("no error")
					}
					shown := fmt.Sprintf("%v %+v %q %s", err, err, err, fault.FixOf(err))
					for _, x := range b.exchanges {
						shown += fmt.Sprintf(" %+v", x)
					}
					encoded := base64.StdEncoding.EncodeToString([]byte("ann:" + password))
					for _, part := range []string{"marked", "w%c3%b6rd", strings.ToLower(encoded[:12])} {
						if strings.Contains(strings.ToLower(shown), part) {
							t.Errorf("shows %s: %s", part, shown)
						}
					}
				})
			}
		}
	}
}

// label is a host name's idea of text.
func label(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
		return r
	}
	return '-'
}

func TestWeakPasswordsAreNotGivenAwayByHidingThem(t *testing.T) {
	f := registrytest.NewFake(t, nil, registrytest.Quirks{Challenge: []string{`Basic realm="x"`}})
	_, err := newBench(t, Options{}).Resolve(context.Background(),
		with(source(t, f.URL), Credential{Username: "ann", Password: secret.New("127.0.0.1")}), reference(t, f.Host, "team/app:v1"))
	wantFault(t, err, fault.NotFound, "127.0.0.1")
}

func TestChallengeThatRepeatsASecretIsNotKeptForOthers(t *testing.T) {
	ctx := context.Background()
	f := registrytest.NewFake(t, nil, registrytest.Quirks{})
	f.Set(registrytest.Quirks{Challenge: []string{`Basic realm="x"`}, Answer: func(w http.ResponseWriter, r *http.Request) bool {
		if _, password, ok := r.BasicAuth(); ok {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://127.0.0.1:1/token",scope=%q`, password))
			w.WriteHeader(401)
			return true
		}
		return false
	}})
	b := newBench(t, Options{MaxAttempts: 1})
	for _, password := range []string{testPassword, "another"} {
		_, err := b.Resolve(ctx, with(source(t, f.URL), user("ann", password)), reference(t, f.Host, "team/app:v1"))
		wantFault(t, err, fault.Unavailable, "127.0.0.1:1")
	}
}
