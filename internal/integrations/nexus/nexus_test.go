package nexus

import (
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

func TestType(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings:  map[string]any{"endpoint": "Nexus.Example:8083", "username": "jane", "password": "correct-horse", "insecure": true},
		Anonymous: map[string]any{"endpoint": "Nexus.Example:8083"},
		Image:     "nexus.example:8083/team/app:1",
		Endpoint:  "https://nexus.example:8083",
		Username:  "jane",
		Password:  "correct-horse",
	})
}
