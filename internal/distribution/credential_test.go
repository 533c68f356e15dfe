package distribution

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/secret"
)

func bearer(realm string) []string {
	return []string{fmt.Sprintf(`Bearer realm=%q,service="registry under test"`, realm)}
}

// carriers lists the requests that carried a credential or token.
func carriers(list []registrytest.Request) []string {
	var out []string
	for _, r := range list {
		if r.Authorization != "" {
			out = append(out, r.String())
		}
	}
	return out
}

func TestCredentialStaysWithItsOrigin(t *testing.T) {
	ctx := context.Background()
	layer := registrytest.Layer(map[string]string{"a": "b"})

	t.Run("blob_redirected_to_another_host", func(t *testing.T) {
		for _, how := range []struct {
			name      string
			challenge func(*registrytest.Registry) []string
		}{
			{"basic", func(*registrytest.Registry) []string { return []string{`Basic realm="x"`} }},
			{"bearer", func(r *registrytest.Registry) []string { return bearer(r.Tokens.URL) }},
		} {
			t.Run(how.name, func(t *testing.T) {
				tokens := registrytest.Start(t, registrytest.Options{Tokens: true, Users: map[string]string{"ann": testPassword}})
				storage := registrytest.NewFake(t, nil, registrytest.Quirks{})
				f := registrytest.NewFake(t, nil, registrytest.Quirks{Challenge: how.challenge(tokens), BlobRedirect: storage.URL})
				starter(t, f)
				starter(t, storage)
				d := storage.PutBlob(t, "", "", layer)
				b := newBench(t, Options{})
				src := with(source(t, f.URL), user("ann", testPassword))
				_, err := b.Pull(ctx, src, reference(t, f.Host, "team/app:v1"), image.Platform{}, nil)
				ok(t, err)
				if got, err := read(b.Client, src, d); err != nil || string(got) != string(layer) {
					t.Fatalf("read %d bytes, %v", len(got), err)
				}
				if got := storage.Requests(); len(got) != 2 || carriers(got) != nil {
					t.Errorf("the storage saw %v", got)
				}
				if carriers(f.Requests()) == nil {
					t.Error("the registry itself saw no credential")
				}
				for _, x := range b.exchanges {
					if strings.Contains(x.URL, "SIGNATURE") {
						t.Errorf("a signed address was shown: %s", x.URL)
					}
				}
			})
		}
	})

	t.Run("manifest_redirected_to_another_port_that_asks_for_a_password", func(t *testing.T) {
		thief := registrytest.NewFake(t, nil, registrytest.Quirks{Challenge: []string{`Basic realm="x"`}})
		f := registrytest.NewFake(t, nil, registrytest.Quirks{Challenge: []string{`Basic realm="x"`}})
		f.Set(registrytest.Quirks{Challenge: []string{`Basic realm="x"`}, Answer: func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Authorization") == "" {
				return false
			}
			http.Redirect(w, r, thief.URL+r.URL.Path, http.StatusFound)
			return true
		}})
		b := newBench(t, Options{})
		_, err := b.Pull(ctx, with(source(t, f.URL), user("ann", testPassword)), reference(t, f.Host, "team/app:v1"), image.Platform{}, nil)
		wantFault(t, err, fault.Unauthenticated)
		if got := carriers(thief.Requests()); got != nil {
			t.Errorf("the other origin got credentials: %v", got)
		}
	})

	t.Run("a_redirect_back_home_gets_none_either", func(t *testing.T) {
		var home string
		away := registrytest.NewFake(t, nil, registrytest.Quirks{Answer: func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, home+"/v2/team/other/manifests/v1", http.StatusFound)
			return true
		}})
		f := registrytest.NewFake(t, nil, registrytest.Quirks{})
		home = f.URL
		f.Set(registrytest.Quirks{Challenge: []string{`Basic realm="x"`}, Answer: func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/v2/team/app/manifests/v1" || r.Header.Get("Authorization") == "" {
				return false
			}
			http.Redirect(w, r, away.URL, http.StatusFound)
			return true
		}})
		_, err := newBench(t, Options{}).Resolve(ctx, with(source(t, f.URL), user("ann", testPassword)), reference(t, f.Host, "team/app:v1"))
		wantFault(t, err, fault.Unauthenticated)
		for _, r := range f.Requests() {
			if r.Path == "/v2/team/other/manifests/v1" && r.Authorization != "" {
				t.Error("the way through another origin gave the credential to a path that the registry did not choose")
			}
		}
	})

	t.Run("realm_that_another_origin_names", func(t *testing.T) {
		thief := registrytest.NewFake(t, nil, registrytest.Quirks{})
		thief.Set(registrytest.Quirks{Challenge: bearer(thief.URL + "/token")})
		f := registrytest.NewFake(t, nil, registrytest.Quirks{Answer: func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, thief.URL+r.URL.Path, http.StatusFound)
			return true
		}})
		_, err := newBench(t, Options{}).Resolve(ctx, with(source(t, f.URL), user("ann", testPassword)), reference(t, f.Host, "team/app:v1"))
		wantFault(t, err, fault.Unauthenticated)
		if got := carriers(thief.Requests()); got != nil {
			t.Errorf("the other origin got credentials: %v", got)
		}
	})

	t.Run("token_realm_on_another_host_gets_it", func(t *testing.T) {
		tokens := registrytest.Start(t, registrytest.Options{Tokens: true, Users: map[string]string{"ann": testPassword}})
		realm := strings.Replace(tokens.Tokens.URL, "127.0.0.1", "localhost", 1)
		f := registrytest.NewFake(t, nil, registrytest.Quirks{Challenge: bearer(realm)})
		starter(t, f)
		_, err := newBench(t, Options{}).Pull(ctx, with(source(t, f.URL), user("ann", testPassword)), reference(t, f.Host, "team/app:v1"), image.Platform{}, nil)
		ok(t, err)
		got := tokens.Tokens.Requests()
		if len(got) != 1 || !strings.HasPrefix(got[0].Authorization, "Basic ") {
			t.Errorf("the token service saw %v", got)
		}
		for _, r := range f.Requests() {
			if strings.HasPrefix(r.Authorization, "Basic ") {
				t.Errorf("%v carried the password to the registry, which wanted a token", r)
			}
		}
	})

	t.Run("token_realm_redirects_elsewhere", func(t *testing.T) {
		thief := registrytest.NewFake(t, nil, registrytest.Quirks{})
		tokens := registrytest.Start(t, registrytest.Options{Tokens: true})
		tokens.Tokens.Answer = func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, thief.URL+"/token", http.StatusFound)
			return true
		}
		_, err := newBench(t, Options{}).Resolve(ctx, with(source(t, tokens.URL), user("ann", testPassword)), reference(t, tokens.Host, "team/app:v1"))
		wantFault(t, err, fault.NotFound)
		if got := thief.Requests(); len(got) != 1 || carriers(got) != nil {
			t.Errorf("the other origin saw %v", got)
		}
	})

	t.Run("realm_in_plain_text_behind_https", func(t *testing.T) {
		authority := registrytest.NewAuthority(t)
		realm := registrytest.NewFake(t, nil, registrytest.Quirks{})
		f := registrytest.NewFake(t, authority, registrytest.Quirks{Challenge: bearer(realm.URL + "/token")})
		src := with(source(t, f.URL), user("ann", testPassword))
		src.Endpoint.Insecure = true
		_, err := newBench(t, Options{}).Resolve(ctx, src, reference(t, f.Host, "team/app:v1"))
		wantFault(t, err, fault.Invalid, "plain text", "https")
		if got := realm.Requests(); len(got) != 0 {
			t.Errorf("the realm saw %v", got)
		}
	})

	t.Run("redirect_from_https_to_http", func(t *testing.T) {
		plain := registrytest.NewFake(t, nil, registrytest.Quirks{})
		f := registrytest.NewFake(t, registrytest.NewAuthority(t), registrytest.Quirks{BlobRedirect: plain.URL})
		starter(t, f)
		src := source(t, f.URL)
		src.Endpoint.Insecure = true
		_, err := newBench(t, Options{}).Pull(ctx, src, reference(t, f.Host, "team/app:v1"), image.Platform{}, nil)
		wantFault(t, err, fault.Unavailable, "plain http")
		if got := plain.Requests(); len(got) != 0 {
			t.Errorf("the other server saw %v", got)
		}
	})

	t.Run("redirects_in_circles", func(t *testing.T) {
		f := registrytest.NewFake(t, nil, registrytest.Quirks{Answer: func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
			return true
		}})
		_, err := newBench(t, Options{}).Resolve(ctx, source(t, f.URL), reference(t, f.Host, "team/app:v1"))
		wantFault(t, err, fault.Unavailable, "redirects")
		if got := f.Requests(); len(got) != maxRedirects+1 {
			t.Errorf("%d requests", len(got))
		}
	})
}

