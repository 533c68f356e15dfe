package ecr

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/secret"
)

const (
	account  = "123456789012"
	home     = "us-east-1"
	homeHost = account + ".dkr.ecr." + home + ".amazonaws.com"
)

func TestType(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings: map[string]any{
			"registryId": account, "region": home, "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": "wJalrXUtnFEMI",
			"useAssumeRole": true, "assumeRoleId": "pull-images", "assumeRoleExternalId": "external-1",
		},
		Image:    homeHost + "/team/app:1",
		Endpoint: "https://" + homeHost,
	})
}

func TestType_with_a_pushed_password(t *testing.T) {
	integrationtest.Run(t, Type(), integrationtest.Case{
		Settings: map[string]any{
			"registryId": account, "region": "cn-north-1", "authorizationData.username": "AWS",
			"authorizationData.password": "pushed-password", "authorizationData.expiresAt": "2030-01-02T15:04:05Z",
		},
		Image:    account + ".dkr.ecr.cn-north-1.amazonaws.com.cn/team/app:1",
		Endpoint: "https://" + account + ".dkr.ecr.cn-north-1.amazonaws.com.cn",
		Username: "AWS", Password: "pushed-password",
	})
}

func TestPublicType(t *testing.T) {
	integrationtest.Run(t, PublicType(), integrationtest.Case{
		Settings: map[string]any{
			"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": "wJalrXUtnFEMI",
			"useAssumeRole": true, "assumeRoleId": "arn:aws:iam::123456789012:role/public", "assumeRoleExternalId": "external-1",
		},
		Image:    "public.ecr.aws/nginx/nginx:1",
		Endpoint: "https://public.ecr.aws",
	})
}

func TestTypes_share_a_settings_object(t *testing.T) {
	types, err := integration.NewTypes(Type(), PublicType())
	if err != nil {
		t.Fatal(err)
	}
	body := `{"name":"n","type":"ecrpublic","categories":["REGISTRY"],"ecr":{"use_iam":true,"registryId":"ignored"}}`
	d, err := types.Decode([]byte(body))
	if err == nil {
		d, err = types.Validate(d)
	}
	if err != nil || !d.Config.On(useIAM) || d.Config.Text(registryID) != "" {
		t.Errorf("%v, %v", d.Config, err)
	}
}

// config is settings with some of them changed.
func config(settings map[string]any, changes ...any) integration.Config {
	c := integration.NewConfig(nil, nil)
	set := func(name string, v any) {
		switch name {
		case accessKeyID, secretAccessKey, pushedPassword:
			v = secret.New(v.(string))
		}
		c = c.With(name, v)
	}
	for name, v := range settings {
		set(name, v)
	}
	for i := 0; i < len(changes); i += 2 {
		set(changes[i].(string), changes[i+1])
	}
	return c
}

var byKeys = map[string]any{registryID: account, region: home, accessKeyID: "AKIAUSER", secretAccessKey: "user-secret"}

func validate(t *testing.T, typ integration.Type, c integration.Config) (integration.Config, error) {
	t.Helper()
	types, err := integration.NewTypes(typ)
	if err != nil {
		t.Fatal(err)
	}
	d, err := types.Validate(integration.Draft{
		KindsSent: []string{"ecr"},
		Integration: integration.Integration{
			Name: "n", Type: typ.ID, Categories: []integration.Category{integration.CategoryRegistry}, Config: c,
		},
	})
	return d.Config, err
}

