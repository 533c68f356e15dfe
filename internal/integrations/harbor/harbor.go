// Package harbor is the integration type for Harbor.
package harbor

import (
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// Type declares it.
func Type() integration.Type {
	return integration.Type{
		ID:         "harbor",
		Label:      "Harbor",
		Summary:    "Projects of a Harbor registry.",
		Categories: []integration.Category{integration.CategoryRegistry},
		ConfigKey:  "docker",
		Fields: []integration.Field{
			{
				Name: "endpoint", Label: "Endpoint", Kind: integration.Endpoint, Example: "harbor.example.com",
				Help:     "The registry's host. A project may follow, as in harbor.example.com/library, if the integration is meant for it alone.",
				Required: "An endpoint is required", BindsSecret: true, Column: true,
			},
			{
				Name: "username", Label: "Username", Kind: integration.Text, Example: "robot$library+landwaiter",
				Help:        "A robot account's full name, or a user's. Between double quotes a shell drops what follows the $: use single quotes. Leave it and the secret empty for public projects.",
				BindsSecret: true, Column: true,
			},
			{
				Name: "password", Label: "Secret", Kind: integration.Secret,
				Help: "A robot account's secret, or the CLI secret of a user who signs in by OIDC.",
			},
			integration.Insecure(),
		},
		Check:      integration.CheckBasic,
		HostLabels: []string{"harbor"},
		Grants:     grants,
		Advice:     testAdvice,
		Open:       diagnosis.Opening(integration.OpenBasic, probe),
	}
}
