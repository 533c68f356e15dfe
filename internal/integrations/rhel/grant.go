package rhel

import (
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func grants(c integration.Config, _ image.Reference) []integration.Grant {
	if c.Text("endpoint") == "registry.access.redhat.com" {
		return []integration.Grant{{
			Method: "Anonymous", Summary: "Everybody may read this registry: nothing has to be allowed.",
		}}
	}
	return []integration.Grant{{
		Method: "Registry service account", Fill: []string{"username", "password"},
		Summary: "A registry service account, which can pull images and nothing else. Any user of the customer's account can make one.",
		Steps: []string{
			"Open https://access.redhat.com/terms-based-registry/ and create a service account with the name landwaiter.",
			"Enter its full name, a number, a bar and landwaiter, and its token.",
		},
	}}
}