func TestValidate(t *testing.T) {
	const (
		noID, noRegion    = "Registry ID must be specified", "Region must be specified"
		noKey, noSecret   = "Access Key ID must be specified if not using IAM", "Secret Access Key must be specified if not using IAM"
		noRole, twoThings = "AssumeRole ID must be set", "AssumeRole cannot be combined with an endpoint"
		badID             = "Registry ID must be exactly 12 digits"
		badRegion         = "Region must be the code of an AWS region, such as us-east-1"
	)
	pushed := map[string]any{registryID: account, region: home, pushedUsername: "AWS", pushedPassword: "p", pushedExpiry: "2030-01-02T15:04:05Z"}
	for _, test := range []struct {
		name   string
		config integration.Config
		want   []string
	}{
		{"keys", config(byKeys), nil},
		{"container IAM role", config(byKeys, useIAM, true, accessKeyID, "", secretAccessKey, ""), nil},
		{"keys and a role", config(byKeys, useAssumeRole, true, assumeRoleID, "puller"), nil},
		{"container IAM role and a role in another account", config(byKeys, useIAM, true, useAssumeRole, true, assumeRoleID, "arn:aws:iam::210987654321:role/x/y"), nil},
		{"private endpoint", config(byKeys, endpoint, "https://vpce-1.api.ecr.us-east-1.vpce.amazonaws.com"), nil},
		{"pushed", config(pushed), nil},
		{"nothing", config(nil, useAssumeRole, true, endpoint, "ecr.example"), []string{noID, noRegion, noKey, noSecret, noRole, twoThings}},
		{"half of the keys", config(byKeys, secretAccessKey, ""), []string{noSecret}},
		{"half of what is pushed", config(pushed, pushedPassword, "", pushedExpiry, ""), []string{
			"Password must be specified in the authorization data", "Expiry must be specified in the authorization data",
		}},
		{"pushed without a user name", config(pushed, pushedUsername, "", registryID, ""), []string{noID, "Username must be specified in the authorization data"}},
		{"pushed with an end that is none", config(pushed, pushedExpiry, "tomorrow"), []string{"Expiry in the authorization data must be a time"}},
		{"registry ID is a host", config(byKeys, registryID, "evil.com/x"), []string{badID}},
		{"registry ID too short", config(byKeys, registryID, "12345678901"), []string{badID}},
		{"registry ID too long", config(byKeys, registryID, "1234567890123"), []string{badID}},
		{"registry ID in other digits", config(byKeys, registryID, "١٢٣٤٥٦٧٨٩٠١٢"), []string{badID}},
		{"region is a host", config(byKeys, region, "evil.example/"), []string{badRegion}},
		{"region with a dot", config(byKeys, region, "us-east-1.evil"), []string{badRegion}},
		{"region in upper case", config(byKeys, region, "US-EAST-1"), []string{badRegion}},
		{"zone", config(byKeys, region, "us-east-1a"), []string{badRegion}},
		{"plain HTTP", config(byKeys, endpoint, "http://ecr.example"), []string{"Endpoint must use https"}},
		{"metadata service", config(byKeys, endpoint, "https://169.254.169.254"), []string{"endpoint cannot reference the cluster metadata service"}},
		{"role of another partition", config(byKeys, useAssumeRole, true, assumeRoleID, "arn:aws-cn:iam::123456789012:role/x"), []string{"a role in partition aws-cn cannot read a registry in partition aws"}},
		{"instance profile", config(byKeys, useAssumeRole, true, assumeRoleID, "arn:aws:iam::123456789012:instance-profile/x"), []string{"not that of a role"}},
		{"session", config(byKeys, useAssumeRole, true, assumeRoleID, "arn:aws:sts::123456789012:assumed-role/x/y"), []string{"not that of a role"}},
		{"role with a space", config(byKeys, useAssumeRole, true, assumeRoleID, "my role"), []string{"a role's name has letters"}},
		{"chain with a gap", config(byKeys, useAssumeRole, true, assumeRoleID, "a,,b"), []string{"a role's name has letters"}},
		{"chain too long", config(byKeys, useAssumeRole, true, assumeRoleID, "a,b,c,d,e,f"), []string{"at most 5 roles"}},
		{"external ID", config(byKeys, useAssumeRole, true, assumeRoleID, "a", externalID, "a b"), []string{"AssumeRole External ID must have"}},
		{"role that is not used", config(byKeys, assumeRoleID, "my role", externalID, " "), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := validate(t, Type(), test.config)
			var problems integration.Problems
			if err != nil && (!errors.As(err, &problems) || fault.CodeOf(err) != fault.Invalid) {
				t.Fatal(err)
			}
			if len(problems) != len(test.want) {
				t.Errorf("%d problems: %v", len(problems), err)
			}
			for _, want := range test.want {
				if !strings.Contains(problems.Error(), want) {
					t.Errorf("%v misses %q", err, want)
				}
			}
			if _, err := Type().Open(test.config, integration.Deps{}); (err == nil) != (len(test.want) == 0) && test.name != "metadata service" {
				t.Errorf("Open: %v", err)
			}
		})
	}
	t.Run("a role of ECR Public is an ARN", func(t *testing.T) {
		keys := map[string]any{accessKeyID: "AKIAUSER", secretAccessKey: "user-secret", useAssumeRole: true}
		if _, err := validate(t, PublicType(), config(keys, assumeRoleID, "arn:aws:iam::123456789012:role/x")); err != nil {
			t.Error(err)
		}
		for role, want := range map[string]string{"x": "must be given as an ARN", "arn:aws-us-gov:iam::123456789012:role/x": "cannot read a registry in partition aws"} {
			if _, err := validate(t, PublicType(), config(keys, assumeRoleID, role)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", role, err)
			}
		}
	})
}

