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

// testAdvice is for findings of the connection test, by name.
var testAdvice = map[string]string{
	"wrong-password":                 "Enter the whole name of the registry service account, with number and bar (12345678|name; between single quotes in a shell), and its token from https://access.redhat.com/terms-based-registry/. A regenerated token makes the old one void.",
	"credential-needed":              "Make a registry service account at https://access.redhat.com/terms-based-registry/ and enter its name and token. registry.access.redhat.com serves many of the same images without.",
	"pull-denied":                    noRight,
	"scope-narrowed":                 noRight,
	"repository-not-found-or-hidden": noRight,
}

const noRight = "Check the name. The image may need a subscription that the service account's owner does not have."
