package google

import (
	"context"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/fault"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/integrations/google/googletest"
)

func TestTypes(t *testing.T) {
	t.Run("artifactregistry", func(t *testing.T) {
		integrationtest.Run(t, ArtifactRegistry(), integrationtest.Case{
			Settings: map[string]any{endpoint: googletest.Host, project: "my-project", serviceAccount: googletest.ServiceAccountKey(nil)},
			Image:    googletest.Host + "/my-project/repo/app:1",
			Endpoint: "https://" + googletest.Host,
		})
	})
	t.Run("google", func(t *testing.T) {
		integrationtest.Run(t, Type(), integrationtest.Case{
			Settings: map[string]any{endpoint: "https://gcr.io", project: "example.com:app", serviceAccount: googletest.ServiceAccountKey(nil)},
			Image:    "gcr.io/example.com/app/image:1",
			Endpoint: "https://gcr.io",
		})
		if !strings.Contains(Type().Retired, "Artifact Registry") {
			t.Error("people are not told what to use instead")
		}
	})
}

func TestPull_with_a_service_account_key(t *testing.T) {
	c := googletest.New(t)
	pushed := registrytest.Push(t, c.Registry, "my-project/repo/app", "1", registrytest.Image{})
	candidate := c.Open(ArtifactRegistry(), map[string]any{endpoint: googletest.Host, project: "my-project", serviceAccount: googletest.ServiceAccountKey(nil)}, nil)
	ref := integrationtest.Reference(t, googletest.Host+"/my-project/repo/app:1")
	client := c.Client()
	for range 3 {
		got, err := client.Pull(t.Context(), candidate.Source(t.Context(), ref), ref, image.Platform{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got.Digest != pushed.Digest {
			t.Errorf("pulled %s, pushed %s", got.Digest, pushed.Digest)
		}
	}
	exchanges := 0
	line := strings.Split(googletest.PrivateKeyPEM(), "\n")[3]
	for _, r := range c.Requests() {
		if r.Path == "/token" {
			exchanges++
		}
		if strings.Contains(r.Dump, line) {
			t.Errorf("the private key was sent to %s", r.Host)
		}
		if strings.Contains(r.Dump, "ya29.") && r.Host != googletest.Host {
			t.Errorf("an access token was sent to %s", r.Host)
		}
		if strings.Contains(r.Dump, "assertion=") && r.Host != "oauth2.googleapis.com" {
			t.Errorf("an assertion was sent to %s", r.Host)
		}
	}
	if exchanges != 1 {
		t.Errorf("%d exchanges of the key for a token, want 1", exchanges)
	}

	c.Revoke()
	if _, err := client.Resolve(t.Context(), candidate.Source(t.Context(), ref), ref); err != nil {
		t.Errorf("after the token was revoked: %v", err)
	}
	if n := count(c.Requests(), "oauth2.googleapis.com"); n != 1 {
		t.Errorf("%d exchanges after the token was revoked, want one more", n)
	}
}

func document(members map[string]any) string {
	raw, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func credential(t *testing.T, candidate integration.Candidate) (distribution.Credential, error) {
	t.Helper()
	return candidate.Source(t.Context(), integrationtest.Reference(t, googletest.Host+"/my-project/repo/app:1")).Credential(t.Context())
}

func count(requests []integrationtest.Sent, host string) int {
	n := 0
	for _, r := range requests {
		if r.Host == host {
			n++
		}
	}
	return n
}

func TestCredential_says_when_it_ends(t *testing.T) {
	c := googletest.New(t)
	got, err := credential(t, c.Open(ArtifactRegistry(), map[string]any{endpoint: googletest.Host, serviceAccount: googletest.ServiceAccountKey(nil)}, nil))
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(got.Expires); got.Username != "oauth2accesstoken" || left < 59*time.Minute || left > time.Hour {
		t.Errorf("%s for %s", got.Username, left)
	}
}

func TestServiceAccountKey_refusals_are_explained(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*googletest.Cloud)
		key    func(map[string]any)
		code   fault.Code
		fix    string
	}{
		{"this machine's clock is late", func(c *googletest.Cloud) { c.Skew = 2 * time.Hour }, nil, fault.Unauthenticated, "clock"},
		{"this machine's clock is early", func(c *googletest.Cloud) { c.Skew = -2 * time.Hour }, nil, fault.Unauthenticated, "clock"},
		{"deleted account", func(c *googletest.Cloud) { c.Deleted = true }, nil, fault.Unauthenticated, "does not exist any more"},
		{"disabled account", func(c *googletest.Cloud) { c.Disabled = true }, nil, fault.Unauthenticated, "gcloud iam service-accounts enable " + googletest.Account},
		{"deleted key", nil, func(k map[string]any) { k["private_key_id"] = "key-0" }, fault.Unauthenticated, "keys create"},
		{"throttled", func(c *googletest.Cloud) {
			c.Add("oauth2.googleapis.com", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "slow down", 429) }))
		}, nil, fault.Limited, "Try again later"},
		{"broken", func(c *googletest.Cloud) {
			c.Add("oauth2.googleapis.com", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", 503) }))
		}, nil, fault.Unavailable, "status.cloud.google.com"},
		{"redirected", func(c *googletest.Cloud) {
			c.Add("oauth2.googleapis.com", http.RedirectHandler("https://evil.example/", http.StatusTemporaryRedirect))
		}, nil, fault.Unavailable, "stands between"},
		{"answered by something else", func(c *googletest.Cloud) {
			c.Add("oauth2.googleapis.com", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("{}")) }))
		}, nil, fault.Unavailable, ""},
		{"unreachable", nil, func(k map[string]any) { k["token_uri"] = "https://oauth2-corp.p.googleapis.com/token" }, fault.Unavailable, "reaches Google's services"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := googletest.New(t)
			c.Add("evil.example", http.NotFoundHandler())
			if test.change != nil {
				test.change(c)
			}
			_, err := credential(t, c.Open(ArtifactRegistry(), map[string]any{endpoint: googletest.Host, serviceAccount: googletest.ServiceAccountKey(test.key)}, nil))
			explained(t, err, test.code, test.fix)
			if count(c.Requests(), "evil.example") > 0 {
				t.Error("a redirect was followed")
			}
		})
	}
}

