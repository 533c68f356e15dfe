package google

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/landwaiter/landwaiter/internal/distribution/registrytest"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis/diagnosistest"
	"github.com/landwaiter/landwaiter/internal/integration/integrationtest"
	"github.com/landwaiter/landwaiter/internal/integrations/google/googletest"
)

const (
	deniedDownload = `Permission "artifactregistry.repositories.downloadArtifacts" denied on resource "projects/my-project/locations/us-west1/repositories/repo" (or it may not exist)`
	deniedAPI      = `Artifact Registry API has not been used in project my-project before or it is disabled. Enable it by visiting the console then retry.`
)

func TestProbe(t *testing.T) {
	key := func(change func(map[string]any)) map[string]any {
		return map[string]any{endpoint: googletest.Host, serviceAccount: googletest.ServiceAccountKey(change)}
	}
	wif := map[string]any{endpoint: googletest.Host, wifEnabled: true}
	federated := func(t *testing.T, subject func(*integrationtest.Claims)) integrationtest.Machine {
		source := map[string]any{"file": integrationtest.File(t, googletest.SubjectToken(subject))}
		return integrationtest.Machine{credentialFile: integrationtest.File(t, googletest.Federation(source, nil))}
	}
	nowhere := func(*testing.T) integrationtest.Machine { return nil }
	const signedIn = "artifactregistry-identity passed; artifactregistry-token "
	for _, test := range []struct {
		name     string
		settings map[string]any
		machine  func(*testing.T) integrationtest.Machine
		cloud    func(*googletest.Cloud)
		want     string
	}{
		{"key", key(nil), nowhere, nil, signedIn + "passed; artifactregistry-right passed"},
		{"key that was deleted", key(func(k map[string]any) { k["private_key_id"] = "key-0" }), nowhere, nil, signedIn + "failed google-key-deleted"},
		{"account that was deleted", key(nil), nowhere, func(c *googletest.Cloud) { c.Deleted = true }, signedIn + "failed google-no-service-account"},
		{"account that is disabled", key(nil), nowhere, func(c *googletest.Cloud) { c.Disabled = true }, signedIn + "failed google-service-account-disabled"},
		{"clock", key(nil), nowhere, func(c *googletest.Cloud) { c.Skew = 2 * time.Hour }, signedIn + "failed google-clock-skew"},
		{"no right to download", key(nil), nowhere, func(c *googletest.Cloud) { c.Refusal = deniedDownload }, signedIn + "passed; artifactregistry-right failed google-download-denied"},
		{"API that is disabled", key(nil), nowhere, func(c *googletest.Cloud) { c.Refusal = deniedAPI }, signedIn + "passed; artifactregistry-right failed google-api-disabled"},
		{"federation", wif, func(t *testing.T) integrationtest.Machine { return federated(t, nil) }, nil, signedIn + "passed; artifactregistry-right passed"},
		{"federation with a token for another audience", wif, func(t *testing.T) integrationtest.Machine {
			return federated(t, func(c *integrationtest.Claims) { c.Audience = "kubernetes" })
		}, nil, signedIn + "failed google-federation-audience"},
		{"credential file that is not there", wif, func(*testing.T) integrationtest.Machine {
			return integrationtest.Machine{credentialFile: "/does/not/exist"}
		}, nil, "artifactregistry-identity failed google-credential-file"},
		{"machine", wif, nowhere, func(c *googletest.Cloud) {
			c.Scopes = imageScopes[:1]
			c.Add(defaultMetadataHost+":80", http.HandlerFunc(c.Metadata))
		}, signedIn + "passed; artifactregistry-right passed"},
		{"machine whose scopes do not suffice", wif, nowhere, func(c *googletest.Cloud) {
			c.Scopes = []string{"https://www.googleapis.com/auth/logging.write", "https://www.googleapis.com/auth/monitoring"}
			c.Add(defaultMetadataHost+":80", http.HandlerFunc(c.Metadata))
		}, "artifactregistry-identity failed google-scopes"},
		{"machine outside of Google Cloud", wif, nowhere, nil, signedIn + "failed google-no-metadata-server"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := googletest.New(t)
			if test.cloud != nil {
				test.cloud(c)
			}
			r := c.Open(ArtifactRegistry(), test.settings, test.machine(t)).Registry
			ref := integrationtest.Reference(t, googletest.Host+"/my-project/repo/app:1")
			steps := diagnosistest.Probe(t, r, ref, c.Transport(), "ya29.", "eyJ", "PRIVATE KEY")
			if got := steps.String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestProbe_says_whose_key_it_is_and_what_to_paste(t *testing.T) {
	c := googletest.New(t)
	c.Refusal = deniedDownload
	r := c.Open(ArtifactRegistry(), map[string]any{endpoint: googletest.Host, serviceAccount: googletest.ServiceAccountKey(nil)}, nil).Registry
	steps := diagnosistest.Probe(t, r, integrationtest.Reference(t, googletest.Host+"/my-project/repo/app:1"), c.Transport())
	for name, want := range map[string]string{"service account": googletest.Account, "project": "my-project", "key ID": "key-1"} {
		if got := steps.Fact("artifactregistry-identity", name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	const paste = "gcloud artifacts repositories add-iam-policy-binding repo --project=my-project --location=us-west1 --member=serviceAccount:" +
		googletest.Account + " --role=roles/artifactregistry.reader"
	if fix := steps[2].Findings[0].Fix; !strings.HasSuffix(fix, paste) {
		t.Errorf("the fix %q misses %s", fix, paste)
	}
	for _, sent := range c.Requests() {
		if strings.Contains(sent.Dump, "ya29.") && sent.Host != googletest.Host {
			t.Errorf("the token was sent to %s", sent.Host)
		}
	}
}

func TestProbe_gcr_is_an_alias(t *testing.T) {
	c := googletest.New(t)
	c.Add("eu.gcr.io", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		integrationtest.Answer(w, http.StatusForbidden, map[string]any{"errors": []any{map[string]string{"code": "DENIED", "message": deniedDownload}}})
	}))
	r := integrationtest.Open(t, Type(), map[string]any{endpoint: "eu.gcr.io", serviceAccount: googletest.ServiceAccountKey(nil)},
		integration.Deps{Now: time.Now, HTTP: c.Transport()}).Registry
	steps := diagnosistest.Probe(t, r, integrationtest.Reference(t, "eu.gcr.io/example.com/app/image:1"), c.Transport())
	if got, want := steps.String(), "google-identity passed; google-token passed; google-right failed google-download-denied"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	if note := steps.Fact("google-right", "note"); !strings.Contains(note, "served by Artifact Registry, from the repository eu.gcr.io") {
		t.Errorf("the note is %q", note)
	}
	if fix := steps[2].Findings[0].Fix; !strings.Contains(fix, "add-iam-policy-binding eu.gcr.io --project=example.com:app --location=europe") {
		t.Errorf("the fix is %q", fix)
	}
}

func TestDiagnose(t *testing.T) {
	for want, change := range map[string]func(*googletest.Cloud){
		"": nil,
		"artifactregistry-token failed google-clock-skew; sign-in failed google-clock-skew":  func(c *googletest.Cloud) { c.Skew = 2 * time.Hour },
		"artifactregistry-right failed google-download-denied; token failed account-blocked": func(c *googletest.Cloud) { c.Refusal = deniedDownload },
	} {
		c := googletest.New(t)
		registrytest.Push(t, c.Registry, "my-project/repo/app", "1", registrytest.Image{})
		if change != nil {
			change(c)
		}
		opened := c.Open(ArtifactRegistry(), map[string]any{endpoint: googletest.Host, serviceAccount: googletest.ServiceAccountKey(nil)}, nil)
		ref := integrationtest.Reference(t, googletest.Host+"/my-project/repo/app:1")
		if got := diagnosistest.Diagnose(t, ArtifactRegistry(), opened, ref, c.Transport(), "ya29.", "PRIVATE KEY").Wrong().String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
