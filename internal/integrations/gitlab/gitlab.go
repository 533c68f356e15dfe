// Package gitlab is the integration type for the registry of GitLab.
package gitlab

import (
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// Type declares it.
func Type() integration.Type {
	return integration.Type{
		ID:         "gitlab",
		Label:      "GitLab Container Registry",
		Summary:    "The container registry of GitLab.com and of GitLab on your own machines.",
		Categories: []integration.Category{integration.CategoryRegistry},
		ConfigKey:  "docker",
		Fields: []integration.Field{
			{
				Name: "endpoint", Label: "Endpoint", Kind: integration.Endpoint, Example: "registry.gitlab.com",
				Help:     "The registry's host, which is not GitLab's own. A group or project may follow if the integration is meant for it alone.",
				Required: "An endpoint is required", BindsSecret: true, Column: true,
			},
			{
				Name: "username", Label: "Username", Kind: integration.Text, Example: "gitlab+deploy-token-1",
				Help:        "The user name that GitLab showed with a deploy token; with any other token, a user's name. Leave it and the token empty for public projects.",
				BindsSecret: true, Column: true,
			},
			{
				Name: "password", Label: "Token", Kind: integration.Secret,
				Help: "A deploy token, or a personal, group or project access token, with the scope read_registry. For registry.gitlab.com, the connection test asks GitLab.com about an access token with the token itself.",
			},
			integration.Insecure(),
		},
		Check:      integration.CheckBasic,
		Detect:     integration.DetectHost(`registry\.gitlab\.com`),
		HostLabels: []string{"gitlab"},
		Grants:     grants,
		Advice:     testAdvice,
		Open:       diagnosis.Opening(integration.OpenBasic, probe),
	}
}
