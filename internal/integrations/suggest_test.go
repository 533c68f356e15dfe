package integrations

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/secret"
)

const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// suggestions are what is pasted and what is proposed for it: the type, and settings as name=value words; "?" after the type
// stands for a guess, "!" for a warning.
var suggestions = []struct{ pasted, want string }{
	// Docker Hub, in all its spellings
	{"nginx", "dockerhub endpoint=docker.io"},
	{"nginx:1.27", "dockerhub endpoint=docker.io"},
	{"nginx:1.27@" + digest, "dockerhub endpoint=docker.io"},
	{"nginx@" + digest, "dockerhub endpoint=docker.io"},
	{"bitnami/redis", "dockerhub endpoint=docker.io"},
	{"docker.io", "dockerhub endpoint=docker.io"},
	{"DOCKER.IO", "dockerhub endpoint=docker.io"},
	{"docker.io/library/nginx", "dockerhub endpoint=docker.io"},
	{"index.docker.io", "dockerhub endpoint=docker.io"},
	{"https://index.docker.io/v1/", "dockerhub endpoint=docker.io"},
	{"registry-1.docker.io:443", "dockerhub endpoint=docker.io"},
	{"docker://nginx", "dockerhub endpoint=docker.io"},
	{"docker-pullable://docker.io/library/nginx@" + digest, "dockerhub endpoint=docker.io"},

	// Amazon ECR, in every partition and every form of its hosts
	{"123456789012.dkr.ecr.us-east-1.amazonaws.com", "ecr registryId=123456789012 region=us-east-1 useIam=true"},
	{"123456789012.dkr.ecr.us-east-1.amazonaws.com/team/app:1.2", "ecr registryId=123456789012 region=us-east-1 useIam=true"},
	{"123456789012.dkr.ecr.us-east-1.amazonaws.com/docker-hub/library/nginx@" + digest, "ecr registryId=123456789012 region=us-east-1"},
	{"https://123456789012.dkr.ecr.eu-central-1.amazonaws.com", "ecr registryId=123456789012 region=eu-central-1"},
	{"123456789012.DKR.ECR.EU-CENTRAL-1.AMAZONAWS.COM", "ecr registryId=123456789012 region=eu-central-1"},
	{"123456789012.dkr.ecr.ap-southeast-2.amazonaws.com:443", "ecr registryId=123456789012 region=ap-southeast-2"},
	{"123456789012.dkr.ecr.us-east-1.amazonaws.com.", "ecr registryId=123456789012 region=us-east-1"},
	{"123456789012.dkr.ecr-fips.us-west-2.amazonaws.com", "ecr registryId=123456789012 region=us-west-2"},
	{"123456789012.dkr-ecr.us-west-2.on.aws", "ecr registryId=123456789012 region=us-west-2"},
	{"123456789012.dkr-ecr-fips.us-west-2.on.aws", "ecr registryId=123456789012 region=us-west-2"},
	{"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "ecr registryId=123456789012 region=cn-north-1"},
	{"123456789012.dkr-ecr.cn-northwest-1.on.amazonwebservices.com.cn", "ecr registryId=123456789012 region=cn-northwest-1"},
	{"123456789012.dkr.ecr.us-gov-west-1.amazonaws.com", "ecr registryId=123456789012 region=us-gov-west-1"},
	{"123456789012.dkr.ecr-fips.us-gov-east-1.amazonaws.com", "ecr registryId=123456789012 region=us-gov-east-1"},
	{"123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", "ecr registryId=123456789012 region=eusc-de-east-1"},
	{"123456789012.dkr-ecr.eusc-de-east-1.on.amazonwebservices.eu", "ecr registryId=123456789012 region=eusc-de-east-1"},
	{"123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov", "ecr registryId=123456789012 region=us-iso-east-1"},
	{"123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov", "ecr registryId=123456789012 region=us-isob-east-1"},
	{"123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", "ecr registryId=123456789012 region=eu-isoe-west-1"},
	{"123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov", "ecr registryId=123456789012 region=us-isof-south-1"},
	{"https://123456789012.dkr.ecr.us-east-1.amazonaws.com/v2/team/app/manifests/1.2", "ecr registryId=123456789012 region=us-east-1"},
	{"public.ecr.aws", "ecrpublic useIam=true"},
	{"public.ecr.aws/docker/library/alpine:3.20", "ecrpublic useIam=true"},
	{"ecr-public.aws.com/eks-distro/pause:3.9", "ecrpublic"},

	// Hosts that look like one
	{"evil-123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example", "docker?! endpoint=evil-123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example"},
	{"123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example/team/app", "docker?! endpoint=123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example"},
	{"evil.example.123456789012.dkr.ecr.us-east-1.amazonaws.com", "docker?"},
	{"123456789012.dkr.ecr.us-east-1.amazonaws.com.cn", "docker?!"},
	{"123456789012.dkr.ecr.cn-north-1.amazonaws.com", "docker?"},
	{"12345678901.dkr.ecr.us-east-1.amazonaws.com", "docker?"},
	{"1234567890123.dkr.ecr.us-east-1.amazonaws.com", "docker?"},
	{"123456789012.dkr.ecr.us-east-1.amazonaws.com:8443", "docker?"},
	{"123456789012.dkr.ecr.us-east-1.amazonaws.com@evil.example/app", "docker? endpoint=evil.example"},
	{"123456789012xdkrxecr.us-east-1.amazonaws.com", "docker?"},
	{"quay.io.evil.example/org/app", "docker?! endpoint=quay.io.evil.example"},
	{"my-quay.io", "docker?! endpoint=my-quay.io"},
	{"notquay.io", "docker? endpoint=notquay.io"},
	{"evil.example/quay.io/org/app", "docker? endpoint=evil.example"},
	{"https://quay.io@evil.example/org/app", "docker? endpoint=evil.example"},
	{"https://evil.example?@quay.io", ""},
	{"https://evil.example#@quay.io", ""},
	{"notdocker.io/app", "docker? endpoint=notdocker.io"},
	{"docker.io.evil.example", "docker?! endpoint=docker.io.evil.example"},
	{"ghcr.io.evil.example/org/app", "docker?! endpoint=ghcr.io.evil.example"},
	{"evil-gcr.io", "docker?! endpoint=evil-gcr.io"},
	{"us-docker.pkg.dev.evil.example", "docker?! endpoint=us-docker.pkg.dev.evil.example"},
	{"docker.pkg.dev", "docker?"},
	{"myregistry.azurecr.io.evil.example", "docker?! endpoint=myregistry.azurecr.io.evil.example"},
	{"azurecr.io", "docker?"},
	{"myregistry.azurecr.de.evil.example", "docker?"},
	{"registry.gitlab.com.evil.example", "docker?! endpoint=registry.gitlab.com.evil.example"},
	{"us.icr.io.evil.example", "docker?! endpoint=us.icr.io.evil.example"},
	{"registry.redhat.io.evil.example", "docker?! endpoint=registry.redhat.io.evil.example"},
	{"acme.jfrog.io.evil.example", "docker?! endpoint=acme.jfrog.io.evil.example"},
	{"fra.ocir.io.evil.example", "docker?! endpoint=fra.ocir.io.evil.example"},
	{"registry.digitalocean.com.evil.example", "docker?! endpoint=registry.digitalocean.com.evil.example"},
	{"qua\u0443.io/org/app", ""},
	{"xn--qua-9sd.io/org/app", "docker? endpoint=xn--qua-9sd.io"},

	// Google
	{"us-west1-docker.pkg.dev", "artifactregistry endpoint=us-west1-docker.pkg.dev wifEnabled=true project="},
	{"us-west1-docker.pkg.dev/acme/apps/shop:1", "artifactregistry endpoint=us-west1-docker.pkg.dev project=acme wifEnabled=true"},
	{"europe-docker.pkg.dev/example.com/acme/apps/shop", "artifactregistry endpoint=europe-docker.pkg.dev project=example.com:acme"},
	{"https://europe-west3-docker.pkg.dev", "artifactregistry endpoint=europe-west3-docker.pkg.dev"},
	{"docker.s3nsregistry.fr/acme/apps/shop", "artifactregistry endpoint=docker.s3nsregistry.fr project=acme"},
	{"gcr.io/acme/shop@" + digest, "artifactregistry endpoint=gcr.io project=acme"},
	{"us.gcr.io", "artifactregistry endpoint=us.gcr.io"},
	{"EU.GCR.IO", "artifactregistry endpoint=eu.gcr.io"},
	{"asia.gcr.io/example.com/acme/shop", "artifactregistry endpoint=asia.gcr.io project=example.com:acme"},

	// Azure
	{"myregistry.azurecr.io", "azure endpoint=myregistry.azurecr.io wifEnabled=true"},
	{"myregistry.azurecr.io/team/app:1", "azure endpoint=myregistry.azurecr.io"},
	{"https://MyRegistry.azurecr.io/", "azure endpoint=myregistry.azurecr.io"},
	{"myregistry-a1b2c3d4.azurecr.io", "azure endpoint=myregistry-a1b2c3d4.azurecr.io"},
	{"myregistry.westeurope.geo.azurecr.io", "azure endpoint=myregistry.westeurope.geo.azurecr.io"},
	{"myregistry.azurecr.cn", "azure endpoint=myregistry.azurecr.cn"},
	{"myregistry.azurecr.us", "azure endpoint=myregistry.azurecr.us"},

	// Quay, Red Hat, GitHub, GitLab, IBM
	{"quay.io", "quay endpoint=quay.io registryRobotCredentials.username="},
	{"quay.io/org/app:1", "quay endpoint=quay.io registryRobotCredentials.username=org+landwaiter"},
	{"Quay.IO:443/org/app", "quay endpoint=quay.io"},
	{"http://quay.io", "quay endpoint=quay.io"},
	{"registry.redhat.io/ubi9/ubi", "rhel endpoint=registry.redhat.io"},
	{"registry.access.redhat.com/ubi9/ubi-minimal:latest", "rhel endpoint=registry.access.redhat.com username="},
	{"ghcr.io/org/app", "ghcr endpoint=https://ghcr.io"},
	{"https://ghcr.io", "ghcr endpoint=https://ghcr.io"},
	{"registry.gitlab.com/group/project/image:1", "gitlab endpoint=registry.gitlab.com username=landwaiter"},
	{"us.icr.io/team/app", "ibm endpoint=us.icr.io"},
	{"private.de.icr.io", "ibm endpoint=private.de.icr.io"},
	{"private.ca2.icr.io/team/app", "ibm endpoint=private.ca2.icr.io"},
	{"registry.connect.redhat.com/partner/app", "rhel endpoint=registry.connect.redhat.com"},
	{"icr.io", "ibm endpoint=icr.io"},
	{"cp.icr.io/cp/app", "ibm endpoint=cp.icr.io username=cp"},

	// Others
	{"acme.jfrog.io/docker-local/app:1", "artifactory endpoint=acme.jfrog.io"},
	{"fra.ocir.io/ansh81vru1zp/team/app", "oracle endpoint=fra.ocir.io"},
	{"eu-frankfurt-1.ocir.io", "oracle endpoint=eu-frankfurt-1.ocir.io"},
	{"registry.digitalocean.com/acme/app", "digitalocean endpoint=registry.digitalocean.com"},
	{"rg.fr-par.scw.cloud/team/app", "scaleway endpoint=rg.fr-par.scw.cloud"},
	{"codeberg.org/forgejo/forgejo", "gitea endpoint=codeberg.org"},
	{"registry.cn-hangzhou.aliyuncs.com/team/app", "alibaba endpoint=registry.cn-hangzhou.aliyuncs.com"},
	{"acme-registry.eu-central-1.cr.aliyuncs.com", "alibaba endpoint=acme-registry.eu-central-1.cr.aliyuncs.com"},
	{"swr.ap-southeast-1.myhuaweicloud.com/team/app", "huawei endpoint=swr.ap-southeast-1.myhuaweicloud.com"},
	{"acme.tencentcloudcr.com/team/app", "tencent endpoint=acme.tencentcloudcr.com"},

	// Own installations: what the host's name says is a guess
	{"harbor.corp.example/library/app", "harbor? endpoint=harbor.corp.example username=robot$library+landwaiter"},
	{"registry.gitlab.corp.example:5050/group/app", "gitlab? endpoint=registry.gitlab.corp.example:5050"},
	{"nexus.corp.example:8083", "nexus? endpoint=nexus.corp.example:8083"},
	{"docker-local.artifactory.corp.example", "artifactory? endpoint=docker-local.artifactory.corp.example"},
	{"http://zot.corp.example:5000", "zot? endpoint=http://zot.corp.example:5000"},
	{"quay-prod.corp.example/org/app", "quay? endpoint=quay-prod.corp.example registryRobotCredentials.username=org+landwaiter"},
	{"msr.corp.example/team/app", "msr? endpoint=msr.corp.example"},
	{"mydtr.corp.example", "docker? endpoint=mydtr.corp.example"},

	// Known public registries without a type, and registries that nobody knows
	{"registry.k8s.io/pause:3.9", "docker endpoint=registry.k8s.io"},
	{"mcr.microsoft.com", "docker endpoint=mcr.microsoft.com"},
	{"registry.example.com", "docker? endpoint=registry.example.com"},
	{"registry.example.com:5000", "docker? endpoint=registry.example.com:5000"},
	{"Registry.Example.com:443/team/app:1", "docker? endpoint=registry.example.com"},
	{"https://registry.example.com/v2/", "docker? endpoint=registry.example.com"},
	{"registry.example.com/v1/", "docker? endpoint=registry.example.com"},
	{"http://registry.example.com:8080/team/app", "docker? endpoint=http://registry.example.com:8080"},
	{"https://user:hunter2@registry.example.com/v2/", "docker? endpoint=registry.example.com"},
	{"user:hunter2@registry.example.com/team/app:1@" + digest, "docker? endpoint=registry.example.com"},
	{"https://registry.example.com/Some/Page?tab=tags#top", "docker? endpoint=registry.example.com"},
	{"localhost:5000/app", "docker? endpoint=localhost:5000"},
	{"localhost", "docker? endpoint=localhost"},
	{"10.0.0.7:5000", "docker? endpoint=10.0.0.7:5000"},
	{"[2001:db8::1]:5000/team/app", "docker? endpoint=[2001:db8::1]:5000"},
	{"[2001:DB8:0::1]", "docker? endpoint=[2001:db8::1]"},
	{"2001:db8::1", "docker? endpoint=[2001:db8::1]"},
	{"image-registry.openshift-image-registry.svc:5000/team/app", "docker? endpoint=image-registry.openshift-image-registry.svc:5000"},
	{"default-route-openshift-image-registry.apps.corp.example", "docker? endpoint=default-route-openshift-image-registry.apps.corp.example"},
	{"registry/", "docker? endpoint=registry"},

	// What is no registry
	{"", ""},
	{" ", ""},
	{"two words", ""},
	{"registry.example.com:port/app", ""},
	{"registry.example.com:70000", ""},
	{"*.azurecr.io", ""},
	{"ftp://registry.example.com", ""},
	{"https://", ""},
	{"https:///team/app", ""},
	{"https://user:hun/ter2@registry.example.com", ""},
	{"user@host:hunter2", ""},
	{"nginx@sha256:abc", ""},
	{"Team/App", ""},
	{"registry.example.com/Team/App:1", ""},
	{"-evil.example/app", ""},
	{"a..b/app", ""},
	{"[::1/app", ""},
	{"[fe80::1%eth0]/app", ""},
	{"169.254.169.254/latest", ""},
	{"metadata.google.internal", ""},
	{"app\x00", ""},
	{strings.Repeat("a", 3000), ""},
}

func all(t testing.TB) *integration.Types {
	types, err := integration.NewTypes(All()...)
	if err != nil {
		t.Fatal(err)
	}
	return types
}

func TestSuggest(t *testing.T) {
	types := all(t)
	for _, row := range suggestions {
		t.Run(strings.NewReplacer("/", "|", digest, "digest").Replace(row.pasted[:min(len(row.pasted), 100)]), func(t *testing.T) {
			s, err := types.Suggest(row.pasted)
			if row.want == "" {
				if fault.CodeOf(err) != fault.Invalid || fault.FixOf(err) == "" {
					t.Fatalf("%+v, error %v, fix %q", s, err, fault.FixOf(err))
				}
				if text := err.Error() + fault.FixOf(err); strings.Contains(text, "hunter2") || strings.Contains(text, "ter2") {
					t.Errorf("repeats a password: %s", text)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			words := strings.Fields(row.want)
			if got := shape(s); got != words[0] {
				t.Errorf("%s, want %s", got, words[0])
			}
			settings := settingsOf(t, types, s.Proposal)
			for _, word := range words[1:] {
				name, value, _ := strings.Cut(word, "=")
				if got := settings[name]; got != value {
					t.Errorf("%s=%s, want %s", name, got, value)
				}
			}
			whole, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(whole), "hunter2") {
				t.Errorf("repeats a password: %s", whole)
			}
		})
	}
}

// shape is the type and the marks of suggestions.
func shape(s integration.Suggestion) string {
	got := s.Type
	if s.Guess {
		got += "?"
	}
	if s.Warning != "" {
		got += "!"
	}
	return got
}

// draft reads a proposal as the server does when it is sent.
func draft(t *testing.T, types *integration.Types, p integration.Proposal) integration.Draft {
	t.Helper()
	body, err := json.Marshal(p.Integration)
	if err != nil {
		t.Fatal(err)
	}
	d, err := types.Decode(body)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func settingsOf(t *testing.T, types *integration.Types, p integration.Proposal) map[string]string {
	t.Helper()
	settings := map[string]string{}
	for name, value := range draft(t, types, p).Config.Values() {
		settings[name] = fmt.Sprint(value)
	}
	return settings
}

// samples are values for blanks that not every text fits.
var samples = map[string]string{
	"serviceAccount":  serviceAccountKey(),
	"huawei/username": "eu-west-101@AK",
	"oracle/username": "namespace/user",
}

func serviceAccountKey() string {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		panic(err)
	}
	key, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "acme", "private_key_id": "1", "client_email": "a@acme.iam.gserviceaccount.com",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"token_uri":   "https://oauth2.googleapis.com/token",
	})
	if err != nil {
		panic(err)
	}
	return string(key)
}

