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
	}
	return []integration.Grant{g, {
		Method: "Anonymous", Summary: "If the projects are public: nothing has to be allowed.",
	}}
}
