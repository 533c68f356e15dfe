package ghcr

import (
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

func TestType(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings:  map[string]any{"endpoint": "https://ghcr.io", "username": "octocat", "password": "ghp_token"},
		Anonymous: map[string]any{}, // the endpoint has a default
		Image:     "ghcr.io/octocat/hello:1",
		Endpoint:  "https://ghcr.io",
		Username:  "octocat",
		Password:  "ghp_token",
	})
}
