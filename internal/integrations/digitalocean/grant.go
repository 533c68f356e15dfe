package digitalocean

import (
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func grants(integration.Config, image.Reference) []integration.Grant {
	return []integration.Grant{{
		Method: "API token", Fill: []string{"password"},
		Summary: "An API token with the custom scope registry:read alone.",
		Steps: []string{
			"Open https://cloud.digitalocean.com/account/api/tokens/new and choose Custom Scopes, registry, read, and an end.",
			"Enter the token.",
		},
	}}
}

// testAdvice is for findings of the connection test, by name.
var testAdvice = map[string]string{
	"wrong-password":                 "Enter an API token with the scope registry:read, which is user name and password at once. Check that it has neither expired nor been revoked, and that it belongs to the registry's team.",
	"pull-denied":                    noRight,
	"scope-narrowed":                 noRight,
	"repository-not-found-or-hidden": noRight,
}

const noRight = "Check the name, the registry's in front included, and that the API token belongs to the registry's team and has the scope registry:read."
