// Package googletest stands in for the parts of Google Cloud that a sign-in to a registry needs: the services that give tokens,
// the metadata server of a machine, and a host of Artifact Registry in front of a real registry. They refuse as the real ones do.
package googletest

import (
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

const (
	Account  = "reader@my-project.iam.gserviceaccount.com"
	Host     = "us-west1-docker.pkg.dev"
	Provider = "//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/providers/cluster"
	Issuer   = "https://oidc.cluster.example"
)

// The scopes that are asked for: the smallest that lets images be read, and the one that lets all be done that a role allows.
const (
	readScope  = "https://www.googleapis.com/auth/cloud-platform.read-only"
	wholeScope = "https://www.googleapis.com/auth/cloud-platform"
)

// rsaKey makes one key for all tests, since that takes a while.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// PrivateKeyPEM is the private key of the service account.
func PrivateKeyPEM() string {
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

// ServiceAccountKey is a key file as Google writes it.
func ServiceAccountKey(change func(map[string]any)) string {
	k := map[string]any{
		"type": "service_account", "project_id": "my-project", "private_key_id": "key-1", "private_key": PrivateKeyPEM(),
		"client_email": Account, "client_id": "1", "auth_uri": "https://accounts.google.com/o/oauth2/auth",
		"token_uri": "https://oauth2.googleapis.com/token", "universe_domain": "googleapis.com",
	}
	if change != nil {
		change(k)
	}
	return doc(k)
}

// Federation is a configuration as gcloud writes it.
func Federation(source map[string]any, change func(map[string]any)) string {
	k := map[string]any{
		"type": "external_account", "audience": Provider, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
		"token_url": "https://sts.googleapis.com/v1/token", "credential_source": source,
		"service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/" + Account + ":generateAccessToken",
	}
	if change != nil {
		change(k)
	}
	return doc(k)
}

// A Cloud is Google's sign-in services and one host of Artifact Registry, in front of a real registry.
type Cloud struct {
	*integrationtest.Internet
	Registry *registrytest.Registry

	// They may be set before the cloud is used.
	Skew      time.Duration // of Google's clock against this machine's
	Deleted   bool          // the service account
	Disabled  bool          // the service account
	Forbidden bool          // to act as the service account
	Condition bool          // the provider lets nobody in
	Scopes    []string      // of the machine's tokens
	Refusal   string        // why no repository may be read; "" if all may

	Analyses         map[string]Analysis // by the address of the image
	AnalysisDisabled bool                // the API, in the project
	AnalysisDenied   bool                // to the account

	mu     sync.Mutex
	tokens map[string]string // access token → whose
	scopes map[string]string // access token → for what
	issued int
}

// New starts one.
func New(t testing.TB) *Cloud {
	c := &Cloud{Internet: integrationtest.NewInternet(t), Registry: registrytest.Start(t, registrytest.Options{}), tokens: map[string]string{}, scopes: map[string]string{}}
	c.Add("containeranalysis.googleapis.com", http.HandlerFunc(c.analysis))
	c.Add("oauth2.googleapis.com", http.HandlerFunc(c.token))
	c.Add("sts.googleapis.com", http.HandlerFunc(c.sts))
	c.Add("iamcredentials.googleapis.com", http.HandlerFunc(c.impersonate))
	c.Serve(Host)
	return c
}

// Serve adds a host of Artifact Registry.
func (c *Cloud) Serve(host string) { c.Add(host, c.artifactRegistry(host)) }

func (c *Cloud) issue(whose, scope string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.issued++
	token := fmt.Sprintf("ya29.%s.%d.%s", "test-access-token", c.issued, strings.Repeat("x", 40))
	c.tokens[token], c.scopes[token] = whose, scope
	return token
}

// Whose says whose an access token is.
func (c *Cloud) Whose(token string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tokens[token]
}

// Revoke ends all access tokens.
func (c *Cloud) Revoke() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.tokens)
}

func refuse(w http.ResponseWriter, code, description string) {
	integrationtest.Answer(w, http.StatusBadRequest, map[string]string{"error": code, "error_description": description})
}

