// Package typestest has, for every type of registry, a network with a registry of its kind and the services that sign in to
// it, and settings that fit and settings that do not.
package typestest

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/integrations/azure/azuretest"
	"github.com/landwaiter/landwaiter/internal/integrations/ecr/awstest"
	"github.com/landwaiter/landwaiter/internal/integrations/google/googletest"
	"github.com/landwaiter/landwaiter/internal/integrations/quay/quaytest"
)

// Mark is in every secret that a World gives away. One that a service makes by itself has one of Lent in it.
const Mark = "Marked-S3cret"

// Lent are parts of the secrets of the fakes, which have no Mark: JSON web tokens, access tokens and a private key of Google,
// keys of AWS, a robot's password.
var Lent = []string{"eyJ", "ya29.test-access-token", strings.Split(googletest.PrivateKeyPEM(), "\n")[3], "session-secret-", "session-token-", quaytest.Password}

// A World is a network with one registry, and an image in it.
type World struct {
	*integrationtest.Internet
	Machine  integrationtest.Machine
	Registry *registrytest.Registry

	Settings map[string]any            // that sign in, by declared name
	Wrong    map[string]map[string]any // what is to be changed in them so that they do not, by what is wrong
	Image    string
	Owned    []string // the hosts that may see secrets
}

// A Way is a way to sign in to a registry of a type.
type Way struct {
	Type, Name string
	Start      func(t testing.TB) *World
}

// Ways are those of all types.
func Ways() []Way {
	list := []Way{
		{"quay", "robot", func(t testing.TB) *World {
			w := quay(t)
			w.Settings = map[string]any{"endpoint": quaytest.Host, "registryRobotCredentials.username": quaytest.Robot, "registryRobotCredentials.password": quaytest.Password}
			w.Wrong = map[string]map[string]any{"password": {"registryRobotCredentials.password": wrong}}
			return w
		}},
		{"quay", "federation of Quay", func(t testing.TB) *World {
			w := quay(t)
			folder := t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, quaytest.Host), []byte(quaytest.Token(nil)), 0o600); err != nil {
				t.Fatal(err)
			}
			w.Machine = integrationtest.Machine{"QUAY_ROBOT_TOKENS": folder}
			w.Settings = map[string]any{"endpoint": quaytest.Host, "registryRobotCredentials.username": quaytest.Robot, "useRobotFederation": true}
			w.Wrong = map[string]map[string]any{"robot": {"registryRobotCredentials.username": "org+other"}}
			return w
		}},
		{"azure", "password", func(t testing.TB) *World {
			w := azure(t)
			w.Machine = azuretest.Pod(t, azuretest.PodToken(nil)+"x") // whose signature is wrong
			w.Settings = map[string]any{"endpoint": azuretest.Host, "username": "landwaiter", "password": password}
			w.Wrong = map[string]map[string]any{"password": {"password": wrong}, "identity": {"wifEnabled": true}}
			return w
		}},
		{"azure", "workload identity", func(t testing.TB) *World {
			w := azure(t)
			w.Machine = azuretest.Pod(t, azuretest.PodToken(nil))
			w.Settings = map[string]any{"endpoint": azuretest.Host, "wifEnabled": true}
			return w
		}},
		{"azure", "managed identity", func(t testing.TB) *World {
			w := azure(t)
			w.Add(azuretest.IMDS+":80", azuretest.IdentityService(""))
			w.Settings = map[string]any{"endpoint": azuretest.Host, "wifEnabled": true}
			return w
		}},
	}
	for _, typ := range []string{"google", "artifactregistry"} {
		host := map[string]string{"google": "gcr.io", "artifactregistry": googletest.Host}[typ]
		list = append(list,
			Way{typ, "key", func(t testing.TB) *World {
				w := google(t, host)
				w.Settings = map[string]any{"endpoint": host, "serviceAccount": googletest.ServiceAccountKey(nil)}
				w.Wrong = map[string]map[string]any{
					"account": {"serviceAccount": googletest.ServiceAccountKey(func(k map[string]any) { k["client_email"] = "nobody@my-project.iam.gserviceaccount.com" })},
				}
				return w
			}},
			Way{typ, "metadata server", func(t testing.TB) *World {
				w := google(t, host)
				w.Settings = map[string]any{"endpoint": host, "wifEnabled": true}
				return w
			}},
			Way{typ, "federation of Google", func(t testing.TB) *World {
				w := google(t, host)
				source := map[string]any{"file": integrationtest.File(t, googletest.SubjectToken(nil))}
				w.Machine = integrationtest.Machine{"GOOGLE_APPLICATION_CREDENTIALS": integrationtest.File(t, googletest.Federation(source, nil))}
				w.Settings = map[string]any{"endpoint": host, "wifEnabled": true}
				return w
			}})
	}
	for _, typ := range []string{"ecr", "ecrpublic"} {
		list = append(list,
			Way{typ, "access keys", func(t testing.TB) *World {
				w, _ := aws(t, typ)
				w.Settings["accessKeyId"], w.Settings["secretAccessKey"] = "AKIA"+Mark, password
				w.Wrong = map[string]map[string]any{"secret": {"secretAccessKey": wrong}, "key": {"accessKeyId": "AKIAOTHER" + Mark}}
				return w
			}},
			Way{typ, "access keys and a role", func(t testing.TB) *World {
				w, _ := aws(t, typ)
				w.Settings["accessKeyId"], w.Settings["secretAccessKey"] = "AKIA"+Mark, password
				w.Settings["useAssumeRole"], w.Settings["assumeRoleId"], w.Settings["assumeRoleExternalId"] = true, awsRole, "external-ID"
				w.Wrong = map[string]map[string]any{"external ID": {"assumeRoleExternalId": "other-ID"}}
				return w
			}},
			Way{typ, "web identity", func(t testing.TB) *World {
				w, _ := aws(t, typ)
				w.Machine = integrationtest.Machine{"AWS_WEB_IDENTITY_TOKEN_FILE": integrationtest.File(t, awsPodToken), "AWS_ROLE_ARN": awsRole}
				w.Settings["useIam"] = true
				w.Wrong = map[string]map[string]any{"no such role": {"useAssumeRole": true, "assumeRoleId": awsRole + "2"}}
				return w
			}},
			Way{typ, "instance", func(t testing.TB) *World {
				w, _ := aws(t, typ)
				w.Settings["useIam"] = true
				return w
			}})
	}
	for _, b := range basics {
		list = append(list, Way{b.typ, "password", b.start})
	}
	return list
}

