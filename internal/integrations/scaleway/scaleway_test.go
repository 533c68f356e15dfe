package scaleway

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
		Settings:  map[string]any{"endpoint": "rg.fr-par.scw.cloud", "password": "secret-key", "insecure": true},
		Anonymous: map[string]any{"endpoint": "rg.fr-par.scw.cloud"},
		Image:     "rg.fr-par.scw.cloud/example/app:1",
		Endpoint:  "https://rg.fr-par.scw.cloud",
		Username:  "nologin",
		Password:  "secret-key",
	})
}

func TestDetect(t *testing.T) {
	for _, test := range []struct {
		host string
		want bool
	}{
		{"rg.fr-par.scw.cloud", true},
		{"rg.nl-ams.scw.cloud", true},
		{"rg.pl-waw.scw.cloud", true},
		{"RG.FR-PAR.SCW.CLOUD", true},
		{"rg.fr-par.scw.cloud.evil.example", false},
		{"evil-rg.fr-par.scw.cloud", false},
		{"rg.fr-par.scw.cloud:5000", false},
		{"x.rg.fr-par.scw.cloud", false},
		{"rg.scw.cloud", false},
		{"fr-par.scw.cloud", false},
		{"rg.evil.scw.cloud", false},
		{"s3.fr-par.scw.cloud", false},
		{"rg-fr-par.scw.cloud", false},
	} {
		if c, ok := Type().Detect(test.host); ok != test.want || (ok && c.Text("endpoint") != strings.ToLower(test.host)) {
			t.Errorf("%s is detected: %t, as %v", test.host, ok, c)
		}
	}
}

func TestSignIn(t *testing.T) {
	for _, tokens := range []bool{false, true} {
		r := registrytest.Start(t, registrytest.Options{Users: map[string]string{"nologin": "secret-key"}, Tokens: tokens})
		client := distribution.New(distribution.Options{Now: time.Now, Addresses: distribution.Addresses{Loopback: true}})
		for password, want := range map[string]fault.Code{"secret-key": "", "wrong-secret-key": fault.Unauthenticated, "": fault.Unauthenticated} {
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
