package harbor

import (
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

func TestType(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings:  map[string]any{"endpoint": "harbor.example/library", "username": "robot$library+landwaiter", "password": "robot-secret", "insecure": true},
		Anonymous: map[string]any{"endpoint": "harbor.example/library"},
		Image:     "harbor.example/library/app:1",
		Endpoint:  "https://harbor.example",
		Username:  "robot$library+landwaiter",
		Password:  "robot-secret",
	})
}
