package azure

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis/diagnosistest"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/integrations/azure/azuretest"
)

func TestProbe(t *testing.T) {
	pod := func(t *testing.T) integrationtest.Machine { return azuretest.Pod(t, azuretest.PodToken(nil)) }
	token := func(change func(*integrationtest.Claims)) func(*testing.T) integrationtest.Machine {
		return func(t *testing.T) integrationtest.Machine { return azuretest.Pod(t, azuretest.PodToken(change)) }
	}
	nowhere := func(*testing.T) integrationtest.Machine { return nil }
	refusing := func(status int, message string) func(*azuretest.Cloud) {
		return func(c *azuretest.Cloud) {
			c.Add(host, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				integrationtest.Answer(w, status, map[string]any{"errors": []any{map[string]string{"code": "DENIED", "message": message}}})
			}))
		}
	}
	const identified = "azure-identity passed; azure-exchange "
	for _, test := range []struct {
		name    string
		machine func(*testing.T) integrationtest.Machine
		cloud   func(*azuretest.Cloud)
		want    string
	}{
		{"workload identity", pod, nil, identified + "passed"},
		{"managed identity", nowhere, func(c *azuretest.Cloud) { c.Add(azuretest.IMDS+":80", azuretest.IdentityService("")) }, identified + "passed"},
		{"a machine without an identity", nowhere, func(c *azuretest.Cloud) { c.Add(azuretest.IMDS+":80", azuretest.IdentityService("another")) }, "azure-identity failed azure-no-machine-identity"},
		{"a machine outside of Azure", nowhere, nil, "azure-identity failed azure-no-identity-service"},
		{"variables that are not all set", func(t *testing.T) integrationtest.Machine {
			m := pod(t)
			delete(m, clientID)
			return m
		}, nil, "azure-identity failed azure-workload-identity-incomplete"},
		{"another tenant's ID", func(t *testing.T) integrationtest.Machine {
			m := pod(t)
			m[tenantID] = azuretest.Application
			return m
		}, nil, "azure-identity failed azure-unknown-tenant"},
		{"the pod's token for another audience", token(func(c *integrationtest.Claims) { c.Audience = "kubernetes" }), nil, "azure-identity failed azure-federated-audience"},
		{"another service account", token(func(c *integrationtest.Claims) { c.Subject = "system:serviceaccount:default:default" }), nil, "azure-identity failed azure-no-federated-credential"},
		{"the pod's token expired", token(func(c *integrationtest.Claims) { c.Expires = time.Now().Add(-time.Hour).Unix() }), nil, "azure-identity failed azure-pod-token-expired"},
		{"a registry that wants another audience", pod, func(c *azuretest.Cloud) { c.Audience = "https://management.azure.com" }, identified + "failed azure-audience"},
		{"no right to pull", pod, func(c *azuretest.Cloud) { c.Pull = false }, identified + "failed azure-no-pull-role"},
		{"firewall", pod, refusing(http.StatusForbidden, "client with IP '203.0.113.7' is not allowed access, refer https://aka.ms/acr/firewall"), identified + "failed azure-firewall"},
		{"another tenant", pod, refusing(http.StatusUnauthorized, "The tenant of the token does not match that of the registry"), identified + "failed azure-other-tenant"},
		{"throttled", pod, refusing(http.StatusTooManyRequests, "slow down"), identified + "failed azure-throttled"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := azuretest.New(t, azuretest.Login, host)
			if test.cloud != nil {
				test.cloud(c)
			}
			r := c.Open(Type(), map[string]any{endpoint: host, wifEnabled: true}, test.machine(t)).Registry
			steps := diagnosistest.Probe(t, r, integrationtest.Reference(t, host+"/team/app:1"), c.Transport(), "eyJ")
			if got := steps.String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestProbe_says_whose_token_is_shown(t *testing.T) {
	c := azuretest.New(t, azuretest.Login, host)
	r := c.Open(Type(), map[string]any{endpoint: host, wifEnabled: true}, azuretest.Pod(t, azuretest.PodToken(nil))).Registry
	steps := diagnosistest.Probe(t, r, integrationtest.Reference(t, host+"/team/app:1"), c.Transport(), "eyJ")
	for _, want := range []struct{ step, name, value string }{
		{"azure-identity", "from", "workload identity of the pod"},
		{"azure-identity", clientID, azuretest.Application},
		{"azure-identity", "tenant", azuretest.Tenant},
		{"azure-identity", "audience of the token", "https://containerregistry.azure.net"},
		{"azure-exchange", "lent for", "3h0m0s"},
	} {
		if got := steps.Fact(want.step, want.name); got != want.value {
			t.Errorf("%s of %s is %q, want %q", want.name, want.step, got, want.value)
		}
	}
	if got := steps.Fact("azure-exchange", "layers come from"); !strings.Contains(got, "*.blob.core.windows.net") || !strings.Contains(got, "myregistry.REGION.data.azurecr.io") {
		t.Errorf("layers come from %q", got)
	}
}

func TestProbe_fixes_can_be_pasted(t *testing.T) {
	c := azuretest.New(t, azuretest.Login, host)
	stranger := azuretest.PodToken(func(c *integrationtest.Claims) { c.Subject = "system:serviceaccount:default:other" })
	r := c.Open(Type(), map[string]any{endpoint: host, wifEnabled: true}, azuretest.Pod(t, stranger)).Registry
	fix := diagnosistest.Probe(t, r, integrationtest.Reference(t, host+"/team/app:1"), c.Transport())[0].Findings[0].Fix
	if !strings.Contains(fix, "--issuer "+azuretest.Issuer+" --subject system:serviceaccount:default:other ") {
		t.Errorf("the fix is %q", fix)
	}
	c.Add(host, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		integrationtest.Answer(w, http.StatusForbidden, map[string]any{"errors": []any{map[string]string{"code": "DENIED", "message": "client with IP '203.0.113.7' is not allowed access"}}})
	}))
	r = c.Open(Type(), map[string]any{endpoint: host, wifEnabled: true}, azuretest.Pod(t, azuretest.PodToken(nil))).Registry
	fix = diagnosistest.Probe(t, r, integrationtest.Reference(t, host+"/team/app:1"), c.Transport())[1].Findings[0].Fix
	if !strings.Contains(fix, "az acr network-rule add --name myregistry --ip-address 203.0.113.7,") {
		t.Errorf("the fix is %q", fix)
	}
}

