package gitea

import (
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

func TestType(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings:  map[string]any{"endpoint": "codeberg.org", "username": "jane", "password": "access-token", "insecure": true},
		Anonymous: map[string]any{"endpoint": "codeberg.org"},
		Image:     "codeberg.org/team/app:1",
		Endpoint:  "https://codeberg.org",
		Username:  "jane",
		Password:  "access-token",
	})
}

func TestDetect(t *testing.T) {
	for _, test := range []struct {
		host string
		want bool
	}{
		{"codeberg.org", true},
		{"CODEBERG.ORG", true},
		{"codeberg.org.evil.example", false},
		{"evil-codeberg.org", false},
		{"codeberg.org:5000", false},
		{"x.codeberg.org", false},
		{"codeberg.page", false},
		{"notcodeberg.org", false},
		{"gitea.example", false},
	} {
		if c, ok := Type().Detect(test.host); ok != test.want || (ok && c.Text("endpoint") != strings.ToLower(test.host)) {
			t.Errorf("%s is detected: %t, as %v", test.host, ok, c)
		}
	}
}
