package digitalocean

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/secret"
)

func TestType(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings:  map[string]any{"endpoint": "registry.digitalocean.com", "password": "dop_v1_token", "insecure": true},
		Anonymous: map[string]any{}, // the endpoint has a default
		Image:     "registry.digitalocean.com/example/app:1",
		Endpoint:  "https://registry.digitalocean.com",
		Username:  "dop_v1_token",
		Password:  "dop_v1_token",
	})
}

func TestDetect(t *testing.T) {
	for _, test := range []struct {
		host string
		want bool
	}{
		{"registry.digitalocean.com", true},
		{"REGISTRY.DIGITALOCEAN.COM", true},
		{"registry.digitalocean.com.evil.example", false},
		{"evil-registry.digitalocean.com", false},
		{"registry.digitalocean.com:5000", false},
		{"x.registry.digitalocean.com", false},
		{"digitalocean.com", false},
		{"api.digitalocean.com", false},
		{"registry-digitalocean.com", false},
		{"registry.digitalocean.example", false},
	} {
		if c, ok := Type().Detect(test.host); ok != test.want || (ok && c.Text("endpoint") != strings.ToLower(test.host)) {
			t.Errorf("%s is detected: %t, as %v", test.host, ok, c)
		}
	}
}

func TestSignIn(t *testing.T) {
	for _, tokens := range []bool{false, true} {
		r := registrytest.Start(t, registrytest.Options{Users: map[string]string{"dop_v1_token": "dop_v1_token"}, Tokens: tokens})
		client := distribution.New(distribution.Options{Now: time.Now, Addresses: distribution.Addresses{Loopback: true}})
		for password, want := range map[string]fault.Code{"dop_v1_token": "", "wrong-dop_v1_token": fault.Unauthenticated, "": fault.Unauthenticated} {
			c := integration.NewConfig(map[string]any{"endpoint": r.URL}, map[string]secret.Text{"password": secret.New(password)})
			opened, err := Type().Open(c, integration.Deps{})
			if err != nil {
				t.Fatal(err)
			}
			err = client.Ping(context.Background(), integration.Candidate{Registry: opened}.Source(t.Context(), image.Reference{}))
			if (err == nil) != (want == "") || (err != nil && fault.CodeOf(err) != want) {
				t.Errorf("tokens %t, %q: %v", tokens, password, err)
			}
			if err != nil && password != "" && strings.Contains(err.Error()+fault.FixOf(err), password) {
				t.Errorf("the error shows the secret: %v", err)
			}
		}
	}
}