func TestValidate_another_way_to_sign_in_erases_what_was_pushed(t *testing.T) {
	pushed := map[string]any{registryID: account, region: home, pushedUsername: "AWS", pushedPassword: "p", pushedExpiry: "2030-01-02T15:04:05Z"}
	for name, c := range map[string]integration.Config{
		"useIam":          config(pushed, useIAM, true),
		"keys":            config(pushed, accessKeyID, "AKIAUSER", secretAccessKey, "s"),
		"useAssumeRole":   config(pushed, useIAM, true, useAssumeRole, true, assumeRoleID, "x"),
		"half of the two": config(pushed, useIAM, true, pushedPassword, ""),
	} {
		got, err := validate(t, Type(), c)
		if err != nil || hasPushed(got) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := validate(t, Type(), config(pushed, accessKeyID, "AKIAUSER")); err == nil || !strings.Contains(err.Error(), "Secret Access Key") {
		t.Errorf("an access key alone: %v", err)
	}
	if got, err := validate(t, Type(), config(pushed)); err != nil || !hasPushed(got) {
		t.Errorf("nothing else: %v, %v", got, err)
	}
}

func TestParseRoles(t *testing.T) {
	for _, test := range []struct{ text, partition, want string }{
		{"puller", "aws", "arn:aws:iam::123456789012:role/puller"},
		{"team/puller", "aws-cn", "arn:aws-cn:iam::123456789012:role/team/puller"},
		{"a_b+c=d.e@f-g", "aws-eusc", "arn:aws-eusc:iam::123456789012:role/a_b+c=d.e@f-g"},
		{"arn:aws-us-gov:iam::210987654321:role/x", "aws-us-gov", "arn:aws-us-gov:iam::210987654321:role/x"},
		{"hub, arn:aws:iam::210987654321:role/spoke ,last", "aws", "arn:aws:iam::123456789012:role/hub arn:aws:iam::210987654321:role/spoke arn:aws:iam::123456789012:role/last"},
	} {
		got, err := parseRoles(test.text, account, test.partition)
		if err != nil || strings.Join(got, " ") != test.want {
			t.Errorf("%s: %v, %v", test.text, got, err)
		}
	}
}

func TestServes(t *testing.T) {
	r, err := Type().Open(config(byKeys), integration.Deps{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{
		homeHost: homeHost, homeHost + ":443": homeHost,
		"123456789012.dkr.ecr-fips.us-east-1.amazonaws.com": "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com",
		"123456789012.dkr-ecr.us-east-1.on.aws":             "123456789012.dkr-ecr.us-east-1.on.aws",
		"123456789012.dkr-ecr-fips.us-east-1.on.aws:443":    "123456789012.dkr-ecr-fips.us-east-1.on.aws",
		"123456789012.dkr.ecr.us-east-2.amazonaws.com":      "",
		"210987654321.dkr.ecr.us-east-1.amazonaws.com":      "",
		"public.ecr.aws": "", homeHost + ".evil.example": "", homeHost + ":80": "",
	} {
		// A prefix of a pull-through cache is a repository like others.
		ref := image.Reference{Registry: host, Repository: "docker-hub/library/nginx", Tag: "1"}
		at := r.Endpoint(ref)
		if r.Serves(ref) != (want != "") {
			t.Errorf("%s is served: %t", host, r.Serves(ref))
		}
		if want == "" {
			want = homeHost
		}
		if at.String() != "https://"+want {
			t.Errorf("%s is dialled at %s", host, at)
		}
	}
}