func TestSignIn(t *testing.T) {
	ctx := context.Background()
	users := map[string]string{"ann": testPassword}

	t.Run("refresh_token_by_POST", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{Tokens: true, Users: users})
		r.Tokens.Refresh = map[string]string{"MARKED-SECRET-refresh": "ann"}
		starter(t, r)
		b := newBench(t, Options{})
		src := with(source(t, r.URL), Credential{Username: "<token>", IdentityToken: secret.New("MARKED-SECRET-refresh")})
		_, err := b.Pull(ctx, src, reference(t, r.Host, "team/app:v1"), image.Platform{}, nil)
		ok(t, err)
		wantDid(t, b, "HEAD challenge, POST token, HEAD manifest, GET manifest, GET config")
		_, err = b.Resolve(ctx, with(src, Credential{IdentityToken: secret.New("MARKED-SECRET-other")}), reference(t, r.Host, "team/app:v1"))
		wantFault(t, err, fault.Unauthenticated, "invalid refresh token")
	})

	t.Run("registry_token_as_it_is", func(t *testing.T) {
		f := registrytest.NewFake(t, nil, registrytest.Quirks{Challenge: bearer("https://nowhere.invalid/token")})
		starter(t, f)
		src := with(source(t, f.URL), Credential{RegistryToken: secret.New("MARKED-SECRET-token")})
		_, err := newBench(t, Options{}).Resolve(ctx, src, reference(t, f.Host, "team/app:v1"))
		ok(t, err)
		if got := f.Requests(); len(got) != 2 || got[1].Authorization != "Bearer MARKED-SECRET-token" {
			t.Errorf("the registry saw %v", got)
		}
	})

	t.Run("realm_is_no_URL_so_Basic", func(t *testing.T) {
		f := registrytest.NewFake(t, nil, registrytest.Quirks{Challenge: []string{`Bearer realm="Artifactory Realm"`}})
		starter(t, f)
		_, err := newBench(t, Options{}).Resolve(ctx, with(source(t, f.URL), user("ann", testPassword)), reference(t, f.Host, "team/app:v1"))
		ok(t, err)
		if got := f.Requests(); !strings.HasPrefix(got[len(got)-1].Authorization, "Basic ") {
			t.Errorf("the registry saw %v", got)
		}
	})

	t.Run("identity_token_where_a_password_is_wanted", func(t *testing.T) {
		f := registrytest.NewFake(t, nil, registrytest.Quirks{Challenge: []string{`Basic realm="x"`}})
		_, err := newBench(t, Options{}).Resolve(ctx, with(source(t, f.URL), Credential{IdentityToken: secret.New("MARKED-SECRET")}), reference(t, f.Host, "team/app:v1"))
		wantFault(t, err, fault.Invalid, "identity token", "user name and a password")
	})

	t.Run("credential_that_cannot_be_had", func(t *testing.T) {
		f := registrytest.NewFake(t, nil, registrytest.Quirks{Challenge: []string{`Basic realm="x"`}})
		src := source(t, f.URL)
		src.Credential = func(context.Context) (Credential, error) {
			return Credential{}, fault.New(fault.Unavailable, "assume role", "no answer").WithFix("check the role")
		}
		_, err := newBench(t, Options{}).Resolve(ctx, src, reference(t, f.Host, "team/app:v1"))
		wantFault(t, err, fault.Unavailable, "get credential", "assume role", "check the role")
	})

	t.Run("credential_is_not_asked_for_unless_wanted", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{})
		starter(t, r)
		src := source(t, r.URL)
		src.Credential = func(context.Context) (Credential, error) { return Credential{}, errors.New("asked") }
		_, err := newBench(t, Options{}).Resolve(ctx, src, reference(t, r.Host, "team/app:v1"))
		ok(t, err)
	})
}

