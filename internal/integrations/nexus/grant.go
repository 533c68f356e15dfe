package nexus

import (
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func grants(integration.Config, image.Reference) []integration.Grant {
	return []integration.Grant{{
		Method: "User", Fill: []string{"username", "password"},
		Summary: "A user of its own whose role has the privilege nx-repository-view-docker-REPOSITORY-read, and no other.",
		Steps: []string{
			"Under Security, Roles, create a role with that privilege for every Docker repository that it is to pull.",
			"Under Security, Users, create landwaiter with that role alone; enter its name and password.",
		},
	}}
}

// testAdvice is for findings of the connection test, by name.
var testAdvice = map[string]string{
	"wrong-password":                 "Check user name and password, and under Security, Users, that the user is active. Where Nexus asks for a token, the Docker Bearer Token Realm must be active under Security, Realms.",
	"credential-needed":              "Enter a user name and a password. For anonymous pulls, the repository must allow them, and under Security, Realms, the Docker Bearer Token Realm must be active.",
	"credential-unproven":            openToAll,
	"credential-ignored":             openToAll,
	"not-a-registry":                 wrongAddress,
	"sign-in-page":                   wrongAddress,
	"wrong-path":                     wrongAddress,
	"pull-denied":                    noRight,
	"scope-narrowed":                 noRight,
	"repository-not-found-or-hidden": noRight,
}

const (
	openToAll    = "The repository allows anonymous pulls, and Nexus then lets in whatever the password. Test with an image of a repository that does not allow them, or switch Allow anonymous docker pull off."
	wrongAddress = "The address is that of Nexus' web interface. Use the host and port of the repository's connector or its subdomain; with path-based routing, put the repository's name after the host."
	noRight      = "Check the name. Under Security, Roles, give a role of {user} the privilege nx-repository-view-docker-REPOSITORY-read."
)