func explained(t *testing.T, err error, code fault.Code, fix string) {
	t.Helper()
	if err == nil {
		t.Fatal("signed in")
	}
	if fault.CodeOf(err) != code || !strings.Contains(fault.FixOf(err), fix) {
		t.Errorf("%v (%s), fix %q; want %s, %q", err, fault.CodeOf(err), fault.FixOf(err), code, fix)
	}
	text := err.Error() + fault.FixOf(err)
	for _, leak := range []string{strings.Split(googletest.PrivateKeyPEM(), "\n")[3], "BEGIN PRIVATE", "eyJ", "ya29."} {
		if strings.Contains(text, leak) {
			t.Errorf("%q is shown in %q", leak, text)
		}
	}
}

func TestWorkloadIdentity_metadata_server(t *testing.T) {
	wif := map[string]any{endpoint: googletest.Host, wifEnabled: true}
	for host, m := range map[string]integrationtest.Machine{"169.254.169.254": nil, "metadata.corp.example": {metadataHost: "metadata.corp.example"}} {
		t.Run("at_"+host, func(t *testing.T) {
			c := googletest.New(t)
			pushed := registrytest.Push(t, c.Registry, "any-project/repo/app", "1", registrytest.Image{})
			c.Add(host+":80", http.HandlerFunc(c.Metadata))
			candidate := c.Open(ArtifactRegistry(), wif, m)
			ref := integrationtest.Reference(t, googletest.Host+"/any-project/repo/app:1")
			got, err := c.Client().Resolve(t.Context(), candidate.Source(t.Context(), ref), ref)
			if err != nil || got.Digest != pushed.Digest {
				t.Fatalf("resolved %v: %v", got, err)
			}
			for _, r := range c.Requests() {
				if r.Host != host && r.Host != googletest.Host {
					t.Errorf("%s was asked", r.Host)
				}
			}
		})
	}
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc // nil: there is none
		code   fault.Code
		fix    string
	}{
		{"not there", nil, fault.Unavailable, "only on Google Cloud"},
		{"machine without a service account", http.NotFound, fault.NotFound, "Attach one"},
		{"pod that may not act as its account", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "Unable to generate access token; IAM returned 403 Forbidden: Permission 'iam.serviceAccounts.getAccessToken' denied", http.StatusForbidden)
		}, fault.Forbidden, "roles/iam.workloadIdentityUser"},
		{"somebody else", func(w http.ResponseWriter, _ *http.Request) {
			integrationtest.Answer(w, http.StatusOK, map[string]any{"access_token": "ya29.evil", "expires_in": 3600})
		}, fault.Unavailable, "only on Google Cloud"},
		{"no token", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Metadata-Flavor", "Google")
			w.Write([]byte("{}"))
		}, fault.Unavailable, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := googletest.New(t)
			if test.answer != nil {
				c.Add("169.254.169.254:80", test.answer)
			}
			_, err := credential(t, c.Open(ArtifactRegistry(), wif, nil))
			explained(t, err, test.code, test.fix)
		})
	}
}

