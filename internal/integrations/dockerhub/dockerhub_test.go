package dockerhub

import (
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

func TestType(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings:  map[string]any{"endpoint": "docker.io", "username": "jane", "password": "dckr_pat_token", "insecure": true},
		Anonymous: map[string]any{}, // the endpoint has a default
		Image:     "docker.io/library/nginx:1",
		Endpoint:  "https://registry-1.docker.io",
		Username:  "jane",
		Password:  "dckr_pat_token",
	})
}

func TestDetect(t *testing.T) {
	for _, test := range []struct {
		host string
		want bool
	}{
		{"docker.io", true},
		{"index.docker.io", true},
		{"registry-1.docker.io", true},
		{"DOCKER.IO", true},
		{"docker.io.evil.example", false},
		{"evil-docker.io", false},
		{"docker.io:5000", false},
		{"x.docker.io", false},
		{"notdocker.io", false},
		{"hub.docker.com", false},
		{"registry.docker.io", false},
		{"registry-2.docker.io", false},
		{"dockerXio", false},
	} {
		if c, ok := Type().Detect(test.host); ok != test.want || (ok && c.Text("endpoint") != strings.ToLower(test.host)) {
			t.Errorf("%s is detected: %t, as %v", test.host, ok, c)
		}
	}
}
