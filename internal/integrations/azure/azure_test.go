package azure

import (
	"net/http"
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
	"github.com/landwaiter/landwaiter/internal/integrations/azure/azuretest"
	"github.com/landwaiter/landwaiter/internal/secret"
)

const host = azuretest.Host

func TestType(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings: map[string]any{endpoint: host, username: "pull-token", password: "token-password"},
		Image:    host + "/team/app:1",
		Endpoint: "https://" + host,
		Username: "pull-token",
		Password: "token-password",
	})
}

func TestPull_with_a_password(t *testing.T) {
	for _, test := range []struct{ name, user, password string }{
		{"admin user", "myregistry", "admin-password"},
		{"service principal", azuretest.Application, "client~secret"},
		{"scope-map token", "landwaiter", "token-password"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := azuretest.New(t, azuretest.Login, host)
			c.Users[test.user] = test.password
			pulls(t, c, c.Open(Type(), map[string]any{endpoint: "https://" + host + "/", username: test.user, password: test.password}, nil), host)
			if n := count(c.Requests(), host, "/oauth2/exchange"); n != 0 {
				t.Error("a password was exchanged")
			}
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		c := azuretest.New(t, azuretest.Login, host)
		c.Users["landwaiter"] = "token-password"
		ref := integrationtest.Reference(t, host+"/team/app:1")
		_, err := c.Client().Resolve(t.Context(), c.Open(Type(), map[string]any{endpoint: host, username: "landwaiter", password: "wrong-password"}, nil).Source(t.Context(), ref), ref)
		if fault.CodeOf(err) != fault.Unauthenticated {
			t.Errorf("got %v", err)
		}
	})
}

func count(requests []integrationtest.Sent, host, path string) int {
	n := 0
	for _, r := range requests {
		if r.Host == host && strings.HasPrefix(r.Path, path) {
			n++
		}
	}
	return n
}

var clouds = []struct{ host, authority string }{
	{"myregistry.azurecr.io", "login.microsoftonline.com"},
	{"myregistry.azurecr.cn", "login.chinacloudapi.cn"},
	{"myregistry.azurecr.us", "login.microsoftonline.us"},
	{"myregistry-e7ggejfuhzhgedc8.azurecr.io", "login.microsoftonline.com"},
	{"myregistry.westeurope.geo.azurecr.io", "login.microsoftonline.com"},
}

func TestPull_with_workload_identity(t *testing.T) {
	for _, test := range clouds {
		t.Run(test.host, func(t *testing.T) {
			c := azuretest.New(t, test.authority, test.host)
			token := azuretest.PodToken(nil)
			m := azuretest.Pod(t, token)
			m[authorityHost] = "https://" + test.authority + "/"
			pulls(t, c, c.Open(Type(), map[string]any{endpoint: test.host, wifEnabled: true}, m), test.host)
			for _, r := range c.Requests() {
				if r.Host != test.authority && r.Host != test.host {
					t.Errorf("%s was asked", r.Host)
				}
				if strings.Contains(r.Dump, token) && r.Host != test.authority {
					t.Errorf("the pod's token was sent to %s", r.Host)
				}
				if strings.Contains(r.Dump, "access_token=") && r.Host+r.Path != test.host+"/oauth2/exchange" {
					t.Errorf("the machine's token was sent to %s%s", r.Host, r.Path)
				}
				if r.Host == test.authority && strings.Contains(r.Dump, "management") {
					t.Errorf("a token for the Resource Manager was asked for: %s", r.Dump)
				}
			}
		})
	}
}

