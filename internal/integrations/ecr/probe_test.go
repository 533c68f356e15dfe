package ecr

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis/diagnosistest"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/integrations/ecr/awstest"
)

// probe opens the type and lets it look at itself, with an image of the repository if that is not "".
func probe(t *testing.T, typ integration.Type, c integration.Config, cloud *awstest.Cloud, env func(string) string, repository string) diagnosistest.Steps {
	t.Helper()
	ref := image.Reference{Registry: homeHost, Repository: repository}
	return diagnosistest.Probe(t, opened(t, typ, c, cloud, env), ref, cloud, "user-secret", "another-secret", "gone-secret", "gone-session", "session-secret", "session-token", "AKIAUSER", podToken, "password:")
}

const (
	app   = "arn:aws:ecr:us-east-1:123456789012:repository/team/app"
	spoke = "arn:aws:iam::210987654321:role/team/spoke"
)

var pulling = []string{getToken, "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}

func TestProbe(t *testing.T) {
	assume := func(role, external string) integration.Config {
		return config(byKeys, useAssumeRole, true, assumeRoleID, role, externalID, external)
	}
	for _, test := range []struct {
		name       string
		config     integration.Config
		env        func(string) string
		cloud      func(*awstest.Cloud)
		repository string
		want       string
	}{
		{
			name: "access keys that may pull", config: config(byKeys), repository: "team/app",
			cloud: func(c *awstest.Cloud) { c.Users[0].Actions = pulling },
			want:  "ecr-identity passed; ecr-token passed; ecr-rights passed",
		},
		{
			name: "no image, no permissions to try", config: config(byKeys),
			want: "ecr-identity passed; ecr-token passed",
		},
		{
			name: "a chain of roles", config: assume("hub, "+spoke, "shared-ID"),
			want: "ecr-identity passed; ecr-role-1 passed; ecr-role-2 passed; ecr-token passed",
		},
		{
			name: "wrong external ID", config: assume(spoke, "shared-id"),
			want: "ecr-identity passed; ecr-role-1 failed ecr-wrong-external-id",
		},
		{
			name: "no external ID", config: assume(spoke, ""),
			want: "ecr-identity passed; ecr-role-1 failed ecr-assume-role-denied",
		},
		{
			name: "may not assume any role in another account", config: assume(spoke, "shared-ID"),
			cloud: func(c *awstest.Cloud) { c.Users[0].Actions = nil },
			want:  "ecr-identity passed; ecr-role-1 failed ecr-assume-role-denied",
		},
		{
			name: "a region that does not exist", config: config(byKeys, region, "us-east-9"),
			want: "ecr-identity passed; ecr-token failed ecr-wrong-region",
		},
		{
			name: "a region that the account has not enabled", config: config(byKeys),
			cloud: func(c *awstest.Cloud) {
				c.Hook = func(req *http.Request) *http.Response {
					if !strings.HasPrefix(req.URL.Host, "api.ecr.") {
						return nil
					}
					return awstest.Answer(req, http.StatusForbidden, nil, `{"__type":"OptInRequired","message":"You are not subscribed to this service"}`)
				}
			},
			want: "ecr-identity passed; ecr-token failed ecr-region-disabled",
		},
		{
			name: "an endpoint in another region", config: config(byKeys, endpoint, "https://vpce.example"),
			cloud: func(c *awstest.Cloud) { c.Hosts = map[string]string{"vpce.example": "eu-central-1"} },
			want:  "ecr-identity passed; ecr-token failed ecr-wrong-region",
		},
		{
			name: "an endpoint that is not there", config: config(byKeys, endpoint, "https://vpce.example"),
			want: "ecr-identity passed; ecr-token failed ecr-wrong-endpoint",
		},
		{
			name: "an access key that AWS does not know", config: config(byKeys, accessKeyID, "AKIAWRONG"),
			want: "ecr-identity failed ecr-unknown-key",
		},
		{
			name: "a secret access key of another key", config: config(byKeys, secretAccessKey, "another-secret"),
			want: "ecr-identity failed ecr-wrong-secret-key",
		},
		{
			name: "STS is out of reach and ECR is not", config: config(byKeys),
			cloud: func(c *awstest.Cloud) {
				c.Regions = nil
				c.Hosts = map[string]string{"api.ecr.us-east-1.amazonaws.com": home}
			},
			want: "ecr-identity passed; ecr-token passed",
		},
		{
			name: "throttled", config: config(byKeys), cloud: func(c *awstest.Cloud) { c.Throttle(100) },
			want: "ecr-identity passed; ecr-token failed ecr-throttled",
		},
		{
			name: "temporary credentials of the environment that ended", config: config(byRole),
			env: from("AWS_ACCESS_KEY_ID", "ASIAGONE", "AWS_SECRET_ACCESS_KEY", "gone-secret", "AWS_SESSION_TOKEN", "gone-session"),
			cloud: func(c *awstest.Cloud) {
				c.Users = append(c.Users, &awstest.Principal{ARN: user, Key: "ASIAGONE", Secret: "gone-secret", Token: "gone-session", Ends: time.Now().Add(-time.Minute)})
			},
			want: "ecr-identity failed ecr-credentials-expired",
		},
		{
			name: "hop limit of 1 in a container", config: config(byRole),
			cloud: func(c *awstest.Cloud) { c.Instance = &awstest.Instance{Role: podRole, HopLimitOne: true} },
			want:  "ecr-identity failed ecr-imds-hop-limit",
		},
		{
			name: "hop limit of 1 where the first version is off", config: config(byRole), env: from("AWS_EC2_METADATA_V1_DISABLED", "true"),
			cloud: func(c *awstest.Cloud) { c.Instance = &awstest.Instance{Role: podRole, HopLimitOne: true} },
			want:  "ecr-identity failed ecr-imds-hop-limit",
		},
		{
			name: "a machine outside of AWS", config: config(byRole),
			want: "ecr-identity failed ecr-no-machine-identity",
		},
		{
			name: "an instance without a role", config: config(byRole), cloud: func(c *awstest.Cloud) { c.Instance = &awstest.Instance{} },
			want: "ecr-identity failed ecr-no-instance-role",
		},
		{
			name: "may sign in and not pull", config: config(byKeys), repository: "team/app",
			want: "ecr-identity passed; ecr-token passed; ecr-rights failed ecr-action-denied",
		},
		{
			name: "may not sign in", config: config(byKeys, accessKeyID, "AKIAWEAK", secretAccessKey, "weak-secret"), repository: "team/app",
			want: "ecr-identity passed; ecr-token failed ecr-token-denied",
		},
		{
			name: "a policy forbids it", config: config(byKeys), repository: "team/app",
			cloud: func(c *awstest.Cloud) {
				c.Users[0].Actions, c.Users[0].Forbidden = pulling, []string{"ecr:BatchGetImage"}
			},
			want: "ecr-identity passed; ecr-token passed; ecr-rights failed ecr-explicit-deny",
		},
		{
			name: "a repository that does not exist", config: config(byKeys), repository: "team/other",
			cloud: func(c *awstest.Cloud) { c.Users[0].Actions = pulling },
			want:  "ecr-identity passed; ecr-token passed; ecr-rights warning ecr-no-repository",
		},
		{
			name: "a role of another account that the repository lets in", config: assume(spoke, "shared-ID"), repository: "team/app",
			cloud: func(c *awstest.Cloud) {
				c.Repositories[0].Admits = []string{"210987654321"}
				role(c, spoke).Actions = pulling
			},
			want: "ecr-identity passed; ecr-role-1 passed; ecr-token passed; ecr-rights passed",
		},
		{
			name: "a role of another account that the repository does not let in", config: assume(spoke, "shared-ID"), repository: "team/app",
			cloud: func(c *awstest.Cloud) { role(c, spoke).Actions = pulling },
			want:  "ecr-identity passed; ecr-role-1 passed; ecr-token passed; ecr-rights failed ecr-repository-policy",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			cloud := newCloud()
			cloud.Repositories = []awstest.Repository{{ARN: app}}
			if test.cloud != nil {
				test.cloud(cloud)
			}
			steps := probe(t, Type(), test.config, cloud, test.env, test.repository)
			if got := steps.String(); got != test.want {
				t.Errorf("got %s\nwant %s", got, test.want)
			}
		})
	}
}

