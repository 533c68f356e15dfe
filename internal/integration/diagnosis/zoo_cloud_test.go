package diagnosis_test

import (
	"io"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/integrations/google/googletest"
	"github.com/landwaiter/landwaiter/internal/typestest"
)

// cloud is a way to sign in to a cloud's registry, with what is changed in its settings.
func cloud(typ, name string, change map[string]any, say ...string) func(*testing.T, *patient) {
	return func(t *testing.T, p *patient) {
		for _, way := range typestest.Ways() {
			if way.Type != typ || way.Name != name {
				continue
			}
			w := way.Start(t)
			p.typ, p.settings, p.says = typ, maps.Clone(w.Settings), say
			maps.Copy(p.settings, change)
			p.image = w.Image
			if change["region"] != nil {
				p.image = ""
				w.Add("123456789012.dkr.ecr.eu-central-1.amazonaws.com", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("WWW-Authenticate", `Basic realm="ecr"`)
					w.WriteHeader(http.StatusUnauthorized)
				}))
			}
			p.client.Transport = w.Transport()
			p.deps.Now, p.deps.HTTP, p.deps.Identity = time.Now, w.Transport(), w.Machine.Variable
			return
		}
		t.Fatalf("no way %s of %s", name, typ)
	}
}

// twice says that the same is found where the type looks at the identity, and where the credential is asked for.
func twice(finding, step string, begin func(*testing.T, *patient)) row {
	return row{finding: finding, step: step, begin: and(begin, finding)}
}

func (r row) called(name string) row {
	r.name = name
	return r
}

// cloudRows are about the identities that clouds lend credentials to.
var cloudRows = []row{
	twice("ecr-wrong-external-id", "ecr-role-1", cloud("ecr", "access keys and a role", map[string]any{"assumeRoleExternalId": "other-ID"}, "external ID")).called("wrong external ID"),
	twice("ecr-wrong-region", "ecr-token", cloud("ecr", "access keys", map[string]any{"region": "eu-central-1"}, "eu-central-1")).called("wrong region"),
	{"a region that does not exist", "host-unknown", "name-resolution", cloud("ecr", "access keys", map[string]any{"region": "us-east-9"}, "us-east-9", "region")},
	twice("ecr-pushed-expired", "ecr-pushed", cloud("ecr", "access keys", map[string]any{
		"accessKeyId": "", "secretAccessKey": "", "authorizationData.username": "AWS", "authorizationData.password": zooRight, "authorizationData.expiresAt": "2026-01-02T03:04:05Z",
	}, "2026")).called("an expired ECR token that was pushed"),
	{"an expired ECR token as a password", "credential-expired", "credential", func(t *testing.T, p *patient) {
		f := p.fake(t, nil, registrytest.Quirks{Challenge: []string{`Basic realm="https://123456789012.dkr.ecr.us-east-1.amazonaws.com/",service="ecr.amazonaws.com"`},
			Answer: func(w http.ResponseWriter, r *http.Request) bool {
				if r.Header.Get("Authorization") == "" {
					return false
				}
				w.WriteHeader(http.StatusForbidden)
				io.WriteString(w, `{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}`)
				return true
			}})
		p.at(f.URL, "AWS", zooRight)
		p.says = []string{"AWS", "Your authorization token has expired"}
	}},
	twice("ecr-wrong-secret-key", "ecr-identity", cloud("ecr", "access keys", map[string]any{"secretAccessKey": zooWrong})).called("wrong secret access key"),
	twice("ecr-unknown-key", "ecr-identity", cloud("ecr", "access keys", map[string]any{"accessKeyId": "AKIAMARKEDOTHER"})).called("unknown access key"),
	twice("ecr-assume-role-denied", "ecr-role-1", cloud("ecr", "web identity", map[string]any{"useAssumeRole": true, "assumeRoleId": "arn:aws:iam::123456789012:role/other"}, "role/other")).called("a role that may not be assumed"),
	twice("quay-no-such-robot", "quay-user", cloud("quay", "federation of Quay", map[string]any{"registryRobotCredentials.username": "org+other"}, "org+other")).called("a robot that is not federated"),
	{"an identity that cannot be had, for a reason without a name", "cloud-sign-in-failed", "sign-in", func(t *testing.T, p *patient) {
		p.real(t, registrytest.Options{})
		p.lends = fault.New(fault.Unavailable, "ask the vault", "it is sealed").WithFix("Unseal the vault.")
		p.says = []string{"ask the vault: it is sealed", "Unseal the vault."}
	}},
	twice("azure-pod-token-signature", "azure-identity", cloud("azure", "password", map[string]any{"wifEnabled": true})).called("a pod token of another signer"),
	twice("google-no-service-account", "artifactregistry-token", cloud("artifactregistry", "key", map[string]any{
		"serviceAccount": googletest.ServiceAccountKey(func(k map[string]any) { k["client_email"] = "nobody@my-project.iam.gserviceaccount.com" }),
	}, "nobody@my-project")).called("a key of an account that is gone"),
}