func TestUnauthorized(t *testing.T) {
	ctx := context.Background()

	t.Run("anonymous_where_credentials_are_wanted", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{Users: map[string]string{"ann": testPassword}})
		starter(t, r)
		b := newBench(t, Options{})
		_, err := b.Pull(ctx, source(t, r.URL), reference(t, r.Host, "team/app:v1"), image.Platform{}, nil)
		wantFault(t, err, fault.Unauthenticated, "wants credentials")
		wantDid(t, b, "HEAD challenge")
	})

	t.Run("wrong_password_is_sent_once", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{Users: map[string]string{"ann": testPassword}})
		starter(t, r)
		b := newBench(t, Options{})
		_, err := b.Pull(ctx, with(source(t, r.URL), user("ann", "MARKED-SECRET-wrong")), reference(t, r.Host, "team/app:v1"), image.Platform{}, nil)
		wantFault(t, err, fault.Unauthenticated, "did not accept the user name and password")
		wantDid(t, b, "HEAD challenge, HEAD manifest")
	})

	t.Run("changed_password_is_asked_for_and_tried", func(t *testing.T) {
		for _, tokens := range []bool{false, true} {
			r := registrytest.Start(t, registrytest.Options{Tokens: tokens, Users: map[string]string{"ann": testPassword}})
			starter(t, r)
			asked := 0
			src := source(t, r.URL)
			src.Credential = func(context.Context) (Credential, error) {
				if asked++; asked == 1 {
					return user("ann", "MARKED-SECRET-old"), nil
				}
				return user("ann", testPassword), nil
			}
			_, err := newBench(t, Options{}).Resolve(ctx, src, reference(t, r.Host, "team/app:v1"))
			ok(t, err)
			if asked != 2 {
				t.Errorf("tokens %v: asked %d times", tokens, asked)
			}
		}
	})

	t.Run("kept_token_that_is_refused_is_replaced_once", func(t *testing.T) {
		tokens := registrytest.Start(t, registrytest.Options{Tokens: true})
		f := registrytest.NewFake(t, nil, registrytest.Quirks{Challenge: bearer(tokens.Tokens.URL)})
		starter(t, f)
		b := newBench(t, Options{})
		ref := reference(t, f.Host, "team/app:v1")
		_, err := b.Resolve(ctx, source(t, f.URL), ref)
		ok(t, err)
		b.did()
		refused := registrytest.Failure{Status: 401, Header: map[string]string{"WWW-Authenticate": bearer(tokens.Tokens.URL)[0]}}
		f.Fail(refused)
		_, err = b.Resolve(ctx, source(t, f.URL), ref)
		ok(t, err)
		wantDid(t, b, "HEAD manifest, GET token, HEAD manifest")
		f.Fail(refused, refused)
		_, err = b.Resolve(ctx, source(t, f.URL), ref)
		wantFault(t, err, fault.Unauthenticated)
		wantDid(t, b, "HEAD manifest, GET token, HEAD manifest")
	})

	t.Run("token_without_the_right", func(t *testing.T) {
		r := registrytest.Start(t, registrytest.Options{Tokens: true, Users: map[string]string{"ann": testPassword}})
		r.Tokens.May = func(_, repository string) bool { return repository != "team/app" }
		starter(t, r)
		_, err := newBench(t, Options{}).Pull(ctx, with(source(t, r.URL), user("ann", testPassword)), reference(t, r.Host, "team/app:v1"), image.Platform{}, nil)
		wantFault(t, err, fault.Unauthenticated, "do not allow reading this repository")
	})

	t.Run("scheme_that_is_not_supported", func(t *testing.T) {
		f := registrytest.NewFake(t, nil, registrytest.Quirks{Answer: func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("WWW-Authenticate", "Negotiate")
			w.WriteHeader(401)
			return true
		}})
		_, err := newBench(t, Options{}).Resolve(ctx, source(t, f.URL), reference(t, f.Host, "team/app:v1"))
		wantFault(t, err, fault.Unauthenticated, "negotiate")
	})
}

