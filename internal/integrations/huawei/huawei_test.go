package huawei

import (
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/secret"
)

func TestType(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings:  map[string]any{"endpoint": "swr.ap-southeast-1.myhuaweicloud.com", "username": "ap-southeast-1@AK0EXAMPLE", "password": "login-key", "insecure": true},
		Anonymous: map[string]any{"endpoint": "swr.ap-southeast-1.myhuaweicloud.com"},
		Image:     "swr.ap-southeast-1.myhuaweicloud.com/example/app:1",
		Endpoint:  "https://swr.ap-southeast-1.myhuaweicloud.com",
		Username:  "ap-southeast-1@AK0EXAMPLE",
		Password:  "login-key",
	})
}

func TestDetect(t *testing.T) {
	for _, test := range []struct {
		host string
		want bool
	}{
		{"swr.ap-southeast-1.myhuaweicloud.com", true},
		{"swr.cn-north-4.myhuaweicloud.com", true},
		{"swr.na-mexico-1.myhuaweicloud.com", true},
		{"swr.eu-west-101.myhuaweicloud.eu", true},
		{"SWR.AP-SOUTHEAST-1.MYHUAWEICLOUD.COM", true},
		{"swr.ap-southeast-1.myhuaweicloud.com.evil.example", false},
		{"evil-swr.ap-southeast-1.myhuaweicloud.com", false},
		{"swr.ap-southeast-1.myhuaweicloud.com:5000", false},
		{"x.swr.ap-southeast-1.myhuaweicloud.com", false},
		{"myhuaweicloud.com", false},
		{"obs.cn-north-4.myhuaweicloud.com", false},
		{"swr.obs.cn-north-4.myhuaweicloud.com", false},
		{"swr.cn-north-4.myhuaweicloud.example", false},
		{"swr-api.cn-north-4.myhuaweicloud.com", false},
	} {
		if c, ok := Type().Detect(test.host); ok != test.want || (ok && c.Text("endpoint") != strings.ToLower(test.host)) {
			t.Errorf("%s is detected: %t, as %v", test.host, ok, c)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		endpoint, username string
		valid              bool
	}{
		{"swr.ap-southeast-1.myhuaweicloud.com", "ap-southeast-1@AK0EXAMPLE", true},
		{"https://SWR.ap-southeast-1.myhuaweicloud.com/team", "AK0EXAMPLE", false},
		{"swr.ap-southeast-1.myhuaweicloud.com", "AK0EXAMPLE", false},
		{"registry.example", "jane", true},
	} {
		c := integration.NewConfig(map[string]any{"endpoint": test.endpoint, "username": test.username},
			map[string]secret.Text{"password": secret.New("password")})
		problems := Type().Check(c, nil)
		if (len(problems) == 0) != test.valid {
			t.Errorf("%q gives %v", test.username, problems)
		}
	}
}