func TestWorkloadIdentity_is_shown_to_no_other_cloud(t *testing.T) {
	const chinese, authority = "myregistry.azurecr.cn", "login.chinacloudapi.cn"
	for name, test := range map[string]struct {
		own string
		is  bool
	}{
		"the public cloud by default":     {"", false},
		"the public cloud":                {"https://login.microsoftonline.com/", false},
		"another name of that cloud":      {"https://login.partner.microsoftonline.cn", true},
		"no address":                      {"login.chinacloudapi.cn", false},
		"a look-alike":                    {"https://login.chinacloudapi.cn.evil.example/", false},
		"an address that cannot be read":  {"https://%zz", false},
		"the US government's":             {"https://login.microsoftonline.us/", false},
		"the cloud of the registry":       {"https://login.chinacloudapi.cn/", true},
		"the same with another authority": {"https://login.chinacloudapi.cn/tenant", true},
	} {
		t.Run(name, func(t *testing.T) {
			c := azuretest.New(t, authority, chinese)
			c.Add(azuretest.IMDS+":80", azuretest.IdentityService(azuretest.Application))
			m := azuretest.Pod(t, azuretest.PodToken(nil))
			m[authorityHost] = test.own
			_, err := c.Open(Type(), map[string]any{endpoint: chinese, wifEnabled: true}, m).Source(t.Context(), integrationtest.Reference(t, chinese+"/a:1")).Credential(t.Context())
			if test.is {
				if err != nil {
					t.Error(err)
				}
				return
			}
			explained(t, err, fault.Unauthenticated, authorityHost)
			if n := len(c.Requests()); n != 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestPull_with_a_managed_identity(t *testing.T) {
	for name, m := range map[string]integrationtest.Machine{"the machine's own": nil, "one of several": {clientID: azuretest.Application}} {
		t.Run(name, func(t *testing.T) {
			c := azuretest.New(t, azuretest.Login, host)
			c.Add(azuretest.IMDS+":80", azuretest.IdentityService(m[clientID]))
			pulls(t, c, c.Open(Type(), map[string]any{endpoint: host, wifEnabled: true}, m), host)
			requests := c.Requests()
			if n := count(requests, azuretest.IMDS, ""); n != 1 {
				t.Errorf("the identity service was asked %d times", n)
			}
			if n := count(requests, azuretest.Login, ""); n != 0 {
				t.Error("Microsoft Entra ID was asked, too")
			}
		})
	}
}

// pulls checks that an image comes through, from sign-in to manifest.
func pulls(t *testing.T, c *azuretest.Cloud, candidate integration.Candidate, host string) {
	t.Helper()
	pushed := registrytest.Push(t, c.Registry, "team/app", "1", registrytest.Image{})
	ref := integrationtest.Reference(t, host+"/team/app:1")
	got, err := c.Client().Pull(t.Context(), candidate.Source(t.Context(), ref), ref, image.Platform{}, nil)
	if err != nil {
		t.Fatal(err, fault.FixOf(err))
	}
	if got.Digest != pushed.Digest {
		t.Errorf("pulled %s, pushed %s", got.Digest, pushed.Digest)
	}
}

func credential(t *testing.T, candidate integration.Candidate) (distribution.Credential, error) {
	t.Helper()
	return candidate.Source(t.Context(), integrationtest.Reference(t, host+"/team/app:1")).Credential(t.Context())
}

func TestCredential_is_exchanged_once_and_again_when_refused(t *testing.T) {
	c := azuretest.New(t, azuretest.Login, host)
	candidate := c.Open(Type(), map[string]any{endpoint: host, wifEnabled: true}, azuretest.Pod(t, azuretest.PodToken(nil)))
	client := c.Client()
	registrytest.Push(t, c.Registry, "team/app", "1", registrytest.Image{})
	ref := integrationtest.Reference(t, host+"/team/app:1")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := client.Resolve(t.Context(), candidate.Source(t.Context(), ref), ref); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := count(c.Requests(), host, "/oauth2/exchange"); n != 1 {
		t.Errorf("%d exchanges for callers at once", n)
	}
	c.Forget()
	if _, err := client.Resolve(t.Context(), candidate.Source(t.Context(), ref), ref); err != nil {
		t.Errorf("after the registry refused its token: %v", err)
	}
	if n := count(c.Requests(), host, "/oauth2/exchange"); n != 1 {
		t.Errorf("%d exchanges after a refusal, want one more", n)
	}
}

func TestCredential_ends_when_its_token_says(t *testing.T) {
	c := azuretest.New(t, azuretest.Login, host)
	c.Life = 90 * time.Minute
	got, err := credential(t, c.Open(Type(), map[string]any{endpoint: host, wifEnabled: true}, azuretest.Pod(t, azuretest.PodToken(nil))))
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(got.Expires); left < 89*time.Minute || left > 91*time.Minute {
		t.Errorf("ends in %s", left)
	}
}

func TestWorkloadIdentity_refusals_are_explained(t *testing.T) {
	tampered := func() string {
		mine, other := strings.Split(azuretest.PodToken(nil), "."), strings.Split(azuretest.PodToken(func(c *integrationtest.Claims) { c.Expires++ }), ".")
		return mine[0] + "." + other[1] + "." + mine[2]
	}
	for _, test := range []struct {
		name    string
		token   string
		machine func(integrationtest.Machine)
		change  func(*azuretest.Cloud)
		code    fault.Code
		fix     string
	}{
		{name: "expired", token: azuretest.PodToken(func(c *integrationtest.Claims) { c.Expires = 1 }), code: fault.Unauthenticated, fix: "clock"},
		{name: "wrong audience", token: azuretest.PodToken(func(c *integrationtest.Claims) { c.Audience = "kubernetes" }), code: fault.Unauthenticated, fix: "api://AzureADTokenExchange"},
		{name: "wrong subject", token: azuretest.PodToken(func(c *integrationtest.Claims) { c.Subject = "system:serviceaccount:default:default" }), code: fault.Unauthenticated, fix: "federated-credential create"},
		{name: "unknown issuer", token: azuretest.PodToken(func(c *integrationtest.Claims) { c.Issuer = "https://other.example" }), code: fault.Unauthenticated, fix: "issuer"},
		{name: "wrong signature", token: tampered(), code: fault.Unauthenticated, fix: "signature"},
		{name: "unknown tenant", machine: func(m integrationtest.Machine) { m[tenantID] = "99999999-2222-3333-4444-555555555555" }, code: fault.Unauthenticated, fix: "AZURE_TENANT_ID"},
		{name: "unknown application", machine: func(m integrationtest.Machine) { m[clientID] = "99999999-2222-3333-4444-555555555555" }, code: fault.Unauthenticated, fix: "AZURE_CLIENT_ID"},
		{name: "no token file", machine: func(m integrationtest.Machine) { m[federatedTokenFile] = "/does/not/exist" }, code: fault.Internal, fix: "azure.workload.identity/use"},
		{name: "no client ID", machine: func(m integrationtest.Machine) { delete(m, clientID) }, code: fault.Internal, fix: "azure.workload.identity/client-id"},
		{name: "Entra ID out of reach", change: func(c *azuretest.Cloud) { c.Add(azuretest.Login, nil) }, code: fault.Unavailable, fix: "reaches https://login.microsoftonline.com"},
		{name: "Entra ID has a problem", change: func(c *azuretest.Cloud) {
			c.Add(azuretest.Login, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusServiceUnavailable) }))
		}, code: fault.Unavailable, fix: "Try again later"},
		{name: "registry out of reach", change: func(c *azuretest.Cloud) { c.Add(host, nil) }, code: fault.Unavailable, fix: "private endpoint"},
		{name: "registry has a problem", change: func(c *azuretest.Cloud) {
			c.Add(host, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, strings.Repeat("long ", 1000), http.StatusBadGateway)
			}))
		}, code: fault.Unavailable, fix: "Try again later"},
		{name: "no role", change: func(c *azuretest.Cloud) { c.Pull = false }, code: fault.Unauthenticated, fix: "AcrPull"},
		{name: "registry takes another audience", change: func(c *azuretest.Cloud) { c.Audience = "https://management.azure.com" }, code: fault.Unauthenticated, fix: "authentication-as-arm"},
		{name: "registry behind a firewall", change: func(c *azuretest.Cloud) {
			c.Add(host, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				integrationtest.Answer(w, http.StatusForbidden, map[string]any{"errors": []any{map[string]string{"code": "DENIED", "message": "client with IP '192.0.2.1' is not allowed access."}}})
			}))
		}, code: fault.Forbidden, fix: "network-rule"},
		{name: "no registry of that name", change: func(c *azuretest.Cloud) { c.Add(host, http.NotFoundHandler()) }, code: fault.NotFound, fix: "registry's name"},
		{name: "throttled", change: func(c *azuretest.Cloud) {
			c.Add(host, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }))
		}, code: fault.Limited, fix: "Try again later"},
		{name: "answer without a token", change: func(c *azuretest.Cloud) {
			c.Add(host, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) }))
		}, code: fault.Unavailable, fix: "stands between"},
		{name: "redirect", change: func(c *azuretest.Cloud) {
			c.Add(host, http.RedirectHandler("https://evil.example/oauth2/exchange", http.StatusTemporaryRedirect))
		}, code: fault.Unavailable, fix: "stands between"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := azuretest.New(t, azuretest.Login, host)
			c.Add("evil.example", http.NotFoundHandler())
			if test.change != nil {
				test.change(c)
			}
			if test.token == "" {
				test.token = azuretest.PodToken(nil)
			}
			m := azuretest.Pod(t, test.token)
			if test.machine != nil {
				test.machine(m)
			}
			_, err := credential(t, c.Open(Type(), map[string]any{endpoint: host, wifEnabled: true}, m))
			explained(t, err, test.code, test.fix)
			if count(c.Requests(), "evil.example", "") > 0 {
				t.Error("a redirect was followed")
			}
		})
	}
}