func TestWorkloadIdentity_federation(t *testing.T) {
	wif := map[string]any{endpoint: googletest.Host, wifEnabled: true}
	withoutImpersonation := func(k map[string]any) { delete(k, "service_account_impersonation_url") }
	for _, test := range []struct {
		name    string
		subject func(*integrationtest.Claims)
		config  func(map[string]any)
		change  func(*googletest.Cloud)
		token   string // instead of the one of subject
		code    fault.Code
		fix     string // "": signs in
	}{
		{name: "as a service account"},
		{name: "as itself", config: withoutImpersonation},
		{name: "wrong audience", subject: func(c *integrationtest.Claims) { c.Audience = "kubernetes" }, code: fault.Unauthenticated, fix: "allowed audiences"},
		{name: "expired", subject: func(c *integrationtest.Claims) { c.Issued, c.Expires = 1, 2 }, code: fault.Unauthenticated, fix: "renewed"},
		{name: "wrong signature", token: tampered(), code: fault.Unauthenticated, fix: "keys of its issuer"},
		{name: "unknown issuer", subject: func(c *integrationtest.Claims) { c.Issuer = "https://other.example" }, code: fault.Unauthenticated, fix: "provider's issuer"},
		{name: "unknown provider", config: func(k map[string]any) { k["audience"] = googletest.Provider + "2" }, code: fault.Unauthenticated, fix: "does not exist or is disabled"},
		{name: "attribute condition", change: func(c *googletest.Cloud) { c.Condition = true }, code: fault.Unauthenticated, fix: "attribute condition"},
		{name: "not bound to the service account", change: func(c *googletest.Cloud) { c.Forbidden = true }, code: fault.Forbidden, fix: "roles/iam.workloadIdentityUser"},
		{name: "unknown service account", config: func(k map[string]any) {
			k["service_account_impersonation_url"] = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/nobody:generateAccessToken"
		}, code: fault.NotFound, fix: "does not exist"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := googletest.New(t)
			if test.change != nil {
				test.change(c)
			}
			subject := test.token
			if subject == "" {
				subject = googletest.SubjectToken(test.subject)
			}
			m := integrationtest.Machine{credentialFile: integrationtest.File(t, googletest.Federation(map[string]any{"file": integrationtest.File(t, subject)}, test.config))}
			candidate := c.Open(ArtifactRegistry(), wif, m)
			if test.fix != "" {
				_, err := credential(t, candidate)
				explained(t, err, test.code, test.fix)
				return
			}
			pushed := registrytest.Push(t, c.Registry, "my-project/repo/app", "1", registrytest.Image{})
			ref := integrationtest.Reference(t, googletest.Host+"/my-project/repo/app:1")
			got, err := c.Client().Resolve(t.Context(), candidate.Source(t.Context(), ref), ref)
			if err != nil || got.Digest != pushed.Digest {
				t.Fatalf("resolved %v: %v", got, err)
			}
			for _, r := range c.Requests() {
				if strings.Contains(r.Dump, subject) && r.Host != "sts.googleapis.com" {
					t.Errorf("the identity's token was sent to %s", r.Host)
				}
			}
		})
	}
}

