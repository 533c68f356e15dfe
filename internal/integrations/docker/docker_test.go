package docker

import (
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

func TestType(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings: map[string]any{
			"endpoint": "Registry.Example:5000", "username": "jane", "password": "correct-horse", "insecure": true,
		},
		Anonymous: map[string]any{"endpoint": "registry.example:5000"},
		Image:     "registry.example:5000/team/app:1",
		Endpoint:  "https://registry.example:5000",
		Username:  "jane",
		Password:  "correct-horse",
	})
}

func TestType_Docker_Hub(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings: map[string]any{"endpoint": "docker.io", "username": "jane", "password": "correct-horse"},
		Image:    "docker.io/library/nginx:1",
		Endpoint: "https://registry-1.docker.io",
		Username: "jane",
		Password: "correct-horse",
	})
}
