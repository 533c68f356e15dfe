package ecr

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/integrations/ecr/awstest"
)

const (
	getToken  = "ecr:GetAuthorizationToken"
	user      = "arn:aws:iam::123456789012:user/puller"
	pod       = "system:serviceaccount:landwaiter:server"
	podToken  = "WEB-IDENTITY-TOKEN"
	podRole   = "arn:aws:iam::123456789012:role/pod"
	agent     = "http://169.254.170.23/v1/credentials"
	agentSent = "AGENT-TOKEN"
)

// newCloud has a user, a role for pods and machines, and roles that these may assume.
func newCloud() *awstest.Cloud {
	now := time.Now()
	return &awstest.Cloud{
		Regions: []string{home, "eu-central-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"},
		Users: []*awstest.Principal{
			{ARN: user, Key: "AKIAUSER", Secret: "user-secret", Actions: []string{getToken, "sts:AssumeRole"}},
			{ARN: "arn:aws:iam::123456789012:user/weak", Key: "AKIAWEAK", Secret: "weak-secret"},
			{ARN: "arn:aws-cn:iam::123456789012:user/cn", Key: "AKIACN", Secret: "cn-secret"},
			{ARN: "arn:aws-us-gov:iam::123456789012:user/gov", Key: "AKIAGOV", Secret: "gov-secret"},
			{ARN: "arn:aws-eusc:iam::123456789012:user/eu", Key: "AKIAEU", Secret: "eu-secret"},
			{ARN: user, Key: "AKIAOLD", Secret: "old-secret", Deactivate: true, Actions: []string{getToken}},
		},
		Roles: []*awstest.Role{
			{ARN: podRole, Subject: pod, Actions: []string{getToken, "sts:AssumeRole"}},
			{ARN: "arn:aws:iam::123456789012:role/reader", Trusts: []string{user, podRole}, Actions: []string{getToken}},
			{ARN: "arn:aws:iam::123456789012:role/hub", Trusts: []string{user}, Actions: []string{"sts:AssumeRole"}},
			{ARN: "arn:aws:iam::210987654321:role/team/spoke", Trusts: []string{user, podRole, "arn:aws:iam::123456789012:role/hub"}, ExternalID: "shared-ID", Actions: []string{getToken}},
			{ARN: "arn:aws-cn:iam::123456789012:role/reader", Trusts: []string{"arn:aws-cn:iam::123456789012:user/cn"}, Actions: []string{getToken}},
			{ARN: "arn:aws-us-gov:iam::123456789012:role/reader", Trusts: []string{"arn:aws-us-gov:iam::123456789012:user/gov"}, Actions: []string{getToken}},
			{ARN: "arn:aws-eusc:iam::123456789012:role/reader", Trusts: []string{"arn:aws-eusc:iam::123456789012:user/eu"}, Actions: []string{getToken}},
		},
		WebTokens: map[string]awstest.WebToken{
			podToken:        {Subject: pod, Ends: now.Add(time.Hour)},
			"EXPIRED-TOKEN": {Subject: pod, Ends: now.Add(-time.Hour)},
			"OTHER-TOKEN":   {Subject: "system:serviceaccount:default:default", Ends: now.Add(time.Hour)},
		},
	}
}

// from is an environment in pairs.
func from(pairs ...string) func(string) string {
	env := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		env[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return env[name] }
}

var byRole = map[string]any{registryID: account, region: home, useIAM: true}

