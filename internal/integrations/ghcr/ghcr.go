// Package ghcr is the integration type for the GitHub Container Registry.
package ghcr

import (
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// Type declares it.
func Type() integration.Type {
	return integration.Type{
		ID:         "ghcr",
		Label:      "GitHub Container Registry",
		Summary:    "Images published as GitHub packages.",
		Categories: []integration.Category{integration.CategoryRegistry},
		ConfigKey:  "docker",
		Fields: []integration.Field{
			{
				Name: "endpoint", Label: "Endpoint", Kind: integration.Endpoint, Example: "https://ghcr.io",
				Default: "https://ghcr.io", Required: "An endpoint is required", BindsSecret: true, Column: true,
			},
			{
				Name: "username", Label: "Username", Kind: integration.Text,
				Help:        "Leave user name and token empty for public images, and create the integration without testing.",
				BindsSecret: true, Column: true,
			},
			{
				Name: "password", Label: "GitHub token", Kind: integration.Secret,
				Help: "A personal access token (classic) with the scope read:packages.",
			},
			integration.Insecure(),
		},
		Detect: detect,
		Grants: grants,
		Advice: testAdvice,
		Open:   diagnosis.Opening(integration.OpenBasic, probe),
	}
}

func detect(host string) (integration.Config, bool) {
	if host != "ghcr.io" {
		return integration.Config{}, false
	}
	return Type().Defaults(), true
}
