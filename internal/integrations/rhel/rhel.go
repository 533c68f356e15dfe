// Package rhel is the integration type for Red Hat's own registries.
package rhel

import "github.com/landwaiter/landwaiter/internal/integration"

// Type declares it.
func Type() integration.Type {
	return integration.Type{
		ID:         "rhel",
		Label:      "Red Hat",
		Summary:    "Red Hat's registries registry.redhat.io, registry.access.redhat.com and registry.connect.redhat.com.",
		Categories: []integration.Category{integration.CategoryRegistry},
		ConfigKey:  "docker",
		Fields: []integration.Field{
			{
				Name: "endpoint", Label: "Endpoint", Kind: integration.Endpoint, Example: "registry.redhat.io",
				Required:    "An endpoint is required, like, registry.access.redhat.com",
				BindsSecret: true, Column: true,
			},
			{
				Name: "username", Label: "Username", Kind: integration.Text,
				Help:        "A registry service account, such as 12345678|name. registry.access.redhat.com needs none.",
				BindsSecret: true, Column: true,
			},
			{
				Name: "password", Label: "Password", Kind: integration.Secret,
				Help: "The service account's token.",
			},
			integration.Insecure(),
		},
		Detect: integration.DetectHost(`registry\.(redhat\.io|(access|connect)\.redhat\.com)`),
		Grants: grants,
		Advice: testAdvice,
		Open:   integration.OpenBasic,
	}
}
