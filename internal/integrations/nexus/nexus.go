// Package nexus is the integration type for Sonatype Nexus Repository.
package nexus

import "github.com/landwaiter/landwaiter/internal/integration"

// Type declares it.
func Type() integration.Type {
	return integration.Type{
		ID:         "nexus",
		Label:      "Sonatype Nexus",
		Summary:    "Docker repositories of Sonatype Nexus Repository.",
		Categories: []integration.Category{integration.CategoryRegistry},
		ConfigKey:  "docker",
		Fields: []integration.Field{
			{
				Name: "endpoint", Label: "Endpoint", Kind: integration.Endpoint, Example: "nexus.example.com:8083",
				Help:     "Where Docker pulls from: the host and port of the repository's connector, its subdomain or, with path-based routing, the host, after which the repository's name may follow.",
				Required: "An endpoint is required", BindsSecret: true, Column: true,
			},
			{
				Name: "username", Label: "Username", Kind: integration.Text,
				Help:        "Leave user name and password empty for anonymous access.",
				BindsSecret: true, Column: true,
			},
			{
				Name: "password", Label: "Password", Kind: integration.Secret,
				Help: "A password, or the pass code of a user token.",
			},
			integration.Insecure(),
		},
		Check:      integration.CheckBasic,
		HostLabels: []string{"nexus"},
		Grants:     grants,
		Advice:     testAdvice,
		Open:       integration.OpenBasic,
	}
}
