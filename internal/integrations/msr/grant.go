package msr

import (
	"cmp"
	"strings"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func grants(_ integration.Config, ref image.Reference) []integration.Grant {
	organization, _, _ := strings.Cut(ref.Repository, "/")
	organization = cmp.Or(organization, "ORGANIZATION")
	return []integration.Grant{{
		Method: "Access token", Fill: []string{"username", "password"},
		Summary: "A user of its own in a team of " + organization + " that may read the repositories, and an access token of that user.",
		Steps: []string{
			"Create the user landwaiter, without rights of administration.",
			"In " + organization + ", create a team with that user, and give it Read only on the repositories that it is to pull.",
			"As that user, make an access token, and enter the user's name and the token.",
		},
	}}
}

// testAdvice is for findings of the connection test, by name.
var testAdvice = map[string]string{
	"wrong-password":                 "Enter the user's name and an access token or password of that user. Check that the user and the token are active.",
	"pull-denied":                    noRight,
	"scope-narrowed":                 noRight,
	"repository-not-found-or-hidden": noRight,
}

const noRight = "Check the name. In the organization, give a team of the user Read only on that repository."
