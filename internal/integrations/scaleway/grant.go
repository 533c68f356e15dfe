package scaleway

import (
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func grants(integration.Config, image.Reference) []integration.Grant {
	return []integration.Grant{{
		Method: "API key", Fill: []string{"password"},
		Summary: "An IAM application of its own with the permission set ContainerRegistryReadOnly in the project of the namespace.",
		Steps: []string{
			"Create the IAM application landwaiter and a policy that gives it ContainerRegistryReadOnly in that project alone.",
			"Generate an API key for the application and enter its secret key.",
		},
	}}
}

// testAdvice is for findings of the connection test, by name.
var testAdvice = map[string]string{
	"wrong-password":                 "Enter the secret key of an API key, not the access key. Check that the key has not expired.",
	"pull-denied":                    noRight,
	"scope-narrowed":                 noRight,
	"repository-not-found-or-hidden": noRight,
}

const noRight = "Check the name. Give the owner of the API key the permission set ContainerRegistryReadOnly in the project of the namespace."
