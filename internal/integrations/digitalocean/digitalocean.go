// Package digitalocean is the integration type for the registry of DigitalOcean.
package digitalocean

import (
	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// Type declares it.
func Type() integration.Type {
	return integration.Type{
		ID:         "digitalocean",
		Label:      "DigitalOcean Container Registry",
		Summary:    "Container registries at DigitalOcean.",
		Categories: []integration.Category{integration.CategoryRegistry},
		ConfigKey:  "docker",
		Fields: []integration.Field{
			{
				Name: "endpoint", Label: "Endpoint", Kind: integration.Endpoint, Example: "registry.digitalocean.com/example",
				Help:    "registry.digitalocean.com. A registry's name may follow if the integration is meant for it alone.",
				Default: "registry.digitalocean.com", Required: "An endpoint is required", BindsSecret: true, Column: true,
			},
			{
				Name: "password", Label: "API token", Kind: integration.Secret,
				Help: "An API token with the scope registry:read, which is both user name and password. Leave it empty for anonymous access.",
			},
			integration.Insecure(),
		},
		Detect: integration.DetectHost(`registry\.digitalocean\.com`),
		Grants: grants,
		Advice: testAdvice,
		Open:   open,
	}
}

func open(c integration.Config, _ integration.Deps) (integration.Registry, error) {
	at, err := distribution.ParseEndpoint(c.Text("endpoint"), c.On("insecure"))
	if err != nil {
		return nil, err
	}
	return integration.Basic(at, c.Secret("password").Reveal(), c.Secret("password")), nil
}