// A server that repeats what it was sent must not bring it into errors, nor into what is observed.
func TestSecretsStayOutOfErrors(t *testing.T) {
	ctx := context.Background()
	echo := func(status int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			r.ParseForm()
			_, password, _ := r.BasicAuth()
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"errors":[{"code":"X","message":"%s %s %s %s %s %s %s"}]}`, strings.Repeat("x", 470), r.Header.Get("Authorization"),
				password, url.QueryEscape(password), r.Form.Get("refresh_token"), password[:min(1, len(password))]+`\u0000`+password[min(1, len(password)):], r.Header)
			return true
		}
	}
	for _, cred := range []Credential{
		user("ann", testPassword),
		{IdentityToken: secret.New("MARKED-SECRET-refresh")},
		{RegistryToken: secret.New("MARKED-SECRET-token")},
	} {
		for _, status := range []int{400, 401, 403, 404, 500} {
			f := registrytest.NewFake(t, nil, registrytest.Quirks{})
			f.Set(registrytest.Quirks{Challenge: []string{fmt.Sprintf(`Bearer realm="%s/token"`, f.URL)}, Answer: func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == "/token" || r.Header.Get("Authorization") != "" {
					return echo(status)(w, r)
				}
				return false
			}})
			b := newBench(t, Options{})
			_, err := b.Pull(ctx, with(source(t, f.URL), cred), reference(t, f.Host, "team/app:v1"), image.Platform{}, nil)
			wantFault(t, err, fault.CodeOf(err))
			for _, x := range b.exchanges {
				if strings.Contains(fmt.Sprintf("%+v", x), "MARKED") {
					t.Errorf("observed: %+v", x)
				}
			}
			if strings.Contains(fmt.Sprintf("%+v %#v %q", err, answered(t, err), answered(t, err)), "MARKED") {
				t.Error("the error shows the secret under another verb")
			}
		}
	}
}
