package nexus

import (
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
)

func grants(integration.Config, image.Reference) []integration.Grant {
	return []integration.Grant{{
		Method: "User", Fill: []string{"username", "password"},
		Summary: "A user of its own whose role has the privilege nx-repository-view-docker-REPOSITORY-read, and no other.",
		Steps: []string{
			"Under Security, Roles, create a role with that privilege for every Docker repository that it is to pull.",
			"Under Security, Users, create landwaiter with that role alone; enter its name and password.",
		},
	}}
}
