package harbor

import (
	"cmp"
	"strings"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func grants(_ integration.Config, ref image.Reference) []integration.Grant {
	project, _, _ := strings.Cut(ref.Repository, "/")
	g := integration.Grant{Method: "Robot account", Fill: []string{"password"}}
	if project == "" {
		g.Fill = []string{"username", "password"}
	} else {
		g.Settings = map[string]any{"username": "robot$" + project + "+landwaiter"}
	}
	project = cmp.Or(project, "PROJECT")
	g.Summary = "A robot account of the project " + project + " that may pull repositories, and nothing else."
	g.Documents = []integration.Document{{
		Title: "Body for POST /api/v2.0/robots; duration is in days, -1 for no end",
		Text: `{
  "name": "landwaiter",
  "level": "project",
  "duration": 365,
  "permissions": [
    {
      "kind": "project",
      "namespace": "` + project + `",
      "access": [{"resource": "repository", "action": "pull"}]
    }
  ]
}`,
	}}
	g.Steps = []string{
		"In the project " + project + ", open Robot Accounts and create landwaiter with Pull Repository as its only permission. Or send the body below.",
		"Enter its full name, as Harbor shows it (robot$" + project + "+landwaiter unless the prefix was changed), and its secret.",
		"To see what Harbor's scanner found (category SCANNER), also give it Read on Artifact and on Artifact Addition.",
	}
	return []integration.Grant{g, {
		Method: "Anonymous", Summary: "If the projects are public: nothing has to be allowed.",
	}}
}

// testAdvice is for findings of the connection test, by name.
var testAdvice = map[string]string{
	"wrong-password":                 "Enter the robot's whole name, robot$PROJECT+NAME unless the prefix was changed, and its secret; in a shell, write it between single quotes, since a $ between double quotes is eaten. Check that the robot has not expired and is enabled. A user who signs in by OIDC uses the CLI secret of the user profile.",
	"pull-denied":                    noRight,
	"scope-narrowed":                 noRight,
	"repository-not-found-or-hidden": noRight,
}

const noRight = "Check the name. In Harbor, give the robot the permission Pull Repository in that project, or make the user a member of the project."