func explained(t *testing.T, err error, code fault.Code, fix string) {
	t.Helper()
	if err == nil {
		t.Fatal("signed in")
	}
	if fault.CodeOf(err) != code || !strings.Contains(fault.FixOf(err), fix) {
		t.Errorf("%v (%s), fix %q; want %s, %q", err, fault.CodeOf(err), fault.FixOf(err), code, fix)
	}
	if len(err.Error()) > 600 {
		t.Errorf("%d bytes are shown", len(err.Error()))
	}
	if text := err.Error() + fault.FixOf(err); strings.Contains(text, "eyJ") || strings.Contains(text, "assertion=") || strings.Contains(text, "\n") {
		t.Errorf("too much is shown: %q", text)
	}
}

func TestManagedIdentity_refusals_are_explained(t *testing.T) {
	const unknown = "99999999-2222-3333-4444-555555555555"
	for _, test := range []struct {
		name    string
		machine integrationtest.Machine
		service http.Handler // nil: there is none
		code    fault.Code
		fix     string
	}{
		{"not on Azure", nil, nil, fault.Unavailable, "only on Azure"},
		{"machine without an identity", nil, azuretest.IdentityService(), fault.Unauthenticated, "az vm identity assign"},
		{"identity that was not assigned", integrationtest.Machine{clientID: unknown}, azuretest.IdentityService(azuretest.Application), fault.Unauthenticated, "AZURE_CLIENT_ID"},
		{"refused by a proxy", nil, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "connecting to 169.254.169.254: unreachable", 403)
		}), fault.Forbidden, "only on Azure"},
		{"something else answers", nil, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) }), fault.Unavailable, "only on Azure"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := azuretest.New(t, azuretest.Login, host)
			if test.service != nil {
				c.Add(azuretest.IMDS+":80", test.service)
			}
			_, err := credential(t, c.Open(Type(), map[string]any{endpoint: host, wifEnabled: true}, test.machine))
			explained(t, err, test.code, test.fix)
			if n := count(c.Requests(), host, ""); n != 0 {
				t.Error("the registry was asked")
			}
		})
	}
}