// metadata is where clouds tell a machine who it is.
const metadata = "169.254.169.254"

const (
	password = Mark + "-password"
	wrong    = Mark + "-wrong"
)

// basics are the types that are data: a host, a user's name, and how a token is had.
var basics = []basic{
	{typ: "docker", host: "registry.example.com", realm: "https://auth.example.com/token", user: "jane"},
	{typ: "dockerhub", host: "registry-1.docker.io", realm: "https://auth.docker.io/token", user: "jane"},
	{typ: "ghcr", host: "ghcr.io", realm: "https://ghcr.io/token", user: "octocat"},
	{typ: "gitlab", host: "registry.gitlab.com", realm: "https://gitlab.com/jwt/auth", user: "gitlab+deploy-token-1"},
	{typ: "harbor", host: "harbor.example.com", realm: "https://harbor.example.com/service/token", user: "robot$team+landwaiter"},
	{typ: "nexus", host: "nexus.example.com", user: "landwaiter"},
	{typ: "artifactory", host: "acme.jfrog.io", realm: "https://acme.jfrog.io/v2/token", open: true, user: "jane"},
	{typ: "rhel", host: "registry.redhat.io", realm: "https://registry.redhat.io/auth/realms/rhcc/protocol/redhat-docker-v2/auth", user: "12345678|landwaiter"},
	{typ: "ibm", host: "us.icr.io", realm: "https://us.icr.io/oauth/token", user: "iamapikey", field: "apiKey", fixed: true},
	{typ: "oracle", host: "fra.ocir.io", realm: "https://fra.ocir.io/20180419/docker/token", user: "namespace/jane"},
	{typ: "digitalocean", host: "registry.digitalocean.com", realm: "https://api.digitalocean.com/v2/registry/auth", user: password, fixed: true},
	{typ: "scaleway", host: "rg.fr-par.scw.cloud", realm: "https://api.scaleway.com/registry-internal/v1/regions/fr-par/tokens", user: "nologin", fixed: true},
	{typ: "gitea", host: "codeberg.org", realm: "https://codeberg.org/v2/token", user: "jane"},
	{typ: "zot", host: "zot.example.com", user: "jane"},
	{typ: "alibaba", host: "registry.cn-hangzhou.aliyuncs.com", realm: "https://dockerauth.cn-hangzhou.aliyuncs.com/auth", user: "jane@1234567890"},
	{typ: "huawei", host: "swr.eu-west-101.myhuaweicloud.eu", user: "eu-west-101@AK0EXAMPLE"},
	{typ: "tencent", host: "example.tencentcloudcr.com", realm: "https://example.tencentcloudcr.com/service/token", user: "tcr$landwaiter"},
	{typ: "msr", host: "msr.example.com", realm: "https://msr.example.com/auth/token", user: "landwaiter"},
}

