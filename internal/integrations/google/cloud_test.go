package google

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/secret"
)

const (
	account   = "reader@my-project.iam.gserviceaccount.com"
	registryA = "us-west1-docker.pkg.dev"
	provider  = "//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/providers/cluster"
	issuer    = "https://oidc.cluster.example"
)

// rsaKey makes one key for all tests, since that takes a while.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func privateKeyPEM() string {
	der, err := x509.MarshalPKCS8PrivateKey(rsaKey())
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func doc(members map[string]any) string {
	raw, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// serviceAccountKey is a key file as Google writes it.
func serviceAccountKey(change func(map[string]any)) string {
	k := map[string]any{
		"type": "service_account", "project_id": "my-project", "private_key_id": "key-1", "private_key": privateKeyPEM(),
		"client_email": account, "client_id": "1", "auth_uri": "https://accounts.google.com/o/oauth2/auth",
		"token_uri": "https://oauth2.googleapis.com/token", "universe_domain": "googleapis.com",
	}
	if change != nil {
		change(k)
	}
	return doc(k)
}

// federation is a configuration as gcloud writes it.
func federation(source map[string]any, change func(map[string]any)) string {
	k := map[string]any{
		"type": "external_account", "audience": provider, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
		"token_url": "https://sts.googleapis.com/v1/token", "credential_source": source,
		"service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/" + account + ":generateAccessToken",
	}
	if change != nil {
		change(k)
	}
	return doc(k)
}

// A cloud is Google's sign-in services and one host of Artifact Registry, in front of a real registry. It refuses as they do.
type cloud struct {
	*integrationtest.Internet
	t        *testing.T
	registry *registrytest.Registry

	mu        sync.Mutex
	skew      time.Duration     // of Google's clock against this machine's
	deleted   bool              // the service account
	disabled  bool              // the service account
	forbidden bool              // to act as the service account
	condition bool              // the provider lets nobody in
	tokens    map[string]string // access token → whose
	issued    int
}

func newCloud(t *testing.T) *cloud {
	c := &cloud{Internet: integrationtest.NewInternet(t), t: t, registry: registrytest.Start(t, registrytest.Options{}), tokens: map[string]string{}}
	c.Add("oauth2.googleapis.com", http.HandlerFunc(c.token))
	c.Add("sts.googleapis.com", http.HandlerFunc(c.sts))
	c.Add("iamcredentials.googleapis.com", http.HandlerFunc(c.impersonate))
	c.Add(registryA, c.artifactRegistry(registryA))
	return c
}

func (c *cloud) issue(whose string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.issued++
	token := fmt.Sprintf("ya29.%s.%d.%s", "test-access-token", c.issued, strings.Repeat("x", 40))
	c.tokens[token] = whose
	return token
}

func (c *cloud) whose(token string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tokens[token]
}

// revoke ends all access tokens.
func (c *cloud) revoke() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.tokens)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, code, description string) {
	answer(w, http.StatusBadRequest, map[string]string{"error": code, "error_description": description})
}

type claims struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	Scope    string `json:"scope"`
	Subject  string `json:"sub"`
	Issued   int64  `json:"iat"`
	Expires  int64  `json:"exp"`
}

// verify reads a JWT that rsaKey signed.
func verify(token string) (header map[string]string, c claims, signed bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, claims{}, false
	}
	decode := func(s string, to any) []byte {
		raw, _ := base64.RawURLEncoding.DecodeString(s)
		if to != nil {
			json.Unmarshal(raw, to)
		}
		return raw
	}
	decode(parts[0], &header)
	decode(parts[1], &c)
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return header, c, rsa.VerifyPKCS1v15(&rsaKey().PublicKey, crypto.SHA256, sum[:], decode(parts[2], nil)) == nil
}

