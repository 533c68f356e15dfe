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
