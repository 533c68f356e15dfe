package oracle

import (
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/secret"
)

func TestType(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings:  map[string]any{"endpoint": "fra.ocir.io", "username": "ansh81vru1zp/jane@example.com", "password": "auth-token", "insecure": true},
		Anonymous: map[string]any{"endpoint": "fra.ocir.io"},
		Image:     "fra.ocir.io/ansh81vru1zp/app:1",
		Endpoint:  "https://fra.ocir.io",
		Username:  "ansh81vru1zp/jane@example.com",
		Password:  "auth-token",
	})
}

func TestDetect(t *testing.T) {
	for _, test := range []struct {
		host string
		want bool
	}{
		{"fra.ocir.io", true},
		{"us-phoenix-1.ocir.io", true},
		{"ap-chuncheon-1.ocir.io", true},
		{"artifacts.us-ashburn-1.oci.oraclecloud.com", true},
		{"FRA.OCIR.IO", true},
		{"fra.ocir.io.evil.example", false},
		{"evil-fra.ocir.io", false},
		{"fra.ocir.io:5000", false},
		{"x.fra.ocir.io", false},
		{"ocir.io", false},
		{"fran.ocir.io", false},
		{"us-phoenix.ocir.io", false},
		{"xfra.ocir.io", false},
		{"fraXocir.io", false},
		{"artifacts.evil.oci.oraclecloud.com", false},
		{"us-ashburn-1.oci.oraclecloud.com", false},
		{"artifacts.us-ashburn-1.oci.oraclecloud.com.evil.example", false},
	} {
		if c, ok := Type().Detect(test.host); ok != test.want || (ok && c.Text("endpoint") != strings.ToLower(test.host)) {
			t.Errorf("%s is detected: %t, as %v", test.host, ok, c)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		username string
		valid    bool
	}{
		{"ansh81vru1zp/jane", true},
		{"ansh81vru1zp/jane@example.com", true},
		{"ansh81vru1zp/OracleIdentityCloudService/jane", true},
		{"BEARER_TOKEN", true},
		{"jane", false},
		{"jane@example.com", false},
		{"ansh81vru1zp/", false},
		{"/jane", false},
		{"bearer_token", false},
	} {
		c := integration.NewConfig(map[string]any{"endpoint": "fra.ocir.io", "username": test.username},
			map[string]secret.Text{"password": secret.New("password")})
		problems := Type().Check(c, nil)
		if (len(problems) == 0) != test.valid {
			t.Errorf("%q gives %v", test.username, problems)
		}
	}
}
