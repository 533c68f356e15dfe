package gitea

import (
	"strings"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func grants(_ integration.Config, ref image.Reference) []integration.Grant {
	what := "the packages"
	if owner, _, ok := strings.Cut(ref.Repository, "/"); ok {
		what = "the packages of " + owner
	}
	return []integration.Grant{{
		Method: "Access token", Fill: []string{"username", "password"},
		Summary: "A user, best one of its own, that may read " + what + ", and its access token with the permission package: Read alone.",
		Steps: []string{
			"As that user, open Settings, Applications, and generate a token with Read for package and No access for everything else.",
			"Enter the user's name and the token.",
		},
	}}
}

// testAdvice is for findings of the connection test, by name.
var testAdvice = map[string]string{
	"wrong-password":                 "Enter the user's name and an access token with the permission package: Read; a user with two-factor authentication cannot use the password.",
	"pull-denied":                    noRight,
	"scope-narrowed":                 noRight,
	"repository-not-found-or-hidden": noRight,
}

const noRight = "Check the name. {user} must be able to see the packages of that owner, and the token needs the permission package: Read."
