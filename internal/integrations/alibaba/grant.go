package alibaba

import (
	"cmp"
	"strings"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func grants(_ integration.Config, ref image.Reference) []integration.Grant {
	instance, name := "INSTANCE_ID/", ref.Repository
	if strings.HasPrefix(ref.Registry, "registry") || strings.HasPrefix(ref.Registry, "crpi-") {
		instance = "" // the Personal Edition
	}
	return []integration.Grant{{
		Method: "Fixed password of a RAM user", Fill: []string{"username", "password"},
		Summary: "A RAM user of its own that may pull " + cmp.Or(name, "from one namespace") + ", and its fixed password for the registry.",
		Documents: []integration.Document{{Title: "Policy", Text: `{
  "Version": "1",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "cr:GetAuthorizationToken",
      "Resource": "*"
    },
    {
      "Effect": "Allow",
      "Action": ["cr:GetRepository", "cr:PullRepository"],
      "Resource": "acs:cr:*:*:repository/` + instance + cmp.Or(name, "NAMESPACE/*") + `"
    }
  ]
}`}},
		Steps: []string{
			"Create a RAM user and attach the policy below to it.",
			"Sign in to the console as that user, open the instance, Access Credential, and set a fixed password.",
			"Enter the user name that the same page shows for docker login, and that password.",
		},
	}}
}

// testAdvice is for findings of the connection test, by name.
var testAdvice = map[string]string{
	"wrong-password":                 "Enter the user name that the instance's page Access Credential shows, and the fixed password that was set there: it is not the console's. A temporary one works for an hour.",
	"access-blocked":                 "Let the address that this machine goes out with in: in the console, the instance, Access Control. From within the same region, use the host with -vpc.",
	"pull-denied":                    noRight,
	"scope-narrowed":                 noRight,
	"repository-not-found-or-hidden": noRight,
}

const noRight = "Check the name. Give the RAM user cr:GetRepository and cr:PullRepository on the repository."
