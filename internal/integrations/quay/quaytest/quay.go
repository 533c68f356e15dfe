// Package quaytest stands in for the parts of Quay that sign a robot in, in front of a real registry. They refuse as the real
// ones do.
package quaytest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

// OAuthToken is one of an application that may read the repositories.
const OAuthToken = "quay-oauth-token"

// The robot, its password, and the identity that it is federated with.
const (
	Host     = "quay.example"
	Robot    = "org+robot"
	Password = "robot-password"
	Issuer   = "https://oidc.cluster.example"
	Subject  = "system:serviceaccount:landwaiter:landwaiter"
)

// A Quay is one with one robot.
type Quay struct {
	*integrationtest.Internet
	Registry *registrytest.Registry

	// They may be set before it is used.
	Federated bool // the robot
	Life      time.Duration
	Sealing   func() string // the key of the tokens that it gives and takes

	Scans     map[string]Scan // by digest
	NoScanner bool
	Private   bool // what the scanner says is for who may read the repository
	Withheld  bool // and neither the robot nor the token may
}

// New starts one.
func New(t testing.TB) *Quay {
	q := &Quay{
		Internet: integrationtest.NewInternet(t), Registry: registrytest.Start(t, registrytest.Options{}),
		Federated: true, Life: time.Hour, Sealing: func() string { return "quay" },
	}
	q.Add(Host, q.at("https://"+Host))
	return q
}

// Listen lets it be reached by plain HTTP on this machine, too, and returns the host.
func (q *Quay) Listen(t testing.TB) string {
	s := httptest.NewUnstartedServer(nil)
	s.Config.Handler = q.at("http://" + s.Listener.Addr().String())
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// at serves one that is known by an address.
func (q *Quay) at(address string) http.Handler {
	behind := q.Forward(q.Registry.URL)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "); {
		case r.URL.Path == "/oauth2/federation/robot/token":
			q.federation(w, r)
		case r.URL.Path == "/v2/auth":
			q.auth(w, r)
		case r.URL.Path == "/config":
			integrationtest.Answer(w, http.StatusOK, map[string]any{"features": map[string]any{"SECURITY_SCANNER": !q.NoScanner}})
		case strings.HasPrefix(r.URL.Path, "/api/v1/repository/"):
			q.security(w, r)
		case q.signed("registry", bearer):
			behind.ServeHTTP(w, r)
		default:
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+address+`/v2/auth",service="`+Host+`"`)
			integrationtest.Answer(w, http.StatusUnauthorized, map[string]any{"errors": []any{map[string]string{"code": "UNAUTHORIZED", "message": "access to the requested resource is not authorized"}}})
		}
	})
}

// Token is one of the identity that the robot is federated with.
func Token(change func(*integrationtest.Claims)) string {
	c := integrationtest.Claims{Issuer: Issuer, Audience: Host, Subject: Subject, Issued: time.Now().Unix(), Expires: time.Now().Add(time.Hour).Unix()}
	if change != nil {
		change(&c)
	}
	return c.Sign("cluster")
}

func (q *Quay) signed(kind, token string) bool {
	c, signed := integrationtest.Verify(kind+" "+q.Sealing(), token)
	return signed && c.Expires > time.Now().Unix()
}

func (q *Quay) give(kind string) string {
	return integrationtest.Claims{
		Issuer: "quay", Subject: Robot, Issued: time.Now().Unix(), Expires: time.Now().Add(q.Life).Unix(),
	}.Sign(kind + " " + q.Sealing())
}

// federation trades a token for one that is the robot's password for a while. It does not look at the audience.
func (q *Quay) federation(w http.ResponseWriter, r *http.Request) {
	refuse := func(text string) {
		integrationtest.Answer(w, http.StatusUnauthorized, map[string]string{"error": text})
	}
	robot, token, _ := r.BasicAuth()
	claims, signed := integrationtest.Verify("cluster", token)
	switch {
	case !strings.Contains(robot, "+"):
		refuse("Invalid robot")
	case robot != Robot:
		http.Error(w, "<html>Internal Server Error</html>", http.StatusInternalServerError)
	case claims.Issuer == "":
		refuse("Token does not contain issuer")
	case !q.Federated:
		refuse("Robot does not have federated login configured")
	case claims.Issuer != Issuer:
		refuse("issuer " + claims.Issuer + " not configured for this robot")
	case !signed: // repeats the token, as no service should
		refuse("Invalid token: Signature verification failed: " + token)
	case claims.Expires < time.Now().Unix():
		refuse("Invalid token: Signature has expired")
	case claims.Subject != Subject:
		refuse("Token does not match robot")
	default:
		integrationtest.Answer(w, http.StatusOK, map[string]string{"token": q.give("robot")})
	}
}

// auth gives the registry's tokens.
func (q *Quay) auth(w http.ResponseWriter, r *http.Request) {
	if robot, _, _ := r.BasicAuth(); !q.knows(r) {
		integrationtest.Answer(w, http.StatusUnauthorized, map[string]any{"errors": []any{map[string]string{"code": "UNAUTHORIZED", "message": "Could not find robot with username: " + robot + " and supplied password."}}})
		return
	}
	integrationtest.Answer(w, http.StatusOK, map[string]string{"token": q.give("registry")})
}

// knows reports whether a request is signed in as the robot, or by the application.
func (q *Quay) knows(r *http.Request) bool {
	switch user, password, _ := r.BasicAuth(); user {
	case Robot:
		return password == Password || q.signed("robot", password)
	case "$oauthtoken":
		return password == OAuthToken
	}
	return r.Header.Get("Authorization") == "Bearer "+OAuthToken
}
