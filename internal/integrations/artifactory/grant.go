package artifactory

import (
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func grants(integration.Config, image.Reference) []integration.Grant {
	return []integration.Grant{{
		Method: "Access token", Fill: []string{"username", "password"},
		Summary: "A user of its own with the permission Read on the Docker repositories, and an access token of that user.",
		Steps: []string{
			"Create the user landwaiter without rights of administration.",
			"Create a permission that gives it Read on the repositories that it is to pull; for a virtual repository also on those behind it.",
			"Generate an access token for that user, with an end, and enter its name and the token.",
		},
	}}
}
