package msr

import (
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

func TestType(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings:  map[string]any{"endpoint": "msr.example", "username": "jane", "password": "access-token", "insecure": true},
		Anonymous: map[string]any{"endpoint": "msr.example"},
		Image:     "msr.example/team/app:1",
		Endpoint:  "https://msr.example",
		Username:  "jane",
		Password:  "access-token",
	})
}
