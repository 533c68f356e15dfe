package azure

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/secret"
)

const login = "login.microsoftonline.com"

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
		{"service principal", application, "client~secret"},
		{"scope-map token", "landwaiter", "token-password"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCloud(t, login, host)
			c.users[test.user] = test.password
			c.pulls(c.open(map[string]any{endpoint: "https://" + host + "/", username: test.user, password: test.password}, nil), host)
			if n := count(c.Requests(), host, "/oauth2/exchange"); n != 0 {
				t.Error("a password was exchanged")
			}
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		c := newCloud(t, login, host)
		c.users["landwaiter"] = "token-password"
		ref := reference(t, host+"/team/app:1")
		_, err := c.client().Resolve(t.Context(), c.open(map[string]any{endpoint: host, username: "landwaiter", password: "wrong-password"}, nil).Source(ref), ref)
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
			c := newCloud(t, test.authority, test.host)
			token := podToken(nil)
			c.pulls(c.open(map[string]any{endpoint: test.host, wifEnabled: true}, pod(t, token)), test.host)
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

func TestPull_with_a_managed_identity(t *testing.T) {
	for name, m := range map[string]machine{"the machine's own": nil, "one of several": {clientID: application}} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t, login, host)
			c.Add(imds+":80", identityService(m[clientID]))
			c.pulls(c.open(map[string]any{endpoint: host, wifEnabled: true}, m), host)
			requests := c.Requests()
			if n := count(requests, imds, ""); n != 1 {
				t.Errorf("the identity service was asked %d times", n)
			}
			if n := count(requests, login, ""); n != 0 {
				t.Error("Microsoft Entra ID was asked, too")
			}
		})
	}
}

func TestCredential_is_exchanged_once_and_again_when_refused(t *testing.T) {
	c := newCloud(t, login, host)
	candidate := c.open(map[string]any{endpoint: host, wifEnabled: true}, pod(t, podToken(nil)))
	client := c.client()
	registrytest.Push(t, c.registry, "team/app", "1", registrytest.Image{})
	ref := reference(t, host+"/team/app:1")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := client.Resolve(t.Context(), candidate.Source(ref), ref); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := count(c.Requests(), host, "/oauth2/exchange"); n != 1 {
		t.Errorf("%d exchanges for callers at once", n)
	}
	c.mu.Lock()
	c.sealing = "another" // the registry forgets the tokens it gave
	c.mu.Unlock()
	if _, err := client.Resolve(t.Context(), candidate.Source(ref), ref); err != nil {
		t.Errorf("after the registry refused its token: %v", err)
	}
	if n := count(c.Requests(), host, "/oauth2/exchange"); n != 1 {
		t.Errorf("%d exchanges after a refusal, want one more", n)
	}
}

func TestCredential_ends_when_its_token_says(t *testing.T) {
	c := newCloud(t, login, host)
	c.life = 90 * time.Minute
	got, err := c.signIn(c.open(map[string]any{endpoint: host, wifEnabled: true}, pod(t, podToken(nil))))
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(got.Expires); left < 89*time.Minute || left > 91*time.Minute {
		t.Errorf("ends in %s", left)
	}

	now := time.Unix(2e9, 0)
	s := &signIn{now: func() time.Time { return now }}
	for name, test := range map[string]struct {
		token string
		want  time.Time
	}{
		"a clock that is wrong":   {sign("k", claims{Issued: 1000, Expires: 4600}), now.Add(time.Hour)},
		"without a time of issue": {sign("k", claims{Expires: 2e9 + 60}), now.Add(time.Minute)},
		"without an end":          {sign("k", claims{}), time.Time{}},
		"opaque":                  {"opaque", time.Time{}},
		"broken":                  {"a.!.c", time.Time{}},
	} {
		if got := s.expiry(secret.New(test.token)); !got.Equal(test.want) {
			t.Errorf("%s ends %s, want %s", name, got, test.want)
		}
	}
}

