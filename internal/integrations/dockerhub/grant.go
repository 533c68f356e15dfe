package dockerhub

import (
	"strings"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func grants(_ integration.Config, ref image.Reference) []integration.Grant {
	personal := integration.Grant{
		Method: "Personal access token", Fill: []string{"username", "password"},
		Summary: "A personal access token with the permission Public Repo Read-only; with Read-only if it is to pull private repositories.",
		Steps: []string{
			"Open https://app.docker.com/settings/personal-access-tokens and generate a token with that permission.",
			"Enter your Docker ID and the token.",
		},
	}
	owner, _, _ := strings.Cut(ref.Repository, "/")
	if owner == "" || owner == "library" {
		return []integration.Grant{personal}
	}
	return []integration.Grant{personal, {
		Method: "Organization access token", Settings: map[string]any{"username": owner}, Fill: []string{"password"},
		Summary: "If " + owner + " is an organization with a plan that has them: an access token of it that may pull " + ref.Repository + " alone.",
		Steps: []string{
			"In the admin console of " + owner + ", open Access tokens and generate one with the repository " + ref.Repository + " and the permission Image Pull.",
			"Enter the token.",
		},
	}}
}

// testAdvice is for findings of the connection test, by name.
var testAdvice = map[string]string{
	"wrong-password":                 "Enter the Docker ID, not the e-mail address, and an access token: accounts with two-factor authentication or single sign-on cannot use their password. With an organization access token, the user name is that of the organization.",
	"rate-limited":                   "Docker Hub counts what an address pulls without signing in, and what a personal account pulls. Wait, sign in, or use an account whose plan has no limit.",
	"pull-denied":                    noRight,
	"scope-narrowed":                 noRight,
	"repository-not-found-or-hidden": noRight,
}

const noRight = "Check the name. A personal access token with the permission Public Repo Read-only sees no private repository: it needs Read-only. An organization access token must list the repository."