func TestDecode_takes_the_settings_of_older_clients(t *testing.T) {
	types, err := integration.NewTypes(Type())
	if err != nil {
		t.Fatal(err)
	}
	read := func(body string) integration.Draft {
		t.Helper()
		d, err := types.Decode([]byte(body))
		if err == nil {
			d, err = types.Validate(d)
		}
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	stored := read(`{"name":"acr","type":"azure","categories":["REGISTRY"],"docker":{"endpoint":"` + host + `","username":"u","password":"p","insecure":true}}`)
	if c := stored.Config; c.Text(endpoint) != host || c.Text(username) != "u" || c.Secret(password).Reveal() != "p" || c.On("insecure") {
		t.Errorf("read as %v", c)
	}
	encoded := types.Encode(stored.Integration)
	if _, there := encoded["docker"]; there || encoded["azure"] == nil {
		t.Errorf("shown as %v", encoded)
	}
	masked, err := types.Decode([]byte(`{"name":"acr","type":"azure","categories":["REGISTRY"],"docker":{"endpoint":"` + host + `","username":"u","password":"******"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := types.Keep(stored.Integration, masked, false); err != nil || kept.Config.Secret(password).Reveal() != "p" {
		t.Errorf("kept %v: %v", kept.Config, err)
	}
}

func TestValidate_workload_identity(t *testing.T) {
	types, err := integration.NewTypes(Type())
	if err != nil {
		t.Fatal(err)
	}
	validate := func(at string) (integration.Draft, error) {
		return types.Validate(integration.Draft{Integration: integration.Integration{
			Name: "acr", Type: "azure", Categories: []integration.Category{integration.CategoryRegistry},
			Config: integration.NewConfig(map[string]any{endpoint: at, wifEnabled: true, username: "u"}, map[string]secret.Text{password: secret.New("p")}),
		}})
	}
	for _, at := range []string{host, "https://MyRegistry.azurecr.us/", host + ":443"} {
		d, err := validate(at)
		if err != nil {
			t.Errorf("%s is refused: %v", at, err)
		}
		if d.Config.Text(username) != "" || d.Config.Secret(password).IsSet() {
			t.Errorf("credentials that are not used are kept: %v", d.Config)
		}
	}
	for _, at := range []string{
		"registry.corp.example", "http://" + host, host + ":8443", host + ".evil.example", "evil.example", "azurecr.io", "mcr.microsoft.com",
	} {
		if _, err := validate(at); fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "shown to no other") {
			t.Errorf("%s gives %v", at, err)
		}
		config := integration.NewConfig(map[string]any{endpoint: at, wifEnabled: true}, nil)
		if _, err := Type().Open(config, integration.Deps{Now: time.Now}); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s is opened: %v", at, err)
		}
	}
}

func TestDetect(t *testing.T) {
	for _, test := range clouds {
		if c, ok := Type().Detect(test.host); !ok || c.Text(endpoint) != test.host {
			t.Errorf("%s is detected as %v, %t", test.host, c, ok)
		}
	}
	for _, at := range []string{
		"", "azurecr.io", ".azurecr.io", "reg.azurecr.io", "myregistry.azurecr.io.evil.example", "evil.example/myregistry.azurecr.io", "myregistry.azurecr.io:443",
		"myregistryazurecr.io", "my-registry-x.azurecr.io", "my_registry.azurecr.io", "myregistry.azurecrxio", "myregistry.azurecr.de", "myregistry.azurecr.com",
		"evil.myregistry.azurecr.io", "myregistry.westeurope.data.azurecr.io", "myregistry.azurecr.io@evil.example", "myregistry.azurecr.io\n", "MYREGISTRY.azurecr.io",
		"mcr.microsoft.com", "-myregistry.azurecr.io", "myregistry-.azurecr.io",
	} {
		if _, ok := Type().Detect(at); ok {
			t.Errorf("%q is detected", at)
		}
	}
}