// verify reads a JWT that rsaKey signed.
func verify(token string) (header map[string]string, c integrationtest.Claims, signed bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, integrationtest.Claims{}, false
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

// SubjectToken is a token of a cluster's identity.
func SubjectToken(change func(*integrationtest.Claims)) string {
	c := integrationtest.Claims{Issuer: Issuer, Audience: "https:" + Provider, Subject: "system:serviceaccount:landwaiter:landwaiter", Issued: time.Now().Unix(), Expires: time.Now().Add(time.Hour).Unix()}
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

func (c *Cloud) token(w http.ResponseWriter, r *http.Request) {
	now := time.Now().Add(c.Skew)
	header, claim, signed := verify(r.FormValue("assertion"))
	issued, expires := time.Unix(claim.Issued, 0), time.Unix(claim.Expires, 0)
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/token" || r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
		refuse(w, "unsupported_grant_type", "Invalid grant_type")
	case c.Deleted || claim.Issuer != Account:
		refuse(w, "invalid_grant", "Invalid grant: account not found")
	case header["alg"] != "RS256" || header["kid"] != "key-1" || !signed:
		refuse(w, "invalid_grant", "Invalid JWT Signature.")
	case claim.Audience != "https://oauth2.googleapis.com/token":
		refuse(w, "invalid_grant", "Invalid JWT: Failed audience check.")
	case issued.After(now.Add(time.Minute)) || !expires.After(now) || expires.Sub(issued) > time.Hour+time.Minute:
		refuse(w, "invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.")
	case claim.Scope != readScope && claim.Scope != wholeScope:
		refuse(w, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")
	case c.Disabled:
		refuse(w, "invalid_grant", "Account has been disabled: 123")
	default:
		integrationtest.Answer(w, http.StatusOK, map[string]any{"access_token": c.issue(Account, claim.Scope), "expires_in": 3599, "token_type": "Bearer"})
	}
}

func (c *Cloud) sts(w http.ResponseWriter, r *http.Request) {
	token := r.FormValue("subject_token")
	_, claim, signed := verify(token)
	switch {
	case r.URL.Path != "/v1/token" || r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange":
		refuse(w, "invalid_request", "Invalid request")
	case r.FormValue("audience") != Provider:
		refuse(w, "invalid_target", "The target service indicated by the \"audience\" parameters is invalid. This might either be because the pool or Provider is disabled or deleted or because it doesn't exist.")
	case claim.Issuer != Issuer:
		refuse(w, "invalid_grant", "The issuer in ID Token "+claim.Issuer+" does not match the expected one")
	case !signed: // repeats the token, as no service should
		refuse(w, "invalid_grant", "Invalid ID Token signature: "+token)
	case claim.Audience != "https:"+Provider:
		refuse(w, "invalid_grant", "The audience in ID Token ["+claim.Audience+"] does not match the expected audience.")
	case time.Now().Unix() > claim.Expires:
		refuse(w, "invalid_grant", "ID Token issued at "+fmt.Sprint(claim.Issued)+" is stale to sign-in.")
	case c.Condition:
		refuse(w, "unauthorized_client", "The given credential is rejected by the attribute condition.")
	default:
		integrationtest.Answer(w, http.StatusOK, map[string]any{
			"access_token": c.issue("federated "+r.FormValue("scope"), r.FormValue("scope")), "expires_in": 3599, "token_type": "Bearer",
			"issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
		})
	}
}

func (c *Cloud) impersonate(w http.ResponseWriter, r *http.Request) {
	var want struct{ Scope []string }
	json.NewDecoder(r.Body).Decode(&want)
	refuse := func(code int, status, message string) {
		integrationtest.Answer(w, code, map[string]any{"error": map[string]any{"code": code, "message": message, "status": status}})
	}
	switch {
	case !strings.HasPrefix(c.Whose(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")), "federated https://www.googleapis.com/auth/cloud-platform"):
		refuse(http.StatusUnauthorized, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
	case r.URL.Path != "/v1/projects/-/serviceAccounts/"+Account+":generateAccessToken":
		refuse(http.StatusNotFound, "NOT_FOUND", "Unknown service Account")
	case c.Forbidden:
		refuse(http.StatusForbidden, "PERMISSION_DENIED", "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).")
	case len(want.Scope) != 1 || want.Scope[0] != readScope && want.Scope[0] != wholeScope:
		refuse(http.StatusBadRequest, "INVALID_ARGUMENT", "scope")
	default:
		integrationtest.Answer(w, http.StatusOK, map[string]any{"accessToken": c.issue(Account, want.Scope[0]), "expireTime": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)})
	}
}

// Metadata is the metadata server of a machine.
func (c *Cloud) Metadata(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("Metadata-Flavor") != "Google":
		http.Error(w, "Missing Metadata-Flavor:Google header.", http.StatusForbidden)
	case r.URL.Path == "/computeMetadata/v1/instance/service-accounts/default/email":
		w.Header().Set("Metadata-Flavor", "Google")
		io.WriteString(w, Account)
	case r.URL.Path == "/computeMetadata/v1/instance/service-accounts/default/scopes":
		w.Header().Set("Metadata-Flavor", "Google")
		io.WriteString(w, strings.Join(c.Scopes, "\n")+"\n")
	case r.URL.Path != "/computeMetadata/v1/instance/service-accounts/default/token":
		http.NotFound(w, r)
	default:
		w.Header().Set("Metadata-Flavor", "Google")
		integrationtest.Answer(w, http.StatusOK, map[string]any{"access_token": c.issue(Account, cmp.Or(strings.Join(c.Scopes, " "), wholeScope)), "expires_in": 1799, "token_type": "Bearer"})
	}
}

// artifactRegistry asks for tokens of its own, which it gives for access tokens.
func (c *Cloud) artifactRegistry(host string) http.Handler {
	behind := c.Forward(c.Registry.URL)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, basic := r.BasicAuth()
		may := basic && user == "oauth2accesstoken" && c.Whose(password) != ""
		switch bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "); {
		case r.URL.Path == "/v2/token" && may && c.Refusal != "" && r.FormValue("scope") != "":
			integrationtest.Answer(w, http.StatusForbidden, map[string]any{"errors": []any{map[string]string{"code": "DENIED", "message": c.Refusal}}})
		case r.URL.Path == "/v2/token" && may:
			integrationtest.Answer(w, http.StatusOK, map[string]any{"token": "registry-token-for." + base64.RawURLEncoding.EncodeToString([]byte(password)), "expires_in": 3600})
		case r.URL.Path == "/v2/token":
			integrationtest.Answer(w, http.StatusUnauthorized, map[string]any{"errors": []any{map[string]string{"code": "UNAUTHORIZED", "message": "authentication failed"}}})
		case c.granted(bearer):
			behind.ServeHTTP(w, r)
		default:
			w.Header().Set("WWW-Authenticate", `Bearer realm="https://`+host+`/v2/token",service="`+host+`"`)
			integrationtest.Answer(w, http.StatusUnauthorized, map[string]any{"errors": []any{map[string]string{"code": "UNAUTHORIZED", "message": "no"}}})
		}
	})
}

func (c *Cloud) granted(bearer string) bool {
	encoded, ok := strings.CutPrefix(bearer, "registry-token-for.")
	token, err := base64.RawURLEncoding.DecodeString(encoded)
	return ok && err == nil && c.Whose(string(token)) != ""
}
