package docker

import (
	"context"
	"net/http"
	"strings"

	"github.com/landwaiter/landwaiter/internal/distribution"
	"github.com/landwaiter/landwaiter/internal/integration"
	"github.com/landwaiter/landwaiter/internal/integration/diagnosis"
)

// openShiftTokens is where the registry of OpenShift has its token service.
const openShiftTokens = "/openshift/token"

// probe looks at OpenShift's own registry. It answers a wrong token and one without the role alike; its token service, which
// asks the cluster whose a token is, tells them apart.
func probe(ctx context.Context, r integration.Registry, _ integration.Deps, p diagnosis.Probing) {
	hello, err := p.Get(ctx, "/v2/", distribution.Credential{})
	if err != nil || !strings.Contains(hello.Header.Get("Www-Authenticate"), openShiftTokens) {
		return
	}
	cred, err := r.Credential(ctx, p.Ref)
	if err != nil || !cred.Password.IsSet() {
		return
	}
	user := userOf(cred)
	step := diagnosis.NewStep("docker-openshift-token", "OpenShift token")
	step.See("user", integration.Said(user))
	answer, err := p.Get(ctx, openShiftTokens, cred)
	switch {
	case err != nil:
		return // the steps that follow say why
	case answer.Status == http.StatusOK:
		step.Summary = "the cluster knows it"
	case strings.Contains(answer.Message, "unable to validate"):
		step.Summary, step.Verdict = "the cluster could not be asked: "+answer.Message, diagnosis.Skipped
	case answer.Status == http.StatusUnauthorized, answer.Status == http.StatusForbidden:
		step.Summary = "refused"
		step.Find(diagnosis.Finding{
			Name: "openshift-token", Verdict: diagnosis.Failed,
			Cause: "The cluster does not know the token: it has ended, its service account was deleted, or it is another cluster's. The registry does not look at the user name.",
			Fix:   "Make a new token, and enter it as password: oc create token " + accountOf(user) + " --duration=8760h",
		})
	default:
		step.Summary, step.Verdict = "its token service does not say", diagnosis.Skipped
	}
	p.Report(*step)
	if project, _, ok := strings.Cut(p.Ref.Repository, "/"); ok && answer.Status == http.StatusOK {
		probePuller(ctx, p, project, user, distribution.Credential{RegistryToken: cred.Password})
	}
}

func probePuller(ctx context.Context, p diagnosis.Probing, project, user string, token distribution.Credential) {
	answer, err := p.Get(ctx, "/v2/"+p.Ref.Repository+"/tags/list?n=1", token)
	if err != nil {
		return
	}
	step := diagnosis.NewStep("docker-openshift-role", "Role system:image-puller in "+project)
	switch answer.Status {
	case http.StatusOK, http.StatusNotFound:
		step.Summary = "given"
	case http.StatusUnauthorized, http.StatusForbidden:
		step.Summary = "missing"
		member := user
		if member == "" {
			member = "USER"
		}
		step.Find(diagnosis.Finding{
			Name: "openshift-puller-role", Verdict: diagnosis.Failed,
			Cause: "The token is good, but may not pull from the project " + project + ".",
			Fix:   "oc policy add-role-to-user system:image-puller " + member + " -n " + project,
		})
	default:
		step.Summary, step.Verdict = "could not be tried", diagnosis.Skipped
	}
	p.Report(*step)
}

// userOf is whom a token is for, as far as it says.
func userOf(cred distribution.Credential) string {
	var claims struct {
		Subject string `json:"sub"`
	}
	distribution.ReadClaims(cred.Password, &claims)
	return claims.Subject
}

// accountOf is a service account in the words of oc.
func accountOf(user string) string {
	namespace, name, ok := strings.Cut(strings.TrimPrefix(user, "system:serviceaccount:"), ":")
	if !ok {
		return "SERVICE-ACCOUNT -n PROJECT"
	}
	return name + " -n " + namespace
}