// subjectToken is a token of a cluster's identity.
func subjectToken(change func(*claims)) string {
	c := claims{Issuer: issuer, Audience: "https:" + provider, Subject: "system:serviceaccount:landwaiter:landwaiter", Issued: time.Now().Unix(), Expires: time.Now().Add(time.Hour).Unix()}
	if change != nil {
		change(&c)
	}
	payload, _ := json.Marshal(c)
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, rsaKey(), crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func (c *cloud) token(w http.ResponseWriter, r *http.Request) {
	now := time.Now().Add(c.skew)
	header, claim, signed := verify(r.FormValue("assertion"))
	issued, expires := time.Unix(claim.Issued, 0), time.Unix(claim.Expires, 0)
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/token" || r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
		refuse(w, "unsupported_grant_type", "Invalid grant_type")
	case c.deleted || claim.Issuer != account:
		refuse(w, "invalid_grant", "Invalid grant: account not found")
	case header["alg"] != "RS256" || header["kid"] != "key-1" || !signed:
		refuse(w, "invalid_grant", "Invalid JWT Signature.")
	case claim.Audience != "https://oauth2.googleapis.com/token":
		refuse(w, "invalid_grant", "Invalid JWT: Failed audience check.")
	case issued.After(now.Add(time.Minute)) || !expires.After(now) || expires.Sub(issued) > time.Hour+time.Minute:
		refuse(w, "invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.")
	case claim.Scope != scope:
		refuse(w, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")
	case c.disabled:
		refuse(w, "invalid_grant", "Account has been disabled: 123")
	default:
		answer(w, http.StatusOK, map[string]any{"access_token": c.issue(account), "expires_in": 3599, "token_type": "Bearer"})
	}
}

func (c *cloud) sts(w http.ResponseWriter, r *http.Request) {
	token := r.FormValue("subject_token")
	_, claim, signed := verify(token)
	switch {
	case r.URL.Path != "/v1/token" || r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange":
		refuse(w, "invalid_request", "Invalid request")
	case r.FormValue("audience") != provider:
		refuse(w, "invalid_target", "The target service indicated by the \"audience\" parameters is invalid. This might either be because the pool or provider is disabled or deleted or because it doesn't exist.")
	case claim.Issuer != issuer:
		refuse(w, "invalid_grant", "The issuer in ID Token "+claim.Issuer+" does not match the expected one")
	case !signed: // repeats the token, as no service should
		refuse(w, "invalid_grant", "Invalid ID Token signature: "+token)
	case claim.Audience != "https:"+provider:
		refuse(w, "invalid_grant", "The audience in ID Token ["+claim.Audience+"] does not match the expected audience.")
	case time.Now().Unix() > claim.Expires:
		refuse(w, "invalid_grant", "ID Token issued at "+fmt.Sprint(claim.Issued)+" is stale to sign-in.")
	case c.condition:
		refuse(w, "unauthorized_client", "The given credential is rejected by the attribute condition.")
	default:
		answer(w, http.StatusOK, map[string]any{
			"access_token": c.issue("federated " + r.FormValue("scope")), "expires_in": 3599, "token_type": "Bearer",
			"issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
		})
	}
}

func (c *cloud) impersonate(w http.ResponseWriter, r *http.Request) {
	var want struct{ Scope []string }
	json.NewDecoder(r.Body).Decode(&want)
	refuse := func(code int, status, message string) {
		answer(w, code, map[string]any{"error": map[string]any{"code": code, "message": message, "status": status}})
	}
	switch {
	case !strings.HasPrefix(c.whose(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")), "federated https://www.googleapis.com/auth/cloud-platform"):
		refuse(http.StatusUnauthorized, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
	case r.URL.Path != "/v1/projects/-/serviceAccounts/"+account+":generateAccessToken":
		refuse(http.StatusNotFound, "NOT_FOUND", "Unknown service account")
	case c.forbidden:
		refuse(http.StatusForbidden, "PERMISSION_DENIED", "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).")
	case len(want.Scope) != 1 || want.Scope[0] != scope:
		refuse(http.StatusBadRequest, "INVALID_ARGUMENT", "scope")
	default:
		answer(w, http.StatusOK, map[string]any{"accessToken": c.issue(account), "expireTime": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)})
	}
}

// metadata is the metadata server of a machine.
func (c *cloud) metadata(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("Metadata-Flavor") != "Google":
		http.Error(w, "Missing Metadata-Flavor:Google header.", http.StatusForbidden)
	case r.URL.Path != "/computeMetadata/v1/instance/service-accounts/default/token":
		http.NotFound(w, r)
	default:
		w.Header().Set("Metadata-Flavor", "Google")
		answer(w, http.StatusOK, map[string]any{"access_token": c.issue(account), "expires_in": 1799, "token_type": "Bearer"})
	}
}

// artifactRegistry asks for tokens of its own, which it gives for access tokens.
func (c *cloud) artifactRegistry(host string) http.Handler {
	behind := c.Forward(c.registry.URL)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, basic := r.BasicAuth()
		may := basic && user == "oauth2accesstoken" && c.whose(password) != ""
		switch bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "); {
		case r.URL.Path == "/v2/token" && may:
			answer(w, http.StatusOK, map[string]any{"token": "registry-token-for." + base64.RawURLEncoding.EncodeToString([]byte(password)), "expires_in": 3600})
		case r.URL.Path == "/v2/token":
			answer(w, http.StatusUnauthorized, map[string]any{"errors": []any{map[string]string{"code": "UNAUTHORIZED", "message": "authentication failed"}}})
		case c.granted(bearer):
			behind.ServeHTTP(w, r)
		default:
			w.Header().Set("WWW-Authenticate", `Bearer realm="https://`+host+`/v2/token",service="`+host+`"`)
			answer(w, http.StatusUnauthorized, map[string]any{"errors": []any{map[string]string{"code": "UNAUTHORIZED", "message": "no"}}})
		}
	})
}

