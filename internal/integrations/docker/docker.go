// Package docker is the integration type for any registry that speaks the OCI Distribution protocol.
package docker

import "github.com/landwaiter/landwaiter/internal/integration"

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
			integration.Insecure(),
		},
		Grants: grants,
		Open:   integration.OpenBasic,
	}
}
