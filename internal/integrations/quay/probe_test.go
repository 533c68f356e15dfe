package quay

import (
	"net/http"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/integration/diagnosis/diagnosistest"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/integrations/quay/quaytest"
)

func TestProbe(t *testing.T) {
	robot := func(name, password string) map[string]any {
		return map[string]any{endpoint: quaytest.Host, robotUsername: name, robotPassword: password}
	}
	refusing := func(message string) func(*quaytest.Quay) {
		return func(q *quaytest.Quay) {
			q.Add(quaytest.Host, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				integrationtest.Answer(w, http.StatusUnauthorized, map[string]any{"errors": []any{map[string]string{"code": "UNAUTHORIZED", "message": message}}})
			}))
		}
	}
	for _, test := range []struct {
		name       string
		settings   map[string]any
		quay       func(*quaytest.Quay)
		repository string
		want       string
		fix        string
	}{
		{"robot", robot(quaytest.Robot, quaytest.Password), nil, "org/app", "quay-user passed", ""},
		{"wrong robot password", robot(quaytest.Robot, "n0t-it"), nil, "org/app", "quay-user failed quay-wrong-robot-token", "the robot org+robot, View Credentials"},
		{"a robot that does not exist", robot("org+gone", "n0t-it"), refusing("Could not find robot with specified username"), "org/app", "quay-user failed quay-no-such-robot", "NAMESPACE+ROBOT"},
		{"a robot without its namespace", robot("robot", "n0t-it"), refusing("Invalid Username or Password"), "org/app", "quay-user failed quay-wrong-password", "NAMESPACE+robot"},
		{"a disabled owner", robot(quaytest.Robot, "n0t-it"), refusing("Robot org+robot owner org is disabled"), "org/app", "quay-user failed quay-disabled", ""},
		{"an image in another namespace", robot(quaytest.Robot, quaytest.Password), nil, "other/app", "quay-user warning quay-robot-namespace", "create a robot there"},
		{"wrong OAuth token", map[string]any{endpoint: quaytest.Host, oauthToken: "n0t-it"}, refusing("Invalid token"), "org/app", "quay-user failed quay-wrong-oauth-token", "repo:read"},
		{"nobody", map[string]any{endpoint: quaytest.Host}, nil, "org/app", "quay-user skipped", ""},
		{"federated robot without a token on this machine", keyless, nil, "org/app", "quay-user failed quay-no-machine-token", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			q := quaytest.New(t)
			if test.quay != nil {
				test.quay(q)
			}
			r := q.Open(Type(), test.settings, nil).Registry
			steps := diagnosistest.Probe(t, r, integrationtest.Reference(t, quaytest.Host+"/"+test.repository+":1"), q.Transport(), quaytest.Password, "n0t-it", "eyJ")
			if got := steps.String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if test.fix != "" && !strings.Contains(steps[0].Findings[0].Fix, test.fix) {
				t.Errorf("the fix %q misses %q", steps[0].Findings[0].Fix, test.fix)
			}
		})
	}
	t.Run("federated robot", func(t *testing.T) {
		q := quaytest.New(t)
		r := q.Open(Type(), keyless, machine(t, quaytest.Host, quaytest.Token(nil))).Registry
		if got := diagnosistest.Probe(t, r, integrationtest.Reference(t, quaytest.Host+"/org/app:1"), q.Transport(), "eyJ").String(); got != "quay-user passed" {
			t.Errorf("got %s", got)
		}
	})
}