func (c *cloud) granted(bearer string) bool {
	encoded, ok := strings.CutPrefix(bearer, "registry-token-for.")
	token, err := base64.RawURLEncoding.DecodeString(encoded)
	return ok && err == nil && c.whose(string(token)) != ""
}

// A machine is where the program runs.
type machine map[string]string

// open opens an integration whose sign-ins go to the cloud.
func (c *cloud) open(settings map[string]any, m machine) integration.Candidate {
	c.t.Helper()
	values, secrets := map[string]any{}, map[string]secret.Text{}
	for name, v := range settings {
		if name == serviceAccount {
			secrets[name] = secret.New(v.(string))
		} else {
			values[name] = v
		}
	}
	types, err := integration.NewTypes(ArtifactRegistry())
	if err != nil {
		c.t.Fatal(err)
	}
	d, err := types.Validate(integration.Draft{Integration: integration.Integration{
		Name: "gar", Type: "artifactregistry", Categories: []integration.Category{integration.CategoryRegistry}, Config: integration.NewConfig(values, secrets),
	}})
	if err != nil {
		c.t.Fatal(err)
	}
	candidate, err := types.Open(d.Integration, integration.Deps{
		Now: time.Now, HTTP: c.Transport(), Identity: func(name string) string { return m[name] },
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return candidate
}

func (c *cloud) client() *distribution.Client {
	return distribution.New(distribution.Options{Now: time.Now, Transport: c.Transport(), MaxAttempts: 1})
}

func reference(t *testing.T, text string) image.Reference {
	t.Helper()
	ref, err := image.ParseReference(text)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// file writes a file of the machine.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// signIn gets a credential for the registry.
func (c *cloud) signIn(candidate integration.Candidate) (distribution.Credential, error) {
	c.t.Helper()
	return candidate.Source(reference(c.t, registryA+"/my-project/repo/app:1")).Credential(context.Background())
}
