// Package scaleway is the integration type for the registry of Scaleway.
package scaleway

import (
	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/integration"
)

// Type declares it.
func Type() integration.Type {
	return integration.Type{
		ID:         "scaleway",
		Label:      "Scaleway Container Registry",
		Summary:    "Namespaces of the Scaleway Container Registry.",
		Categories: []integration.Category{integration.CategoryRegistry},
		ConfigKey:  "docker",
		Fields: []integration.Field{
			{
				Name: "endpoint", Label: "Endpoint", Kind: integration.Endpoint, Example: "rg.fr-par.scw.cloud/example",
				Help:     "The host of the namespace's region. The namespace may follow if the integration is meant for it alone.",
				Required: "An endpoint is required", BindsSecret: true, Column: true,
			},
			{
				Name: "password", Label: "Secret key", Kind: integration.Secret,
				Help: "The secret key of an API key. Leave it empty for public namespaces.",
			},
			integration.Insecure(),
		},
		Detect: integration.DetectHost(`rg\.[a-z]{2}-[a-z]{3}\.scw\.cloud`),
		Grants: grants,
		Advice: testAdvice,
		Open:   open,
	}
}

// anyUser is the user name that Scaleway suggests; it looks at the secret key only.
const anyUser = "nologin"

func open(c integration.Config, _ integration.Deps) (integration.Registry, error) {
	at, err := distribution.ParseEndpoint(c.Text("endpoint"), c.On("insecure"))
	if err != nil {
		return nil, err
	}
	user, key := "", c.Secret("password")
	if key.IsSet() {
		user = anyUser
	}
	return integration.Basic(at, user, key), nil
}
