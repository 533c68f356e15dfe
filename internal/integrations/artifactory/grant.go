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

// testAdvice is for findings of the connection test, by name.
var testAdvice = map[string]string{
	"wrong-password":                 "Enter the user's name with its password, an identity token or an access token; a token's user name is the one that it was made for. An API key works in older versions only. Check that it has not expired, and that the user was not locked after wrong passwords.",
	"credential-unproven":            openToAll,
	"credential-ignored":             openToAll,
	"not-a-registry":                 wrongAddress,
	"wrong-path":                     wrongAddress,
	"pull-denied":                    noRight,
	"scope-narrowed":                 noRight,
	"repository-not-found-or-hidden": noRight,
}

const (
	openToAll    = "Anonymous access is on in Artifactory, so that everybody gets as far. Test with an image of a repository that anonymous users may not read."
	wrongAddress = "Use the address that Artifactory's Set Me Up shows for Docker: the host, with the repository's key after it if you like; REPOSITORY-KEY.HOST; or HOST:PORT, by the method that is configured."
	noRight      = "Check the name, the repository's key in front included. In Artifactory, give {user} Read on that repository in a permission; for a virtual repository, also on those behind it."
)
