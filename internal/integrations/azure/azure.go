// Package azure is the integration type for Azure Container Registry. It signs in with a user name and a password, or with
// the identity of the machine, for whose token the registry gives one of its own.
package azure

import (
	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
	"github.com/landwaiter/landwaiter/internal/secret"
)

const (
	endpoint   = "endpoint"
	wifEnabled = "wifEnabled"
	username   = "username"
	password   = "password"
)

// Type declares it.
func Type() integration.Type {
	return integration.Type{
		ID:              "azure",
		Label:           "Microsoft ACR",
		Summary:         "Azure Container Registry, in Azure and in its clouds for China and the US government.",
		Categories:      []integration.Category{integration.CategoryRegistry},
		ConfigKey:       "azure",
		LegacyConfigKey: "docker",
		Fields: []integration.Field{
			{
				Name: endpoint, Label: "Endpoint", Kind: integration.Endpoint, Example: "myregistry.azurecr.io",
				Help:     "The registry's login server, as az acr show --name REGISTRY --query loginServer prints it.",
				Required: "An endpoint is required", BindsSecret: true, Column: true,
			},
			{
				Name: wifEnabled, Label: "Use workload identity", Kind: integration.Toggle, BindsSecret: true, AsMachine: true,
				Help: "Sign in as the machine or pod that this program runs on: with its workload identity if the AZURE_ variables name one, else with its managed identity.",
			},
			{
				Name: username, Label: "Username", Kind: integration.Text, BindsSecret: true, Column: true,
				Help:         "The application ID of a service principal, the name of a scope-map token, or the admin user.",
				DisabledWhen: integration.On(wifEnabled),
			},
			{
				Name: password, Label: "Password", Kind: integration.Secret, Required: "A password is required",
				DisabledWhen: integration.On(wifEnabled),
			},
		},
		Settle: settle,
		Check:  check,
		Detect: detect,
		Grants: grants,
		Advice: testAdvice,
		Open:   open,
	}
}

// settle keeps no credentials that are not used.
func settle(c integration.Config) integration.Config {
	if c.On(wifEnabled) {
		return c.With(username, "").With(password, secret.Text{})
	}
	return c
}

func check(c integration.Config, _ []integration.Category) []integration.Problem {
	if !c.On(wifEnabled) {
		return nil
	}
	at, err := distribution.ParseEndpoint(c.Text(endpoint), false)
	if err != nil {
		return []integration.Problem{{Field: endpoint, Message: err.Error(), Fix: fault.FixOf(err)}}
	}
	if _, ok := cloudOf(at.Host); !ok || at.Scheme != "https" {
		return []integration.Problem{{
			Field: endpoint, Message: "the endpoint is not an Azure Container Registry, and the identity of this machine is shown to no other",
			Fix: "Use the registry's own login server, such as myregistry.azurecr.io, over https. For a proxy in front of it, use a user name and a password.",
		}}
	}
	return nil
}

func open(c integration.Config, deps integration.Deps) (integration.Registry, error) {
	if !c.On(wifEnabled) {
		return diagnosis.Opening(integration.OpenBasic, probeUser)(c, deps)
	}
	for _, p := range check(c, nil) {
		return nil, fault.New(fault.Invalid, "", "%s", p.Message).WithFix("%s", p.Fix)
	}
	at, err := distribution.ParseEndpoint(c.Text(endpoint), false)
	if err != nil {
		return nil, err
	}
	cloud, _ := cloudOf(at.Host)
	from := &signIn{host: at.Host, cloud: cloud, deps: deps}
	return diagnosis.Probed(integration.Leased(at, deps, from.credential), from.probe), nil
}
