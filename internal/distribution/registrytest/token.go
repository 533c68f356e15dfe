package registrytest

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	issuer  = "registrytest"
	service = "registry under test"
)

// A TokenService gives out tokens (ES256) that the real registry accepts.
type TokenService struct {
	Recorder
	URL     string                                        // the realm
	Users   map[string]string                             // user name → password
	Refresh map[string]string                             // OAuth2 refresh token → user name
	Life    time.Duration                                 // 0: expires_in is left out
	May     func(user, repository string) bool            // user is "" for anonymous; nil lets everybody pull everything
	Answer  func(http.ResponseWriter, *http.Request) bool // if it returns true, it has answered
	Closed  bool                                          // nobody gets a token anonymously
	Actions []string                                      // granted where May allows; nil for pull
	Deny    *Failure                                      // of those that May does not allow, whose tokens are otherwise good for less
	Wrong   *Failure                                      // of wrong credentials, and of nobody where it is closed
	Opaque  bool                                          // tokens do not say what they are for
	Bare    bool                                          // a user's token is the password
	Lenient bool                                          // a wrong credential counts as none, which is refused where nothing is asked for

	key    *ecdsa.PrivateKey
	mu     sync.Mutex
	issued map[string][]access // by token
}

func newTokenService(t testing.TB, a *Authority) *TokenService {
	t.Helper()
	s := newTokens(t)
	s.URL = serve(t, s.wrap(s), a).URL + "/token"
	return s
}

func newTokens(t testing.TB) *TokenService {
	return &TokenService{key: newKey(t), Life: 5 * time.Minute, issued: map[string][]access{}}
}

// jwks writes the file by which a registry knows the service's key.
func (s *TokenService) jwks(t testing.TB) string {
	t.Helper()
	point, err := s.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	doc, _ := json.Marshal(map[string]any{"keys": []any{map[string]string{
		"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "test", "x": encode(point[1:33]), "y": encode(point[33:]),
	}}})
	path := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(path, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

type access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// sign makes a token.
func (s *TokenService) sign(user string, grants []access) string {
	now := time.Now()
	encode := base64.RawURLEncoding.EncodeToString
	header, _ := json.Marshal(map[string]string{"alg": "ES256", "typ": "JWT", "kid": "test"})
	id := make([]byte, 8)
	rand.Read(id)
	claims, _ := json.Marshal(map[string]any{
		"iss": issuer, "sub": user, "aud": service, "exp": now.Add(time.Hour).Unix(), "nbf": now.Add(-time.Minute).Unix(),
		"iat": now.Unix(), "jti": encode(id), "access": grants,
	})
	text := encode(header) + "." + encode(claims)
	sum := sha256.Sum256([]byte(text))
	r, v, err := ecdsa.Sign(rand.Reader, s.key, sum[:])
	if err != nil {
		panic(err)
	}
	token := text + "." + encode(append(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32))...))
	if s.Opaque {
		token = encode([]byte(token))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued[token] = grants
	return token
}

// issue makes a token, or takes the password for one.
func (s *TokenService) issue(user, password string, grants []access) string {
	if !s.Bare || user == "" {
		return s.sign(user, grants)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued[password] = []access{{Type: user, Name: everything}}
	return password
}

// everything is the scope that Gitea asks for: what its user may at the time.
const everything = "*"

// allows reports whether an Authorization header has a token of this service, and whether that is good for a repository; ""
// is good with any.
func (s *TokenService) allows(authorization, repository string) (ours, good bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	grants, ours := s.issued[strings.TrimPrefix(authorization, "Bearer ")]
	return ours, repository == "" || slices.ContainsFunc(grants, func(a access) bool {
		return a.Name == repository && slices.Contains(a.Actions, "pull") || a.Name == everything && s.May(a.Type, repository)
	})
}

func (s *TokenService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.Answer != nil && s.Answer(w, r) {
		return
	}
	refuse := func(message string) {
		if s.Wrong != nil {
			s.Wrong.write(w)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		json.NewEncoder(w).Encode(map[string]string{"details": message})
	}
	if err := r.ParseForm(); err != nil {
		refuse(err.Error())
		return
	}
	user, password, signedIn := r.BasicAuth()
	if s.Lenient && (!signedIn || s.Users[user] != password) {
		user, signedIn = "", false
		if len(r.Form["scope"]) == 0 {
			refuse("nobody")
			return
		}
	}
	switch {
	case r.Method == http.MethodPost:
		if user = s.Refresh[r.Form.Get("refresh_token")]; user == "" || r.Form.Get("grant_type") != "refresh_token" {
			refuse("invalid refresh token")
			return
		}
	case signedIn && (s.Users[user] == "" || s.Users[user] != password):
		refuse("incorrect username or password")
		return
	case !signedIn && s.Closed:
		refuse("no anonymous access")
		return
	}
	var grants []access
	for _, text := range r.Form["scope"] {
		for scope := range strings.FieldsSeq(text) {
			parts := strings.Split(scope, ":")
			switch {
			case scope == everything:
				grants = append(grants, access{Type: user, Name: everything})
			case len(parts) != 3 || parts[0] != "repository":
			case s.May == nil || s.May(user, parts[1]):
				actions := s.Actions
				if actions == nil {
					actions = []string{"pull"}
				}
				grants = append(grants, access{parts[0], parts[1], actions})
			case s.Deny != nil:
				s.Deny.write(w)
				return
			}
		}
	}
	answer := map[string]any{"token": s.issue(user, password, grants), "issued_at": time.Now().UTC().Format(time.RFC3339)}
	if r.Method == http.MethodPost {
		answer["access_token"] = answer["token"]
		delete(answer, "token")
	}
	if s.Life > 0 {
		answer["expires_in"] = int(s.Life.Seconds())
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(answer)
}
