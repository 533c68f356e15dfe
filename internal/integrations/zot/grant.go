package zot

import (
	"cmp"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func grants(_ integration.Config, ref image.Reference) []integration.Grant {
	repository := cmp.Or(ref.Repository, "**")
	return []integration.Grant{{
		Method: "User", Fill: []string{"username", "password"},
		Summary: "A user of its own with the action read on " + repository + ", and no other.",
		Documents: []integration.Document{{Title: "Entry of http.accessControl.repositories in zot's configuration", Text: `"` + repository +
			`": {"policies": [{"users": ["landwaiter"], "actions": ["read"]}]}`}},
		Steps: []string{
			"Add the user to the file that http.auth.htpasswd.path names: htpasswd -B FILE landwaiter",
			"Add the entry below to zot's configuration.",
			"Enter the user's name and password.",
		},
	}}
}

// testAdvice is for findings of the connection test, by name.
var testAdvice = map[string]string{
	"wrong-password":                 "Check the user in the file that http.auth.htpasswd.path names, or at the LDAP server. An API key goes in place of the password, with the user name that it belongs to.",
	"pull-denied":                    noRight,
	"scope-narrowed":                 noRight,
	"repository-not-found-or-hidden": noRight,
}

const noRight = "Check the name. In zot's configuration, give {user} the action read on that repository in http.accessControl.repositories."
