// Package azuretest stands in for the parts of Azure that a sign-in to a registry needs: Microsoft Entra ID, the identity
// service of a machine, and a registry in front of a real one. They refuse as the real ones do.
package azuretest

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

const (
	Tenant      = "11111111-2222-3333-4444-555555555555"
	Application = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
	Host        = "myregistry.azurecr.io"
	Login       = "login.microsoftonline.com"
	Issuer      = "https://oidc.cluster.example/"
	Subject     = "system:serviceaccount:landwaiter:landwaiter"
	IMDS        = "169.254.169.254"
)

// PodToken is a projected token of a pod.
func PodToken(change func(*integrationtest.Claims)) string {
	c := integrationtest.Claims{Issuer: Issuer, Audience: "api://AzureADTokenExchange", Subject: Subject, Issued: time.Now().Unix(), Expires: time.Now().Add(time.Hour).Unix()}
	if change != nil {
		change(&c)
	}
	return c.Sign("cluster")
}

// A Cloud is Microsoft Entra ID, the identity service of a machine, and a registry in front of a real one. It refuses as they do.
type Cloud struct {
	*integrationtest.Internet
	Registry *registrytest.Registry

	// They may be set before the cloud is used.
	Pull     bool              // the identity may
	Audience string            // that the registry takes
	Life     time.Duration     // of a refresh token
	Users    map[string]string // passwords by name, of the registry

	mu      sync.Mutex
	sealing string // key of the registry's refresh tokens
}

// New starts one with an authority of tokens and a registry.
func New(t testing.TB, authority, host string) *Cloud {
	c := &Cloud{
		Internet: integrationtest.NewInternet(t), Registry: registrytest.Start(t, registrytest.Options{}),
		Pull: true, Audience: "https://containerregistry.azure.net", Life: 3 * time.Hour, Users: map[string]string{}, sealing: "registry",
	}
	c.Add(authority, c.entra(authority))
	c.Add(host, c.acr(host))
	return c
}

func (c *Cloud) entra(authority string) http.Handler {
	refuse := func(w http.ResponseWriter, status int, code, description string) {
		integrationtest.Answer(w, status, map[string]any{"error": code, "error_description": description + " Trace ID: 1 Correlation ID: 2"})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Split(r.URL.Path, "/")[1] != Tenant {
			refuse(w, http.StatusBadRequest, "invalid_tenant", "AADSTS90002: Tenant not found.")
			return
		}
		if strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration") {
			base := "https://" + authority + "/" + Tenant
			integrationtest.Answer(w, http.StatusOK, map[string]any{
				"token_endpoint": base + "/oauth2/v2.0/token", "authorization_endpoint": base + "/oauth2/v2.0/authorize", "issuer": base + "/v2.0",
			})
			return
		}
		pod, signed := integrationtest.Verify("cluster", r.FormValue("client_assertion"))
		switch {
		case r.FormValue("client_id") != Application:
			refuse(w, http.StatusBadRequest, "unauthorized_client", "AADSTS700016: Application with identifier '"+r.FormValue("client_id")+"' was not found in the directory.")
		case pod.Issuer != Issuer:
			refuse(w, http.StatusBadRequest, "invalid_client", "AADSTS700211: No matching federated identity record found for presented assertion issuer '"+pod.Issuer+"'.")
		case !signed: // repeats the token, as no service should
			refuse(w, http.StatusUnauthorized, "invalid_client", "AADSTS700027: The certificate with identifier used to sign the client assertion is not registered. "+r.FormValue("client_assertion"))
		case pod.Audience != "api://AzureADTokenExchange":
			refuse(w, http.StatusBadRequest, "invalid_client", "AADSTS700212: No matching federated identity record found for presented assertion audience '"+pod.Audience+"'.")
		case pod.Subject != Subject:
			refuse(w, http.StatusBadRequest, "invalid_client", "AADSTS700213: No matching federated identity record found for presented assertion subject '"+pod.Subject+"'.")
		case pod.Expires < time.Now().Unix():
			refuse(w, http.StatusUnauthorized, "invalid_client", "AADSTS700024: Client assertion is not within its valid time range.")
		default:
			integrationtest.Answer(w, http.StatusOK, map[string]any{
				"access_token": machineToken(strings.TrimSuffix(strings.Fields(r.FormValue("scope"))[0], "/.default")), "expires_in": 86399, "token_type": "Bearer",
			})
		}
	})
}

