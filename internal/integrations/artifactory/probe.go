package artifactory

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/image"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// dockerAPI is the path under which Artifactory has the registry of one repository, whatever a reverse proxy makes of it.
const dockerAPI = "/artifactory/api/docker/"

// probe proves the credential at Artifactory's token service, which /v2/ does not where anonymous access is on: then it takes any.
func probe(ctx context.Context, r integration.Registry, _ integration.Deps, p diagnosis.Probing) {
	cred, err := r.Credential(ctx, p.Ref)
	if err != nil || cred.Anonymous() {
		return
	}
	at := r.Endpoint(image.Reference{})
	step := diagnosis.NewStep("artifactory-credential", "Credential at Artifactory's token service")
	step.See("access method", method(at))
	seeKind(step, cred)
	bases := []string{"", dockerAPI + strings.Trim(at.Path, "/")}
	switch key, _, ok := strings.Cut(p.Ref.Repository, "/"); {
	case strings.HasPrefix(at.Path, dockerAPI):
		bases = []string{at.Path}
	case at.Path == "" && ok:
		bases[1] = dockerAPI + key
	case at.Path == "":
		bases = bases[:1]
	}
	for _, base := range bases {
		answer, err := p.Get(ctx, base+"/v2/token?service="+url.QueryEscape(at.Host), cred)
		switch {
		case err != nil:
			continue
		case answer.Status == http.StatusOK && !answer.Page:
			step.Summary = "accepted"
		case answer.Status == http.StatusUnauthorized:
			step.Summary = "refused"
			step.Find(wrongCredential(at, cred, answer.Message))
		default:
			continue
		}
		step.See("asked at", base+"/v2/token")
		break
	}
	if step.Summary == "" {
		step.Summary, step.Verdict = "no token service answered", diagnosis.Skipped
	}
	p.Report(*step)
}

var jfrogCloud = regexp.MustCompile(`^[a-z0-9-]+\.jfrog\.io$`)

func method(at distribution.Endpoint) string {
	key, isAPI := strings.CutPrefix(at.Path+"/", dockerAPI)
	switch {
	case isAPI:
		return "the API of the repository " + strings.Trim(key, "/")
	case at.Path != "":
		return "repository path, for the repository " + strings.Trim(at.Path, "/")
	case strings.Contains(at.Host, ":"):
		return "port: one repository of its own at " + at.Host
	case jfrogCloud.MatchString(at.Host):
		return "repository path: the first part of an image's name is the repository's key"
	}
	return "repository path or subdomain: the repository's key is the first part of an image's name, or of the host"
}

func wrongCredential(at distribution.Endpoint, cred distribution.Credential, said string) diagnosis.Finding {
	if said == "" {
		said = "it gives no reason"
	}
	return diagnosis.Finding{
		Name: "artifactory-wrong-password", Verdict: diagnosis.Failed,
		Cause: "Artifactory does not accept the user " + cred.Username + " with this password (" + said + "). Where it lets everybody read (anonymous access), images come all the same, but none that is for this user.",
		Fix:   "Enter the user's name and password again, or generate an access token for the user and enter that. Check the two alone with: curl -u " + cred.Username + " " + at.Scheme + "://" + at.Host + "/artifactory/api/system/ping",
	}
}

// A claim is what an access token says about itself.
type claim struct {
	Subject string `json:"sub"` // jfac@.../users/NAME
	Scope   string `json:"scp"`
}

// seeKind says what the password is, without what it holds.
func seeKind(step *diagnosis.Step, cred distribution.Credential) {
	var c claim
	switch password := cred.Password.Reveal(); {
	case distribution.ReadClaims(cred.Password, &c):
		step.See("password", "an access token")
		_, user, _ := strings.Cut(c.Subject, "/users/")
		step.See("token of", integration.Said(user))
		step.See("scope of the token", integration.Said(c.Scope))
		if strings.Contains(c.Scope, "admin") {
			step.Find(diagnosis.Finding{
				Name: "artifactory-admin-token", Verdict: diagnosis.Warning,
				Cause: "The access token is one of an administrator: who gets hold of it can change everything.",
				Fix:   "Generate a token for a user that may only read: scope applied-permissions/user, for a user with the permission Read on the Docker repositories.",
			})
		}
	case strings.HasPrefix(password, referencePrefix):
		step.See("password", "a reference token, whose scope and end only Artifactory knows")
	case strings.HasPrefix(password, apiKeyPrefix):
		step.See("password", "an API key")
		step.Find(diagnosis.Finding{
			Name: "artifactory-api-key", Verdict: diagnosis.Warning,
			Cause: "JFrog is doing away with API keys: newer versions of Artifactory make none, and will not take them any more.",
			Fix:   "Generate an identity token in the user's profile, or an access token, and enter that as password.",
		})
	}
}

// What the tokens and keys begin with that Artifactory makes.
const (
	referencePrefix = "cmVmdGtuO" // base64 of "reftkn:"
	apiKeyPrefix    = "AKCp"
)