func role(c *awstest.Cloud, arn string) *awstest.Role {
	return c.Roles[slices.IndexFunc(c.Roles, func(r *awstest.Role) bool { return r.ARN == arn })]
}

func TestProbe_says_what_to_paste(t *testing.T) {
	cloud := newCloud()
	cloud.Repositories = []awstest.Repository{{ARN: app}}
	steps := probe(t, Type(), config(byKeys), cloud, nil, "team/app")
	for name, want := range map[string]string{"identity": user, "account": account, "access key ID": "****", "from": "access keys of the integration"} {
		if got := steps.Fact("ecr-identity", name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{
		getToken: "allowed, needed to pull", "ecr:BatchGetImage": "denied, needed to pull", "ecr:GetDownloadUrlForLayer": "denied, needed to pull",
		"ecr:BatchCheckLayerAvailability": "denied, not needed to pull", "ecr:DescribeRepositories": "denied, not needed to pull", "ecr:ListImages": "denied, not needed to pull",
	} {
		if got := steps.Fact("ecr-rights", name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	const paste = `{"Effect":"Allow","Action":["ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"],"Resource":"` + app + `"}`
	if fix := steps[2].Findings[0].Fix; !strings.HasSuffix(fix, paste) {
		t.Errorf("the fix %q misses %s", fix, paste)
	}

	steps = probe(t, Type(), config(byKeys, useAssumeRole, true, assumeRoleID, spoke, externalID, "shared-ID"), cloud, nil, "team/app")
	const admit = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::210987654321:root"},"Action":["ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"]}`
	if fix := steps[3].Findings[0].Fix; !strings.HasSuffix(fix, admit) {
		t.Errorf("the fix %q misses %s", fix, admit)
	}
}

func TestProbe_says_whom_a_role_must_trust(t *testing.T) {
	const trusting = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:%s"},"Action":["sts:AssumeRole"]}`
	for role, want := range map[string]string{podRole: "user/puller", "hub, " + podRole: "role/hub"} {
		steps := probe(t, Type(), config(byKeys, useAssumeRole, true, assumeRoleID, role), newCloud(), nil, "")
		if fix := steps[len(steps)-1].Findings[0].Fix; !strings.Contains(fix, fmt.Sprintf(trusting, want)) {
			t.Errorf("the fix %q misses %s", fix, want)
		}
	}
}

// TestProbe_changes_nothing holds that nothing that exists is pulled, and that no action is tried but those that read.
func TestProbe_changes_nothing(t *testing.T) {
	cloud := newCloud()
	cloud.Repositories = []awstest.Repository{{ARN: app}}
	cloud.Users[0].Actions = pulling
	probe(t, Type(), config(byKeys), cloud, nil, "team/app")
	want := []string{
		"sts:GetCallerIdentity", getToken, "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability",
		"ecr:DescribeRepositories", "ecr:ListImages",
	}
	var got []string
	for _, call := range cloud.Calls() {
		got = append(got, call.Action)
	}
	if !slices.Equal(got, want) {
		t.Errorf("asked %v, want %v", got, want)
	}
}

func TestProbe_pushed_password(t *testing.T) {
	for ends, want := range map[time.Duration]string{time.Hour: "ecr-pushed passed", -time.Hour: "ecr-pushed failed ecr-pushed-expired"} {
		c := config(nil, registryID, account, region, home, pushedUsername, "AWS", pushedPassword, "password:0", pushedExpiry, time.Now().Add(ends).UTC().Format(time.RFC3339))
		if got := probe(t, Type(), c, newCloud(), nil, "team/app").String(); got != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}
}

func TestProbe_public(t *testing.T) {
	keys := map[string]any{accessKeyID: "AKIAUSER", secretAccessKey: "user-secret"}
	cloud := newCloud()
	if got, want := probe(t, PublicType(), config(keys), cloud, nil, "team/app").String(), "ecrpublic-identity passed; ecrpublic-token failed ecr-token-denied"; got != want {
		t.Errorf("without the permission: %v, want %v", got, want)
	}
	cloud.Users[0].Actions = []string{"ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"}
	if got, want := probe(t, PublicType(), config(keys), cloud, nil, "team/app").String(), "ecrpublic-identity passed; ecrpublic-token passed"; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestProbe_masks_the_key(t *testing.T) {
	for id, want := range map[string]string{"AKIAIOSFODNN7EXAMPLE": "****MPLE", "AKIASHORT": "****", "": "****"} {
		if got := masked(id); got != want {
			t.Errorf("%s is shown as %s", id, got)
		}
	}
}

func TestDiagnose_pushed_password_that_ended_early(t *testing.T) {
	w := newWorld(t, 0)
	w.net.Add(homeHost, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if _, _, signedIn := r.BasicAuth(); !signedIn {
			rw.Header().Set("WWW-Authenticate", `Basic realm="https://`+homeHost+`/",service="ecr.amazonaws.com"`)
			http.Error(rw, "Not Authorized", http.StatusUnauthorized)
			return
		}
		integrationtest.Answer(rw, http.StatusForbidden, map[string]any{"errors": []any{
			map[string]string{"code": "DENIED", "message": "Your authorization token has expired. Reauthenticate and try again."}}})
	}))
	c := config(nil, registryID, account, region, home, pushedUsername, "AWS", pushedPassword, "password:0", pushedExpiry, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	steps := diagnosistest.Diagnose(t, Type(), w.open(t, Type(), c, nil), image.Reference{}, w.net.Transport(), "password:")
	if got := steps.Wrong().String(); !strings.HasPrefix(got, "ecr-pushed failed ecr-pushed-expired; ") {
		t.Errorf("got %s", got)
	}
}

// TestDiagnose goes the whole way of a connection test, with the probe in its place.
func TestDiagnose(t *testing.T) {
	assume := config(byKeys, useAssumeRole, true, assumeRoleID, spoke, externalID, "shared-id")
	pushed := config(nil, registryID, account, region, home, pushedUsername, "AWS", pushedPassword, "password:0", pushedExpiry, "2020-01-02T15:04:05Z")
	for _, test := range []struct {
		name   string
		config integration.Config
		cloud  func(*awstest.Cloud)
		want   string
	}{
		{"may pull", config(byKeys), func(c *awstest.Cloud) { c.Users[0].Actions = pulling }, ""},
		{"expired password", pushed, nil, "ecr-pushed failed ecr-pushed-expired; sign-in failed ecr-pushed-expired"},
		{"wrong region", config(byKeys, region, "us-east-9"), nil, "name-resolution failed host-unknown"},
		{"wrong external ID", assume, nil, "ecr-role-1 failed ecr-wrong-external-id; sign-in failed ecr-wrong-external-id"},
		{"hop limit", config(byRole), func(c *awstest.Cloud) { c.Instance = &awstest.Instance{Role: podRole, HopLimitOne: true} },
			"ecr-identity failed ecr-imds-hop-limit; sign-in failed ecr-imds-hop-limit"},
		{"actions denied", config(byKeys), nil, "ecr-rights failed ecr-action-denied"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, 0)
			w.cloud.Repositories = []awstest.Repository{{ARN: "arn:aws:ecr:us-east-1:123456789012:repository/" + repository}}
			if test.cloud != nil {
				test.cloud(w.cloud)
			}
			host := hostsOf(account, test.config.Text(region))[0]
			ref := image.Reference{Registry: host, Repository: repository, Tag: "1"}
			steps := diagnosistest.Diagnose(t, Type(), w.open(t, Type(), test.config, nil), ref, w.net.Transport(), "user-secret", "password:", "AKIAUSER")
			if got := steps.Wrong().String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
