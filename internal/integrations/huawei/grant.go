package huawei

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
		Method: "Long-term login command", Fill: []string{"username", "password"},
		Summary: "An IAM user of its own with the permission Read in the organization " + organization + " of SWR, and no other.",
		Steps: []string{
			"Create the IAM user landwaiter with programmatic access, in no group that has permissions.",
			"In the SWR console, open Organizations, " + organization + ", Users, and add landwaiter with Read.",
			"As that user, create an access key, and have the SWR console generate a long-term login command with it.",
			"Enter what follows -u in that command, and what follows -p.",
		},
	}}
}

// testAdvice is for findings of the connection test, by name.
var testAdvice = map[string]string{
	"wrong-password":                 "Take both from a long-term login command of the SWR console: the user name is PROJECT@AK, the password the login key that is computed from the secret access key, not that key itself. A temporary login command ends after some hours.",
	"pull-denied":                    noRight,
	"scope-narrowed":                 noRight,
	"repository-not-found-or-hidden": noRight,
}

const noRight = "Check the name and the region. In the SWR console, under Organizations, give the user the permission Read in that organization."
