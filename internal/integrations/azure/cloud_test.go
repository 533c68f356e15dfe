package azure

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/secret"
)

const (
	tenant      = "11111111-2222-3333-4444-555555555555"
	application = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
	host        = "myregistry.azurecr.io"
	issuer      = "https://oidc.cluster.example/"
	subject     = "system:serviceaccount:landwaiter:landwaiter"
	imds        = "169.254.169.254"
)

// claims are those of every token here.
type claims struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	Subject  string `json:"sub"`
	Tenant   string `json:"tid,omitempty"`
	Issued   int64  `json:"iat,omitempty"`
	Expires  int64  `json:"exp,omitempty"`
}

// sign makes a token that only the holder of a key can make. Real ones are signed by RSA; nobody but the fakes looks.
func sign(key string, c claims) string {
	payload, _ := json.Marshal(c)
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func verify(key, token string) (c claims, signed bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return claims{}, false
	}
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	json.Unmarshal(payload, &c)
	return c, sign(key, c) == token
}

// podToken is a projected token of a pod.
func podToken(change func(*claims)) string {
	c := claims{Issuer: issuer, Audience: "api://AzureADTokenExchange", Subject: subject, Issued: time.Now().Unix(), Expires: time.Now().Add(time.Hour).Unix()}
	if change != nil {
		change(&c)
	}
	return sign("cluster", c)
}

// An azureCloud is Microsoft Entra ID, the identity service of a machine, and a registry in front of a real one. It refuses as they do.
type azureCloud struct {
	*integrationtest.Internet
	t        *testing.T
	registry *registrytest.Registry

	mu       sync.Mutex
	pull     bool          // the identity may
	audience string        // that the registry takes
	life     time.Duration // of a refresh token
	users    map[string]string
	sealing  string // key of the registry's refresh tokens
}

func newCloud(t *testing.T, authority, host string) *azureCloud {
	c := &azureCloud{
		Internet: integrationtest.NewInternet(t), t: t, registry: registrytest.Start(t, registrytest.Options{}),
		pull: true, audience: "https://containerregistry.azure.net", life: 3 * time.Hour, users: map[string]string{}, sealing: "registry",
	}
	c.Add(authority, c.entra(authority))
	c.Add(host, c.acr(host))
	return c
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

func (c *azureCloud) entra(authority string) http.Handler {
	refuse := func(w http.ResponseWriter, status int, code, description string) {
		answer(w, status, map[string]any{"error": code, "error_description": description + " Trace ID: 1 Correlation ID: 2"})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Split(r.URL.Path, "/")[1] != tenant {
			refuse(w, http.StatusBadRequest, "invalid_tenant", "AADSTS90002: Tenant not found.")
			return
		}
		if strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration") {
			base := "https://" + authority + "/" + tenant
			answer(w, http.StatusOK, map[string]any{
				"token_endpoint": base + "/oauth2/v2.0/token", "authorization_endpoint": base + "/oauth2/v2.0/authorize", "issuer": base + "/v2.0",
			})
			return
		}
		pod, signed := verify("cluster", r.FormValue("client_assertion"))
		switch {
		case r.FormValue("client_id") != application:
			refuse(w, http.StatusBadRequest, "unauthorized_client", "AADSTS700016: Application with identifier '"+r.FormValue("client_id")+"' was not found in the directory.")
		case pod.Issuer != issuer:
			refuse(w, http.StatusBadRequest, "invalid_client", "AADSTS700211: No matching federated identity record found for presented assertion issuer '"+pod.Issuer+"'.")
		case !signed: // repeats the token, as no service should
			refuse(w, http.StatusUnauthorized, "invalid_client", "AADSTS700027: The certificate with identifier used to sign the client assertion is not registered. "+r.FormValue("client_assertion"))
		case pod.Audience != "api://AzureADTokenExchange":
			refuse(w, http.StatusBadRequest, "invalid_client", "AADSTS700212: No matching federated identity record found for presented assertion audience '"+pod.Audience+"'.")
		case pod.Subject != subject:
			refuse(w, http.StatusBadRequest, "invalid_client", "AADSTS700213: No matching federated identity record found for presented assertion subject '"+pod.Subject+"'.")
		case pod.Expires < time.Now().Unix():
			refuse(w, http.StatusUnauthorized, "invalid_client", "AADSTS700024: Client assertion is not within its valid time range.")
		default:
			answer(w, http.StatusOK, map[string]any{
				"access_token": machineToken(strings.TrimSuffix(strings.Fields(r.FormValue("scope"))[0], "/.default")), "expires_in": 86399, "token_type": "Bearer",
			})
		}
	})
}

// machineToken is what Microsoft Entra ID gives for an audience.
func machineToken(audience string) string {
	return sign("entra", claims{
		Issuer: "https://sts.windows.net/" + tenant, Audience: audience, Subject: application, Tenant: tenant,
		Issued: time.Now().Unix(), Expires: time.Now().Add(24 * time.Hour).Unix(),
	})
}