// tampered is a token whose claims were changed after it was signed.
func tampered() string {
	mine, other := strings.Split(googletest.SubjectToken(nil), "."), strings.Split(googletest.SubjectToken(func(c *integrationtest.Claims) { c.Subject = "admin" }), ".")
	return mine[0] + "." + other[1] + "." + mine[2]
}

func TestWorkloadIdentity_credential_file(t *testing.T) {
	wif := map[string]any{endpoint: googletest.Host, wifEnabled: true}
	t.Run("may be a service account key", func(t *testing.T) {
		c := googletest.New(t)
		got, err := credential(t, c.Open(ArtifactRegistry(), wif, integrationtest.Machine{credentialFile: integrationtest.File(t, googletest.ServiceAccountKey(nil))}))
		if err != nil || c.Whose(got.Password.Reveal()) != googletest.Account {
			t.Errorf("signed in as %q: %v", c.Whose(got.Password.Reveal()), err)
		}
	})
	t.Run("is read again for the next token", func(t *testing.T) {
		c := googletest.New(t)
		m := integrationtest.Machine{credentialFile: integrationtest.File(t, "{}")}
		candidate := c.Open(ArtifactRegistry(), wif, m)
		if _, err := credential(t, candidate); err == nil {
			t.Fatal("signed in with nothing")
		}
		m[credentialFile] = integrationtest.File(t, googletest.ServiceAccountKey(nil))
		if _, err := credential(t, candidate); err != nil {
			t.Error(err)
		}
	})
	t.Run("is not asked for with a key", func(t *testing.T) {
		c := googletest.New(t)
		_, err := credential(t, c.Open(ArtifactRegistry(), map[string]any{endpoint: googletest.Host, serviceAccount: googletest.ServiceAccountKey(nil)}, integrationtest.Machine{credentialFile: "/does/not/exist"}))
		if err != nil {
			t.Error(err)
		}
	})
	for name, content := range map[string]string{
		"authorized_user": `{"type":"authorized_user","refresh_token":"1//eyJsecret"}`,
		"executable":      googletest.Federation(map[string]any{"executable": map[string]any{"command": "/bin/true"}}, nil),
		"foreign STS":     googletest.Federation(map[string]any{"file": "/x"}, func(k map[string]any) { k["token_url"] = "https://sts.evil.example" }),
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			c := googletest.New(t)
			_, err := credential(t, c.Open(ArtifactRegistry(), wif, integrationtest.Machine{credentialFile: integrationtest.File(t, content), metadataHost: "metadata.corp.example"}))
			explained(t, err, fault.Internal, "")
			if n := len(c.Requests()); n > 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
	t.Run("missing token", func(t *testing.T) {
		c := googletest.New(t)
		_, err := credential(t, c.Open(ArtifactRegistry(), wif, integrationtest.Machine{credentialFile: integrationtest.File(t, googletest.Federation(map[string]any{"file": "/does/not/exist"}, nil))}))
		explained(t, err, fault.Internal, "Mount the token")
	})
}

func TestFederation_in_the_integration(t *testing.T) {
	c := googletest.New(t)
	c.Add("169.254.169.254:80", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Metadata") != "True" || r.URL.Path != "/metadata/identity/oauth2/token" {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		integrationtest.Answer(w, http.StatusOK, map[string]string{"access_token": googletest.SubjectToken(nil)})
	}))
	source := map[string]any{
		"url":     "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=api://app",
		"headers": map[string]string{"Metadata": "True"}, "format": map[string]string{"type": "json", "subject_token_field_name": "access_token"},
	}
	got, err := credential(t, c.Open(ArtifactRegistry(), map[string]any{endpoint: googletest.Host, serviceAccount: googletest.Federation(source, nil)}, nil))
	if err != nil || c.Whose(got.Password.Reveal()) != googletest.Account {
		t.Errorf("signed in as %q: %v", c.Whose(got.Password.Reveal()), err)
	}
}