// machineToken is what Microsoft Entra ID gives for an audience.
func machineToken(audience string) string {
	return integrationtest.Claims{
		Issuer: "https://sts.windows.net/" + Tenant, Audience: audience, Subject: Application, Tenant: Tenant,
		Issued: time.Now().Unix(), Expires: time.Now().Add(24 * time.Hour).Unix(),
	}.Sign("entra")
}

// IdentityService is that of a machine with the identities of these client IDs; "" is its own. Its tokens are so short-lived
// that the SDK, which keeps them for the whole process, does not use one again.
func IdentityService(ids ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Metadata") != "true" || r.URL.Path != "/metadata/identity/oauth2/token" {
			integrationtest.Answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": "Required metadata header not specified"})
			return
		}
		for _, id := range ids {
			if id == r.FormValue("client_id") {
				integrationtest.Answer(w, http.StatusOK, map[string]string{"access_token": machineToken(r.FormValue("resource")), "expires_in": "240", "resource": r.FormValue("resource"), "token_type": "Bearer"})
				return
			}
		}
		integrationtest.Answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": "Identity not found"})
	})
}

func (c *Cloud) acr(host string) http.Handler {
	behind := c.Forward(c.Registry.URL)
	refuse := func(w http.ResponseWriter, status int, code, message string) {
		integrationtest.Answer(w, status, map[string]any{"errors": []any{map[string]string{"code": code, "message": message}}})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		sealing := c.sealing
		c.mu.Unlock()
		switch r.URL.Path {
		case "/oauth2/exchange":
			machine, signed := integrationtest.Verify("entra", r.FormValue("access_token"))
			switch {
			case r.Method != http.MethodPost || r.FormValue("grant_type") != "access_token" || r.FormValue("service") != host:
				refuse(w, http.StatusBadRequest, "BAD_REQUEST", "invalid request")
			case !signed || machine.Expires < time.Now().Unix(): // repeats the token, as no service should
				refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "failed to validate access token "+r.FormValue("access_token"))
			case machine.Audience != c.Audience:
				refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "audience '"+machine.Audience+"' is not allowed")
			case !c.Pull:
				refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "retrieving permissions failed")
			default:
				integrationtest.Answer(w, http.StatusOK, map[string]string{"refresh_token": integrationtest.Claims{
					Issuer: "Azure Container Registry", Audience: host, Subject: machine.Subject, Issued: time.Now().Unix(), Expires: time.Now().Add(c.Life).Unix(),
				}.Sign(sealing)})
			}
		case "/oauth2/token":
			user, password, basic := r.BasicAuth()
			refresh, signed := integrationtest.Verify(sealing, password)
			if may := signed && user == "00000000-0000-0000-0000-000000000000" && refresh.Audience == host && refresh.Expires > time.Now().Unix(); !basic || r.FormValue("service") != host || (!may && (c.Users[user] == "" || c.Users[user] != password)) {
				refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required, visit https://aka.ms/acr/authorization for more information.")
				return
			}
			integrationtest.Answer(w, http.StatusOK, map[string]string{"access_token": integrationtest.Claims{Audience: host, Subject: user + " " + sealing, Expires: time.Now().Add(75 * time.Minute).Unix()}.Sign("access")})
		default:
			access, signed := integrationtest.Verify("access", strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
			if !signed || access.Audience != host || !strings.HasSuffix(access.Subject, " "+sealing) {
				w.Header().Set("WWW-Authenticate", `Bearer realm="https://`+host+`/oauth2/token",service="`+host+`"`)
				refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required, visit https://aka.ms/acr/authorization for more information.")
				return
			}
			behind.ServeHTTP(w, r)
		}
	})
}

// Forget makes the registry refuse the tokens that it gave.
func (c *Cloud) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sealing = "another"
}

// Pod is a machine with a workload identity.
func Pod(t testing.TB, token string) integrationtest.Machine {
	t.Helper()
	return integrationtest.Machine{
		"AZURE_CLIENT_ID": Application, "AZURE_TENANT_ID": Tenant, "AZURE_FEDERATED_TOKEN_FILE": integrationtest.File(t, token),
		"AZURE_AUTHORITY_HOST": "https://" + Login + "/",
	}
}