func TestProbe_kind_of_user(t *testing.T) {
	for _, test := range []struct{ host, user, want, summary string }{
		{host, azuretest.Application, "azure-user passed", "service principal"},
		{host, "MyRegistry", "azure-user warning azure-admin-user", "admin user"},
		{"myregistry-e7ggejfuhzhgedc8.azurecr.io", "myregistry", "azure-user warning azure-admin-user", "admin user"},
		{host, "landwaiter", "azure-user passed", "token of the registry"},
		{host, "", "", ""},
	} {
		r := integrationtest.Open(t, Type(), map[string]any{endpoint: test.host, username: test.user, password: "the-password"}, integration.Deps{Now: time.Now}).Registry
		steps := diagnosistest.Probe(t, r, integrationtest.Reference(t, test.host+"/team/app:1"), nil, "the-password")
		if got := steps.String(); got != test.want {
			t.Errorf("%s: got %s, want %s", test.user, got, test.want)
		}
		if len(steps) > 0 && !strings.Contains(steps[0].Summary, test.summary) {
			t.Errorf("%s is %q", test.user, steps[0].Summary)
		}
	}
}

func TestDiagnose(t *testing.T) {
	for want, change := range map[string]func(*azuretest.Cloud){
		"": nil,
		"azure-exchange failed azure-audience; sign-in failed azure-audience":         func(c *azuretest.Cloud) { c.Audience = "https://management.azure.com" },
		"azure-exchange failed azure-no-pull-role; sign-in failed azure-no-pull-role": func(c *azuretest.Cloud) { c.Pull = false },
	} {
		c := azuretest.New(t, azuretest.Login, host)
		registrytest.Push(t, c.Registry, "team/app", "1", registrytest.Image{})
		if change != nil {
			change(c)
		}
		opened := c.Open(Type(), map[string]any{endpoint: host, wifEnabled: true}, azuretest.Pod(t, azuretest.PodToken(nil)))
		steps := diagnosistest.Diagnose(t, Type(), opened, integrationtest.Reference(t, host+"/team/app:1"), c.Transport(), "eyJ")
		if got := steps.Wrong().String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
