package gitlab

import (
	"strings"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func grants(_ integration.Config, ref image.Reference) []integration.Grant {
	where := "the project"
	if strings.Contains(ref.Repository, "/") {
		where = "the project that " + ref.Repository + " belongs to"
	}
	return []integration.Grant{{
		Method: "Deploy token", Settings: map[string]any{"username": "landwaiter"}, Fill: []string{"password"},
		Summary: "A deploy token of " + where + ", or of the group above for all its projects, with the scope read_registry alone.",
		Documents: []integration.Document{{
			Title: "Body for POST /api/v4/projects/PROJECT_ID/deploy_tokens or /api/v4/groups/GROUP_ID/deploy_tokens",
			Text:  `{"name": "landwaiter", "username": "landwaiter", "scopes": ["read_registry"]}`,
		}},
		Steps: []string{
			"In " + where + ", open Settings, Repository, Deploy tokens, and add one: name and user name landwaiter, scope read_registry, with an end if your rules ask for one. Or send the body below with a token that may administer it.",
			"Enter the token that is shown then, and never again.",
		},
	}}
}

// testAdvice is for findings of the connection test, by name.
var testAdvice = map[string]string{
	"wrong-password":                 wrongCredential,
	"account-blocked":                wrongCredential,
	"pull-denied":                    noRight,
	"scope-narrowed":                 noRight,
	"repository-not-found-or-hidden": noRight,
}

const (
	wrongCredential = "Enter a deploy token with the user name that GitLab showed with it, or a personal, group or project access token, each with the scope read_registry: an account with two-factor authentication cannot use its password. Check that the token has not expired; it ends at midnight UTC."
	noRight         = "Check the name. The token must have the scope read_registry, and belong to the image's project, a group above it, or a user who is at least a Reporter there."
)
