// Package harbor is the integration type for Harbor.
package harbor

import (
	"github.com/landwaiter/landwaiter/internal/integration"
)

// Type declares it.
func Type() integration.Type {
	return integration.Type{
		ID:         "harbor",
		Label:      "Harbor",
		Summary:    "Projects of a Harbor registry.",
		Categories: []integration.Category{integration.CategoryRegistry, integration.CategoryScanner},
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
		Open:       open,
	}
}

func open(c integration.Config, deps integration.Deps) (integration.Registry, error) {
	r, err := integration.OpenBasic(c, deps)
	if err != nil {
		return nil, err
	}
	return &registry{r.(integration.AtOneHost)}, nil
}

// A registry is a Harbor, with the scanners that are set up there.
type registry struct{ integration.AtOneHost }
