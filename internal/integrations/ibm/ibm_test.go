package ibm

import (
	"context"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/secret"
)

func TestType(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings: map[string]any{"endpoint": "us.icr.io", "apiKey": "api-key"},
		Image:    "us.icr.io/example/app:1",
		Endpoint: "https://us.icr.io",
		Username: "iamapikey",
		Password: "api-key",
	})
}

func TestDetect(t *testing.T) {
	for _, test := range []struct {
		host string
		want bool
	}{
		{"us.icr.io", true},
		{"icr.io", true},
		{"de.icr.io", true},
		{"jp2.icr.io", true},
		{"private.ca2.icr.io", true},
		{"in.icr.io", true},
		{"private.icr.io", true},
		{"private.us.icr.io", true},
		{"cp.icr.io", true},
		{"US.ICR.IO", true},
		{"us.icr.io.evil.example", false},
		{"evil-us.icr.io", false},
		{"us.icr.io:5000", false},
		{"x.us.icr.io", false},
		{"xx.icr.io", false},
		{"evil.icr.io", false},
		{"private.private.us.icr.io", false},
		{"private-us.icr.io", false},
		{"us-icr.io", false},
		{"usXicr.io", false},
	} {
		if c, ok := Type().Detect(test.host); ok != test.want || (ok && c.Text("endpoint") != strings.ToLower(test.host)) {
			t.Errorf("%s is detected: %t, as %v", test.host, ok, c)
		}
	}
}

func TestUsername(t *testing.T) {
	for _, test := range []struct{ name, username, want string }{
		{"an API key has a user name of its own", "", "iamapikey"},
		{"a trusted profile is named", "Profile-1b2c", "Profile-1b2c"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := integration.NewConfig(map[string]any{endpoint: "us.icr.io", username: test.username},
				map[string]secret.Text{apiKey: secret.New("api-key")})
			r, err := Type().Open(c, integration.Deps{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.Credential(context.Background(), image.Reference{})
			if err != nil || got.Username != test.want || got.Password.Reveal() != "api-key" {
				t.Errorf("signs in as %q: %v", got.Username, err)
			}
		})
	}
}

func TestDetect_the_entitled_registry_has_one_user(t *testing.T) {
	for host, want := range map[string]string{"cp.icr.io": "cp", "CP.ICR.IO": "cp", "us.icr.io": ""} {
		if c, ok := Type().Detect(host); !ok || c.Text(username) != want {
			t.Errorf("%s: user %q, detected %t", host, c.Text(username), ok)
		}
	}
}