// filled is a proposal with something entered where it says that something is required.
func filled(t *testing.T, types *integration.Types, p integration.Proposal) integration.Draft {
	t.Helper()
	d := draft(t, types, p)
	for _, blank := range p.Missing {
		value := cmp.Or(samples[p.Type+"/"+blank.Name], samples[blank.Name], "landwaiter")
		switch {
		case !blank.Required:
		case blank.Secret:
			d.Config = d.Config.With(blank.Name, secret.New(value))
		default:
			d.Config = d.Config.With(blank.Name, value)
		}
	}
	return d
}

func TestSuggest_proposals_need_nothing_but_what_they_call_missing(t *testing.T) {
	types := all(t)
	seen := map[string]bool{}
	for _, row := range suggestions {
		s, err := types.Suggest(row.pasted)
		if err != nil {
			continue
		}
		for _, p := range append([]integration.Proposal{s.Proposal}, s.Alternatives...) {
			seen[p.Type] = true
			d := filled(t, types, p)
			if _, err := types.Validate(d); err != nil {
				t.Errorf("%s: %s %q: %v", row.pasted, p.Type, p.Grant.Method, err)
			}
			if len(p.Reasons) == 0 || p.Integration["name"] == "" {
				t.Errorf("%s: %s has no reason or name", row.pasted, p.Type)
			}
			if p.Grant.Method != "" && p.Grant.Summary == "" {
				t.Errorf("%s: %s %q does not say what to ask for", row.pasted, p.Type, p.Grant.Method)
			}
			for _, doc := range p.Grant.Documents {
				if strings.HasPrefix(doc.Text, "{") && !json.Valid([]byte(doc.Text)) {
					t.Errorf("%s: %s %q: %s is not JSON:\n%s", row.pasted, p.Type, p.Grant.Method, doc.Title, doc.Text)
				}
			}
		}
	}
	for _, typ := range types.All() {
		if !seen[typ.ID] && (typ.Detect != nil || len(typ.HostLabels) > 0) {
			t.Errorf("no row of the table leads to the type %s; there are %q", typ.ID, slices.Sorted(maps.Keys(seen)))
		}
	}
}

