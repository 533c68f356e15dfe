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
