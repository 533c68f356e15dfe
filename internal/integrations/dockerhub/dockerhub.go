// Package dockerhub is the integration type for Docker Hub.
package dockerhub

import "github.com/landwaiter/landwaiter/internal/integration"

// Type declares it.
func Type() integration.Type {
	return integration.Type{
		ID:         "dockerhub",
		Label:      "Docker Hub",
		Summary:    "Docker Hub, with a personal or an organization access token.",
		Categories: []integration.Category{integration.CategoryRegistry},
		ConfigKey:  "docker",
		Fields: []integration.Field{
			{
				Name: "endpoint", Label: "Endpoint", Kind: integration.Endpoint, Example: "docker.io",
				Help:    "docker.io. An organization may follow if the integration is meant for it alone.",
				Default: "docker.io", Required: "An endpoint is required", BindsSecret: true, Column: true,
			},
			{
				Name: "username", Label: "Username", Kind: integration.Text,
				Help:        "Your Docker ID, not your e-mail address; with an organization access token, the organization's name. Leave it and the token empty for public images.",
				BindsSecret: true, Column: true,
			},
			{
				Name: "password", Label: "Access token", Kind: integration.Secret,
				Help: "An access token that may read. Pulls of signed-in users have a higher limit.",
			},
			integration.Insecure(),
		},
		Check:  integration.CheckBasic,
		Detect: integration.DetectHost(`docker\.io|index\.docker\.io|registry-1\.docker\.io`),
		Grants: grants,
		Advice: testAdvice,
		Open:   integration.OpenBasic,
	}
}