func TestSuggest_proposals_serve_the_image(t *testing.T) {
	types := all(t)
	for _, row := range suggestions {
		s, err := types.Suggest(row.pasted)
		if err != nil || s.Reference == "" {
			continue
		}
		ref, err := image.ParseReference(s.Reference)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range append([]integration.Proposal{s.Proposal}, s.Alternatives...) {
			c, err := types.Open(filled(t, types, p).Integration, integration.Deps{})
			if err != nil {
				t.Errorf("%s: %s %q: %v", row.pasted, p.Type, p.Grant.Method, err)
			} else if !c.Registry.Serves(ref) {
				t.Errorf("%s is not served by %s %q", s.Reference, p.Type, p.Grant.Method)
			}
		}
	}
}

func TestSuggest_asks_for_the_least(t *testing.T) {
	for _, row := range []struct {
		pasted, method string
		contains       []string
	}{
		{"123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/app:1", "Container IAM role", []string{
			`"arn:aws:ecr:eu-central-1:123456789012:repository/team/app"`, "ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}},
		{"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "Access keys", []string{`"arn:aws-cn:ecr:cn-north-1:123456789012:repository/*"`, "create-access-key"}},
		{"123456789012.dkr.ecr.us-gov-west-1.amazonaws.com/a/b", "Container IAM role and AssumeRole", []string{
			`"arn:aws-us-gov:iam::123456789012:role/landwaiter-pull"`, "sts:AssumeRole", "trust.json", "arn:aws-us-gov:ecr:us-gov-west-1:123456789012:repository/a/b"}},
		{"123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", "Access keys and AssumeRole", []string{`"arn:aws-eusc:iam::123456789012:role/landwaiter-pull"`}},
		{"public.ecr.aws/x/y", "Container IAM role", []string{"ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"}},
		{"us-west1-docker.pkg.dev/acme/apps/shop", "Workload identity", []string{
			"add-iam-policy-binding apps --project=acme --location=us-west1", "roles/artifactregistry.reader"}},
		{"gcr.io/example.com/acme/shop", "Service account key", []string{
			"add-iam-policy-binding gcr.io --project=example.com:acme --location=us", "landwaiter-pull@acme.example.com.iam.gserviceaccount.com"}},
		{"myregistry-a1b2.azurecr.io/team/app", "Token", []string{"az acr token create --registry myregistry --name landwaiter --repository team/app content/read metadata/read"}},
		{"myregistry.azurecr.cn", "Service principal", []string{"AzureChinaCloud", "--role AcrPull"}},
		{"quay.io/org/app", "Robot account", []string{"org+landwaiter", "repository org/app"}},
		{"ghcr.io/org/app", "Personal access token (classic)", []string{"read:packages", "package app of org"}},
		{"registry.redhat.io/ubi9", "Registry service account", []string{"terms-based-registry"}},
		{"registry.gitlab.com/g/p", "Deploy token", []string{"read_registry", "g/p"}},
		{"harbor.corp.example/shop/app", "Robot account", []string{`"namespace": "shop"`, `"action": "pull"`}},
		{"jp2.icr.io/ns/app", "API key of a service ID", []string{"--resource-type namespace --resource ns", "--roles Reader"}},
		{"image-registry.openshift-image-registry.svc:5000/shop/app", "Service account token", []string{"system:image-puller", "-n shop"}},
	} {
		s, err := all(t).Suggest(row.pasted)
		if err != nil {
			t.Errorf("%s: %v", row.pasted, err)
			continue
		}
		proposals := append([]integration.Proposal{s.Proposal}, s.Alternatives...)
		i := slices.IndexFunc(proposals, func(p integration.Proposal) bool { return p.Grant.Method == row.method })
		if i < 0 {
			t.Errorf("%s: no %s", row.pasted, row.method)
			continue
		}
		g := proposals[i].Grant
		text := g.Summary + "\n" + strings.Join(g.Steps, "\n")
		for _, d := range g.Documents {
			text += "\n" + d.Title + "\n" + d.Text
		}
		for _, want := range row.contains {
			if !strings.Contains(text, want) {
				t.Errorf("%s, %s lacks %s:\n%s", row.pasted, row.method, want, text)
			}
		}
	}
}

func FuzzSuggest(f *testing.F) {
	types := all(f)
	for _, row := range suggestions {
		f.Add(row.pasted)
	}
	f.Fuzz(func(t *testing.T, pasted string) {
		s, err := types.Suggest(pasted)
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		again, err := types.Suggest(s.Host)
		if strings.ContainsAny(s.Host, ".[") && (err != nil || again.Host != s.Host) {
			t.Errorf("%q is at %q, which is %q: %v", pasted, s.Host, again.Host, err)
		}
	})
}

// A host whose every label could begin or end a look-alike costs about as much as any other.
func BenchmarkSuggest_long_host(b *testing.B) {
	types := all(b)
	host := strings.Repeat("a.", 120) + "example"
	for b.Loop() {
		if _, err := types.Suggest(host); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSuggest(b *testing.B) {
	types := all(b)
	for b.Loop() {
		if _, err := types.Suggest("123456789012.dkr.ecr.us-east-1.amazonaws.com/team/app:1"); err != nil {
			b.Fatal(err)
		}
	}
}
