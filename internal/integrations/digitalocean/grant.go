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
