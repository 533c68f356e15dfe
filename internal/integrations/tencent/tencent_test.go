package tencent

import (
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

func TestType(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings:  map[string]any{"endpoint": "example.tencentcloudcr.com", "username": "tcr$landwaiter", "password": "credential-password", "insecure": true},
		Anonymous: map[string]any{"endpoint": "example.tencentcloudcr.com"},
		Image:     "example.tencentcloudcr.com/team/app:1",
		Endpoint:  "https://example.tencentcloudcr.com",
		Username:  "tcr$landwaiter",
		Password:  "credential-password",
	})
}

func TestDetect(t *testing.T) {
	for _, test := range []struct {
		host string
		want bool
	}{
		{"acme.tencentcloudcr.com", true},
		{"acme-vpc.tencentcloudcr.com", true},
		{"ccr.ccs.tencentyun.com", true},
		{"ACME.TENCENTCLOUDCR.COM", true},
		{"acme.tencentcloudcr.com.evil.example", false},
		{"acme.tencentcloudcr.com:5000", false},
		{"x.acme.tencentcloudcr.com", false},
		{"tencentcloudcr.com", false},
		{"-acme.tencentcloudcr.com", false},
		{"acmetencentcloudcr.com", false},
		{"evil.ccs.tencentyun.com", false},
		{"ccr.ccs.tencentyun.com.evil.example", false},
		{"evil-ccr.ccs.tencentyun.com", false},
	} {
		if c, ok := Type().Detect(test.host); ok != test.want || (ok && c.Text("endpoint") != strings.ToLower(test.host)) {
			t.Errorf("%s is detected: %t, as %v", test.host, ok, c)
		}
	}
}
