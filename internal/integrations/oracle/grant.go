package oracle

import (
	"cmp"
	"strings"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func grants(_ integration.Config, ref image.Reference) []integration.Grant {
	namespace, repository, _ := strings.Cut(ref.Repository, "/")
	policy := "Allow group LandwaiterPull to read repos in tenancy"
	what := "all repositories"
	if repository != "" {
		policy += " where target.repo.name = '" + repository + "'"
		what = "the repository " + repository
	}
	return []integration.Grant{{
		Method: "Auth token", Fill: []string{"username", "password"},
		Summary:   "A user of its own in a group that may read " + what + ", and an auth token of that user.",
		Documents: []integration.Document{{Title: "Policy statement", Text: policy}},
		Steps: []string{
			"Create the group LandwaiterPull and in it the user landwaiter-pull.",
			"Create a policy with the statement below.",
			"For that user, generate an auth token; enter it, and as user name " + cmp.Or(namespace, "NAMESPACE") + "/landwaiter-pull.",
		},
	}}
}

// testAdvice is for findings of the connection test, by name.
var testAdvice = map[string]string{
	"wrong-password":                 "The user name is the tenancy's namespace, a slash and the user (NAMESPACE/USER; NAMESPACE/DOMAIN/USER for one in an identity domain), and the password an auth token of that user, not the console's. A new auth token takes some minutes to count.",
	"pull-denied":                    noRight,
	"scope-narrowed":                 noRight,
	"repository-not-found-or-hidden": noRight,
}

const noRight = "Check the name, the tenancy's namespace in front included. Let a group of the user read repositories: Allow group GROUP to read repos in tenancy"