// opened is the registry of settings that must be valid.
func opened(t *testing.T, typ integration.Type, c integration.Config, cloud *awstest.Cloud, env func(string) string) integration.Registry {
	t.Helper()
	c, err := validate(t, typ, c)
	if err != nil {
		t.Fatal(err)
	}
	r, err := typ.Open(c, integration.Deps{Now: time.Now, HTTP: cloud, Identity: env})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// signInWith opens the type and asks for the credential.
func signInWith(t *testing.T, typ integration.Type, c integration.Config, cloud *awstest.Cloud, env func(string) string) (distribution.Credential, error) {
	t.Helper()
	return opened(t, typ, c, cloud, env).Credential(context.Background(), image.Reference{Registry: homeHost})
}

func TestCredential(t *testing.T) {
	irsa := func(t *testing.T) func(string) string {
		return from("AWS_WEB_IDENTITY_TOKEN_FILE", integrationtest.File(t, podToken+"\n"), "AWS_ROLE_ARN", podRole, "AWS_REGION", "eu-central-1")
	}
	nobody := func(*testing.T) func(string) string { return nil }
	for _, test := range []struct {
		name   string
		config integration.Config
		env    func(*testing.T) func(string) string
		cloud  func(*awstest.Cloud)
		want   []string // host, action and who
	}{
		{"access keys", config(byKeys), nobody, nil, []string{"api.ecr.us-east-1.amazonaws.com " + getToken + " " + user}},
		{"access keys come before the machine's", config(byKeys), irsa, nil, []string{"api.ecr.us-east-1.amazonaws.com " + getToken + " " + user}},
		{
			"access keys and a role by name", config(byKeys, accessKeyID, "AKIAUSER", useAssumeRole, true, assumeRoleID, "reader"), nobody, nil,
			[]string{"sts.us-east-1.amazonaws.com sts:AssumeRole " + user, "api.ecr.us-east-1.amazonaws.com " + getToken + " arn:aws:sts::123456789012:assumed-role/reader/landwaiter"},
		},
		{
			"a role in another account with an external ID", config(byKeys, useAssumeRole, true, assumeRoleID, "arn:aws:iam::210987654321:role/team/spoke", externalID, "shared-ID"), nobody, nil,
			[]string{"sts.us-east-1.amazonaws.com sts:AssumeRole " + user, "api.ecr.us-east-1.amazonaws.com " + getToken + " arn:aws:sts::210987654321:assumed-role/team/spoke/landwaiter"},
		},
		{
			"a chain of roles, the external ID for the last", config(byKeys, useAssumeRole, true, assumeRoleID, "hub, arn:aws:iam::210987654321:role/team/spoke", externalID, "shared-ID"), nobody, nil,
			[]string{
				"sts.us-east-1.amazonaws.com sts:AssumeRole " + user,
				"sts.us-east-1.amazonaws.com sts:AssumeRole arn:aws:sts::123456789012:assumed-role/hub/landwaiter",
				"api.ecr.us-east-1.amazonaws.com " + getToken + " arn:aws:sts::210987654321:assumed-role/team/spoke/landwaiter",
			},
		},
		{
			"China", config(byKeys, region, "cn-north-1", accessKeyID, "AKIACN", secretAccessKey, "cn-secret", useAssumeRole, true, assumeRoleID, "reader"), nobody, nil,
			[]string{"sts.cn-north-1.amazonaws.com.cn sts:AssumeRole arn:aws-cn:iam::123456789012:user/cn", "api.ecr.cn-north-1.amazonaws.com.cn " + getToken + " arn:aws-cn:sts::123456789012:assumed-role/reader/landwaiter"},
		},
		{
			"GovCloud", config(byKeys, region, "us-gov-west-1", accessKeyID, "AKIAGOV", secretAccessKey, "gov-secret", useAssumeRole, true, assumeRoleID, "arn:aws-us-gov:iam::123456789012:role/reader"), nobody, nil,
			[]string{"sts.us-gov-west-1.amazonaws.com sts:AssumeRole arn:aws-us-gov:iam::123456789012:user/gov", "api.ecr.us-gov-west-1.amazonaws.com " + getToken + " arn:aws-us-gov:sts::123456789012:assumed-role/reader/landwaiter"},
		},
		{
			"European sovereign cloud", config(byKeys, region, "eusc-de-east-1", accessKeyID, "AKIAEU", secretAccessKey, "eu-secret", useAssumeRole, true, assumeRoleID, "reader"), nobody, nil,
			[]string{"sts.eusc-de-east-1.amazonaws.eu sts:AssumeRole arn:aws-eusc:iam::123456789012:user/eu", "api.ecr.eusc-de-east-1.amazonaws.eu " + getToken + " arn:aws-eusc:sts::123456789012:assumed-role/reader/landwaiter"},
		},
		{
			"IAM role for service accounts, in the pod's region", config(byRole), irsa, nil,
			[]string{"sts.eu-central-1.amazonaws.com sts:AssumeRoleWithWebIdentity ", "api.ecr.us-east-1.amazonaws.com " + getToken + " arn:aws:sts::123456789012:assumed-role/pod/landwaiter"},
		},
		{
			"IAM role for service accounts and a role", config(byRole, useAssumeRole, true, assumeRoleID, "reader"), irsa, nil,
			[]string{
				"sts.eu-central-1.amazonaws.com sts:AssumeRoleWithWebIdentity ", "sts.us-east-1.amazonaws.com sts:AssumeRole arn:aws:sts::123456789012:assumed-role/pod/landwaiter",
				"api.ecr.us-east-1.amazonaws.com " + getToken + " arn:aws:sts::123456789012:assumed-role/reader/landwaiter",
			},
		},
		{
			"EKS Pod Identity", config(byRole), func(t *testing.T) func(string) string {
				return from("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", integrationtest.File(t, agentSent))
			},
			func(c *awstest.Cloud) { c.Container, c.TaskRole = map[string]string{agent: agentSent}, podRole },
			[]string{"api.ecr.us-east-1.amazonaws.com " + getToken + " arn:aws:sts::123456789012:assumed-role/pod/container"},
		},
		{
			"ECS task role", config(byRole), func(*testing.T) func(string) string {
				return from("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1")
			},
			func(c *awstest.Cloud) {
				c.Container, c.TaskRole = map[string]string{"http://169.254.170.2/v2/credentials/1": ""}, podRole
			},
			[]string{"api.ecr.us-east-1.amazonaws.com " + getToken + " arn:aws:sts::123456789012:assumed-role/pod/container"},
		},
		{
			"EC2 instance profile", config(byRole), nobody, func(c *awstest.Cloud) { c.Instance = &awstest.Instance{Role: podRole} },
			[]string{"api.ecr.us-east-1.amazonaws.com " + getToken + " arn:aws:sts::123456789012:assumed-role/pod/i-0123456789abcdef0"},
		},
		{
			"a proxy on the node in place of EC2's metadata service", config(byRole), nobody,
			func(c *awstest.Cloud) { c.Instance = &awstest.Instance{Role: podRole, FirstOnly: true} },
			[]string{"api.ecr.us-east-1.amazonaws.com " + getToken + " arn:aws:sts::123456789012:assumed-role/pod/i-0123456789abcdef0"},
		},
		{
			"keys in the environment", config(byRole), func(*testing.T) func(string) string {
				return from("AWS_ACCESS_KEY_ID", "AKIAUSER", "AWS_SECRET_ACCESS_KEY", "user-secret")
			}, nil,
			[]string{"api.ecr.us-east-1.amazonaws.com " + getToken + " " + user},
		},
		{
			"private endpoint", config(byKeys, endpoint, "https://vpce-1.api.ecr.us-east-1.vpce.amazonaws.com/"), nobody,
			func(c *awstest.Cloud) {
				c.Hosts = map[string]string{"vpce-1.api.ecr.us-east-1.vpce.amazonaws.com": home}
			},
			[]string{"vpce-1.api.ecr.us-east-1.vpce.amazonaws.com " + getToken + " " + user},
		},
		{
			"endpoints of the environment", config(byKeys, useAssumeRole, true, assumeRoleID, "reader"), func(*testing.T) func(string) string {
				return from("AWS_ENDPOINT_URL", "https://aws.example", "AWS_ENDPOINT_URL_STS", "https://sts.example:8443")
			},
			func(c *awstest.Cloud) {
				c.Hosts = map[string]string{"aws.example": home, "sts.example:8443": home}
			},
			[]string{"sts.example:8443 sts:AssumeRole " + user, "aws.example " + getToken + " arn:aws:sts::123456789012:assumed-role/reader/landwaiter"},
		},
		{
			"the setting comes before the environment", config(byKeys, endpoint, "https://vpce.example"), func(*testing.T) func(string) string { return from("AWS_ENDPOINT_URL_ECR", "https://aws.example") },
			func(c *awstest.Cloud) {
				c.Hosts = map[string]string{"vpce.example": home, "aws.example": home}
			},
			[]string{"vpce.example " + getToken + " " + user},
		},
		{
			"endpoints of the environment are ignored if it says so", config(byKeys), func(*testing.T) func(string) string {
				return from("AWS_ENDPOINT_URL", "https://aws.example", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
			}, nil,
			[]string{"api.ecr.us-east-1.amazonaws.com " + getToken + " " + user},
		},
		{
			"FIPS endpoints of the environment", config(byKeys), func(*testing.T) func(string) string { return from("AWS_USE_FIPS_ENDPOINT", "true") },
			func(c *awstest.Cloud) {
				c.Hosts = map[string]string{"api.ecr-fips.us-east-1.amazonaws.com": home}
			},
			[]string{"api.ecr-fips.us-east-1.amazonaws.com " + getToken + " " + user},
		},
		{
			"a throttled call is tried again", config(byKeys), nobody, func(c *awstest.Cloud) { c.Throttle(2) },
			[]string{"api.ecr.us-east-1.amazonaws.com " + getToken + " " + user},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			cloud := newCloud()
			if test.cloud != nil {
				test.cloud(cloud)
			}
			got, err := signInWith(t, Type(), test.config, cloud, test.env(t))
			if err != nil {
				t.Fatalf("%v\n%s", err, fault.FixOf(err))
			}
			if got.Username != "AWS" || got.Password.Reveal() != "password:1" {
				t.Errorf("signs in as %q with %q", got.Username, got.Password.Reveal())
			}
			if life := time.Until(got.Expires); life < 11*time.Hour || life > 12*time.Hour {
				t.Errorf("good for %s", life)
			}
			if calls := callsOf(cloud); strings.Join(calls, "\n") != strings.Join(test.want, "\n") {
				t.Errorf("asked\n%s\nwant\n%s", strings.Join(calls, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func callsOf(cloud *awstest.Cloud) []string {
	var list []string
	for _, c := range cloud.Calls() {
		list = append(list, c.Host+" "+c.Action+" "+c.By)
	}
	return list
}

func TestCredential_public(t *testing.T) {
	cloud := newCloud()
	keys := map[string]any{accessKeyID: "AKIAUSER", secretAccessKey: "user-secret"}
	_, err := signInWith(t, PublicType(), config(keys), cloud, nil)
	if fault.CodeOf(err) != fault.Forbidden || !strings.Contains(fault.FixOf(err), "ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken") {
		t.Errorf("without the permission: %v (%s)", err, fault.FixOf(err))
	}
	cloud.Users[0].Actions = []string{"ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"}
	got, err := signInWith(t, PublicType(), config(keys), cloud, nil)
	if err != nil || got.Username != "AWS" || got.Password.Reveal() != "password:1" {
		t.Errorf("%q, %v", got.Username, err)
	}
	calls := callsOf(cloud)
	if want := "api.ecr-public.us-east-1.amazonaws.com ecr-public:GetAuthorizationToken " + user; calls[len(calls)-1] != want {
		t.Errorf("asked %v", calls)
	}
}

func TestCredential_refused(t *testing.T) {
	irsa := func(content, role string) func(*testing.T) func(string) string {
		return func(t *testing.T) func(string) string {
			return from("AWS_WEB_IDENTITY_TOKEN_FILE", integrationtest.File(t, content), "AWS_ROLE_ARN", role)
		}
	}
	nobody := func(*testing.T) func(string) string { return nil }
	assume := func(role, external string) integration.Config {
		return config(byKeys, useAssumeRole, true, assumeRoleID, role, externalID, external)
	}
	const spoke = "arn:aws:iam::210987654321:role/team/spoke"
	for _, test := range []struct {
		name   string
		config integration.Config
		env    func(*testing.T) func(string) string
		cloud  func(*awstest.Cloud)
		code   fault.Code
		text   string // of the error
		fix    string
	}{
		{"unknown key", config(byKeys, accessKeyID, "AKIAWRONG"), nobody, nil, fault.Unauthenticated, "UnrecognizedClientException", "does not know the access key ID"},
		{"deactivated key", config(byKeys, accessKeyID, "AKIAOLD", secretAccessKey, "old-secret"), nobody, nil, fault.Unauthenticated, "UnrecognizedClientException", "deleted or deactivated"},
		{"temporary key", config(byKeys, accessKeyID, "ASIATEMPORARY"), nobody, nil, fault.Unauthenticated, "UnrecognizedClientException", "session token"},
		{"wrong secret", config(byKeys, secretAccessKey, "wrong-secret"), nobody, nil, fault.Unauthenticated, "InvalidSignatureException", "does not belong to the access key ID"},
		{"wrong secret, with a role", config(byKeys, secretAccessKey, "wrong-secret", useAssumeRole, true, assumeRoleID, "reader"), nobody, nil, fault.Unauthenticated, "SignatureDoesNotMatch", "does not belong to the access key ID"},
		{"unknown key, with a role", config(byKeys, accessKeyID, "AKIAWRONG", useAssumeRole, true, assumeRoleID, "reader"), nobody, nil, fault.Unauthenticated, "InvalidClientTokenId", "does not know the access key ID"},
		{"action not allowed", config(byKeys, accessKeyID, "AKIAWEAK", secretAccessKey, "weak-secret"), nobody, nil, fault.Forbidden, "user/weak is not authorized to perform: ecr:GetAuthorizationToken", "Allow the action ecr:GetAuthorizationToken"},
		{"wrong region", config(byKeys, region, "us-east-9"), nobody, nil, fault.Unavailable, "no such host", "Check the region (us-east-9)."},
		{"endpoint of another region", config(byKeys, endpoint, "https://api.ecr.eu-central-1.amazonaws.com"), nobody, nil, fault.Unauthenticated, "scoped to a valid region", "belongs to another region than us-east-1"},
		{"endpoint that does not exist", config(byKeys, endpoint, "https://ecr.invalid"), nobody, nil, fault.Unavailable, "no such host", "Check the region (us-east-1) and the endpoint."},
		{"endpoint that is the registry", config(byKeys, endpoint, "https://"+homeHost), nobody, func(c *awstest.Cloud) {
			c.Hook = func(req *http.Request) *http.Response {
				return awstest.Answer(req, http.StatusNotFound, http.Header{"Content-Type": {"text/plain"}}, "404 page not found")
			}
		}, fault.Invalid, "404", "not the registry's host"},
		{"no external ID", assume(spoke, ""), nobody, nil, fault.Forbidden, "sts:AssumeRole on resource: " + spoke, "enter it"},
		{"wrong external ID", assume(spoke, "shared-id"), nobody, nil, fault.Forbidden, "AccessDenied", "must be exactly the one"},
		{"role that does not exist", assume("missing", ""), nobody, nil, fault.Forbidden, "role/missing", "the role exists under that name"},
		{"role that trusts somebody else", assume(podRole, ""), nobody, nil, fault.Forbidden, "AccessDenied", "trust policy names that identity"},
		{"role without the permission", assume("hub", ""), nobody, nil, fault.Forbidden, "assumed-role/hub/landwaiter is not authorized", "Allow the action ecr:GetAuthorizationToken"},
		{"throttled", config(byKeys), nobody, func(c *awstest.Cloud) { c.Throttle(100) }, fault.Limited, "ThrottlingException", "limits how often"},
		{"throttled by STS", assume("reader", ""), nobody, func(c *awstest.Cloud) { c.Throttle(100) }, fault.Limited, "Throttling", "limits how often"},
		{"service account's token expired", config(byRole), irsa("EXPIRED-TOKEN", podRole), nil, fault.Unauthenticated, "ExpiredTokenException", "kubelet renews"},
		{"service account's token of an unknown provider", config(byRole), irsa("STRANGE-TOKEN", podRole), nil, fault.Unauthenticated, "InvalidIdentityToken", "OIDC provider"},
		{"service account of another name", config(byRole), irsa("OTHER-TOKEN", podRole), nil, fault.Forbidden, "AccessDenied", "for this service account"},
		{"service account's token is empty", config(byRole), irsa("\n", podRole), nil, fault.Unauthenticated, "does not hold a token", "mount it"},
		{"service account without a role", config(byRole), irsa(podToken, ""), nil, fault.Unauthenticated, "AWS_ROLE_ARN is not", "eks.amazonaws.com/role-arn"},
		{"service account's token is not mounted", config(byRole), func(*testing.T) func(string) string {
			return from("AWS_WEB_IDENTITY_TOKEN_FILE", "/does/not/exist", "AWS_ROLE_ARN", podRole)
		}, nil, fault.Unauthenticated, "no such file", "mount it"},
		{"Pod Identity with a wrong token", config(byRole), func(t *testing.T) func(string) string {
			return from("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", integrationtest.File(t, "WRONG-TOKEN"))
		}, func(c *awstest.Cloud) { c.Container, c.TaskRole = map[string]string{agent: agentSent}, podRole }, fault.Unauthenticated, "InvalidTokenException", "Pod Identity association"},
		{"Pod Identity without an association", config(byRole), func(t *testing.T) func(string) string {
			return from("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent, "AWS_CONTAINER_AUTHORIZATION_TOKEN", agentSent)
		}, func(c *awstest.Cloud) { c.Container = map[string]string{agent: agentSent} }, fault.Unauthenticated, "ResourceNotFoundException", "Pod Identity association"},
		{"container service elsewhere", config(byRole), func(*testing.T) func(string) string {
			return from("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://evil.example/credentials")
		}, nil, fault.Unauthenticated, "neither on this machine nor https", "Correct or remove"},
		{"no identity at all", config(byRole), nobody, nil, fault.Unauthenticated, "169.254.169.254: no answer in time", "hop limit of 1 may be in the way"},
		{"hop limit", config(byRole), nobody, func(c *awstest.Cloud) { c.Instance = &awstest.Instance{Role: podRole, HopLimitOne: true} }, fault.Unauthenticated, "401", "--http-put-response-hop-limit 2"},
		{"hop limit, first version off", config(byRole), func(*testing.T) func(string) string { return from("AWS_EC2_METADATA_V1_DISABLED", "true") },
			func(c *awstest.Cloud) { c.Instance = &awstest.Instance{Role: podRole, HopLimitOne: true} }, fault.Unauthenticated, "no answer in time", "--http-put-response-hop-limit 2"},
		{"instance without a role", config(byRole), nobody, func(c *awstest.Cloud) { c.Instance = &awstest.Instance{} }, fault.Unauthenticated, "404", "an instance profile"},
		{"metadata service forbidden", config(byRole), nobody, func(c *awstest.Cloud) { c.Instance = &awstest.Instance{Role: podRole, Forbidden: true} }, fault.Unauthenticated, "403", "forbids it to pods"},
		{"metadata service turned off here", config(byRole), func(*testing.T) func(string) string { return from("AWS_EC2_METADATA_DISABLED", "true") }, nil, fault.Unauthenticated, "AWS_EC2_METADATA_DISABLED", "Pod Identity"},
		{"keys in the environment that expired", config(byRole), func(*testing.T) func(string) string {
			return from("AWS_ACCESS_KEY_ID", "ASIAGONE", "AWS_SECRET_ACCESS_KEY", "gone-secret", "AWS_SESSION_TOKEN", "gone-session")
		}, func(c *awstest.Cloud) {
			c.Users = append(c.Users, &awstest.Principal{ARN: user, Key: "ASIAGONE", Secret: "gone-secret", Token: "gone-session", Ends: time.Now().Add(-time.Minute)})
		}, fault.Unauthenticated, "ExpiredTokenException", "renew them where they come from"},
		{"keys in the environment of another partition", config(byRole, region, "cn-north-1"), func(*testing.T) func(string) string {
			return from("AWS_ACCESS_KEY_ID", "AKIAELSEWHERE", "AWS_SECRET_ACCESS_KEY", "user-secret")
		}, nil, fault.Unauthenticated, "UnrecognizedClientException", "of one partition"},
		{"AWS is down", config(byKeys), nobody, func(c *awstest.Cloud) {
			c.Hook = func(req *http.Request) *http.Response {
				return awstest.Answer(req, http.StatusServiceUnavailable, nil, "")
			}
		}, fault.Unavailable, "503", "try again later"},
		{"an error that nobody knows", config(byKeys), nobody, func(c *awstest.Cloud) {
			c.Hook = func(req *http.Request) *http.Response {
				return awstest.Answer(req, http.StatusInternalServerError, nil, `{"__type":"ServerException","message":"broken"}`)
			}
		}, fault.Unavailable, "ServerException: broken", "try again later"},
		{"a proxy that answers with pages", config(byKeys), nobody, func(c *awstest.Cloud) {
			c.Hook = func(req *http.Request) *http.Response {
				return awstest.Answer(req, http.StatusOK, http.Header{"Content-Type": {"text/html"}}, "<html>user-secret</html>")
			}
		}, fault.Unavailable, "not one that AWS gives", "not a proxy"},
		{"a redirect", config(byKeys), nobody, func(c *awstest.Cloud) {
			c.Hook = func(req *http.Request) *http.Response {
				if req.URL.Host == "evil.example" {
					return awstest.Answer(req, http.StatusOK, nil, `{"authorizationData":[{"authorizationToken":"QVdTOng="}]}`)
				}
				return awstest.Answer(req, http.StatusTemporaryRedirect, http.Header{"Location": {"https://evil.example/"}}, "")
			}
		}, fault.Unavailable, "307", "not a proxy"},
		{"an endless answer", config(byKeys), nobody, func(c *awstest.Cloud) {
			c.Hook = func(req *http.Request) *http.Response {
				return awstest.Answer(req, http.StatusOK, nil, `{"x":"`+strings.Repeat("x", 2<<20)+`"}`)
			}
		}, fault.Unavailable, "longer than", ""},
		{"an answer without a token", config(byKeys), nobody, func(c *awstest.Cloud) {
			c.Hook = func(req *http.Request) *http.Response {
				return awstest.Answer(req, http.StatusOK, nil, `{"authorizationData":[]}`)
			}
		}, fault.Unavailable, "no user name and password", "the ECR API"},
		{"a token without a colon", config(byKeys), nobody, func(c *awstest.Cloud) {
			c.Hook = func(req *http.Request) *http.Response {
				return awstest.Answer(req, http.StatusOK, nil, `{"authorizationData":[{"authorizationToken":"QVdT"}]}`)
			}
		}, fault.Unavailable, "no user name and password", "the ECR API"},
		{"a server that repeats what it was sent", config(byKeys), nobody, func(c *awstest.Cloud) {
			c.Hook = func(req *http.Request) *http.Response {
				text := fmt.Sprintf(`{"__type":"AccessDeniedException","message":"%s user-secret AKIAUSER"}`, req.Header.Get("Authorization"))
				return awstest.Answer(req, http.StatusBadRequest, nil, text)
			}
		}, fault.Forbidden, "AccessDeniedException", "Allow the action"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cloud := newCloud()
			if test.cloud != nil {
				test.cloud(cloud)
			}
			_, err := signInWith(t, Type(), test.config, cloud, test.env(t))
			if err == nil {
				t.Fatal("it worked")
			}
			if got := fault.CodeOf(err); got != test.code {
				t.Errorf("code %s, want %s: %v", got, test.code, err)
			}
			if !strings.Contains(err.Error(), test.text) {
				t.Errorf("%v\nmisses %q", err, test.text)
			}
			if fix := fault.FixOf(err); !strings.Contains(fix, test.fix) {
				t.Errorf("the fix %q misses %q", fix, test.fix)
			}
			for shown := err; shown != nil; shown = errors.Unwrap(shown) {
				for _, text := range []string{
					"user-secret", "wrong-secret", "old-secret", "weak-secret", "gone-secret", "gone-session", "session-secret", "session-token",
					"AKIAUSER", "AKIAWRONG", podToken, "EXPIRED-TOKEN", "OTHER-TOKEN", "STRANGE-TOKEN", agentSent, "WRONG-TOKEN", "password:",
				} {
					if strings.Contains(shown.Error()+fault.FixOf(shown), text) {
						t.Errorf("%s is shown in %v (%s)", text, shown, fault.FixOf(shown))
					}
				}
			}
			t.Logf("%v\n  → %s", err, fault.FixOf(err))
		})
	}
}

func TestCredential_a_wrong_clock_is_corrected(t *testing.T) {
	cloud := newCloud()
	cloud.Now = func() time.Time { return time.Now().Add(20 * time.Minute) }
	if _, err := signInWith(t, Type(), config(byKeys), cloud, nil); err != nil {
		t.Errorf("%v (%s)", err, fault.FixOf(err))
	}
}

func TestCredential_pushed(t *testing.T) {
	cloud := newCloud()
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	r, err := Type().Open(config(map[string]any{
		registryID: account, region: home, pushedUsername: "AWS", pushedPassword: "pushed", pushedExpiry: "2030-01-01T01:00:00+01:00",
	}), integration.Deps{Now: func() time.Time { return now.Add(-time.Second) }, HTTP: cloud})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Credential(context.Background(), image.Reference{})
	if err != nil || got.Password.Reveal() != "pushed" || !got.Expires.Equal(now) {
		t.Errorf("%v, %v", got, err)
	}
	now = now.Add(time.Second)
	_, err = r.Credential(context.Background(), image.Reference{})
	if fault.CodeOf(err) != fault.Unauthenticated || !strings.Contains(err.Error(), "ended at 2030-01-01T00:00:00Z") || fault.FixOf(err) == "" {
		t.Errorf("after its end: %v", err)
	}
	if calls := cloud.Calls(); len(calls) != 0 {
		t.Errorf("AWS was asked: %v", calls)
	}
}
