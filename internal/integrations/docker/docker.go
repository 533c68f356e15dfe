// Package docker is the integration type for any registry that speaks the OCI Distribution protocol.
package docker

import (
	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// Type declares it.
func Type() integration.Type {
	return integration.Type{
		ID:         "docker",
		Label:      "Generic Docker Registry",
		Summary:    "Any registry that speaks the OCI Distribution protocol, Docker Hub included.",
		Categories: []integration.Category{integration.CategoryRegistry},
		ConfigKey:  "docker",
		Fields: []integration.Field{
			{
				Name: "endpoint", Label: "Endpoint", Kind: integration.Endpoint, Example: "registry-1.docker.io",
				Help:     "Host, optionally with a port and a path. HTTPS is used unless it starts with http://.",
				Required: "An endpoint is required", BindsSecret: true, Column: true,
			},
			{
				Name: "username", Label: "Username", Kind: integration.Text,
				Help:        "Leave user name and password empty for anonymous access.",
				BindsSecret: true, Column: true,
			},
			{
				Name: "password", Label: "Password", Kind: integration.Secret,
				Help: "A password or an access token.",
			},
			{
				Name: identityToken, Label: "Identity token", Kind: integration.Secret,
				Help: "In place of user name and password: the identitytoken that docker login keeps for some registries, with which their token service gives others.",
			},
			integration.Insecure(),
		},
		Check:  check,
		Grants: grants,
		Open:   diagnosis.Opening(open, probe),
	}
}

const identityToken = "identityToken"

func check(c integration.Config, _ []integration.Category) []integration.Problem {
	if c.Secret(identityToken).IsSet() && (c.Text("username") != "" || c.Secret("password").IsSet()) {
		return []integration.Problem{{Field: identityToken, Message: "Either an identity token or a user name and a password is possible, not both", Fix: "Leave one of the two out."}}
	}
	return nil
}

func open(c integration.Config, deps integration.Deps) (integration.Registry, error) {
	if !c.Secret(identityToken).IsSet() {
		return integration.OpenBasic(c, deps)
	}
	at, err := distribution.ParseEndpoint(c.Text("endpoint"), c.On("insecure"))
	if err != nil {
		return nil, err
	}
	return integration.Fixed(at, distribution.Credential{IdentityToken: c.Secret(identityToken)}), nil
}
