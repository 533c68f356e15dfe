// Package tencent is the integration type for the registry of Tencent Cloud.
package tencent

import "github.com/landwaiter/landwaiter/internal/integration"

// Type declares it.
func Type() integration.Type {
	return integration.Type{
		ID:         "tencent",
		Label:      "Tencent Container Registry",
		Summary:    "Tencent Container Registry, Individual and Enterprise Edition.",
		Categories: []integration.Category{integration.CategoryRegistry},
		ConfigKey:  "docker",
		Fields: []integration.Field{
			{
				Name: "endpoint", Label: "Endpoint", Kind: integration.Endpoint, Example: "example.tencentcloudcr.com",
				Help:     "The instance's host; ccr.ccs.tencentyun.com for the Individual Edition. A namespace may follow if the integration is meant for it alone.",
				Required: "An endpoint is required", BindsSecret: true, Column: true,
			},
			{
				Name: "username", Label: "Username", Kind: integration.Text, Example: "tcr$landwaiter",
				Help:        "A service account's name, with its prefix, or the ID of the account. Leave it and the password empty for public repositories.",
				BindsSecret: true, Column: true,
			},
			{
				Name: "password", Label: "Password", Kind: integration.Secret,
				Help: "The access credential's password, not that of the console. That of a temporary credential ends after an hour.",
			},
			integration.Insecure(),
		},
		Check:  integration.CheckBasic,
		Detect: integration.DetectHost(`[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.tencentcloudcr\.com|ccr\.ccs\.tencentyun\.com`),
		Grants: grants,
		Advice: testAdvice,
		Open:   integration.OpenBasic,
	}
}
