// Package msr is the integration type for Mirantis Secure Registry.
package msr

import "github.com/landwaiter/landwaiter/internal/integration"

// Type declares it.
func Type() integration.Type {
	return integration.Type{
		ID:         "msr",
		Label:      "Mirantis Secure Registry",
		Summary:    "Mirantis Secure Registry, formerly Docker Trusted Registry.",
		Categories: []integration.Category{integration.CategoryRegistry},
		ConfigKey:  "docker",
		Fields: []integration.Field{
			{
				Name: "endpoint", Label: "Endpoint", Kind: integration.Endpoint, Example: "msr.example.com",
				Help:     "The registry's host. An organization may follow if the integration is meant for it alone.",
				Required: "An endpoint is required", BindsSecret: true, Column: true,
			},
			{
				Name: "username", Label: "Username", Kind: integration.Text,
				Help:        "The user whose token it is. Leave user name and token empty for public repositories.",
				BindsSecret: true, Column: true,
			},
			{
				Name: "password", Label: "Access token", Kind: integration.Secret,
				Help: "An access token, or the user's password.",
			},
			integration.Insecure(),
		},
		Check:      integration.CheckBasic,
		HostLabels: []string{"msr", "dtr"},
		Grants:     grants,
		Advice:     testAdvice,
		Open:       integration.OpenBasic,
	}
}
