package typestest

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

// A front asks for a credential in the way of one product, and then hands on to a real registry. Where it refuses, it repeats
// what it was sent, as no server should.
type front struct {
	host  string
	realm string            // of the token service; "" for user name and password at the registry itself
	open  bool              // /v2/ is open to everybody, as Artifactory's with anonymous access on
	users map[string]string // passwords by name
}

func (w *World) serve(f front) {
	behind := w.Forward(w.Registry.URL)
	if f.realm != "" {
		at, err := url.Parse(f.realm)
		if err != nil {
			panic(err)
		}
		if at.Host != f.host {
			w.Add(at.Host, http.HandlerFunc(f.token))
		}
	}
	w.Add(f.host, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		user, password, basic := r.BasicAuth()
		switch {
		case f.realm != "" && strings.HasSuffix(f.realm, f.host+r.URL.Path):
			f.token(rw, r)
		case f.may(user, password) && !strings.HasPrefix(r.URL.Path, "/v2/"): // an API of the vendor's, which is not there
			http.NotFound(rw, r)
		case f.realm == "" && basic && f.may(user, password), f.realm != "" && f.granted(r), f.open && r.URL.Path == "/v2/":
			behind.ServeHTTP(rw, r)
		default:
			challenge := `Basic realm="registry"`
			if f.realm != "" {
				challenge = `Bearer realm="` + f.realm + `",service="` + f.host + `"`
			}
			rw.Header().Set("WWW-Authenticate", challenge)
			refuse(rw, r)
		}
	}))
}

func (f front) may(user, password string) bool { return password != "" && f.users[user] == password }

func (f front) token(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	if !f.may(user, password) {
		refuse(w, r)
		return
	}
	integrationtest.Answer(w, http.StatusOK, map[string]any{
		"token": integrationtest.Claims{Audience: f.host, Expires: time.Now().Add(time.Hour).Unix()}.Sign(f.realm), "expires_in": 300,
	})
}

func (f front) granted(r *http.Request) bool {
	_, signed := integrationtest.Verify(f.realm, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	return signed
}

func refuse(w http.ResponseWriter, r *http.Request) {
	_, password, _ := r.BasicAuth()
	integrationtest.Answer(w, http.StatusUnauthorized, map[string]any{"errors": []any{map[string]string{
		"code": "UNAUTHORIZED", "message": "authentication required: " + r.Header.Get("Authorization") + " " + password,
	}}})
}
