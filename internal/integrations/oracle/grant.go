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