type basic struct {
	typ, host, realm string
	open             bool
	user             string
	fixed            bool   // the user's name is the type's
	field            string // of the password, if it has another name
}

func (b basic) start(t testing.TB) *World {
	w := start(t, integrationtest.NewInternet(t), registrytest.Start(t, registrytest.Options{}))
	w.serve(front{host: b.host, realm: b.realm, open: b.open, users: map[string]string{b.user: password}})
	field := "password"
	if b.field != "" {
		field = b.field
	}
	w.Settings = map[string]any{"endpoint": b.host, field: password}
	if !b.fixed {
		w.Settings["username"] = b.user
	}
	w.Wrong = map[string]map[string]any{"password": {field: wrong}}
	w.Image, w.Owned = b.host+"/team/app:1", []string{b.host}
	switch b.typ {
	case "dockerhub":
		w.Image = "docker.io/team/app:1"
	case "ibm":
		w.Owned = append(w.Owned, "iam.cloud.ibm.com") // says in a connection test whose the key is
	}
	if _, rest, ok := strings.Cut(b.realm, "://"); ok {
		host, _, _ := strings.Cut(rest, "/")
		w.Owned = append(w.Owned, host)
	}
	return w
}

func start(t testing.TB, n *integrationtest.Internet, r *registrytest.Registry) *World {
	registrytest.Push(t, r, "team/app", "1", registrytest.Image{})
	return &World{Internet: n, Registry: r}
}

func quay(t testing.TB) *World {
	q := quaytest.New(t)
	w := start(t, q.Internet, q.Registry)
	w.Image, w.Owned = quaytest.Host+"/team/app:1", []string{quaytest.Host}
	return w
}

func azure(t testing.TB) *World {
	c := azuretest.New(t, azuretest.Login, azuretest.Host)
	c.Users["landwaiter"] = password
	w := start(t, c.Internet, c.Registry)
	w.Image, w.Owned = azuretest.Host+"/team/app:1", []string{azuretest.Host, azuretest.Login, azuretest.IMDS}
	return w
}

func google(t testing.TB, host string) *World {
	c := googletest.New(t)
	c.Serve(host)
	c.Add(metadata+":80", http.HandlerFunc(c.Metadata))
	w := start(t, c.Internet, c.Registry)
	w.Image = host + "/team/app:1"
	w.Owned = []string{host, "oauth2.googleapis.com", "sts.googleapis.com", "iamcredentials.googleapis.com", metadata}
	return w
}

const (
	awsAccount  = "123456789012"
	awsRegion   = "us-east-1"
	awsUser     = "arn:aws:iam::123456789012:user/puller"
	awsRole     = "arn:aws:iam::123456789012:role/reader"
	awsPodToken = Mark + "-pod-token"
)

func aws(t testing.TB, typ string) (*World, *awstest.Cloud) {
	actions := []string{
		"ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken", "sts:AssumeRole",
	}
	cloud := &awstest.Cloud{
		Regions: []string{awsRegion},
		Users:   []*awstest.Principal{{ARN: awsUser, Key: "AKIA" + Mark, Secret: password, Actions: actions}},
		Roles: []*awstest.Role{
			{ARN: awsRole, Trusts: []string{awsUser}, ExternalID: "external-ID", Subject: "pod", Actions: actions},
			{ARN: "arn:aws:iam::123456789012:role/machine", Actions: actions},
		},
		Repositories: []awstest.Repository{{ARN: "arn:aws:ecr:us-east-1:123456789012:repository/team/app"}},
		WebTokens:    map[string]awstest.WebToken{awsPodToken: {Subject: "pod", Ends: time.Now().Add(time.Hour)}},
		Instance:     &awstest.Instance{Role: "arn:aws:iam::123456789012:role/machine"},
		Password:     func(int) string { return password + "-lent" },
	}
	w := start(t, integrationtest.NewInternet(t), registrytest.Start(t, registrytest.Options{}))
	host := awsAccount + ".dkr.ecr." + awsRegion + ".amazonaws.com"
	w.Settings = map[string]any{"registryId": awsAccount, "region": awsRegion}
	services := []string{"api.ecr.us-east-1.amazonaws.com", "sts.us-east-1.amazonaws.com"}
	if typ == "ecrpublic" {
		host, w.Settings = "public.ecr.aws", map[string]any{}
		services[0] = "api.ecr-public.us-east-1.amazonaws.com"
	}
	w.serve(front{host: host, users: map[string]string{"AWS": password + "-lent"}})
	for _, service := range services {
		w.Add(service, cloud)
	}
	w.Add(metadata+":80", cloud)
	w.Image, w.Owned = host+"/team/app:1", append(services, host, metadata)
	return w, cloud
}
