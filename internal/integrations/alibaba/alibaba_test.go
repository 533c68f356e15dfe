package alibaba

import (
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
)

func TestType(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings:  map[string]any{"endpoint": "registry.cn-hangzhou.aliyuncs.com", "username": "landwaiter@1234567890123456", "password": "fixed-password", "insecure": true},
		Anonymous: map[string]any{"endpoint": "registry.cn-hangzhou.aliyuncs.com"},
		Image:     "registry.cn-hangzhou.aliyuncs.com/example/app:1",
		Endpoint:  "https://registry.cn-hangzhou.aliyuncs.com",
		Username:  "landwaiter@1234567890123456",
		Password:  "fixed-password",
	})
}

func TestDetect(t *testing.T) {
	for _, test := range []struct {
		host string
		want bool
	}{
		{"registry.cn-hangzhou.aliyuncs.com", true},
		{"registry-vpc.ap-southeast-1.aliyuncs.com", true},
		{"registry-internal.cn-shanghai.aliyuncs.com", true},
		{"registry.cn-shanghai-finance-1.aliyuncs.com", true},
		{"acme-registry.cn-beijing.cr.aliyuncs.com", true},
		{"acme-registry-vpc.us-east-1.cr.aliyuncs.com", true},
		{"crpi-a1b2c3.cn-hangzhou.personal.cr.aliyuncs.com", true},
		{"crpi-a1b2c3-vpc.cn-hangzhou.personal.cr.aliyuncs.com", true},
		{"REGISTRY.CN-HANGZHOU.ALIYUNCS.COM", true},
		{"registry.cn-hangzhou.aliyuncs.com.evil.example", false},
		{"evil-registry.cn-hangzhou.aliyuncs.com", false},
		{"registry.cn-hangzhou.aliyuncs.com:5000", false},
		{"x.registry.cn-hangzhou.aliyuncs.com", false},
		{"registry.aliyuncs.com", false},
		{"registry.oss-cn-hangzhou.aliyuncs.com", false},
		{"acme-registry.oss-cn-hangzhou.aliyuncs.com", false},
		{"cr.cn-hangzhou.aliyuncs.com", false},
		{"evil.cn-hangzhou.cr.aliyuncs.com", false},
		{"evil.cn-hangzhou.personal.cr.aliyuncs.com", false},
		{"acme-registry.cn-beijing.cr.aliyuncs.com.evil.example", false},
	} {
		if c, ok := Type().Detect(test.host); ok != test.want || (ok && c.Text("endpoint") != strings.ToLower(test.host)) {
			t.Errorf("%s is detected: %t, as %v", test.host, ok, c)
		}
	}
}
