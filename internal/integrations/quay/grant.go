package quay

import (
	"strings"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func grants(c integration.Config, ref image.Reference) []integration.Grant {
	g := integration.Grant{
		Method:  "Robot account",
		Fill:    []string{robotUsername, robotPassword},
		Summary: "A robot account with the permission Read on the repositories, and no other.",
		Steps: []string{
			"In the organization or user that the repositories belong to, open Robot Accounts and create the robot landwaiter.",
			"Give it the permission Read on the repositories that it is to pull.",
			"Enter the robot's user name, ORGANIZATION+landwaiter, and its password.",
		},
	}
	if namespace, _, ok := strings.Cut(ref.Repository, "/"); ok {
		robot := namespace + "+landwaiter"
		g.Settings, g.Fill = map[string]any{robotUsername: robot}, []string{robotPassword}
		g.Summary = "The robot account " + robot + " with the permission Read on the repository " + ref.Repository + ", and no other."
		g.Steps = []string{
			"Open Robot Accounts of " + namespace + " and create the robot landwaiter.",
			"Give it the permission Read on the repository " + ref.Repository + ".",
			"Enter its password.",
		}
	}
	return []integration.Grant{g, {
		Method: "Anonymous", Summary: "If the repositories are public: nothing has to be allowed.",
	}}
}
