package quay

import (
	"context"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/secret"
)

func TestType(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings: map[string]any{
			"endpoint": "quay.io", "insecure": true, "oauthToken": "oauth-token",
			"registryRobotCredentials.username": "org+robot", "registryRobotCredentials.password": "robot-password",
		},
		Anonymous:  map[string]any{"endpoint": "quay.io"},
		Categories: []integration.Category{integration.CategoryRegistry, integration.CategoryScanner},
		Image:      "quay.io/org/app:1",
		Endpoint:   "https://quay.io",
		Username:   "org+robot",
		Password:   "robot-password",
	})
}

func settings(username, password, token string) integration.Config {
	return integration.NewConfig(
		map[string]any{endpoint: "quay.io", robotUsername: username},
		map[string]secret.Text{robotPassword: secret.New(password), oauthToken: secret.New(token)})
}

func TestValidate(t *testing.T) {
	types, err := integration.NewTypes(Type())
	if err != nil {
		t.Fatal(err)
	}
	registry := []integration.Category{integration.CategoryRegistry}
	scanner := []integration.Category{integration.CategoryScanner}
	both := []integration.Category{integration.CategoryRegistry, integration.CategoryScanner}
	nothing, token, robot, all := settings("", "", ""), settings("", "", "t"), settings("o+r", "p", ""), settings("o+r", "p", "t")
	for _, test := range []struct {
		name       string
		categories []integration.Category
		config     integration.Config
		want       string // "" if it is allowed
	}{
		{"registry, anonymous", registry, nothing, ""},
		{"registry, token", registry, token, ""},
		{"registry, robot", registry, robot, ""},
		{"registry, both", registry, all, "not both"},
		{"scanner, anonymous", scanner, nothing, ""},
		{"scanner, token", scanner, token, ""},
		{"scanner, robot", scanner, robot, ""},
		{"scanner, both", scanner, all, "not both"},
		{"registry and scanner, anonymous", both, nothing, ""},
		{"registry and scanner, token", both, token, ""},
		{"registry and scanner, robot", both, robot, ""},
		{"registry and scanner, both", both, all, ""},
		{"robot without password", registry, settings("o+r", "", ""), "A robot password is required"},
		{"robot without user name", registry, settings("", "p", ""), "A robot username is required"},
		{"node scanner", []integration.Category{integration.CategoryNodeScanner}, nothing, "does not offer category NODE_SCANNER"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := types.Validate(integration.Draft{Integration: integration.Integration{
				Name: "n", Type: "quay", Categories: test.categories, Config: test.config,
			}})
			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != "" && (fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestCredential(t *testing.T) {
	for _, test := range []struct {
		name               string
		config             integration.Config
		username, password string
	}{
		{"anonymous", settings("", "", ""), "", ""},
		{"token", settings("", "", "t"), "$oauthtoken", "t"},
		{"robot", settings("o+r", "p", ""), "o+r", "p"},
		{"robot before token", settings("o+r", "p", "t"), "o+r", "p"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := Type().Open(test.config, integration.Deps{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.Credential(context.Background(), image.Reference{})
			if err != nil || got.Username != test.username || got.Password.Reveal() != test.password {
				t.Errorf("signs in as %q, %v", got.Username, err)
			}
		})
	}
}

func TestEncode_without_a_robot_the_object_is_null(t *testing.T) {
	types, err := integration.NewTypes(Type())
	if err != nil {
		t.Fatal(err)
	}
	encode := func(c integration.Config) any {
		body := types.Encode(integration.Integration{Type: "quay", Config: c})
		return body["quay"].(map[string]any)["registryRobotCredentials"]
	}
	if got := encode(settings("", "", "t")); got != nil {
		t.Errorf("got %v", got)
	}
	got, _ := encode(settings("o+r", "p", "")).(map[string]any)
	if got["username"] != "o+r" || got["password"] != secret.Mask {
		t.Errorf("got %v", got)
	}
}