// identityService is that of a machine with the identities of these client IDs; "" is its own. Its tokens are so short-lived
// that the SDK, which keeps them for the whole process, does not use one again.
func identityService(ids ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Metadata") != "true" || r.URL.Path != "/metadata/identity/oauth2/token" {
			answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": "Required metadata header not specified"})
			return
		}
		for _, id := range ids {
			if id == r.FormValue("client_id") {
				answer(w, http.StatusOK, map[string]string{"access_token": machineToken(r.FormValue("resource")), "expires_in": "240", "resource": r.FormValue("resource"), "token_type": "Bearer"})
				return
			}
		}
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": "Identity not found"})
	})
}

func (c *azureCloud) acr(host string) http.Handler {
	behind := c.Forward(c.registry.URL)
	refuse := func(w http.ResponseWriter, status int, code, message string) {
		answer(w, status, map[string]any{"errors": []any{map[string]string{"code": code, "message": message}}})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		pull, audience, life, sealing := c.pull, c.audience, c.life, c.sealing
		c.mu.Unlock()
		switch r.URL.Path {
		case "/oauth2/exchange":
			machine, signed := verify("entra", r.FormValue("access_token"))
			switch {
			case r.Method != http.MethodPost || r.FormValue("grant_type") != "access_token" || r.FormValue("service") != host:
				refuse(w, http.StatusBadRequest, "BAD_REQUEST", "invalid request")
			case !signed || machine.Expires < time.Now().Unix(): // repeats the token, as no service should
				refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "failed to validate access token "+r.FormValue("access_token"))
			case machine.Audience != audience:
				refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "audience '"+machine.Audience+"' is not allowed")
			case !pull:
				refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "retrieving permissions failed")
			default:
				answer(w, http.StatusOK, map[string]string{"refresh_token": sign(sealing, claims{
					Issuer: "Azure Container Registry", Audience: host, Subject: machine.Subject, Issued: time.Now().Unix(), Expires: time.Now().Add(life).Unix(),
				})})
			}
		case "/oauth2/token":
			user, password, basic := r.BasicAuth()
			refresh, signed := verify(sealing, password)
			if may := signed && user == "00000000-0000-0000-0000-000000000000" && refresh.Audience == host && refresh.Expires > time.Now().Unix(); !basic || r.FormValue("service") != host || (!may && (c.users[user] == "" || c.users[user] != password)) {
				refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required, visit https://aka.ms/acr/authorization for more information.")
				return
			}
			answer(w, http.StatusOK, map[string]string{"access_token": sign("access", claims{Audience: host, Subject: user + " " + sealing, Expires: time.Now().Add(75 * time.Minute).Unix()})})
		default:
			access, signed := verify("access", strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
			if !signed || access.Audience != host || !strings.HasSuffix(access.Subject, " "+sealing) {
				w.Header().Set("WWW-Authenticate", `Bearer realm="https://`+host+`/oauth2/token",service="`+host+`"`)
				refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required, visit https://aka.ms/acr/authorization for more information.")
				return
			}
			behind.ServeHTTP(w, r)
		}
	})
}

// A machine is where the program runs.
type machine map[string]string

// pod is a machine with a workload identity.
func pod(t *testing.T, token string) machine {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	return machine{clientID: application, tenantID: tenant, federatedTokenFile: path}
}

func (c *azureCloud) open(settings map[string]any, m machine) integration.Candidate {
	c.t.Helper()
	values, secrets := map[string]any{}, map[string]secret.Text{}
	for name, v := range settings {
		if name == password {
			secrets[name] = secret.New(v.(string))
		} else {
			values[name] = v
		}
	}
	types, err := integration.NewTypes(Type())
	if err != nil {
		c.t.Fatal(err)
	}
	d, err := types.Validate(integration.Draft{Integration: integration.Integration{
		Name: "acr", Type: "azure", Categories: []integration.Category{integration.CategoryRegistry}, Config: integration.NewConfig(values, secrets),
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

func (c *azureCloud) client() *distribution.Client {
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

// pulls checks that an image comes through, from sign-in to manifest.
func (c *azureCloud) pulls(candidate integration.Candidate, host string) {
	c.t.Helper()
	pushed := registrytest.Push(c.t, c.registry, "team/app", "1", registrytest.Image{})
	ref := reference(c.t, host+"/team/app:1")
	got, err := c.client().Pull(c.t.Context(), candidate.Source(ref), ref, image.Platform{}, nil)
	if err != nil {
		c.t.Fatal(err, fault.FixOf(err))
	}
	if got.Digest != pushed.Digest {
		c.t.Errorf("pulled %s, pushed %s", got.Digest, pushed.Digest)
	}
}

func (c *azureCloud) signIn(candidate integration.Candidate) (distribution.Credential, error) {
	c.t.Helper()
	return candidate.Source(reference(c.t, host+"/team/app:1")).Credential(c.t.Context())
}