func TestWorkloadIdentity_refusals_are_explained(t *testing.T) {
	tampered := func() string {
		mine, other := strings.Split(podToken(nil), "."), strings.Split(podToken(func(c *claims) { c.Expires++ }), ".")
		return mine[0] + "." + other[1] + "." + mine[2]
	}
	for _, test := range []struct {
		name    string
		token   string
		machine func(machine)
		change  func(*azureCloud)
		code    fault.Code
		fix     string
	}{
		{name: "expired", token: podToken(func(c *claims) { c.Expires = 1 }), code: fault.Unauthenticated, fix: "clock"},
		{name: "wrong audience", token: podToken(func(c *claims) { c.Audience = "kubernetes" }), code: fault.Unauthenticated, fix: "api://AzureADTokenExchange"},
		{name: "wrong subject", token: podToken(func(c *claims) { c.Subject = "system:serviceaccount:default:default" }), code: fault.Unauthenticated, fix: "federated-credential create"},
		{name: "unknown issuer", token: podToken(func(c *claims) { c.Issuer = "https://other.example" }), code: fault.Unauthenticated, fix: "issuer"},
		{name: "wrong signature", token: tampered(), code: fault.Unauthenticated, fix: "signature"},
		{name: "unknown tenant", machine: func(m machine) { m[tenantID] = "99999999-2222-3333-4444-555555555555" }, code: fault.Unauthenticated, fix: "AZURE_TENANT_ID"},
		{name: "unknown application", machine: func(m machine) { m[clientID] = "99999999-2222-3333-4444-555555555555" }, code: fault.Unauthenticated, fix: "AZURE_CLIENT_ID"},
		{name: "no token file", machine: func(m machine) { m[federatedTokenFile] = "/does/not/exist" }, code: fault.Internal, fix: "azure.workload.identity/use"},
		{name: "no client ID", machine: func(m machine) { delete(m, clientID) }, code: fault.Internal, fix: "azure.workload.identity/client-id"},
		{name: "Entra ID out of reach", change: func(c *azureCloud) { c.Add(login, nil) }, code: fault.Unavailable, fix: "reaches https://login.microsoftonline.com"},
		{name: "Entra ID has a problem", change: func(c *azureCloud) {
			c.Add(login, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusServiceUnavailable) }))
		}, code: fault.Unavailable, fix: "Try again later"},
		{name: "registry out of reach", change: func(c *azureCloud) { c.Add(host, nil) }, code: fault.Unavailable, fix: "private endpoint"},
		{name: "registry has a problem", change: func(c *azureCloud) {
			c.Add(host, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, strings.Repeat("long ", 1000), http.StatusBadGateway)
			}))
		}, code: fault.Unavailable, fix: "Try again later"},
		{name: "no role", change: func(c *azureCloud) { c.pull = false }, code: fault.Unauthenticated, fix: "AcrPull"},
		{name: "registry takes another audience", change: func(c *azureCloud) { c.audience = "https://management.azure.com" }, code: fault.Unauthenticated, fix: "authentication-as-arm"},
		{name: "registry behind a firewall", change: func(c *azureCloud) {
			c.Add(host, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				answer(w, http.StatusForbidden, map[string]any{"errors": []any{map[string]string{"code": "DENIED", "message": "client with IP '192.0.2.1' is not allowed access."}}})
			}))
		}, code: fault.Forbidden, fix: "network-rule"},
		{name: "no registry of that name", change: func(c *azureCloud) { c.Add(host, http.NotFoundHandler()) }, code: fault.NotFound, fix: "registry's name"},
		{name: "throttled", change: func(c *azureCloud) {
			c.Add(host, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }))
		}, code: fault.Limited, fix: "Try again later"},
		{name: "answer without a token", change: func(c *azureCloud) {
			c.Add(host, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) }))
		}, code: fault.Unavailable, fix: "stands between"},
		{name: "redirect", change: func(c *azureCloud) {
			c.Add(host, http.RedirectHandler("https://evil.example/oauth2/exchange", http.StatusTemporaryRedirect))
		}, code: fault.Unavailable, fix: "stands between"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCloud(t, login, host)
			c.Add("evil.example", http.NotFoundHandler())
			if test.change != nil {
				test.change(c)
			}
			if test.token == "" {
				test.token = podToken(nil)
			}
			m := pod(t, test.token)
			if test.machine != nil {
				test.machine(m)
			}
			_, err := c.signIn(c.open(map[string]any{endpoint: host, wifEnabled: true}, m))
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
		machine machine
		service http.Handler // nil: there is none
		code    fault.Code
		fix     string
	}{
		{"not on Azure", nil, nil, fault.Unavailable, "only on Azure"},
		{"machine without an identity", nil, identityService(), fault.Unauthenticated, "az vm identity assign"},
		{"identity that was not assigned", machine{clientID: unknown}, identityService(application), fault.Unauthenticated, "AZURE_CLIENT_ID"},
		{"refused by a proxy", nil, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "connecting to 169.254.169.254: unreachable", 403)
		}), fault.Forbidden, "only on Azure"},
		{"something else answers", nil, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) }), fault.Unavailable, "only on Azure"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCloud(t, login, host)
			if test.service != nil {
				c.Add(imds+":80", test.service)
			}
			_, err := c.signIn(c.open(map[string]any{endpoint: host, wifEnabled: true}, test.machine))
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
