// Package gitea is the integration type for the registry of Gitea and Forgejo.
package gitea

import "github.com/landwaiter/landwaiter/internal/integration"

// Type declares it.
func Type() integration.Type {
	return integration.Type{
		ID:         "gitea",
		Label:      "Gitea and Forgejo",
		Summary:    "Container packages of Gitea and Forgejo, Codeberg included.",
		Categories: []integration.Category{integration.CategoryRegistry},
		ConfigKey:  "docker",
		Fields: []integration.Field{
			{
				Name: "endpoint", Label: "Endpoint", Kind: integration.Endpoint, Example: "gitea.example.com",
				Help:     "The host of Gitea or Forgejo. An owner may follow, as in gitea.example.com/team, if the integration is meant for it alone.",
				Required: "An endpoint is required", BindsSecret: true, Column: true,
			},
			{
				Name: "username", Label: "Username", Kind: integration.Text,
				Help:        "The user whose token it is. Leave user name and token empty for public packages.",
				BindsSecret: true, Column: true,
			},
			{
				Name: "password", Label: "Access token", Kind: integration.Secret,
				Help: "An access token with the scope read:package. A user with two-factor authentication cannot sign in with the password.",
			},
			integration.Insecure(),
		},
		Check:      integration.CheckBasic,
		Detect:     integration.DetectHost(`codeberg\.org`),
		HostLabels: []string{"gitea", "forgejo"},
		Grants:     grants,
		Advice:     testAdvice,
		Open:       integration.OpenBasic,
	}
}