// A pasted configuration names a file itself, so that what is in there must be meant for it.
func TestFederation_shows_no_token_that_was_issued_for_another(t *testing.T) {
	folder := t.TempDir()
	before := tokenFolders
	tokenFolders = []string{folder + "/"}
	t.Cleanup(func() { tokenFolders = before })
	withAudience := func(text string) string {
		return "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString([]byte(`{"aud":`+text+`}`)) + ".c2ln"
	}
	for name, test := range map[string]struct {
		token string
		is    bool
	}{
		"the provider's":             {googletest.SubjectToken(nil), true},
		"the cluster's own":          {withAudience(`["https://kubernetes.default.svc"]`), false},
		"one among others":           {withAudience(`["https://kubernetes.default.svc","https:` + googletest.Provider + `"]`), false},
		"another provider's":         {googletest.SubjectToken(func(c *integrationtest.Claims) { c.Audience = "https:" + googletest.Provider + "2" }), false},
		"a token without audience":   {withAudience(`null`), false},
		"a secret that is no token":  {"hunter2-is-a-database-password", false},
		"a token whose claims break": {"a.b.c", false},
	} {
		t.Run(name, func(t *testing.T) {
			path := folder + "/token"
			if err := os.WriteFile(path, []byte(test.token), 0o600); err != nil {
				t.Fatal(err)
			}
			c := googletest.New(t)
			_, err := credential(t, c.Open(ArtifactRegistry(), map[string]any{
				endpoint: googletest.Host, serviceAccount: googletest.Federation(map[string]any{"file": path}, nil),
			}, nil))
			if test.is {
				if err != nil {
					t.Error(err)
				}
				return
			}
			explained(t, err, fault.Unauthenticated, "https:"+googletest.Provider)
			if n := len(c.Requests()); n != 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func validate(t *testing.T, settings string) error {
	t.Helper()
	types, err := integration.NewTypes(ArtifactRegistry())
	if err != nil {
		t.Fatal(err)
	}
	d, err := types.Decode([]byte(`{"name":"n","type":"artifactregistry","categories":["REGISTRY"],"google":` + settings + `}`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = types.Validate(d)
	return err
}

func TestValidate(t *testing.T) {
	with := func(at, p, key string, wif bool) string {
		return document(map[string]any{"endpoint": at, "project": p, "serviceAccount": key, "wifEnabled": wif})
	}
	key := googletest.ServiceAccountKey(nil)
	for name, settings := range map[string]string{
		"key":                          with(googletest.Host, "", key, false),
		"key at a proxy":               with("registry.corp.example:5000", "", key, false),
		"key without token_uri":        with(googletest.Host, "", googletest.ServiceAccountKey(func(k map[string]any) { delete(k, "token_uri") }), false),
		"workload identity":            with("https://EU.gcr.io/", "", "", true),
		"workload identity, key left":  with("gcr.io", "", "no JSON", true),
		"sovereign cloud":              with("docker.s3nsregistry.fr", "", "", true),
		"project of a domain":          with(googletest.Host, "Example.com:my-project", key, false),
		"federation by a mounted file": with(googletest.Host, "", googletest.Federation(map[string]any{"file": "/var/run/secrets/tokens/gcp"}, nil), false),
		"regional STS":                 with(googletest.Host, "", googletest.Federation(map[string]any{"file": "/run/secrets/gcp"}, func(k map[string]any) { k["token_url"] = "https://sts.us-east1.rep.googleapis.com/v1/token" }), false),
	} {
		if err := validate(t, settings); err != nil {
			t.Errorf("%s is refused: %v", name, err)
		}
	}

	federated := func(source map[string]any, change func(map[string]any)) string {
		return with(googletest.Host, "", googletest.Federation(source, change), false)
	}
	set := func(name string, v any) func(map[string]any) { return func(k map[string]any) { k[name] = v } }
	fileSource := map[string]any{"file": "/run/secrets/gcp"}
	for _, test := range []struct{ name, settings, want string }{
		{"no key", with(googletest.Host, "", "", false), "Valid JSON is required for service account key"},
		{"no JSON", with(googletest.Host, "", "hunter2", false), "Valid JSON is required"},
		{"JSON of another kind", with(googletest.Host, "", `["hunter2"]`, false), "not the JSON document of a Google credential"},
		{"no endpoint", with("", "", key, false), "An endpoint is required"},
		{"user credentials", with(googletest.Host, "", `{"type":"authorized_user","refresh_token":"hunter2"}`, false), "type authorized_user is not accepted"},
		{"impersonation of users", with(googletest.Host, "", `{"type":"impersonated_service_account"}`, false), "type impersonated_service_account is not accepted"},
		{"unknown type", with(googletest.Host, "", `{"type":"hunter2"}`, false), "it must be service_account or external_account"},
		{"no type", with(googletest.Host, "", `{"key":"hunter2"}`, false), "it must be service_account or external_account"},
		{"no private key", with(googletest.Host, "", googletest.ServiceAccountKey(set("private_key", "")), false), "no client_email or no private_key"},
		{"private key cut off", with(googletest.Host, "", googletest.ServiceAccountKey(set("private_key", "-----BEGIN PRIVATE KEY-----\nhunter2")), false), "no RSA key in PEM form"},
		{"token service of another", with(googletest.Host, "", googletest.ServiceAccountKey(set("token_uri", "https://evil.example/hunter2")), false), "token_uri"},
		{"token service in plain text", with(googletest.Host, "", googletest.ServiceAccountKey(set("token_uri", "http://oauth2.googleapis.com/token")), false), "token_uri"},
		{"token service that looks alike", with(googletest.Host, "", googletest.ServiceAccountKey(set("token_uri", "https://oauth2.googleapis.com.evil.example/token")), false), "token_uri"},
		{"token service behind a user name", with(googletest.Host, "", googletest.ServiceAccountKey(set("token_uri", "https://oauth2.googleapis.com@evil.example/token")), false), "token_uri"},
		{"bucket as token service", with(googletest.Host, "", googletest.ServiceAccountKey(set("token_uri", "https://oauth2.storage.googleapis.com/token")), false), "token_uri"},
		{"another universe", with(googletest.Host, "", googletest.ServiceAccountKey(set("universe_domain", "evil.example")), false), "universe"},
		{"STS of another", federated(fileSource, set("token_url", "https://sts.evil.example/v1/token")), "token_url"},
		{"bucket as STS", federated(fileSource, set("token_url", "https://sts.storage.googleapis.com/v1/token")), "token_url"},
		{"impersonation at another", federated(fileSource, set("service_account_impersonation_url", "https://evil.example/")), "service_account_impersonation_url"},
		{"program", federated(map[string]any{"executable": map[string]any{"command": "/bin/hunter2"}}, nil), "runs a program"},
		{"program beside a file", federated(map[string]any{"file": "/run/secrets/gcp", "executable": map[string]any{"command": "/bin/hunter2"}}, nil), "runs a program"},
		{"any file", federated(map[string]any{"file": "/etc/shadow"}, nil), "a file outside of"},
		{"any file by detour", federated(map[string]any{"file": "/var/run/secrets/../../../etc/shadow"}, nil), "a file outside of"},
		{"folder with a like name", federated(map[string]any{"file": "/run/secrets2/x"}, nil), "a file outside of"},
		{"token of Azure for anything", federated(map[string]any{"url": azureIdentity + "api-version=2018-02-01&resource=https://management.azure.com/"}, nil), "for an application of yours"},
		{"token of Azure for two", federated(map[string]any{"url": azureIdentity + "resource=api://app&resource=https://management.azure.com/"}, nil), "for an application of yours"},
		{"token of Azure for nothing", federated(map[string]any{"url": azureIdentity}, nil), "for an application of yours"},
		{"any address", federated(map[string]any{"url": "http://10.0.0.1/"}, nil), "neither a file nor the identity service of Azure"},
		{"Google's metadata", federated(map[string]any{"url": "http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token"}, nil), "neither a file nor"},
		{"AWS", federated(map[string]any{"environment_id": "aws1"}, nil), "at AWS"},
		{"nothing", federated(map[string]any{}, nil), "neither a file nor"},
		{"no source", federated(nil, nil), "no credential_source"},
		{"machine's identity for another host", with("registry.corp.example", "", "", true), "the identity of this machine is shown to no other"},
		{"machine's identity for a look-alike", with("us-docker.pkg.dev.evil.example", "", "", true), "the identity of this machine is shown to no other"},
		{"machine's identity in plain text", with("http://gcr.io", "", "", true), "the identity of this machine is shown to no other"},
		{"machine's identity at another port", with("gcr.io:8443", "", "", true), "the identity of this machine is shown to no other"},
		{"federated identity for another host", with("evil.example", "", googletest.Federation(fileSource, nil), false), "the identity of this machine is shown to no other"},
		{"repository as project", with(googletest.Host, "my-project/repo", key, false), "not a project ID"},
		{"image as project", with(googletest.Host, "my project", key, false), "not a project ID"},
	} {
		err := validate(t, test.settings)
		if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s gives %v, want %q", test.name, err, test.want)
		}
		if text := err.Error() + fault.FixOf(err); strings.Contains(text, "hunter2") || strings.Contains(text, "BEGIN") {
			t.Errorf("%s shows what was sent: %s", test.name, text)
		}
	}
}

func TestValidate_the_categories_of_Container_Registry(t *testing.T) {
	types, err := integration.NewTypes(Type())
	if err != nil {
		t.Fatal(err)
	}
	key := map[string]any{endpoint: "gcr.io", serviceAccount: googletest.ServiceAccountKey(nil)}
	withProject := map[string]any{endpoint: "gcr.io", project: "my-project", serviceAccount: googletest.ServiceAccountKey(nil)}
	identity := map[string]any{endpoint: "gcr.io", project: "my-project", wifEnabled: true}
	registry, scanner := []integration.Category{integration.CategoryRegistry}, []integration.Category{integration.CategoryScanner}
	both := slices.Concat(registry, scanner)
	for _, test := range []struct {
		name       string
		categories []integration.Category
		settings   map[string]any
		want       string // "" if it is allowed
	}{
		{"registry", registry, key, ""},
		{"registry, workload identity", registry, identity, ""},
		{"scanner", scanner, withProject, ""},
		{"both", both, withProject, ""},
		{"scanner without a project", scanner, key, "A project is required"},
		{"both with workload identity", both, identity, "not possible for a scanner"},
	} {
		_, err := types.Validate(integration.Draft{Integration: integration.Integration{
			Name: "n", Type: "google", Categories: test.categories, Config: integrationtest.Config(Type(), test.settings),
		}})
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: refused: %v", test.name, err)
		case test.want != "" && (fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

func TestValidate_drops_the_key_that_workload_identity_replaces(t *testing.T) {
	types, err := integration.NewTypes(ArtifactRegistry())
	if err != nil {
		t.Fatal(err)
	}
	d, err := types.Decode([]byte(`{"name":"n","type":"artifactregistry","categories":[0],"google":` +
		document(map[string]any{"endpoint": "gcr.io", "wifEnabled": true, "serviceAccount": googletest.ServiceAccountKey(nil)}) + `}`))
	if err == nil {
		d, err = types.Validate(d)
	}
	if err != nil || d.Config.Secret(serviceAccount).IsSet() {
		t.Errorf("kept %v: %v", d.Config, err)
	}
}

func TestDetect(t *testing.T) {
	for _, host := range []string{
		"us-west1-docker.pkg.dev", "us-docker.pkg.dev", "europe-docker.pkg.dev", "asia-docker.pkg.dev", "europe-west12-docker.pkg.dev",
		"northamerica-northeast1-docker.pkg.dev", "me-central2-docker.pkg.dev", "gcr.io", "us.gcr.io", "eu.gcr.io", "asia.gcr.io", "docker.s3nsregistry.fr",
	} {
		if c, ok := ArtifactRegistry().Detect(host); !ok || c.Text(endpoint) != host {
			t.Errorf("%s is detected as %v, %t", host, c, ok)
		}
		if _, ok := Type().Detect(host); ok != strings.HasSuffix(host, "gcr.io") {
			t.Errorf("%s is detected as Container Registry: %t", host, ok)
		}
	}
	for _, host := range []string{
		"", "pkg.dev", "docker.pkg.dev", "-docker.pkg.dev", "us-west1-docker.pkg.dev.evil.example", "evil.example-docker.pkg.dev", "us-west1-docker-pkg.dev",
		"us-west1-docker.pkg.dev:443", "us-west1-dockerxpkg.dev", "us--west1-docker.pkg.dev", "us-west1-npm.pkg.dev", "us-west1-python.pkg.dev",
		"us-west1-docker.pkg.dev@evil.example", "us-west1-docker.pkg.dev/x", "US-docker.pkg.dev", "us-west1-docker.pkg.dev.",
		"evilgcr.io", "evil-gcr.io", "gcr.io.evil.example", "evil.gcr.io", "xus.gcr.io", "us.us.gcr.io", "k8s.gcr.io", "mirror.gcr.io", "gcr.io\n", "ghcr.io",
		"evil.docker.s3nsregistry.fr", "s3nsregistry.fr", "docker.s3nsregistry.fr.evil.example",
	} {
		if _, ok := ArtifactRegistry().Detect(host); ok {
			t.Errorf("%q is detected", host)
		}
	}
}

func TestServes_the_project(t *testing.T) {
	for _, test := range []struct {
		project     string
		served, not []string
	}{
		{"", []string{"my-project/repo/app", "app"}, nil},
		{"my-project", []string{"my-project/repo/app", "my-project/app"}, []string{"my-project-2/repo/app", "my-projec/t/app", "my-project", "other/my-project/app"}},
		{"My-Project", []string{"my-project/app"}, []string{"other/app"}},
		{"example.com:app", []string{"example.com/app/image"}, []string{"example.com/app2/image", "example.com/application/x", "app/image"}},
		{"s3ns:app", []string{"s3ns/app/repo/image"}, []string{"s3ns/other/repo/image"}},
		{"example.com/app", []string{"example.com/app/image"}, []string{"example.com/other/image"}},
	} {
		c := googletest.New(t)
		r := c.Open(ArtifactRegistry(), map[string]any{endpoint: googletest.Host, project: test.project, wifEnabled: true}, nil).Registry
		for _, repository := range slices.Concat(test.served, test.not) {
			want := slices.Contains(test.served, repository)
			if got := r.Serves(image.Reference{Registry: googletest.Host, Repository: repository, Tag: "1"}); got != want {
				t.Errorf("project %q serves %s: %t", test.project, repository, got)
			}
		}
	}
}

func TestOpen_asks_nothing(t *testing.T) {
	c := googletest.New(t)
	c.Open(ArtifactRegistry(), map[string]any{endpoint: googletest.Host, wifEnabled: true}, integrationtest.Machine{credentialFile: "/does/not/exist"})
	if n := len(c.Requests()); n > 0 {
		t.Errorf("%d requests", n)
	}
}

func TestCredential_ends_with_its_context(t *testing.T) {
	c := googletest.New(t)
	stuck := make(chan struct{})
	defer close(stuck)
	c.Add("oauth2.googleapis.com", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stuck }))
	candidate := c.Open(ArtifactRegistry(), map[string]any{endpoint: googletest.Host, serviceAccount: googletest.ServiceAccountKey(nil)}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := candidate.Source(t.Context(), integrationtest.Reference(t, googletest.Host+"/p/r/app:1")).Credential(ctx); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestParseKey_refuses_a_huge_private_key_at_once(t *testing.T) {
	one := big.NewInt(1)
	half := new(big.Int).Lsh(one, 1<<17)
	p, q := new(big.Int).Sub(half, big.NewInt(3)), new(big.Int).Sub(half, big.NewInt(5))
	n := new(big.Int).Mul(p, q)
	der, err := asn1.Marshal(struct {
		Version                     int
		N, E, D, P, Q, Dp, Dq, Qinv *big.Int
	}{0, n, big.NewInt(65537), new(big.Int).Sub(n, one), p, q, one, one, one})
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der}))
	raw, _ := json.Marshal(map[string]string{"type": typeServiceAccount, "client_email": "a@b.example", "private_key": text})
	start := time.Now()
	if _, problem := parseKey(raw); problem == nil {
		t.Error("it is accepted")
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("it took %s", took)
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add([]byte(googletest.ServiceAccountKey(nil)))
	f.Add([]byte(googletest.Federation(map[string]any{"file": "/run/secrets/x"}, nil)))
	f.Add([]byte(`{"type":"external_account","credential_source":{"executable":{}}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		k, problem := parseKey(raw)
		if problem != nil {
			return
		}
		if k.pastedProblem() == nil && k.federated() && k.Source.Executable != nil {
			t.Error("a program is accepted")
		}
	})
}
