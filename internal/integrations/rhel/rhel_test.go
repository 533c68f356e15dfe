package rhel

import (
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

func TestType(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings:  map[string]any{"endpoint": "registry.redhat.io", "username": "12345678|name", "password": "eyJ-token"},
		Anonymous: map[string]any{"endpoint": "registry.redhat.io"},
		Image:     "registry.redhat.io/ubi9/ubi:9.4",
		Endpoint:  "https://registry.redhat.io",
		Username:  "12345678|name",
		Password:  "eyJ-token",
	})
}
