// Package zot is the integration type for zot.
package zot

import "github.com/landwaiter/landwaiter/internal/integration"

// Type declares it.
func Type() integration.Type {
	return integration.Type{
		ID:         "zot",
		Label:      "zot",
		Summary:    "A zot registry with users (htpasswd or LDAP) or API keys.",
		Categories: []integration.Category{integration.CategoryRegistry},
		ConfigKey:  "docker",
		Fields: []integration.Field{
			{
				Name: "endpoint", Label: "Endpoint", Kind: integration.Endpoint, Example: "zot.example.com:5000",
				Help:     "Host, optionally with a port and a path.",
				Required: "An endpoint is required", BindsSecret: true, Column: true,
			},
			{
				Name: "username", Label: "Username", Kind: integration.Text,
				Help:        "Leave user name and password empty for anonymous access.",
				BindsSecret: true, Column: true,
			},
			{
				Name: "password", Label: "Password", Kind: integration.Secret,
				Help: "A password or an API key.",
			},
			integration.Insecure(),
		},
		Check:      integration.CheckBasic,
		HostLabels: []string{"zot"},
		Grants:     grants,
		Advice:     testAdvice,
		Open:       integration.OpenSignedIn,
	}
}
