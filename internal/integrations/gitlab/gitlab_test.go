package gitlab

import (
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

func TestType(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings:  map[string]any{"endpoint": "registry.gitlab.com", "username": "gitlab+deploy-token-1", "password": "gldt-token", "insecure": true},
		Anonymous: map[string]any{"endpoint": "registry.gitlab.com"},
		Image:     "registry.gitlab.com/group/project/app:1",
		Endpoint:  "https://registry.gitlab.com",
		Username:  "gitlab+deploy-token-1",
		Password:  "gldt-token",
	})
}

func TestDetect(t *testing.T) {
	for _, test := range []struct {
		host string
		want bool
	}{
		{"registry.gitlab.com", true},
		{"REGISTRY.GITLAB.COM", true},
		{"registry.gitlab.com.evil.example", false},
		{"evil-registry.gitlab.com", false},
		{"registry.gitlab.com:5000", false},
		{"x.registry.gitlab.com", false},
		{"gitlab.com", false},
		{"registry-gitlab.com", false},
		{"registry.gitlab.example", false},
		{"notregistry.gitlab.com", false},
	} {
		if c, ok := Type().Detect(test.host); ok != test.want || (ok && c.Text("endpoint") != strings.ToLower(test.host)) {
			t.Errorf("%s is detected: %t, as %v", test.host, ok, c)
		}
	}
}
