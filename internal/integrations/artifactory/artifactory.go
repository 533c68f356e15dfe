// Package artifactory is the integration type for JFrog Artifactory.
package artifactory

import (
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// Type declares it.
func Type() integration.Type {
	return integration.Type{
		ID:         "artifactory",
		Label:      "JFrog Artifactory",
		Summary:    "Docker repositories of JFrog Artifactory, on your own machines or at jfrog.io.",
		Categories: []integration.Category{integration.CategoryRegistry},
		ConfigKey:  "docker",
		Fields: []integration.Field{
			{
				Name: "endpoint", Label: "Endpoint", Kind: integration.Endpoint, Example: "artifactory.example.com",
				Help:     "The host that image names begin with: artifactory.example.com, docker-local.artifactory.example.com or artifactory.example.com:5001. A repository's key may follow, as in artifactory.example.com/docker-local, if the integration is meant for it alone.",
				Required: "An endpoint is required", BindsSecret: true, Column: true,
			},
			{
				Name: "username", Label: "Username", Kind: integration.Text,
				Help:        "Leave user name and password empty for anonymous access.",
				BindsSecret: true, Column: true,
			},
			{
				Name: "password", Label: "Password", Kind: integration.Secret,
				Help: "A password, an identity token or an access token. It is sent also where the server would serve anybody.",
			},
			integration.Insecure(),
		},
		Detect:     integration.DetectHost(`[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.jfrog\.io`),
		HostLabels: []string{"artifactory", "jfrog"},
		Grants:     grants,
		Advice:     testAdvice,
		Open:       diagnosis.Opening(integration.OpenSignedIn, probe),
	}
}
