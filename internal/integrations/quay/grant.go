package quay

import (
	"cmp"
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
	keyless := integration.Grant{
		Method: "Keyless robot federation", Settings: map[string]any{useFederation: true}, Fill: []string{robotUsername},
		Summary: "If Landwaiter runs in a cluster whose service account issuer Quay reaches: no password is stored. " + g.Summary,
		Steps: append(g.Steps[:2:2],
			"At the robot, choose Set robot federation, and enter the issuer of the cluster's service account tokens and the subject system:serviceaccount:NAMESPACE:NAME of Landwaiter's.",
			"Whoever runs Landwaiter mounts a projected service account token as the file "+cmp.Or(c.Text(endpoint), ref.Registry)+" into the folder that "+tokenFolder+" names.",
		),
	}
	if robot, ok := g.Settings[robotUsername]; ok {
		keyless.Settings[robotUsername], keyless.Fill = robot, nil
	}
	return []integration.Grant{g, keyless, {
		Method: "Anonymous", Summary: "If the repositories are public: nothing has to be allowed.",
	}}
}

// testAdvice is for findings of the connection test, by name.
var testAdvice = map[string]string{
	"wrong-password":                 "Enter the robot's whole name, ORGANIZATION+ROBOT, and the password that Robot Accounts shows. If it was regenerated, the old one is void.",
	"pull-denied":                    noRight,
	"scope-narrowed":                 noRight,
	"repository-not-found-or-hidden": noRight,
}

const noRight = "Check the name. At Quay, under Robot Accounts, give {user} the permission Read on that repository: Quay signs a robot in without it, too."
