package ghcr

import (
	"strings"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func grants(_ integration.Config, ref image.Reference) []integration.Grant {
	owner, name, ok := strings.Cut(ref.Repository, "/")
	what := "the packages"
	if ok {
		what = "the package " + name + " of " + owner
	} else {
		owner = "the owner of the packages"
	}
	return []integration.Grant{{
		Method: "Personal access token (classic)", Fill: []string{"username", "password"},
		Summary: "A user, best one of its own, that may read " + what + ", and its personal access token (classic) with the scope read:packages alone.",
		Steps: []string{
			"Give the user the role Read in the settings of " + what + ", under Manage access.",
			"As that user, open https://github.com/settings/tokens/new?scopes=read:packages&description=landwaiter, choose when it expires, and make sure that no other scope is ticked: ticking repo would give write access to code.",
			"If " + owner + " asks for single sign-on, authorize the token for it there.",
			"Enter the user's name and the token.",
		},
	}}
}

// testAdvice is for findings of the connection test, by name.
var testAdvice = map[string]string{
	"wrong-password":                 wrongCredential,
	"account-blocked":                wrongCredential,
	"credential-needed":              "Public images need no token, but GitHub does not show /v2/ without one: name a public image for the test, and create the integration without testing. For private images, enter a user's name and a personal access token (classic) with the scope read:packages.",
	"pull-denied":                    noRight,
	"scope-narrowed":                 noRight,
	"repository-not-found-or-hidden": noRight,
}

const (
	wrongCredential = "Enter a personal access token (classic) with the scope read:packages as the token; a fine-grained one and the account's password are refused. Check that it has neither expired nor been revoked. If the organization asks for single sign-on, authorize the token for it (Configure SSO)."
	noRight         = "Check the name. In the settings of the package, under Manage access, give {user} the role Read; if the organization asks for single sign-on, authorize the token for it (Configure SSO)."
)
